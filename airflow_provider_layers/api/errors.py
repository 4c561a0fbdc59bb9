"""The typed error of a response: ``operational/errors`` in the vendor's documentation."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from airflow_provider_layers.api.endpoint import Endpoint, Response, parse_retry_after
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
    LayersUnexpectedResponseError,
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
"""Codes that mean more than their status. The vendor adds codes: any other is classified by its status."""

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


def error_from_response(endpoint: Endpoint[Any], response: Response) -> LayersError | None:
    """
    Return the error of a response, not raised; ``None`` for a successful one.

    :param endpoint: the request
    """
    if 200 <= response.status_code < 300 or (response.status_code == 304 and endpoint.etag):
        return None
    if response.status_code < 400:
        return _redirect_error(endpoint, response)
    envelope = _envelope(response)
    code = envelope.get("code")
    error_type = BY_CODE.get(str(code)) or BY_STATUS.get(response.status_code)
    if error_type is None:
        error_type = LayersServerError if response.status_code >= 500 else LayersRequestError
    details = envelope.get("details")
    return error_type(
        endpoint.description,
        status_code=response.status_code,
        code=str(code) if code else None,
        message=str(envelope.get("message") or ""),
        request_id=envelope.get("requestId") or response.headers.get("x-request-id"),
        details=details if isinstance(details, dict) else None,
        retry_after=parse_retry_after(response.headers.get("retry-after"), date=response.headers.get("date")),
    )


def _redirect_error(endpoint: Endpoint[Any], response: Response) -> LayersError:
    # The target is foreign data; its path and query may contain anything, so only the host is named.
    try:
        host = urlsplit(response.headers.get("location", "")).netloc or "an unnamed host"
    except ValueError:
        host = "an invalid address"
    return LayersUnexpectedResponseError(
        f"Could not {endpoint.description}: the API returned {response.status_code}, a redirect to {host}. "
        "Redirects are not followed, so that the key stays with its host. Check the connection's host."
    )


def _envelope(response: Response) -> dict[str, Any]:
    try:
        envelope = response.json().get("error")
    except LayersUnexpectedResponseError:
        return {}
    return envelope if isinstance(envelope, dict) else {}
