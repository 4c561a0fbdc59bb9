"""The Layers page in the Airflow UI: registered on Airflow 3.1 and later, and nothing below."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import urlsplit

from airflow.providers.common.compat.sdk import AirflowPlugin, conf

PREFIX = "/layers"


def _page(destination: str, url_route: str) -> dict[str, Any]:
    """
    Describe the page at one of its places in the UI.

    :param destination: the place, in Airflow's words
    :param url_route: the last part of its address
    """
    # The path under which Airflow is reached is part of it: below 3.3 the UI takes a relative address for the
    # name of a module.
    base = urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")
    static = f"{base}{PREFIX}/static"
    return {
        # One name for both: the UI keeps the component under it.
        "name": "Layers",
        "bundle_url": f"{static}/layers.js",
        "icon": f"{static}/icon.svg",
        "icon_dark_mode": f"{static}/icon-dark.svg",
        "destination": destination,
        "url_route": url_route,
    }


@cache
def _apps() -> list[dict[str, Any]]:
    from airflow_provider_layers.plugins.app import make_app

    return [{"name": "Layers", "app": make_app(), "url_prefix": PREFIX}]


def _pages() -> list[dict[str, Any]]:
    if not hasattr(AirflowPlugin, "react_apps"):
        return []
    return [_page("task_instance", "layers"), _page("dag_run", "layers-gallery")]


class LayersPlugin(AirflowPlugin):
    """A tab on each task instance, and a gallery on each Dag run."""

    name = "layers"
    react_apps = _pages()

    @property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The app, made when the API server asks for it: the plugin itself is loaded by every process."""
        return _apps() if self.react_apps else []
