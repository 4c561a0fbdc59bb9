"""Any route of the API over the HTTP provider's operator."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_layers.operators.http import LayersHttpOperator
from tests.unit.serving import Reply, Server
from tests.unit.tasks import context


def execute(**given):
    task = LayersHttpOperator(task_id="task", **({"endpoint": "v1/credits"} | given))
    return task.execute(context(task))


@pytest.fixture(autouse=True)
def _connected(connect, server):
    connect(host=server.url)


def test_a_route_is_called_with_the_key_of_the_connection(server, key):
    server.replies = [Reply({"balance": 5})]
    result = execute(
        response_check=lambda response: response.status_code == 200,
        response_filter=lambda response: response.json()["balance"],
    )
    assert result == 5
    assert (server.received[0].method, server.received[0].path) == ("GET", "/v1/credits")
    assert server.received[0].headers["authorization"] == f"Bearer {key}"


def test_the_connection_is_chosen_by_its_id(connect, key):
    with Server(Reply({})) as other:
        connect("layers_acme", host=other.url)
        execute(layers_conn_id="layers_acme")
        assert len(other.received) == 1


def test_pages_are_walked(server):
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
    assert [one.path for one in server.received] == ["/v1/list", "/v1/list?cursor=c"]


def test_it_runs_in_the_worker_whatever_the_default(monkeypatch):
    monkeypatch.setenv("AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE", "True")
    assert LayersHttpOperator(task_id="task", endpoint="v1/credits").deferrable is False


def test_the_method_is_that_of_the_operator(server):
    execute(endpoint="v1/jobs/job_1/cancel", method="POST")
    assert server.received[0].method == "POST"


def test_what_can_be_templated():
    fields = set(LayersHttpOperator.template_fields)
    assert fields == {"endpoint", "data", "headers", "layers_conn_id"}


def test_a_connection_that_cannot_be_used_stops_the_retries(connect):
    connect(password="")
    with pytest.raises(AirflowFailException, match="password field"):
        execute()


def test_a_redirect_to_another_host_stops_the_retries(server):
    with Server() as foreign:
        server.replies = [Reply({}, 302, {"Location": foreign.url})]
        with pytest.raises(AirflowFailException, match="must not see the API key"):
            execute()
        assert foreign.received == []
