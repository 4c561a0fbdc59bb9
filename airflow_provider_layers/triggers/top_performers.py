"""Waiting for winning posts in the triggerer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_layers.triggers.base import LayersTrigger

if TYPE_CHECKING:
    from airflow_provider_layers.api.watching import Watch


class LayersTopPerformersTrigger(LayersTrigger):
    """
    Fire once when enough posts have reached a threshold, the deadline has passed, or waiting is useless.

    The event is ``{"project_id", "ranking", "status", "reason", "deadline"}``, where ``status`` is
    ``found``, ``timeout`` or ``error``.

    :param project_id: the project
    :param ranking: what to rank by what, in the words of ``LayersGetTopPerformersOperator``
    :param threshold: what the metric has to reach
    :param min_rows: how many rows have to reach it
    :param layers_conn_id: the Airflow connection
    :param deadline: seconds since the epoch
    :param poll_interval: pause between two looks, in seconds
    :param not_before: seconds since the epoch before which it must not fire
    """

    def __init__(
        self,
        project_id: str = "",
        ranking: dict[str, Any] | None = None,
        threshold: float = 0.0,
        min_rows: int = 1,
        layers_conn_id: str = "layers_default",
        deadline: float = 0.0,
        poll_interval: float = 600.0,
        not_before: float = 0.0,
    ) -> None:
        super().__init__(layers_conn_id, deadline, poll_interval, not_before)
        self.project_id = project_id
        self.ranking = ranking or {}
        self.threshold = threshold
        self.min_rows = min_rows

    def watch(self) -> Watch[list[dict[str, Any]]]:
        """Watch the ranking."""
        from airflow_provider_layers.api.top_performers import watch_top_performers

        return watch_top_performers(
            self.project_id,
            threshold=self.threshold,
            min_rows=self.min_rows,
            deadline=self.deadline,
            longest=self.poll_interval,
            **self.ranking,
        )

    def status_of(self, result: Any) -> str:
        """Say that there are enough."""
        return "found"

    def subject(self) -> dict[str, Any]:
        """Name the project and what is ranked."""
        return {"project_id": self.project_id, "ranking": self.ranking}
