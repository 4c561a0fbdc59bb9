"""Which error a response becomes, what it says, and whether Airflow retries it."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from airflow_provider_layers import exceptions as errors
from airflow_provider_layers.operators.content import (
    LayersCloneFromPostOperator,
    LayersGenerateContentOperator,
    LayersGetContentOperator,
)

REDIRECT = {"kind": "redirect", "method": "*", "path": "*"}


@pytest.fixture
def generate(api: Any) -> Any:
    def make(**arguments: Any) -> LayersGenerateContentOperator:
        arguments = {"project_id": api.project_id, "brief": {"topic": "x"}, **arguments}
        return LayersGenerateContentOperator(task_id="g", retries=1, **arguments)

    return make


def check(error: Any, **attributes: Any) -> None:
    """Assert the attributes of an API error, and that its text has them."""
    assert {name: getattr(error, name) for name in attributes} == attributes
    assert f"{error.status_code} {error.code}" in str(error)
    assert error.request_id.startswith("req_")
    assert str(error).endswith(f"Request id: {error.request_id}.")
    assert error.message.rstrip(".") in str(error)
    assert error.advice in str(error)


def test_too_few_credits(airflow: Any, api: Any, generate: Any, failure: Any) -> None:
    api.configure(credits=12)
    error = failure(airflow.run(generate()), errors.LayersBillingError)
    check(error, status_code=402, code="BILLING_EXHAUSTED")
    assert error.details["available"] == 12
    assert str(error.details["required"]) in str(error)
    assert "Top up" in str(error)
    assert api.jobs() == []


def test_a_missing_scope(airflow: Any, api: Any, generate: Any, connect: Any, failure: Any) -> None:
    connect(password=api.keys["read_only"])
    error = failure(airflow.run(generate()), errors.LayersPermissionError)
    check(error, status_code=403, code="FORBIDDEN_SCOPE")
    assert "content:write" in str(error)


@pytest.mark.parametrize(
    ("key", "error", "status", "code"),
    [
        ("revoked", errors.LayersAuthenticationError, 401, "UNAUTHENTICATED"),
        ("wrong", errors.LayersAuthenticationError, 401, "UNAUTHENTICATED"),
        ("suspended", errors.LayersSuspendedError, 503, "KILL_SWITCH"),
    ],
)
def test_a_key_that_is_not_accepted(
    key: str,
    error: type[Any],
    status: int,
    code: str,
    airflow: Any,
    api: Any,
    generate: Any,
    connect: Any,
    failure: Any,
) -> None:
    connect(password=api.keys.get(key, "lp_live_wrong"))
    check(failure(airflow.run(generate()), error), status_code=status, code=code)
    assert len(api.requests()) == 1, "another request with the same key would fail as well"


def test_an_unknown_source_post(airflow: Any, api: Any, failure: Any) -> None:
    clone = LayersCloneFromPostOperator(
        task_id="c", project_id=api.project_id, source_platform_post_id="pp_unknown"
    )
    error = failure(airflow.run(clone), errors.LayersNotFoundError)
    check(error, status_code=404, code="NOT_FOUND", message="Source post not found.")
    assert "pp_unknown" in str(error)


def test_several_content_layers(airflow: Any, api: Any, generate: Any, failure: Any) -> None:
    error = failure(airflow.run(generate(project_id=api.project_ids[1])), errors.LayersConflictError)
    check(error, status_code=409, code="CONFLICT")
    assert len(error.details["candidates"]) == 2
    assert all(candidate in str(error) for candidate in error.details["candidates"])
    # With one of the candidates, and cleared, it succeeds.
    corrected = generate(project_id=api.project_ids[1], project_layer_id=error.details["candidates"][0])
    assert airflow.run(corrected, try_number=2, max_tries=2).error is None


def test_no_content_layer(airflow: Any, api: Any, generate: Any, failure: Any) -> None:
    error = failure(airflow.run(generate(project_id=api.project_ids[2])), errors.LayersConflictError)
    check(error, status_code=409, code="CONFLICT")


def test_a_container_id_that_belongs_to_another_clone(airflow: Any, api: Any, failure: Any) -> None:
    def clone(post: str) -> LayersCloneFromPostOperator:
        return LayersCloneFromPostOperator(
            task_id="c",
            project_id=api.project_id,
            source_platform_post_id=post,
            container_id="7d18b9a1-8b2c-4f3e-a4d5-6e7f8a9b0c1d",
        )

    first = airflow.value(clone(api.top_post_ids[0]), run_id="one")
    assert airflow.value(clone(api.top_post_ids[0]), run_id="two") == first, "the container id is a key too"
    failure(airflow.run(clone(api.top_post_ids[1]), run_id="three"), errors.LayersConflictError)
    assert len(api.jobs()) == 1


def test_moderation(airflow: Any, generate: Any, failure: Any) -> None:
    error = failure(airflow.run(generate(brief={"topic": "[blocked]"})), errors.LayersModerationError)
    check(error, code="MODERATION_BLOCKED")


@pytest.mark.parametrize(
    ("arguments", "missing", "code"),
    [
        ({"format": "video-remix", "brief": None, "hook": "x"}, [], "UNSUPPORTED_FORMAT"),
        ({"format": "slideshow-builder", "brief": None, "hook": "x"}, ["app_name"], "MISSING_APP_NAME"),
        ({"format": "ugc-remix", "brief": None, "hook": "x"}, ["app_demo"], "MISSING_APP_DEMO"),
    ],
)
def test_preconditions_of_a_format(
    arguments: Any, missing: list[str], code: str, airflow: Any, api: Any, generate: Any, failure: Any
) -> None:
    api.configure(missing=missing)
    check(failure(airflow.run(generate(**arguments)), errors.LayersRequestError), status_code=422, code=code)


CODES: list[tuple[int, str, type[Any]]] = [
    (400, "VALIDATION", errors.LayersRequestError),
    (422, "VALIDATION_FAILED", errors.LayersRequestError),
    (418, "A_FUTURE_CODE", errors.LayersRequestError),
    (403, "FORBIDDEN_FENCE", errors.LayersPermissionError),
    (409, "UPLOAD_INCOMPLETE", errors.LayersConflictError),
    (409, "IDEMPOTENCY_CONFLICT", errors.LayersIdempotencyError),
]


@pytest.mark.parametrize(("status", "code", "error"), CODES)
def test_errors_that_stop_airflows_retries(
    status: int, code: str, error: type[Any], airflow: Any, api: Any, generate: Any, failure: Any
) -> None:
    api.fault("fail_before", status=status, code=code)
    check(failure(airflow.run(generate()), error), status_code=status, code=code)
    assert len(api.requests()) == 1


PASSING: list[tuple[int, str, type[Any]]] = [
    (408, "TIMEOUT", errors.LayersServerError),
    (425, "TOO_EARLY", errors.LayersServerError),
    (500, "A_FUTURE_CODE", errors.LayersServerError),
    (503, "UNAVAILABLE", errors.LayersServerError),
]


@pytest.mark.parametrize(("status", "code", "error"), PASSING)
def test_errors_that_leave_airflows_retries_on(
    status: int, code: str, error: type[Any], airflow: Any, api: Any, generate: Any
) -> None:
    api.fault("fail_before", status=status, code=code, times=None)
    result = airflow.run(generate())
    assert type(result.error) is error
    assert {request.idempotency_key for request in api.requests()} == {api.requests()[0].idempotency_key}
    assert len(api.requests()) == 5
    assert result.error.request_id == api.requests()[-1].request_id


def test_an_error_without_the_vendors_envelope(airflow: Any, api: Any, failure: Any) -> None:
    api.fault("garbage", status=403, body="<html>Blocked by a proxy</html>")
    error = failure(
        airflow.run(LayersGetContentOperator(task_id="t", container_id="cnt_1")), errors.LayersPermissionError
    )
    assert (error.status_code, error.code, error.request_id) == (403, None, None)
    assert "Request id: none was given" in str(error)


def test_a_host_that_does_not_respond(airflow: Any, connect: Any, generate: Any, api: Any) -> None:
    connect(host="http://127.0.0.1:9")
    result = airflow.run(generate())
    assert type(result.error) is errors.LayersTransportError
    assert "no response" in str(result.error)


@pytest.mark.parametrize("status", [302, 307])
def test_a_redirect_is_not_followed(status: int, airflow: Any, api: Any, foreign: Any, generate: Any) -> None:
    api.fault("redirect", times=None, location=foreign.url)
    result = airflow.run(generate())
    assert type(result.error) is errors.LayersUnexpectedResponseError
    assert "redirect" in str(result.error)
    assert foreign.requests() == []
    assert api.jobs() == []


def test_a_redirect_while_polling_never_carries_the_key(
    airflow: Any, api: Any, foreign: Any, generate: Any
) -> None:
    for deferrable in (False, True):
        api.fault("redirect", method="GET", times=3, location=foreign.url)
        waits = generate(wait_for_completion=True, deferrable=deferrable)
        assert airflow.run(waits, run_id=str(deferrable)).error is None
    assert foreign.requests() == []


def test_a_cursor_that_leads_elsewhere_stays_with_its_host(airflow: Any, api: Any, foreign: Any) -> None:
    from airflow_provider_layers.operators.content import LayersListContentOperator

    page = json.dumps({"items": [{"id": "cnt_1"}], "nextCursor": f"{foreign.url}/v1/whoami"})
    api.fault("garbage", method="GET", body=page)
    airflow.run(LayersListContentOperator(task_id="l", project_id=api.project_id))
    assert foreign.requests() == []
    assert api.requests()[1].query["cursor"] == [f"{foreign.url}/v1/whoami"]


def test_a_cursor_that_repeats_ends_the_list(airflow: Any, api: Any) -> None:
    from airflow_provider_layers.operators.content import LayersListContentOperator

    api.fault("garbage", method="GET", times=None, body=json.dumps({"items": [], "nextCursor": "again"}))
    result = airflow.run(LayersListContentOperator(task_id="l", project_id=api.project_id))
    assert type(result.error) is errors.LayersUnexpectedResponseError
    assert len(api.requests()) == 2


def test_errors_survive_the_way_between_processes(airflow: Any, api: Any, generate: Any) -> None:
    api.configure(credits=0)
    error = airflow.run(generate()).error
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.details) == (type(error), str(error), error.details)
