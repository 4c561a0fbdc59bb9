"""Waiting for a job in the triggerer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.api.jobs import Cancellation, Job, cancel_job, cancellation_from_conflict
from airflow_provider_layers.exceptions import LayersConflictError
from airflow_provider_layers.polling.targets import job_target
from airflow_provider_layers.triggers.base import LayersPollTrigger

if TYPE_CHECKING:
    from airflow_provider_layers.polling.targets import PollTarget

CANCEL_SECONDS = 20.0
"""Seconds that a cancel may take; Airflow abandons an ``on_kill`` after 30, without a word about the job."""


class LayersJobTrigger(LayersPollTrigger):
    """
    Fire once when a job has finished, the deadline has passed, or the job cannot be read.

    The event is ``{"job_id", "container_ids", "status", "reason", "deadline"}``, where ``status`` is the
    job's own, ``timeout`` or ``error``.

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
    ) -> None:
        super().__init__(layers_conn_id, deadline, poll_interval, not_before)
        self.job_id = job_id
        self.container_ids = container_ids or []
        self.cancel_on_kill = cancel_on_kill
        self.project_id = project_id
        self.kind = kind
        self.content_format = content_format
        self.started_at = started_at

    def poll_target(self) -> PollTarget[Job]:
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

    async def on_kill(self) -> None:
        """Cancel the job when a user ends the task while it is deferred; Airflow calls this from 3.3 on."""
        if not self.cancel_on_kill:
            return
        self.log.info("Canceling Layers job %s: a user ended its task.", self.job_id)
        canceling = asyncio.ensure_future(asyncio.wait_for(self._cancel(), CANCEL_SECONDS))
        interruption: asyncio.CancelledError | None = None
        while not canceling.done():
            try:
                await asyncio.wait([canceling])
            except asyncio.CancelledError as error:  # noqa: PERF203 - once a second at most
                # Airflow 3.3 cancels the trigger's task every second until it ends. The request must not be
                # abandoned for that, and the cancellation is raised once it is done.
                interruption = error
        self._log_cancellation(canceling)
        if interruption is not None:
            raise interruption

    async def _cancel(self) -> Cancellation:
        try:
            return await self.layers_hook.arun(cancel_job(self.job_id))
        except LayersConflictError as error:
            return cancellation_from_conflict(self.job_id, error)

    def _log_cancellation(self, canceling: asyncio.Future[Cancellation]) -> None:
        try:
            cancellation = canceling.result()
        except (Exception, asyncio.CancelledError):
            # Whatever the cause, the person on call needs the id.
            self.log.exception("Layers job %s may still be running: it could not be canceled.", self.job_id)
            return
        self.log.info(
            "Layers job %s: cancel accepted=%s %s",
            self.job_id,
            cancellation.accepted,
            cancellation.reason or "",
        )
