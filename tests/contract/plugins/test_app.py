"""The routes: they are read, and what they answer is kept by nobody."""

from __future__ import annotations

import httpx
import pytest

from tests.contract.plugins.conftest import tell

pytestmark = pytest.mark.airflow3

PAGES = ["task-instance", "dag-run"]


@pytest.fixture
def made(run):
    there = run()
    there.push(tell("cnt_1"))
    return {**there.query, "task_id": "make"}


def test_every_route_is_for_reading_and_asks_airflow_first(layers_app):
    from fastapi.routing import APIRoute

    from airflow_provider_layers.plugins.access import MAY_READ

    assert {type(route) for route in layers_app.routes} == {APIRoute}
    assert {method for route in layers_app.routes for method in route.methods} == {"GET"}
    for_everybody = {route.path for route in layers_app.routes if MAY_READ not in route.dependencies}
    assert for_everybody == {"/static/{name}"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD"])
@pytest.mark.parametrize("page", [*PAGES, "static/layers.js"])
def test_no_other_method_is_known(method, page, address, layers_app, token, made):
    headers = {"Authorization": f"Bearer {token('admin')}"}
    url = f"{address}/layers/{page}"
    answer = httpx.request(method, url, params=made, headers=headers, trust_env=False)
    assert (answer.status_code, "cnt_1" in answer.text) == (405, False)


@pytest.mark.parametrize(
    "path", ["docs", "redoc", "openapi.json", "", "static", "static/", "static/..%2Fapp.py"]
)
def test_nothing_else_is_there(path, address, layers_app):
    assert httpx.get(f"{address}/layers/{path}", trust_env=False, follow_redirects=True).status_code == 404


def test_the_pages_own_files_are_for_everybody(address, layers_app):
    answer = httpx.get(f"{address}/layers/static/layers.js", trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-cache"
    again = {"If-None-Match": answer.headers["etag"]}
    url = f"{address}/layers/static/layers.js"
    assert httpx.get(url, headers=again, trust_env=False).status_code == 304


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("user", ["viewer", None, "nobody"])
def test_no_answer_with_data_is_kept_on_the_way(page, user, get, made):
    answer = get(page, user=user, **made)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
