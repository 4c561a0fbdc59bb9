"""Judging an answer: is it good, and if not, which error is it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from airflow_provider_layers.api.endpoint import Answer, Endpoint, NoAnswer
from airflow_provider_layers.api.retry import retry_after
from airflow_provider_layers.exceptions import (
    LayersAPIError,
    LayersApprovalRequiredError,
    LayersAuthenticationError,
    LayersBillingError,
    LayersConflictError,
    LayersContentRejectedError,
    LayersError,
    LayersIdempotencyError,
    LayersModerationError,
    LayersNotFoundError,
    LayersPermissionError,
    LayersRateLimitError,
    LayersRequestError,
    LayersServerError,
    LayersSuspendedError,
    LayersTransportError,
    LayersUnexpectedAnswerError,
)

BY_CODE: dict[str, type[LayersAPIError]] = {
    "APPROVAL_REQUIRED": LayersApprovalRequiredError,
    "BILLING_EXHAUSTED": LayersBillingError,
    "CONTENT_REJECTED": LayersContentRejectedError,
    "IDEMPOTENCY_CONFLICT": LayersIdempotencyError,
    "KILL_SWITCH": LayersSuspendedError,
    "MODERATION_BLOCKED": LayersModerationError,
    "RATE_LIMITED": LayersRateLimitError,
}
"""Codes that mean more than their status. The vendor adds codes: any other is read by its status."""

BY_STATUS: dict[int, type[LayersAPIError]] = {
    401: LayersAuthenticationError,
    402: LayersBillingError,
    403: LayersPermissionError,
    404: LayersNotFoundError,
    408: LayersServerError,
    409: LayersConflictError,
    425: LayersServerError,
    429: LayersRateLimitError,
}


def judge(endpoint: Endpoint[Any], answer: Answer | NoAnswer | None) -> LayersError | None:
    """
    Say what is wrong with an answer.

    :param endpoint: what was asked
    :param answer: what came back
    :return: the error, not raised; ``None`` for a good answer
    """
    if not isinstance(answer, Answer):
        reason = answer.reason if answer else "nothing was sent"
        return LayersTransportError(f"Could not {endpoint.asked}: no answer from the API ({reason}).")
    if 200 <= answer.status < 300 or (answer.status == 304 and endpoint.etag):
        return None
    if answer.status < 400:
        return _redirect(endpoint, answer)
    return _api_error(endpoint, answer)


def _redirect(endpoint: Endpoint[Any], answer: Answer) -> LayersError:
    # The target is data from outside; its path and query may carry anything, so only the host is named.
    try:
        host = urlsplit(answer.headers.get("location", "")).netloc or "an unnamed place"
    except ValueError:
        host = "something that is no address"
    return LayersUnexpectedAnswerError(
        f"Could not {endpoint.asked}: the API answered {answer.status}, a redirect to {host}. Redirects are "
        "not followed, so that the key stays with its host. Check the connection's host."
    )


def _api_error(endpoint: Endpoint[Any], answer: Answer) -> LayersAPIError:
    envelope = _envelope(answer)
    code = envelope.get("code")
    kind = BY_CODE.get(str(code)) or BY_STATUS.get(answer.status)
    if kind is None:
        kind = LayersServerError if answer.status >= 500 else LayersRequestError
    details = envelope.get("details")
    return kind(
        endpoint.asked,
        status_code=answer.status,
        code=str(code) if code else None,
        message=str(envelope.get("message") or ""),
        request_id=envelope.get("requestId") or answer.headers.get("x-request-id"),
        details=details if isinstance(details, dict) else None,
        retry_after=retry_after(answer.headers.get("retry-after"), date=answer.headers.get("date")),
    )


def _envelope(answer: Answer) -> dict[str, Any]:
    try:
        envelope = answer.json().get("error")
    except LayersUnexpectedAnswerError:
        return {}
    return envelope if isinstance(envelope, dict) else {}
