"""Jobs: ``concepts/jobs``, ``reference/jobs/get-job`` and ``reference/jobs/cancel-job``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urljoin, urlsplit

from airflow_provider_layers.api.endpoint import Answer, Endpoint, Flow, Pause, segment
from airflow_provider_layers.api.flow import ask, call
from airflow_provider_layers.exceptions import (
    LayersConflictError,
    LayersError,
    LayersJobCanceledError,
    LayersJobFailedError,
    LayersUnexpectedAnswerError,
)

RUNNING = "running"
COMPLETED = "completed"
FAILED = "failed"
CANCELED = "canceled"
STATUSES = (RUNNING, COMPLETED, FAILED, CANCELED)


@dataclass(frozen=True)
class Job:
    """
    A job as the API tells of it.

    :param container_ids: containers that it works on, as far as the answer names them
    :param result: what a completed job made; ``None`` before
    :param error: why a failed job failed; its inner shape is not documented, so it is kept as it came
    :param project_id: the project it belongs to, where the answer names it
    :param eta_seconds: how long it will still take, where the answer says so
    :param etag: names this state of the job, to ask whether it has advanced
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
        """Whether it has reached a state that it never leaves."""
        return self.status != RUNNING

    def as_xcom(self, container_ids: Iterable[str] = ()) -> dict[str, Any]:
        """
        Give it as plain JSON.

        :param container_ids: containers known from the submission, which come first
        """
        return {
            "job_id": self.job_id,
            "kind": self.kind,
            "status": self.status,
            "container_ids": list(dict.fromkeys([*container_ids, *self.container_ids])),
            "result": self.result,
        }


def container_ids(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Collect the containers that an object of the API names, by either spelling, each once."""
    result = body.get("result")
    found: list[str] = []
    for source in (body, result if isinstance(result, Mapping) else {}):
        single = source.get("containerId")
        several = source.get("containerIds") or ([single] if single else [])
        if not isinstance(several, list) or not all(isinstance(one, str) for one in several):
            raise LayersUnexpectedAnswerError(
                f"containerIds should be a list of strings, and is {several!r}."
            )
        found += several
    return tuple(dict.fromkeys(found))


def read_job(answer: Answer, *, job_id: str | None = None, status: str | None = None) -> Job:
    """
    Read a job from the answer of any route that tells of one.

    :param answer: a good answer
    :param job_id: the job that was asked for; ``None`` where the answer names a new one
    :param status: taken where the answer has none
    :raises LayersUnexpectedAnswerError: another job, a status that is not documented, or no job at all
    """
    body = answer.json()
    found = body.get("jobId")
    if not isinstance(found, str) or not found:
        raise LayersUnexpectedAnswerError(f"The API answered {answer.status} without a jobId.")
    if job_id is not None and found != job_id:
        raise LayersUnexpectedAnswerError(
            f"The API was asked for job {job_id} and answered with job {found}."
        )
    state = body.get("status", status)
    if state not in STATUSES:
        raise LayersUnexpectedAnswerError(
            f"Layers job {found} has status {state!r}; known are {', '.join(STATUSES)}. "
            "The job was left alone; update this package if the API has a new status."
        )
    return Job(
        job_id=found,
        kind=str(body.get("kind") or ""),
        status=state,
        container_ids=container_ids(body),
        stage=body.get("stage"),
        progress=_number(body.get("progress")),
        started_at=body.get("startedAt"),
        finished_at=body.get("finishedAt"),
        project_id=body.get("projectId"),
        eta_seconds=_number(body.get("etaSeconds")),
        result=body.get("result"),
        error=_error(body.get("error")),
        etag=answer.headers.get("etag"),
    )


def _number(given: Any) -> float | None:
    return given if isinstance(given, (int, float)) else None


def _error(given: Any) -> dict[str, Any] | None:
    # Its inner shape is not documented; the samples of other errors are objects.
    return given if isinstance(given, dict) or given is None else {"message": str(given)}


def job_path(job_id: str) -> str:
    """Give the path of a job."""
    return f"/v1/jobs/{segment('job_id', job_id)}"


def get_job(job_id: str, *, etag: str | None = None) -> Endpoint[Job | None]:
    """
    ``GET /v1/jobs/:jobId`` (scope ``jobs:read``).

    :param job_id: the job
    :param etag: of an earlier answer; the result is ``None`` when the job has not advanced since
    """

    def read(answer: Answer) -> Job | None:
        return None if answer.status == 304 else read_job(answer, job_id=job_id)

    return Endpoint(asked=f"read job {job_id}", method="GET", path=job_path(job_id), read=read, etag=etag)


def look(job_id: str) -> Flow[Job]:
    """Read a job as it is now, whatever was known of it."""
    job = yield from call(get_job(job_id))
    if job is None:
        raise LayersUnexpectedAnswerError(
            f"The API answered 304 for job {job_id}, and was not asked for changes."
        )
    return job


@dataclass(frozen=True)
class Cancellation:
    """
    What became of a request to cancel.

    :param accepted: the signal was taken; the job may still complete before it acts on it
    :param reason: why it was not: ``ALREADY_COMPLETED``, or ``JOB_CANCEL_UNAVAILABLE`` in this stage
    """

    job_id: str
    accepted: bool
    reason: str | None = None


def cancel_job(job_id: str) -> Endpoint[Cancellation]:
    """
    ``POST /v1/jobs/:jobId/cancel`` (scope ``jobs:cancel``).

    Sent without an idempotency key: a replayed answer would tell of an earlier moment of the job.

    :param job_id: the job
    """

    def read(answer: Answer) -> Cancellation:
        body = answer.json()
        return Cancellation(job_id, accepted=bool(body.get("accepted")), reason=body.get("reason"))

    return Endpoint(
        asked=f"cancel job {job_id}",
        method="POST",
        path=f"{job_path(job_id)}/cancel",
        read=read,
        repeats_harmlessly=True,
    )


def cancel(
    job_id: str, *, through: Callable[[Endpoint[Cancellation]], Flow[Cancellation]] = call
) -> Flow[Cancellation]:
    """
    Cancel a job; one that ended already or is in a stage that cannot be canceled is an answer too.

    :param job_id: the job
    :param through: how to send it: ``call`` with its retries, or ``ask``
    """
    try:
        return (yield from through(cancel_job(job_id)))
    except LayersConflictError as error:
        if error.details.get("subcode") != "JOB_CANCEL_UNAVAILABLE":
            raise
    return Cancellation(job_id, accepted=False, reason="JOB_CANCEL_UNAVAILABLE")


def cancel_soon(job_id: str) -> Flow[Cancellation]:
    """
    Cancel a job while the process has seconds left to live: one more attempt after a second, then no more.

    :raises LayersError: it could not be canceled
    """
    try:
        return (yield from cancel(job_id, through=ask))
    except LayersError as error:
        if error.permanent:
            raise
    yield Pause(1.0)
    return (yield from cancel(job_id, through=ask))


def demand_success(job: Job) -> Job:
    """
    Give back a job that completed.

    :raises LayersJobFailedError: it failed
    :raises LayersJobCanceledError: it was canceled
    """
    if job.status == CANCELED:
        raise LayersJobCanceledError(job.job_id, "was canceled.")
    if job.status == FAILED:
        said = job.error or {}
        reason = " ".join(str(said[name]) for name in ("code", "message") if said.get(name)).rstrip(".")
        raise LayersJobFailedError(job.job_id, f"failed: {reason or 'the API gave no reason'}.", job.error)
    return job


def absolute_url(base_url: str, location: str | None, job_id: str) -> str:
    """
    Make a job's ``locationUrl`` absolute.

    The location is data: one that points to a foreign host is not followed and not shown, and the
    documented path takes its place.
    """
    documented = f"{base_url}{job_path(job_id)}"
    try:
        url = urljoin(f"{base_url}/", location or documented)
        same = urlsplit(url)[:2] == urlsplit(base_url)[:2]
    except (TypeError, ValueError):
        return documented
    return url if same else documented


starting_job = partial(read_job, status=RUNNING)
