"""The Airflow plugin: adds the Layers page to the UI of Airflow 3.1 and later, and nothing to older ones."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import urlsplit

from airflow.providers.common.compat.sdk import AirflowPlugin, conf

URL_PREFIX = "/layers"


def react_apps(airflow_plugin: type = AirflowPlugin) -> list[dict[str, Any]]:
    """
    Return the pages in the form that the Airflow UI reads.

    :param airflow_plugin: Airflow's base class of plugins, which has ``react_apps`` from 3.1 on
    """
    if not hasattr(airflow_plugin, "react_apps"):
        return []
    return [_page("task_instance", "layers"), _page("dag_run", "layers-gallery")]


def _page(destination: str, url_route: str) -> dict[str, Any]:
    # With the path of Airflow's base URL: below 3.3 the UI takes a relative URL for the name of a module.
    base_path = urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")
    static = f"{base_path}{URL_PREFIX}/static"
    return {
        # The same for both pages: the UI looks the component up under this name.
        "name": "Layers",
        "bundle_url": f"{static}/layers.js",
        "icon": f"{static}/icon.svg",
        "icon_dark_mode": f"{static}/icon-dark.svg",
        "destination": destination,
        "url_route": url_route,
    }


@cache
def _fastapi_apps() -> list[dict[str, Any]]:
    from airflow_provider_layers.plugins.app import create_app

    return [{"name": "Layers", "app": create_app(), "url_prefix": URL_PREFIX}]


class LayersPlugin(AirflowPlugin):
    """Adds a tab to each task instance, and a gallery to each DAG run."""

    name = "layers"
    react_apps = react_apps()

    @property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override] # a property, to load it lazily
        """The routes behind the pages, created only when the API server asks for them."""
        return _fastapi_apps() if self.react_apps else []
