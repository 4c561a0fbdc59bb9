"""Waiting in the triggerer until somebody has decided on content."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.triggers.base import ERROR, TIMEOUT, LayersTrigger

if TYPE_CHECKING:
    from airflow_provider_layers.api.approval import Standing
    from airflow_provider_layers.api.watching import Watch


class LayersContentApprovalTrigger(LayersTrigger):
    """
    Fire once when all content is decided on, one of it settles the wait, or waiting has become useless.

    The event is ``{"container_ids", "status", "reason", "deadline"}``, where ``status`` is ``approved``,
    ``rejected`` where one is, ``failed`` or ``canceled`` where nobody can decide on one, ``timeout`` or
    ``error``.

    :param container_ids: the containers
    :param layers_conn_id: the Airflow connection
    :param deadline: seconds since the epoch
    :param poll_interval: longest pause between two looks, in seconds
    :param not_before: seconds since the epoch before which it must not fire
    :param project_id: the project of all of them; with it, one read tells of many containers
    :param created_at: when the first of them was created, ISO 8601; without it they are read one by one
    :param fail_on_reject: fire as soon as one is rejected, whatever becomes of the others
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

    def watch(self) -> Watch[Standing]:
        """Watch the container; several have a trigger each."""
        from airflow_provider_layers.api.approval import watch_approval
        from airflow_provider_layers.api.content import only

        return watch_approval(
            only(self.container_ids),
            deadline=self.deadline,
            longest=self.poll_interval,
            project_id=self.project_id,
            created_at=self.created_at,
        )

    def status_of(self, result: Any) -> str:
        """Give the decision, or how the container ended without one."""
        from airflow_provider_layers.api.approval import APPROVED

        return APPROVED if result.approved else str(result.state)

    def subject(self) -> dict[str, Any]:
        """Name the containers."""
        return {"container_ids": self.container_ids}

    async def _outcome(self) -> tuple[str, str]:
        if len(self.container_ids) < 2:
            return await super()._outcome()
        alone = [self._alone(one) for one in self.container_ids]
        waits = [asyncio.ensure_future(one._outcome()) for one in alone]  # noqa: SLF001 - of its own class
        try:
            return await self._first_that_counts(waits)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    def _alone(self, container_id: str) -> LayersContentApprovalTrigger:
        _, arguments = self.serialize()
        return type(self)(**{**arguments, "container_ids": [container_id]})

    async def _first_that_counts(self, waits: Sequence[asyncio.Future[tuple[str, str]]]) -> tuple[str, str]:
        """Give the outcome that settles the wait for all, or that of all together."""
        from airflow_provider_layers.api.approval import APPROVED, REJECTED, decisive

        final = (TIMEOUT, ERROR, *decisive(fail_on_reject=self.fail_on_reject))
        outcome = (APPROVED, "")
        for wait in asyncio.as_completed(waits):
            status, reason = await wait
            if status in final:
                return status, reason
            if status == REJECTED:
                outcome = (REJECTED, reason)
        return outcome
