"""What the page receives of a job, of content and of a scheduled post, or why it receives nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.api.content import PENDING as APPROVAL_PENDING
from airflow_provider_layers.api.content import UNFINISHED_STATUSES, error_text
from airflow_provider_layers.api.endpoint import retry_after_of
from airflow_provider_layers.exceptions import (
    LayersAPIError,
    LayersAuthenticationError,
    LayersError,
    LayersNotFoundError,
    LayersParameterError,
    LayersPermanentError,
    LayersPermissionError,
    LayersRateLimitError,
    LayersSuspendedError,
    LayersTransportError,
)
from airflow_provider_layers.review.preview import content_preview, safe_url

if TYPE_CHECKING:
    from airflow_provider_layers.api.jobs import Job

LOADED, PENDING, NOT_FOUND, CHANGED = "loaded", "pending", "not_found", "changed"
ERROR, CONNECTION_ERROR = "error", "connection_error"

IN_PROGRESS_TTL = 5.0
"""Seconds. Layers works on it, so that its status or its progress changes soon."""

WAITING_TTL = 15.0
"""Seconds. It waits for a person or for a date."""

SETTLED_TTL = 30.0
"""Seconds. The vendor changes nothing on its own; a user may still do so."""

PENDING_TTL = 2.0
"""Seconds until the page asks for what was not there when the viewer's wait ended."""

ERROR_TTL, PERMANENT_ERROR_TTL, MAX_ERROR_TTL = 10.0, 30.0, 60.0
"""Seconds. A longer ``Retry-After`` is not kept here: the rate limit of the key obeys it."""

COMPLETED = "completed"
QUEUED, PUBLISHING = "queued", "publishing"

ERROR_MESSAGES: dict[type[LayersError], str] = {
    LayersAuthenticationError: "The API rejects the API key of the connection.",
    LayersPermissionError: "The API key of the connection lacks the scope to read this.",
    LayersSuspendedError: "The API key or its organization is suspended.",
    LayersRateLimitError: "The rate limit of the API is reached.",
    LayersTransportError: "The API cannot be reached.",
    LayersParameterError: "This is not a Layers id.",
}
_REQUEST_ID = re.compile(r"[\w.-]{1,80}")


@dataclass(frozen=True)
class ReadResult:
    """
    The outcome of reading a job, content or a post.

    :param state: ``loaded``, ``pending`` (not read yet), ``not_found``, ``changed`` (content is no longer the
        version that a review asks about), ``error``, or ``connection_error``
    :param data: what the page shows
    :param error: why it shows nothing, without hosts or keys
    :param ttl: seconds for which other viewers get the same result
    :param final: whether the page need not ask again
    """

    state: str
    data: dict[str, Any] | None = None
    error: str | None = None
    ttl: float = SETTLED_TTL
    final: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return what the browser receives of it."""
        return {"state": self.state, "data": self.data, "error": self.error}


PENDING_RESULT = ReadResult(PENDING, ttl=PENDING_TTL)
UNREADABLE_RESULT = ReadResult(ERROR, error="The response of the API cannot be shown.", ttl=ERROR_TTL)


def error_result(error: LayersError) -> ReadResult:
    """Return why something could not be read. No text of the API is quoted: it may contain anything."""
    if isinstance(error, LayersNotFoundError):
        return ReadResult(NOT_FOUND, final=True)
    message = next((text for kind, text in ERROR_MESSAGES.items() if isinstance(error, kind)), None)
    if message is None and isinstance(error, LayersAPIError):
        message = f"The API returned {error.status_code}."
    ttl = max(ERROR_TTL, min(retry_after_of(error), MAX_ERROR_TTL))
    if isinstance(error, LayersPermanentError):
        ttl = PERMANENT_ERROR_TTL
    return ReadResult(ERROR, error=f"{message or UNREADABLE_RESULT.error}{_request_id(error)}", ttl=ttl)


def serialize_job(job: Job) -> ReadResult:
    """Return what the page shows of a job."""
    data = {
        "job_id": job.job_id,
        "kind": job.kind,
        "status": job.status,
        "stage": _text(job.stage),
        "progress": _fraction(job.progress),
        "eta_seconds": _finite(job.eta_seconds),
        "started_at": _text(job.started_at),
        "finished_at": _text(job.finished_at),
        "container_ids": list(job.container_ids),
        "error": error_text(job.error),
    }
    return ReadResult(LOADED, data, ttl=SETTLED_TTL if job.ended else IN_PROGRESS_TTL, final=job.ended)


def serialize_content(container: Mapping[str, Any]) -> ReadResult:
    """
    Return what the page shows of content.

    :param container: a response of ``GET /v1/content/:containerId``
    """
    data = content_preview(container).as_json()
    if data["status"] in UNFINISHED_STATUSES:
        return ReadResult(LOADED, data, ttl=IN_PROGRESS_TTL)
    if data["status"] == COMPLETED and data["approval_status"] == APPROVAL_PENDING:
        return ReadResult(LOADED, data, ttl=WAITING_TTL)
    return ReadResult(LOADED, data, final=True)


def serialize_review(container: Mapping[str, Any], fingerprint: str) -> ReadResult:
    """
    Return the preview of content that a review asks about, for :mod:`.review_media`.

    :param container: a response of ``GET /v1/content/:containerId``
    :param fingerprint: of the version that the review asks about
    """
    preview = content_preview(container)
    if preview.fingerprint != fingerprint:
        return ReadResult(CHANGED, ttl=PENDING_TTL)
    return ReadResult(LOADED, {"preview": preview})


def serialize_scheduled_post(post: Mapping[str, Any]) -> ReadResult:
    """
    Return what the page shows of a scheduled post.

    :param post: a response of ``GET /v1/scheduled-posts/:scheduledPostId``
    """
    status = _text(post.get("status"))
    data = {
        "container_id": _text(post.get("containerId")),
        "platform": _text(post.get("platform")),
        "mode": _text(post.get("mode")),
        "status": status,
        "scheduled_for": _text(post.get("scheduledFor")),
        "published_at": _text(post.get("publishedAt")),
        "url": safe_url(post.get("externalUrl")),
        "error": error_text(post.get("lastError")),
    }
    if status == PUBLISHING:
        return ReadResult(LOADED, data, ttl=IN_PROGRESS_TTL)
    if status == QUEUED:
        return ReadResult(LOADED, data, ttl=WAITING_TTL)
    return ReadResult(LOADED, data, final=True)


def _request_id(error: LayersError) -> str:
    request_id = error.request_id if isinstance(error, LayersAPIError) else None
    if isinstance(request_id, str) and _REQUEST_ID.fullmatch(request_id):
        return f" Request id: {request_id}."
    return ""


def _fraction(value: float | None) -> float | None:
    number = _finite(value)
    return None if number is None else min(1.0, max(0.0, number))


def _finite(value: float | None) -> float | None:
    return value if isinstance(value, (int, float)) and math.isfinite(value) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
