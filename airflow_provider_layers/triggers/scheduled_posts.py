"""Waiting for a scheduled post in the triggerer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_layers.polling.targets import scheduled_post_target
from airflow_provider_layers.triggers.base import LayersPollTrigger

if TYPE_CHECKING:
    from airflow_provider_layers.polling.targets import PollTarget


class LayersScheduledPostTrigger(LayersPollTrigger):
    """
    Fire once when a scheduled post has finished, the deadline has passed, or the post cannot be read.

    The event is ``{"scheduled_post_id", "status", "reason", "deadline"}``, where ``status`` is the post's
    own, ``timeout`` or ``error``.

    :param scheduled_post_id: the scheduled post
    :param layers_conn_id: the Airflow connection
    :param deadline: seconds since the epoch
    :param poll_interval: longest pause between two polls once it is due, in seconds
    :param not_before: seconds since the epoch before which it must not fire
    :param project_id: the project; with it, one list read covers many posts
    """

    def __init__(
        self,
        scheduled_post_id: str = "",
        layers_conn_id: str = "layers_default",
        deadline: float = 0.0,
        poll_interval: float = 30.0,
        not_before: float = 0.0,
        project_id: str | None = None,
    ) -> None:
        super().__init__(layers_conn_id, deadline, poll_interval, not_before)
        self.scheduled_post_id = scheduled_post_id
        self.project_id = project_id

    def poll_target(self) -> PollTarget[dict[str, Any]]:
        """Return the post."""
        return scheduled_post_target(
            self.scheduled_post_id,
            deadline=self.deadline,
            max_interval=self.poll_interval,
            project_id=self.project_id,
        )

    def status_of(self, result: Any) -> str:
        """Return the post's own status."""
        return str(result["status"])

    def subject(self) -> dict[str, Any]:
        """Return the post's id."""
        return {"scheduled_post_id": self.scheduled_post_id}
