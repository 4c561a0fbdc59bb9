"""The plugin as Airflow finds it, mounts it and tells its UI of it."""

from __future__ import annotations

import httpx
import pytest

pytestmark = pytest.mark.airflow3


def test_airflow_mounts_what_the_entry_point_gives(api_server):
    from airflow_provider_layers.plugins.layers import LayersPlugin

    mounted = [route.app for route in api_server.routes if getattr(route, "path", None) == "/layers"]
    assert mounted == [LayersPlugin().fastapi_apps[0]["app"]]


def test_airflow_tells_its_ui_of_a_page_on_task_instances_and_on_runs(address, token):
    headers = {"Authorization": f"Bearer {token('admin')}"}
    answer = httpx.get(f"{address}/api/v2/plugins", headers=headers, trust_env=False).raise_for_status()
    (ours,) = [one for one in answer.json()["plugins"] if one["name"] == "layers"]
    assert [(one["destination"], one["url_route"]) for one in ours["react_apps"]] == [
        ("task_instance", "layers"),
        ("dag_run", "layers-gallery"),
    ]
    assert {one["name"] for one in ours["react_apps"]} == {"Layers"}
    for page in ours["react_apps"]:
        for name in ("bundle_url", "icon", "icon_dark_mode"):
            assert httpx.get(f"{address}{page[name]}", trust_env=False).status_code == 200
