"""Routes without an operator, through the HTTP provider's operator."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_layers.exceptions import LayersParameterError
from airflow_provider_layers.operators.http import LayersHttpHook, LayersHttpOperator


def test_it_sends_the_key_and_nothing_that_was_not_given(airflow: Any, api: Any) -> None:
    balance = LayersHttpOperator(
        task_id="t", endpoint="v1/credits", response_filter=lambda response: response.json()["balance"]
    )
    assert airflow.value(balance) == 10_000
    (sent,) = api.requests()
    assert (sent.method, sent.path, sent.query, sent.body) == ("GET", "/v1/credits", {}, None)
    assert sent.headers["authorization"] == "Bearer ***"
    assert sent.headers["user-agent"].startswith("airflow-provider-layers/")


def test_the_scheme_and_the_organization_are_the_connections(airflow: Any, api: Any, connect: Any) -> None:
    connect(auth_scheme="x-api-key", organization="org_1")
    airflow.value(LayersHttpOperator(task_id="t", endpoint="/v1/credits"))
    (sent,) = api.requests()
    assert sent.status == 200
    assert "authorization" not in sent.headers
    assert sent.headers["x-layers-organization"] == "org_1"


def test_it_reads_pages(airflow: Any, api: Any) -> None:
    def next_page(response: Any) -> dict[str, Any] | None:
        cursor = response.json()["nextCursor"]
        return {"data": {"cursor": cursor}} if cursor else None

    accounts = LayersHttpOperator(
        task_id="t",
        endpoint="v1/projects/{{ params.project }}/social-accounts",
        data={"limit": 1},
        pagination_function=next_page,
        response_filter=lambda pages: [
            row["socialAccountId"] for page in pages for row in page.json()["items"]
        ],
    )
    found = airflow.value(accounts, {"project": api.project_id})
    assert sorted(found) == sorted(api.social_account_ids)
    assert [set(request.query) for request in api.requests()] == [{"limit"}, {"limit", "cursor"}]


def test_a_response_check_that_fails_fails_the_task(airflow: Any, api: Any) -> None:
    check = LayersHttpOperator(task_id="t", endpoint="v1/credits", response_check=lambda response: False)
    assert "Response check returned False" in str(airflow.run(check).error)


def test_it_sends_a_body(airflow: Any, api: Any) -> None:
    change = LayersHttpOperator(
        task_id="t",
        method="PATCH",
        endpoint=f"v1/projects/{api.project_id}/content-review-policy",
        data='{"policy": "auto_approve"}',
        headers={"Content-Type": "application/json"},
    )
    airflow.value(change)
    (sent,) = api.requests()
    assert (sent.method, sent.status, sent.body) == ("PATCH", 200, {"policy": "auto_approve"})


@pytest.mark.parametrize("scheme", ["bearer", "x-api-key"])
def test_a_redirect_to_another_host_is_refused(
    scheme: str, airflow: Any, api: Any, connect: Any, foreign: Any, failure: Any
) -> None:
    connect(auth_scheme=scheme)
    api.fault("redirect", location=foreign.url)
    error = failure(airflow.run(LayersHttpOperator(task_id="t", endpoint="v1/credits")), LayersParameterError)
    assert foreign.requests() == []
    assert api.api_key not in str(error)


def test_an_endpoint_of_another_host_is_refused(airflow: Any, api: Any, foreign: Any) -> None:
    result = airflow.run(LayersHttpOperator(task_id="t", endpoint=f"{foreign.url}/v1/credits"))
    assert result.error is not None
    assert foreign.requests() == []


def test_an_error_of_the_api_fails_the_task_without_the_key(airflow: Any, api: Any, connect: Any) -> None:
    connect(password=api.keys["revoked"])
    result = airflow.run(LayersHttpOperator(task_id="t", endpoint="v1/credits"))
    assert "401" in str(result.error)
    assert api.keys["revoked"] not in str(result.error)


def test_the_hook_of_the_http_provider_can_be_used_in_code(api: Any) -> None:
    response = LayersHttpHook("GET").run("v1/whoami")
    assert response.json()["organizationName"] == "Acme (emulator)"
