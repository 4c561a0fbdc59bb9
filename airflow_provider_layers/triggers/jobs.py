"""Waiting for one job, or for many, in the triggerer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.api.jobs import (
    COMPLETED,
    FAILED,
    STATUSES,
    Cancellation,
    Job,
    cancel_job,
    cancellation_from_conflict,
)
from airflow_provider_layers.exceptions import (
    LayersConflictError,
    LayersNotFoundError,
    LayersRequestError,
    LayersTimeoutError,
    LayersUnexpectedResponseError,
)
from airflow_provider_layers.polling.targets import job_target
from airflow_provider_layers.triggers import ERROR, TIMEOUT
from airflow_provider_layers.triggers.base import LayersPollTrigger, LayersTrigger

if TYPE_CHECKING:
    from airflow_provider_layers.hooks.layers import LayersHook
    from airflow_provider_layers.polling.targets import PollTarget
    from airflow_provider_layers.polling.watcher import Watcher

log = logging.getLogger(__name__)

CANCEL_SECONDS = 20.0
"""Seconds that a cancel may take; Airflow abandons an ``on_kill`` after 30, without a word about the job."""

MAX_CONCURRENT_CANCELS = 16
"""Cancels in flight at once: as many as the watcher reads at once."""

ENDED = "ended"
"""Status of a job of which a list showed the end, and nothing was read but the list."""

ERRORS_OF_ONE_JOB = (LayersNotFoundError, LayersRequestError, LayersUnexpectedResponseError)
"""Errors that say nothing about other jobs; those of the key or the organization concern all."""


class LayersJobTrigger(LayersPollTrigger):
    """
    Fire once when a job has finished, the deadline has passed, or the job cannot be read.

    The event is ``{"job_id", "container_ids", "status", "reason", "deadline"}``, where ``status`` is the
    job's own, ``ended`` if only a list showed it, ``timeout`` or ``error``.

    :param job_id: the job
    :param layers_conn_id: the Airflow connection
    :param deadline: seconds since the epoch
    :param poll_interval: longest pause between two polls, in seconds
    :param not_before: seconds since the epoch before which it must not fire
    :param container_ids: the containers that the submission named
    :param cancel_on_kill: cancel the job when a user ends the task while it is deferred (Airflow 3.3+)
    :param project_id: the project; with it and the containers, one list read covers many jobs
    :param kind: the kind of job, by which the watcher remembers durations
    :param content_format: the format of its content, by which the watcher remembers durations
    :param started_at: when it started, ISO 8601
    :param confirm: read the job before it fires; otherwise it fires as well when a list shows that the job,
        which it showed as unfinished before, has finished, and the task has to read the job
    """

    def __init__(
        self,
        job_id: str = "",
        layers_conn_id: str = "layers_default",
        deadline: float = 0.0,
        poll_interval: float = 10.0,
        not_before: float = 0.0,
        container_ids: list[str] | None = None,
        cancel_on_kill: bool = False,
        project_id: str | None = None,
        kind: str = "",
        content_format: str | None = None,
        started_at: str | None = None,
        confirm: bool = True,
    ) -> None:
        super().__init__(layers_conn_id, deadline, poll_interval, not_before)
        self.job_id = job_id
        self.container_ids = container_ids or []
        self.cancel_on_kill = cancel_on_kill
        self.project_id = project_id
        self.kind = kind
        self.content_format = content_format
        self.started_at = started_at
        self.confirm = confirm

    def poll_target(self, on_listed_end: Callable[[], Any] | None = None) -> PollTarget[Job]:
        """Return the job."""
        return job_target(
            self.job_id,
            deadline=self.deadline,
            max_interval=self.poll_interval,
            container_ids=self.container_ids,
            project_id=self.project_id,
            kind=self.kind,
            content_format=self.content_format,
            started_at=self.started_at,
            clock=self.layers_hook.clock,
            on_listed_end=on_listed_end,
        )

    def status_of(self, result: Any) -> str:
        """Return the job's own status."""
        return str(result.status)

    def subject(self) -> dict[str, Any]:
        """Return the job's id."""
        return {"job_id": self.job_id}

    def details(self) -> dict[str, Any]:
        """Return its containers."""
        return {"container_ids": self.container_ids}

    async def wait_for_status(self, watcher: Watcher) -> str:
        """Wait until the job has finished, or a list shows that, and return the status of the event."""
        if self.confirm:
            return await super().wait_for_status(watcher)
        listed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        target = self.poll_target(on_listed_end=listed.cancel)
        waiting = asyncio.ensure_future(watcher.wait(target))
        waits: set[asyncio.Future[Any]] = {waiting, listed}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return self.status_of(waiting.result()) if waiting.done() else ENDED
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    async def on_kill(self) -> None:
        """Cancel the job when a user ends the task while it is deferred; Airflow calls this from 3.3 on."""
        if self.cancel_on_kill:
            await cancel_jobs(self.layers_hook, [self.job_id])


class LayersJobsTrigger(LayersTrigger):
    """
    Fire once when all jobs have finished, the deadline has passed, or the API refuses the key.

    The event is ``{"job_ids", "statuses", "status", "reason", "deadline"}``. ``statuses`` has the status of
    each job by its id, as read from the job itself: its own, ``timeout``, or ``error`` if it could not be
    read; jobs that were not waited for to the end are missing. ``status`` is ``completed`` if all are,
    ``failed`` if some are not, ``timeout`` or ``error``. A job that cannot be read does not end the wait for
    the others.

    :param jobs: of each its ``job_id`` and, where they are known, its ``container_ids`` and ``project_id``,
        with which one list read covers many jobs, its ``kind``, ``content_format`` and ``started_at``
    :param layers_conn_id: the Airflow connection
    :param deadline: seconds since the epoch
    :param poll_interval: longest pause between two polls, in seconds
    :param not_before: seconds since the epoch before which it must not fire
    :param cancel_on_kill: cancel the unfinished jobs when a user ends the task while it is deferred (3.3+)
    """

    def __init__(
        self,
        jobs: list[dict[str, Any]] | None = None,
        layers_conn_id: str = "layers_default",
        deadline: float = 0.0,
        poll_interval: float = 10.0,
        not_before: float = 0.0,
        cancel_on_kill: bool = False,
    ) -> None:
        super().__init__(layers_conn_id, deadline, poll_interval, not_before)
        self.jobs = jobs or []
        self.cancel_on_kill = cancel_on_kill
        self._statuses: dict[str, str] = {}
        self._errors: dict[str, str] = {}

    def _target(self, job: Mapping[str, Any]) -> PollTarget[Job]:
        return job_target(
            job["job_id"],
            deadline=self.deadline,
            max_interval=self.poll_interval,
            container_ids=job.get("container_ids") or (),
            project_id=job.get("project_id"),
            kind=job.get("kind") or "",
            content_format=job.get("content_format"),
            started_at=job.get("started_at"),
            clock=self.layers_hook.clock,
        )

    def subject(self) -> dict[str, Any]:
        """Return the ids of the jobs."""
        return {"job_ids": [job["job_id"] for job in self.jobs]}

    def details(self) -> dict[str, Any]:
        """Return the status of each job."""
        return {"statuses": self._statuses}

    def reason(self) -> str:
        """Return the first error, and how many more there were."""
        first, *others = self._errors.values() or [""]
        return f"{first} There were {len(others)} more such errors." if others else first

    async def wait_for_status(self, watcher: Watcher) -> str:
        """Wait until all have finished."""
        waits = [asyncio.ensure_future(self._wait_for(job, watcher)) for job in self._unfinished()]
        try:
            await asyncio.gather(*waits)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        found = set(self._statuses.values())
        unread = next((status for status in (TIMEOUT, ERROR) if status in found), None)
        return unread or (COMPLETED if found <= {COMPLETED} else FAILED)

    async def _wait_for(self, job: Mapping[str, Any], watcher: Watcher) -> None:
        try:
            status = (await watcher.wait(self._target(job))).status
        except (LayersTimeoutError, *ERRORS_OF_ONE_JOB) as error:
            status = TIMEOUT if isinstance(error, LayersTimeoutError) else ERROR
            self._errors[job["job_id"]] = str(error)
        self._statuses[job["job_id"]] = status

    def _unfinished(self) -> list[dict[str, Any]]:
        return [job for job in self.jobs if self._statuses.get(job["job_id"]) not in STATUSES]

    async def on_kill(self) -> None:
        """Cancel the unfinished jobs when a user ends the task; Airflow calls this from 3.3 on."""
        if self.cancel_on_kill:
            await cancel_jobs(self.layers_hook, [job["job_id"] for job in self._unfinished()])


async def cancel_jobs(hook: LayersHook, job_ids: list[str]) -> None:
    """Cancel jobs whose task a user ended, all within ``CANCEL_SECONDS``, and log the outcome of each."""
    log.info("Canceling Layers jobs, since a user ended their task: %s.", ", ".join(job_ids))
    connections = asyncio.Semaphore(MAX_CONCURRENT_CANCELS)

    async def cancel(job_id: str) -> None:
        try:
            async with connections:
                cancellation = await _cancel(hook, job_id)
        except (Exception, asyncio.CancelledError):
            # Whatever the cause, the person on call needs the id.
            log.exception("Layers job %s may still be running: it could not be canceled.", job_id)
            return
        accepted, reason = cancellation.accepted, cancellation.reason or ""
        log.info("Layers job %s: cancel accepted=%s %s", job_id, accepted, reason)

    canceling = [asyncio.ensure_future(cancel(job_id)) for job_id in job_ids]
    stop = asyncio.get_running_loop().call_later(CANCEL_SECONDS, _cancel_tasks, canceling)
    interruption: asyncio.CancelledError | None = None
    while pending := [task for task in canceling if not task.done()]:
        try:
            await asyncio.wait(pending)
        except asyncio.CancelledError as error:  # noqa: PERF203 - once a second at most
            # Airflow 3.3 cancels the trigger's task every second until it ends. The requests must not be
            # abandoned for that, and the cancellation is raised once they are done.
            interruption = error
    stop.cancel()
    if interruption is not None:
        raise interruption


async def _cancel(hook: LayersHook, job_id: str) -> Cancellation:
    try:
        return await hook.arun(cancel_job(job_id))
    except LayersConflictError as error:
        return cancellation_from_conflict(job_id, error)


def _cancel_tasks(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
