"""Jobs: ``concepts/jobs``, ``reference/jobs/get-job`` and ``reference/jobs/cancel-job``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from airflow_provider_layers.api.endpoint import Endpoint, Response, quote_path_segment
from airflow_provider_layers.exceptions import (
    LayersConflictError,
    LayersJobCanceledError,
    LayersJobFailedError,
    LayersUnexpectedResponseError,
)

RUNNING = "running"
COMPLETED = "completed"
FAILED = "failed"
CANCELED = "canceled"
STATUSES = (RUNNING, COMPLETED, FAILED, CANCELED)

REGENERATE_KIND = "content_regenerate"
"""Kind of a job whose containers existed before it."""


@dataclass(frozen=True)
class Job:
    """
    A job as the API returns it.

    :param container_ids: containers that it works on, as far as the response names them
    :param result: what a completed job made; ``None`` before
    :param error: why a failed job failed; its shape is not documented, so it is kept as returned
    :param project_id: the project it belongs to, where the response names it
    :param eta_seconds: the API's estimate of the remaining seconds, where there is one
    :param etag: identifies this state of the job
    """

    job_id: str
    kind: str
    status: str
    container_ids: tuple[str, ...] = ()
    stage: str | None = None
    progress: float | None = None
    started_at: str | None = None
    finished_at: str | None = None
    project_id: str | None = None
    eta_seconds: float | None = None
    result: dict[str, Any] | None = field(default=None, repr=False)
    error: dict[str, Any] | None = None
    etag: str | None = None

    @property
    def ended(self) -> bool:
        """Whether it is in a final status."""
        return self.status != RUNNING

    def as_xcom(self, container_ids: Iterable[str] = ()) -> dict[str, Any]:
        """
        Return it as JSON.

        :param container_ids: containers known from the submission, which come first
        """
        return {
            "job_id": self.job_id,
            "kind": self.kind,
            "status": self.status,
            "container_ids": list(dict.fromkeys([*container_ids, *self.container_ids])),
            "result": self.result,
        }


@dataclass(frozen=True)
class Submission:
    """
    A job that was started, or found again.

    :param job: as the submission returned it
    :param location: the API's ``locationUrl``, relative or absolute
    :param current: as read right after the submission; ``None`` if that failed
    """

    job: Job
    location: str | None = None
    current: Job | None = None


@dataclass(frozen=True)
class Cancellation:
    """
    The outcome of a request to cancel.

    :param accepted: the signal was taken; the job may still complete before it acts on it
    :param reason: why it was not: ``ALREADY_COMPLETED``, or ``JOB_CANCEL_UNAVAILABLE`` in this stage
    """

    job_id: str
    accepted: bool
    reason: str | None = None


def job_path(job_id: str) -> str:
    """Return the path of a job."""
    return f"/v1/jobs/{quote_path_segment('job_id', job_id)}"


def job_url(base_url: str, location: str | None, job_id: str) -> str:
    """
    Return the absolute URL of a job.

    :param location: the API's ``locationUrl``. It is foreign data: if it points to another host, the
        documented path takes its place
    """
    documented = f"{base_url}{job_path(job_id)}"
    try:
        url = urljoin(f"{base_url}/", location or documented)
        same_host = urlsplit(url)[:2] == urlsplit(base_url)[:2]
    except (TypeError, ValueError):
        return documented
    return url if same_host else documented


def get_job(job_id: str) -> Endpoint[Job]:
    """``GET /v1/jobs/:jobId`` (scope ``jobs:read``)."""
    return Endpoint(
        description=f"read job {job_id}",
        method="GET",
        path=job_path(job_id),
        read=lambda response: read_job(response, job_id=job_id),
    )


def get_job_if_changed(job_id: str, *, etag: str | None) -> Endpoint[Job | None]:
    """
    ``GET /v1/jobs/:jobId``, conditionally.

    :param etag: of an earlier response; the result is ``None`` if the job is still in that state
    """

    def read(response: Response) -> Job | None:
        return None if response.status_code == 304 else read_job(response, job_id=job_id)

    return Endpoint(
        description=f"read job {job_id}", method="GET", path=job_path(job_id), read=read, etag=etag
    )


def cancel_job(job_id: str) -> Endpoint[Cancellation]:
    """
    ``POST /v1/jobs/:jobId/cancel`` (scope ``jobs:cancel``).

    Sent without an idempotency key: a replayed response would describe an earlier state of the job.
    """

    def read(response: Response) -> Cancellation:
        body = response.json()
        return Cancellation(job_id, accepted=bool(body.get("accepted")), reason=body.get("reason"))

    return Endpoint(
        description=f"cancel job {job_id}",
        method="POST",
        path=f"{job_path(job_id)}/cancel",
        read=read,
        idempotent=True,
    )


def cancellation_from_conflict(job_id: str, error: LayersConflictError) -> Cancellation:
    """
    Return the outcome of a cancel that was refused in a stage in which a job cannot be canceled.

    :raises LayersConflictError: it was refused for another reason
    """
    if error.details.get("subcode") != "JOB_CANCEL_UNAVAILABLE":
        raise error
    return Cancellation(job_id, accepted=False, reason="JOB_CANCEL_UNAVAILABLE")


def raise_unless_completed(job: Job) -> Job:
    """
    Return a job that completed.

    :raises LayersJobFailedError: it failed
    :raises LayersJobCanceledError: it was canceled
    """
    if job.status == CANCELED:
        raise LayersJobCanceledError(job.job_id, "was canceled.")
    if job.status == FAILED:
        error = job.error or {}
        reason = " ".join(str(error[name]) for name in ("code", "message") if error.get(name)).rstrip(".")
        raise LayersJobFailedError(job.job_id, f"failed: {reason or 'the API gave no reason'}.", job.error)
    return job


def read_submission(response: Response) -> Submission:
    """Read the 202 of a route that starts a job (``concepts/jobs``)."""
    return Submission(read_job(response, default_status=RUNNING), response.json().get("locationUrl"))


def read_job(response: Response, *, job_id: str | None = None, default_status: str | None = None) -> Job:
    """
    Read a job from the response of any route that returns one.

    :param job_id: the requested job; ``None`` where the response names a new one
    :param default_status: used if the response has none
    :raises LayersUnexpectedResponseError: another job, an undocumented status, or no job at all
    """
    body = response.json()
    found = body.get("jobId")
    if not isinstance(found, str) or not found:
        raise LayersUnexpectedResponseError(f"The API returned {response.status_code} without a jobId.")
    if job_id is not None and found != job_id:
        raise LayersUnexpectedResponseError(f"Job {job_id} was requested, and the API returned job {found}.")
    status = body.get("status", default_status)
    if status not in STATUSES:
        raise LayersUnexpectedResponseError(
            f"Layers job {found} has status {status!r}; known are {', '.join(STATUSES)}. "
            "The job was left alone; update this package if the API has a new status."
        )
    return Job(
        job_id=found,
        kind=str(body.get("kind") or ""),
        status=status,
        container_ids=_container_ids(body),
        stage=body.get("stage"),
        progress=_number(body.get("progress")),
        started_at=body.get("startedAt"),
        finished_at=body.get("finishedAt"),
        project_id=body.get("projectId"),
        eta_seconds=_number(body.get("etaSeconds")),
        result=body.get("result"),
        error=_error(body.get("error")),
        etag=response.headers.get("etag"),
    )


def _container_ids(body: Mapping[str, Any]) -> tuple[str, ...]:
    # The pages name containers in the body or in `result`, as `containerId` or `containerIds`.
    result = body.get("result")
    found: list[str] = []
    for source in (body, result if isinstance(result, Mapping) else {}):
        single = source.get("containerId")
        several = source.get("containerIds") or ([single] if single else [])
        if not isinstance(several, list) or not all(isinstance(item, str) for item in several):
            raise LayersUnexpectedResponseError(
                f"containerIds should be a list of strings, and is {several!r}."
            )
        found += several
    return tuple(dict.fromkeys(found))


def _number(value: Any) -> float | None:
    return value if isinstance(value, (int, float)) else None


def _error(value: Any) -> dict[str, Any] | None:
    # Its shape is not documented; the samples of other errors are objects.
    return value if isinstance(value, dict) or value is None else {"message": str(value)}
