"""Waiting for a job in the triggerer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.triggers.base import LayersTrigger

if TYPE_CHECKING:
    from airflow_provider_layers.api.jobs import Cancellation, Job
    from airflow_provider_layers.api.watching import Watch

KILL_SECONDS = 20.0
"""Seconds to cancel in; Airflow itself stops a trigger that takes 30."""


class LayersJobTrigger(LayersTrigger):
    """
    Fire once when a job has ended, the deadline has passed, or waiting has become useless.

    The event is ``{"job_id", "container_ids", "status", "reason", "deadline"}``, where ``status`` is the
    job's own, ``timeout`` or ``error``.

    :param job_id: the job
    :param layers_conn_id: the Airflow connection
    :param deadline: seconds since the epoch
    :param poll_interval: longest pause between two looks, in seconds
    :param not_before: seconds since the epoch before which it must not fire
    :param container_ids: the containers that the submission named
    :param cancel_on_kill: cancel the job when a person ends the task while it is deferred (Airflow 3.3+)
    :param project_id: the project; with it and the containers, one read tells of many jobs
    :param kind: the kind of job, by which the watcher learns how long such jobs take
    :param content_format: what it makes, for the same
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

    def watch(self) -> Watch[Job]:
        """Watch the job."""
        from airflow_provider_layers.api.waiting import watch_job

        return watch_job(
            self.job_id,
            deadline=self.deadline,
            longest=self.poll_interval,
            container_ids=self.container_ids,
            project_id=self.project_id,
            kind=self.kind,
            content_format=self.content_format,
            started_at=self.started_at,
        )

    def status_of(self, result: Any) -> str:
        """Give the job's own status."""
        return str(result.status)

    def subject(self) -> dict[str, Any]:
        """Name the job."""
        return {"job_id": self.job_id}

    def details(self) -> dict[str, Any]:
        """Give its containers."""
        return {"container_ids": self.container_ids}

    async def _cancel(self) -> Cancellation:
        from airflow_provider_layers.api.jobs import cancel
        from airflow_provider_layers.hooks.layers import LayersHook

        async with LayersHook(self.layers_conn_id).lease() as shared:
            return await shared.client.run(cancel(self.job_id))

    async def on_kill(self) -> None:
        """Cancel the job when a person ends the task while it is deferred; Airflow calls this from 3.3."""
        if not self.cancel_on_kill:
            return
        self.log.info("Canceling Layers job %s: somebody ended its task.", self.job_id)
        canceling = asyncio.ensure_future(asyncio.wait_for(self._cancel(), KILL_SECONDS))
        interruption: asyncio.CancelledError | None = None
        while not canceling.done():
            try:
                await asyncio.wait([canceling])
            except asyncio.CancelledError as error:  # noqa: PERF203 - once a second at most
                # Airflow 3.3 repeats its own cancel every second, also while this runs.
                interruption = error
        self._report(canceling)
        if interruption is not None:
            raise interruption

    def _report(self, canceling: asyncio.Future[Cancellation]) -> None:
        try:
            answer = canceling.result()
        except (Exception, asyncio.CancelledError):
            # Whatever it was, an id in the log is what a person needs now.
            self.log.exception("Layers job %s may still be running: it could not be canceled.", self.job_id)
            return
        self.log.info(
            "Layers job %s: cancel accepted=%s %s", self.job_id, answer.accepted, answer.reason or ""
        )
