"""Any route of the API, through the HTTP provider's operator and hook, against a server on this machine."""

from __future__ import annotations

import pytest
import requests

from airflow_provider_layers.exceptions import LayersConnectionError, LayersParameterError
from airflow_provider_layers.operators.http import LayersHttpHook, LayersHttpOperator
from tests.unit.serving import Reply, Server
from tests.unit.tasks import context


@pytest.fixture(autouse=True)
def _connected(connect, server):
    connect(host=server.url, extra={"timeout": 7, "organization": "org_1"})


# The hook


def test_a_route_is_called_with_the_connections_key_and_headers(server, key):
    server.replies = [Reply({"balance": 5})]
    for endpoint in ("v1/credits", "/v1/credits"):
        received = LayersHttpHook().run(endpoint, data={"limit": 1}, headers={"X-Own": "1"})
        assert received.json() == {"balance": 5}
    assert {(item.method, item.path) for item in server.received} == {("GET", "/v1/credits?limit=1")}
    sent = {"authorization": f"Bearer {key}", "x-layers-organization": "org_1", "x-own": "1"}
    assert server.received[0].headers.items() >= sent.items()


def test_the_timeout_is_the_connections_unless_given():
    hook = LayersHttpHook()
    with hook.get_conn():
        assert hook.merged_extra == {"timeout": 7.0}
    with hook.get_conn(extra_options={"timeout": 1, "verify": False}):
        assert hook.merged_extra == {"timeout": 1, "verify": False}


def test_an_error_of_the_api_is_the_http_providers_own(server):
    server.replies = [Reply({"error": {}}, 404)]
    with pytest.raises(Exception, match="404"):
        LayersHttpHook().run("v1/credits")


@pytest.mark.parametrize("scheme", ["bearer", "x-api-key"])
def test_a_redirect_carries_the_key_to_no_other_host(connect, server, scheme):
    connect(host=server.url, extra={"auth_scheme": scheme})
    with Server() as foreign:
        server.replies = [Reply({}, 302, {"Location": f"{foreign.url}/v1/credits"})]
        with pytest.raises(LayersParameterError, match="must not see the API key"):
            LayersHttpHook().run("v1/credits")
        assert foreign.received == []


def test_a_redirect_on_the_same_host_is_followed(server):
    server.replies = [Reply({}, 302, {"Location": "/v1/here"}), Reply({"balance": 5})]
    assert LayersHttpHook().run("v1/credits").json() == {"balance": 5}


def test_a_route_cannot_lead_to_another_host(server):
    with Server() as foreign:
        LayersHttpHook().run(f"{foreign.url}/v1/credits")
        assert foreign.received == []
    assert len(server.received) == 1


def test_the_key_is_in_no_error(server, key):
    server.replies = [Reply(hang_up=True)]
    with pytest.raises(requests.exceptions.ConnectionError) as caught:
        LayersHttpHook().run("v1/credits")
    assert key not in f"{caught.value} {caught.value!r}"


# The operator


def execute(**fields):
    task = LayersHttpOperator(task_id="task", **({"endpoint": "v1/credits"} | fields))
    return task.execute(context(task))


def test_the_response_is_checked_and_filtered(server):
    server.replies = [Reply({"balance": 5})]
    result = execute(
        response_check=lambda response: response.status_code == 200,
        response_filter=lambda response: response.json()["balance"],
    )
    assert result == 5


def test_pages_are_read_one_after_the_other(server):
    server.replies = [Reply({"items": [1], "nextCursor": "c"}), Reply({"items": [2]})]

    def next_page(response):
        cursor = response.json().get("nextCursor")
        return {"data": {"cursor": cursor}} if cursor else None

    rows = execute(
        endpoint="v1/list",
        pagination_function=next_page,
        response_filter=lambda pages: [row for page in pages for row in page.json()["items"]],
    )
    assert rows == [1, 2]
    assert [item.path for item in server.received] == ["/v1/list", "/v1/list?cursor=c"]


def test_the_method_and_the_connection_are_the_operators(server, connect):
    execute(endpoint="v1/jobs/job_1/cancel", method="POST")
    assert server.received[0].method == "POST"
    with Server(Reply({})) as other:
        connect("layers_acme", host=other.url)
        execute(layers_conn_id="layers_acme")
        assert len(other.received) == 1


def test_it_runs_in_the_worker_whatever_the_default(monkeypatch):
    monkeypatch.setenv("AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE", "True")
    assert LayersHttpOperator(task_id="task", endpoint="v1/credits").deferrable is False


def test_the_package_s_own_errors_reach_the_task(connect, server):
    with Server() as foreign:
        server.replies = [Reply({}, 302, {"Location": foreign.url})]
        with pytest.raises(LayersParameterError, match="must not see the API key"):
            execute()
    connect(password="")
    with pytest.raises(LayersConnectionError, match="password field"):
        execute()
