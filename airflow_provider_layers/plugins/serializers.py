"""What the page shows of a job, of content and of a scheduled post."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.api.content import UNDER_WAY as CONTENT_UNDER_WAY
from airflow_provider_layers.api.exhibit import address, exhibit
from airflow_provider_layers.plugins.found import (
    KNOWN,
    PENDING_SECONDS,
    SETTLED,
    UNDER_WAY,
    UNREADABLE,
    WAITING,
    Found,
)

if TYPE_CHECKING:
    from airflow_provider_layers.api.jobs import Job

COMPLETED, PENDING = "completed", "pending"
QUEUED, PUBLISHING = "queued", "publishing"


def show_job(given: Job | None) -> Found:
    """
    Show a job.

    :param given: as the API tells of it
    """
    if given is None:
        return UNREADABLE
    shown = {
        "job_id": given.job_id,
        "kind": given.kind,
        "status": given.status,
        "stage": _text(given.stage),
        "progress": _share(given.progress),
        "eta_seconds": _finite(given.eta_seconds),
        "started_at": _text(given.started_at),
        "finished_at": _text(given.finished_at),
        "container_ids": list(given.container_ids),
        "error": _error(given.error),
    }
    return Found(KNOWN, shown, keep=SETTLED if given.ended else UNDER_WAY, settled=given.ended)


def show_content(given: Mapping[str, Any]) -> Found:
    """
    Show a container.

    :param given: of ``GET /v1/content/:containerId``
    """
    shown = exhibit(given).as_json()
    if shown["status"] in CONTENT_UNDER_WAY:
        return Found(KNOWN, shown, keep=UNDER_WAY)
    if shown["status"] == COMPLETED and shown["approval_status"] == PENDING:
        return Found(KNOWN, shown, keep=WAITING)
    return Found(KNOWN, shown, settled=True)


def show_take(given: Mapping[str, Any], fingerprint: str) -> Found:
    """
    Show a container to whoever is asked about a take of it.

    :param given: of ``GET /v1/content/:containerId``
    :param fingerprint: of the take
    """
    shown = exhibit(given)
    fits = shown.fingerprint == fingerprint
    return Found(KNOWN, {"exhibit": shown, "fits": fits}, keep=SETTLED if fits else PENDING_SECONDS)


def show_post(given: Mapping[str, Any]) -> Found:
    """
    Show a scheduled post.

    :param given: of ``GET /v1/scheduled-posts/:scheduledPostId``
    """
    names = {
        "container_id": "containerId",
        "platform": "platform",
        "mode": "mode",
        "status": "status",
        "scheduled_for": "scheduledFor",
        "published_at": "publishedAt",
    }
    shown: dict[str, Any] = {name: _text(given.get(theirs)) for name, theirs in names.items()}
    shown |= {"url": address(given.get("externalUrl")), "error": _error(given.get("lastError"))}
    keep = {PUBLISHING: UNDER_WAY, QUEUED: WAITING}.get(shown["status"] or "", SETTLED)
    return Found(KNOWN, shown, keep=keep, settled=shown["status"] not in (PUBLISHING, QUEUED))


def _error(given: Any) -> str | None:
    # Its inner shape is not documented.
    if isinstance(given, Mapping):
        return " ".join(str(given[name]) for name in ("code", "message") if given.get(name)) or None
    return _text(given)


def _share(given: float | None) -> float | None:
    known = _finite(given)
    return None if known is None else min(1.0, max(0.0, known))


def _finite(given: float | None) -> float | None:
    return given if isinstance(given, (int, float)) and math.isfinite(given) else None


def _text(given: Any) -> str | None:
    return given if isinstance(given, str) and given else None
