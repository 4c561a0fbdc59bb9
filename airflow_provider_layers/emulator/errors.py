"""Refusals: every answer with a 4xx or 5xx status, and the envelope they share."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):  # noqa: N818 - an answer, not a failure of the program
    """An answer that is an error.

    :param status: the HTTP status.
    :param code: the stable code that clients branch on.
    :param message: what a person reads.
    :param details: the code's own facts; left out of the envelope when ``None``.
    :param headers: response headers, such as ``Retry-After``.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.headers = headers or {}

    def envelope(self, request_id: str) -> dict[str, Any]:
        """Return the documented body: ``{"error": {code, message, requestId, details?}}``."""
        error: dict[str, Any] = {"code": self.code, "message": self.message, "requestId": request_id}
        if self.details is not None:
            error["details"] = self.details
        return {"error": error}


def unauthenticated(message: str) -> Refusal:
    """Return the answer to a missing, malformed, wrong or revoked key."""
    return Refusal(401, "UNAUTHENTICATED", message)


def not_found(message: str) -> Refusal:
    """Return the answer to an id that this organization does not have."""
    return Refusal(404, "NOT_FOUND", message)


def conflict(message: str, **details: Any) -> Refusal:
    """Return the answer to a request that the present state does not allow."""
    return Refusal(409, "CONFLICT", message, details or None)


def invalid(issues: list[dict[str, str]], code: str = "VALIDATION", status: int = 422) -> Refusal:
    """Return the answer to a body or query with *issues* (``path`` and ``message`` each)."""
    message = "; ".join(f"{issue['path'] or 'body'}: {issue['message']}" for issue in issues)
    return Refusal(status, code, message, {"issues": issues})


def rate_limited(message: str, retry_after: int) -> Refusal:
    """Return the answer of an empty bucket; *retry_after* is in seconds."""
    return Refusal(429, "RATE_LIMITED", message, headers={"Retry-After": str(retry_after)})
