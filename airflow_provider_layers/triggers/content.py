"""Waiting in the triggerer until content is approved or rejected."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.api.content import APPROVED, REJECTED, ContentState, deciding_states, single_id
from airflow_provider_layers.polling.targets import approval_target
from airflow_provider_layers.triggers.base import LayersPollTrigger

if TYPE_CHECKING:
    from airflow_provider_layers.polling.targets import PollTarget
    from airflow_provider_layers.polling.watcher import Watcher


class LayersContentApprovalTrigger(LayersPollTrigger):
    """
    Fire once when all content is decided on, one decision settles the wait, or the state cannot be read.

    The event is ``{"container_ids", "status", "reason", "deadline"}``, where ``status`` is ``approved``;
    ``rejected`` if one is; ``failed`` or ``canceled`` if one can no longer be decided on; ``timeout`` or
    ``error``.

    :param container_ids: the containers
    :param layers_conn_id: the Airflow connection
    :param deadline: seconds since the epoch
    :param poll_interval: longest pause between two polls, in seconds
    :param not_before: seconds since the epoch before which it must not fire
    :param project_id: the project of all of them; with it, one list read covers many containers
    :param created_at: when the first of them was created, ISO 8601; without it they are read one by one
    :param fail_on_reject: fire as soon as one is rejected, whatever the state of the others
    """

    def __init__(
        self,
        container_ids: list[str] | None = None,
        layers_conn_id: str = "layers_default",
        deadline: float = 0.0,
        poll_interval: float = 60.0,
        not_before: float = 0.0,
        project_id: str | None = None,
        created_at: str | None = None,
        fail_on_reject: bool = True,
    ) -> None:
        super().__init__(layers_conn_id, deadline, poll_interval, not_before)
        self.container_ids = container_ids or []
        self.project_id = project_id
        self.created_at = created_at
        self.fail_on_reject = fail_on_reject

    def poll_target(self) -> PollTarget[ContentState]:
        """Return the one container; several have a target each."""
        return self._target(single_id(self.container_ids))

    def _target(self, container_id: str) -> PollTarget[ContentState]:
        return approval_target(
            container_id,
            deadline=self.deadline,
            max_interval=self.poll_interval,
            project_id=self.project_id,
            created_at=self.created_at,
        )

    def status_of(self, result: Any) -> str:
        """Return the decision, or the status of content that can no longer be decided on."""
        return APPROVED if result.publishable else str(result.state)

    def subject(self) -> dict[str, Any]:
        """Return the containers."""
        return {"container_ids": self.container_ids}

    async def wait_for_status(self, watcher: Watcher) -> str:
        """Wait until one state settles the wait, or until all are decided on."""
        if len(self.container_ids) < 2:
            return await super().wait_for_status(watcher)
        settling = deciding_states(fail_on_reject=self.fail_on_reject)
        waits = [asyncio.ensure_future(watcher.wait(self._target(item))) for item in self.container_ids]
        statuses = set()
        try:
            for decided in asyncio.as_completed(waits):
                status = self.status_of(await decided)
                if status in settling:
                    return status
                statuses.add(status)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        return REJECTED if REJECTED in statuses else APPROVED
