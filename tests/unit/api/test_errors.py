"""Which error an answer is."""

from __future__ import annotations

import pytest

from airflow_provider_layers import exceptions
from airflow_provider_layers.api.endpoint import Answer, Endpoint, NoAnswer, json_of
from airflow_provider_layers.api.verdict import judge
from tests.unit.driving import bad, good

PLAIN = Endpoint(asked="read job job_1", method="GET", path="/v1/jobs/job_1", read=json_of)
WITH_ETAG = Endpoint(asked="read job job_1", method="GET", path="/v1/jobs/job_1", read=json_of, etag='"1"')


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_success_is_no_error(status):
    assert judge(PLAIN, good({}, status=status)) is None


def test_304_is_good_only_where_it_was_asked_for():
    assert judge(WITH_ETAG, good(status=304)) is None
    assert isinstance(judge(PLAIN, good(status=304)), exceptions.LayersUnexpectedAnswerError)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "VALIDATION", "LayersRequestError"),
        (401, "UNAUTHENTICATED", "LayersAuthenticationError"),
        (402, "BILLING_EXHAUSTED", "LayersBillingError"),
        (402, None, "LayersBillingError"),
        (403, "FORBIDDEN_SCOPE", "LayersPermissionError"),
        (403, "APPROVAL_REQUIRED", "LayersApprovalRequiredError"),
        (404, "NOT_FOUND", "LayersNotFoundError"),
        (405, None, "LayersRequestError"),
        (408, None, "LayersServerError"),
        (409, "CONFLICT", "LayersConflictError"),
        (409, "IDEMPOTENCY_CONFLICT", "LayersIdempotencyError"),
        (409, "CONTENT_REJECTED", "LayersContentRejectedError"),
        (422, "VALIDATION_FAILED", "LayersRequestError"),
        (422, "UNSUPPORTED_FORMAT", "LayersRequestError"),
        (422, "MODERATION_BLOCKED", "LayersModerationError"),
        (400, "MODERATION_BLOCKED", "LayersModerationError"),
        (425, None, "LayersServerError"),
        (429, "RATE_LIMITED", "LayersRateLimitError"),
        (429, None, "LayersRateLimitError"),
        (500, "A_CODE_OF_TOMORROW", "LayersServerError"),
        (418, "A_CODE_OF_TOMORROW", "LayersRequestError"),
        (502, None, "LayersServerError"),
        (503, None, "LayersServerError"),
        (503, "KILL_SWITCH", "LayersSuspendedError"),
        (504, None, "LayersServerError"),
    ],
)
def test_status_and_code_name_the_error(status, code, kind):
    error = judge(PLAIN, bad(status, code))
    assert type(error).__name__ == kind
    assert error.status_code == status
    assert error.code == code


def test_the_envelope_is_carried_over():
    answer = bad(
        402,
        "BILLING_EXHAUSTED",
        "Insufficient credits.",
        details={"required": 40, "available": 12},
        request_id="req_7",
    )
    error = judge(PLAIN, answer)
    assert error.asked == "read job job_1"
    assert error.message == "Insufficient credits."
    assert error.details == {"required": 40, "available": 12}
    assert error.request_id == "req_7"
    assert error.retry_after is None


def test_the_request_id_is_taken_from_the_header_where_the_envelope_has_none():
    assert judge(PLAIN, bad(500, request_id=None, x_request_id="req_8")).request_id == "req_8"


def test_retry_after_is_counted_from_the_answers_own_date():
    answer = bad(429, date="Wed, 21 Oct 2026 07:28:00 GMT", retry_after="Wed, 21 Oct 2026 07:28:12 GMT")
    assert judge(PLAIN, answer).retry_after == 12.0


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>Bad gateway</html>", b"[]", b'{"error": "text"}', b'{"error": {"details": "text"}}'],
)
def test_an_error_without_the_envelope_is_read_by_its_status(content):
    error = judge(PLAIN, Answer(502, {"x-request-id": "req_9"}, content))
    assert type(error) is exceptions.LayersServerError
    assert (error.code, error.message, error.details, error.request_id) == (None, "", {}, "req_9")


@pytest.mark.parametrize(("answer", "why"), [(NoAnswer("ReadTimeout"), "ReadTimeout"), (None, "nothing was")])
def test_no_answer_says_what_was_asked_and_why_none_came(answer, why):
    error = judge(PLAIN, answer)
    assert type(error) is exceptions.LayersTransportError
    assert "read job job_1" in str(error)
    assert why in str(error)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_only_its_host_is_named(status):
    answer = good(status=status, location="https://evil.example/take?token=s3cret")
    error = judge(PLAIN, answer)
    assert type(error) is exceptions.LayersUnexpectedAnswerError
    assert "evil.example" in str(error)
    assert "s3cret" not in str(error)


def test_a_redirect_to_nowhere_is_refused_too():
    assert "an unnamed place" in str(judge(PLAIN, good(status=302)))


def test_a_redirect_to_something_that_is_no_address_is_refused_too():
    error = judge(PLAIN, good(status=302, location="http://[::1"))
    assert type(error) is exceptions.LayersUnexpectedAnswerError
