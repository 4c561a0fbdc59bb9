"""The plugin as Airflow mounts it, and its routes: read only, and not cached."""

from __future__ import annotations

import httpx
import pytest

from tests.contract.plugins.conftest import ui_data

pytestmark = pytest.mark.airflow3

PAGES = ["task-instance", "dag-run"]


@pytest.fixture
def query(run):
    added = run()
    added.add_task(ui_data("cnt_1"))
    return {**added.query, "task_id": "make"}


def test_airflow_mounts_the_app_of_the_entry_point(api_server):
    from airflow_provider_layers.plugins.layers import LayersPlugin

    mounted = [route.app for route in api_server.routes if getattr(route, "path", None) == "/layers"]
    assert mounted == [LayersPlugin().fastapi_apps[0]["app"]]


def test_airflow_offers_its_ui_a_page_on_task_instances_and_on_runs(airflow_url, token):
    headers = {"Authorization": f"Bearer {token('admin')}"}
    response = httpx.get(f"{airflow_url}/api/v2/plugins", headers=headers, trust_env=False)
    (plugin,) = [item for item in response.raise_for_status().json()["plugins"] if item["name"] == "layers"]
    assert [(page["name"], page["destination"], page["url_route"]) for page in plugin["react_apps"]] == [
        ("Layers", "task_instance", "layers"),
        ("Layers", "dag_run", "layers-gallery"),
    ]
    for page in plugin["react_apps"]:
        for name in ("bundle_url", "icon", "icon_dark_mode"):
            assert httpx.get(f"{airflow_url}{page[name]}", trust_env=False).status_code == 200


def test_every_route_with_data_only_reads_and_asks_airflow_first(layers_app):
    from fastapi.routing import APIRoute

    from airflow_provider_layers.plugins.app import MAY_READ

    routes = [route for route in layers_app.routes if isinstance(route, APIRoute)]
    assert {method for route in routes for method in route.methods} == {"GET"}
    assert [route.path for route in routes if MAY_READ not in route.dependencies] == []
    assert [route.path for route in layers_app.routes if route not in routes] == ["/static"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", [*PAGES, "static/layers.js"])
def test_no_other_method_is_accepted(method, path, airflow_url, layers_app, token, query):
    headers = {"Authorization": f"Bearer {token('admin')}"}
    url = f"{airflow_url}/layers/{path}"
    response = httpx.request(method, url, params=query, headers=headers, trust_env=False)
    assert (response.status_code, "cnt_1" in response.text) == (405, False)


@pytest.mark.parametrize(
    "path", ["docs", "redoc", "openapi.json", "", "static", "static/", "static/..%2Fapp.py"]
)
def test_there_are_no_other_routes(path, airflow_url, layers_app):
    url = f"{airflow_url}/layers/{path}"
    assert httpx.get(url, trust_env=False, follow_redirects=True).status_code == 404


def test_the_files_of_the_page_need_no_permission(airflow_url, layers_app):
    url = f"{airflow_url}/layers/static/layers.js"
    response = httpx.get(url, trust_env=False)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/javascript")
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["x-content-type-options"] == "nosniff"
    headers = {"If-None-Match": response.headers["etag"]}
    assert httpx.get(url, headers=headers, trust_env=False).status_code == 304


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("user", ["viewer", None, "nobody"])
def test_nothing_caches_a_response_with_data(page, user, get, query):
    response = get(page, user=user, **query)
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
