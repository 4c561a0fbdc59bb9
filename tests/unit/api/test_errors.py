"""Which error a response is."""

from __future__ import annotations

import pytest

from airflow_provider_layers import exceptions
from airflow_provider_layers.api.endpoint import Endpoint, Response, read_json
from airflow_provider_layers.api.errors import error_from_response
from airflow_provider_layers.exceptions import LayersServerError, LayersUnexpectedResponseError
from tests.unit.scripted import Reply, error, ok

PLAIN = Endpoint(description="read job job_1", method="GET", path="/v1/jobs/job_1", read=read_json)
WITH_ETAG = Endpoint(
    description="read job job_1", method="GET", path="/v1/jobs/job_1", read=read_json, etag="1"
)


def error_of(reply: Reply, endpoint=PLAIN):
    return error_from_response(endpoint, Response(reply.status, reply.headers, reply.content))


def test_success_is_not_an_error_and_304_only_where_it_was_requested():
    assert [error_of(ok({}, status)) for status in (200, 201, 202, 204)] == [None] * 4
    assert error_of(ok(status=304), WITH_ETAG) is None
    assert isinstance(error_of(ok(status=304)), LayersUnexpectedResponseError)


# `operational/errors`: a code that means more than its status decides, else the status.
TYPES = {
    (400, "VALIDATION"): "LayersRequestError",
    (401, "UNAUTHENTICATED"): "LayersAuthenticationError",
    (402, "BILLING_EXHAUSTED"): "LayersBillingError",
    (402, None): "LayersBillingError",
    (403, "FORBIDDEN_SCOPE"): "LayersPermissionError",
    (403, "APPROVAL_REQUIRED"): "LayersApprovalRequiredError",
    (404, "NOT_FOUND"): "LayersNotFoundError",
    (405, None): "LayersRequestError",
    (408, None): "LayersServerError",
    (409, "CONFLICT"): "LayersConflictError",
    (409, "IDEMPOTENCY_CONFLICT"): "LayersIdempotencyError",
    (409, "CONTENT_REJECTED"): "LayersContentRejectedError",
    (422, "VALIDATION_FAILED"): "LayersRequestError",
    (422, "UNSUPPORTED_FORMAT"): "LayersRequestError",
    (422, "MODERATION_BLOCKED"): "LayersModerationError",
    (400, "MODERATION_BLOCKED"): "LayersModerationError",
    (425, None): "LayersServerError",
    (429, "RATE_LIMITED"): "LayersRateLimitError",
    (429, None): "LayersRateLimitError",
    (500, "A_FUTURE_CODE"): "LayersServerError",
    (418, "A_FUTURE_CODE"): "LayersRequestError",
    (502, None): "LayersServerError",
    (503, None): "LayersServerError",
    (503, "KILL_SWITCH"): "LayersSuspendedError",
    (504, None): "LayersServerError",
}


def test_code_and_status_determine_the_type():
    errors = {pair: error_of(error(*pair)) for pair in TYPES}
    assert {pair: type(item).__name__ for pair, item in errors.items()} == TYPES
    assert [pair for pair, item in errors.items() if (item.status_code, item.code) != pair] == []


def test_the_envelope_is_carried_over():
    details = {"required": 40, "available": 12}
    found = error_of(error(402, "BILLING_EXHAUSTED", "No credits.", details=details, request_id="req_7"))
    assert (found.description, found.message, found.details) == ("read job job_1", "No credits.", details)
    assert (found.request_id, found.retry_after) == ("req_7", None)


def test_what_the_envelope_lacks_is_taken_from_the_headers():
    assert error_of(error(500, request_id=None, x_request_id="req_8")).request_id == "req_8"
    limited = error(429, date="Wed, 21 Oct 2026 07:28:00 GMT", retry_after="Wed, 21 Oct 2026 07:28:12 GMT")
    assert error_of(limited).retry_after == 12.0


def test_an_error_without_the_envelope_is_read_by_its_status():
    for body in (b"", b"<html>Bad gateway</html>", b"[]", b'{"error": "x"}', b'{"error": {"details": "x"}}'):
        found = error_of(ok(body, 502, x_request_id="req_9"))
        assert type(found) is LayersServerError
        assert (found.code, found.message, found.details, found.request_id) == (None, "", {}, "req_9")


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://evil.example/take?token=s3cret", "a redirect to evil.example"),
        ("", "a redirect to an unnamed host"),
        ("http://[::1", "a redirect to an invalid address"),
    ],
)
def test_a_redirect_is_an_error_that_names_only_its_host(location, shown):
    for status in (301, 302, 303, 307, 308):
        found = error_of(ok(status=status, **({"location": location} if location else {})))
        assert type(found) is LayersUnexpectedResponseError
        assert shown in str(found)
        assert "s3cret" not in str(found)


def test_every_error_of_the_api_can_come_from_a_response():
    base = {"LayersAPIError"}
    api_errors = {
        name
        for name, item in vars(exceptions).items()
        if isinstance(item, type) and issubclass(item, exceptions.LayersAPIError)
    }
    assert api_errors - base == set(TYPES.values())
