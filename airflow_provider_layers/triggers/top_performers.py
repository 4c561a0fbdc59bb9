"""Waiting in the triggerer until posts perform well enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_layers.polling.targets import top_performers_target
from airflow_provider_layers.triggers.base import LayersPollTrigger

if TYPE_CHECKING:
    from airflow_provider_layers.polling.targets import PollTarget


class LayersTopPerformersTrigger(LayersPollTrigger):
    """
    Fire once when enough posts have reached a threshold, the deadline has passed, or they cannot be read.

    The event is ``{"project_id", "ranking", "status", "reason", "deadline"}``, where ``status`` is
    ``found``, ``timeout`` or ``error``.

    :param project_id: the project
    :param ranking: metric and filters, named as the arguments of ``LayersGetTopPerformersOperator``
    :param threshold: the least value of the metric
    :param min_rows: how many rows must reach it
    :param layers_conn_id: the Airflow connection
    :param deadline: seconds since the epoch
    :param poll_interval: pause between two polls, in seconds
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

    def poll_target(self) -> PollTarget[list[dict[str, Any]]]:
        """Return the ranking."""
        return top_performers_target(
            self.project_id,
            threshold=self.threshold,
            min_rows=self.min_rows,
            deadline=self.deadline,
            max_interval=self.poll_interval,
            **self.ranking,
        )

    def status_of(self, result: Any) -> str:
        """Return that enough rows were found."""
        return "found"

    def subject(self) -> dict[str, Any]:
        """Return the project and the ranking."""
        return {"project_id": self.project_id, "ranking": self.ranking}
