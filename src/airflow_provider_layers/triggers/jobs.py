"""Waiting for a job in the triggerer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_layers.exceptions import LayersError, LayersJobTimeoutError

if TYPE_CHECKING:
    from airflow_provider_layers.api.jobs import Cancellation, Job

TIMEOUT = "timeout"
ERROR = "error"
KILL_SECONDS = 20.0
"""Seconds to cancel in; Airflow itself stops a trigger that takes 30."""


class LayersJobTrigger(BaseTrigger):
    """
    Fire once when a job has ended, the deadline has passed, or waiting has become useless.

    The event is small and says only what happened: ``{"job_id", "status", "reason", "deadline",
    "container_ids"}``, where ``status`` is the job's own, ``timeout`` or ``error``. The task looks at the job
    itself when it resumes. Every argument has a default, so that waits survive an upgrade.

    :param job_id: the job
    :param layers_conn_id: the Airflow connection
    :param deadline: seconds since the epoch
    :param poll_interval: longest pause between two looks, in seconds
    :param not_before: seconds since the epoch before which it must not fire
    :param container_ids: the containers that the submission named
    :param cancel_on_kill: cancel the job when a person ends the task while it is deferred (Airflow 3.3+)
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
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.job_id = job_id
        self.layers_conn_id = layers_conn_id
        self.deadline = deadline
        self.poll_interval = poll_interval
        self.not_before = not_before
        self.container_ids = container_ids or []
        self.cancel_on_kill = cancel_on_kill

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what another triggerer needs to go on."""
        names = (
            "job_id",
            "layers_conn_id",
            "deadline",
            "poll_interval",
            "not_before",
            "container_ids",
            "cancel_on_kill",
        )
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and yield the one event."""
        status, reason = await self._outcome()
        await asyncio.sleep(max(0.0, self.not_before - time.time()))
        yield TriggerEvent(
            {
                "job_id": self.job_id,
                "status": status,
                "reason": reason,
                "deadline": self.deadline,
                "container_ids": self.container_ids,
            }
        )

    async def _outcome(self) -> tuple[str, str]:
        try:
            job = await self._ended_job()
        except LayersJobTimeoutError as error:
            return TIMEOUT, error.message
        except LayersError as error:
            return ERROR, str(error)
        except Exception as error:
            # Airflow drops the type and text of what a trigger raises, so it goes into the event instead.
            self.log.exception("Waiting for Layers job %s failed.", self.job_id)
            return ERROR, f"{type(error).__name__} in the triggerer; its log has the traceback."
        return job.status, ""

    async def _ended_job(self) -> Job:
        from airflow_provider_layers.api.waiting import Cadence, until_ended
        from airflow_provider_layers.hooks.layers import LayersHook

        async with LayersHook(self.layers_conn_id).async_client() as client:
            cadence = Cadence(longest=self.poll_interval)
            return await client.run(until_ended(self.job_id, deadline=self.deadline, cadence=cadence))

    async def _cancel(self) -> Cancellation:
        from airflow_provider_layers.api.jobs import cancel
        from airflow_provider_layers.hooks.layers import LayersHook

        async with LayersHook(self.layers_conn_id).async_client() as client:
            return await client.run(cancel(self.job_id))

    async def on_kill(self) -> None:
        """Cancel the job when a person ends the task while it is deferred; Airflow calls this from 3.3."""
        if not self.cancel_on_kill:
            return
        self.log.info("Canceling Layers job %s: somebody ended its task.", self.job_id)
        try:
            answer = await asyncio.wait_for(self._cancel(), KILL_SECONDS)
        except Exception:
            # Whatever it was, an id in the log is what a person needs now.
            self.log.exception("Layers job %s may still be running: it could not be canceled.", self.job_id)
            return
        self.log.info(
            "Layers job %s: cancel accepted=%s %s", self.job_id, answer.accepted, answer.reason or ""
        )
