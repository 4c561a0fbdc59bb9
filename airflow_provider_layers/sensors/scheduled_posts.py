"""Sensors on scheduled posts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import PokeReturnValue

from airflow_provider_layers.api.scheduled_posts import (
    FINISHED_STATUSES,
    get_scheduled_post_state,
    raise_unless_published,
)
from airflow_provider_layers.sensors.base import LayersSensor
from airflow_provider_layers.task_context import publish_ui_data
from airflow_provider_layers.triggers.scheduled_posts import LayersScheduledPostTrigger

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class LayersScheduledPostSensor(LayersSensor):
    """
    Wait until a scheduled post is published (``reference/publishing/get-scheduled-post``).

    Returns the post as the API returns it, with ``externalUrl`` and ``publishedAt``. A post that failed or
    was canceled fails the sensor at once, with the platform's reason. While deferred it is polled every 15
    minutes until it is due, because a person may cancel it; in the other modes every ``poke_interval``.

    :param scheduled_post_id: the scheduled post (templated)
    :param project_id: its project; with it, the triggerer reads many posts at once (templated)
    :param accept_draft: whether a draft on the account's device counts as published; otherwise a draft fails
        the sensor, because a person publishes it and the API does not report that
    :param layers_conn_id: the Airflow connection, of type ``layers`` (templated)
    :param deferrable: wait in the triggerer instead of in a worker slot; the default is Airflow's
        ``[operators] default_deferrable``
    :param poke_interval: pause between two polls, in seconds; while deferred the longest pause once it is due
    :param kwargs: ``timeout`` (seconds from the start of the task; it has to outlast the schedule), ``mode``,
        ``soft_fail`` and the other arguments of sensors
    :raises LayersPostError: it failed, was canceled, or is a draft
    """

    template_fields: Sequence[str] = (*LayersSensor.template_fields, "scheduled_post_id", "project_id")

    def __init__(
        self,
        *,
        scheduled_post_id: str,
        project_id: str | None = None,
        accept_draft: bool = False,
        poke_interval: float = 30.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.scheduled_post_id = scheduled_post_id
        self.project_id = project_id
        self.accept_draft = accept_draft

    @property
    def subject(self) -> str:
        """The scheduled post."""
        return f"Scheduled post {self.scheduled_post_id}"

    def announce(self, context: Context) -> None:
        """Publish what the Layers page shows."""
        posts = [self.scheduled_post_id]
        publish_ui_data(context, layers_conn_id=self.layers_conn_id, scheduled_post_ids=posts)

    def check(self, context: Context) -> PokeReturnValue:
        """Read the post."""
        post = self.layers_hook.run(get_scheduled_post_state(self.scheduled_post_id))
        if post["status"] not in FINISHED_STATUSES:
            return PokeReturnValue(is_done=False)
        raise_unless_published(post, accept_draft=self.accept_draft)
        url = post.get("externalUrl") or "no address yet"
        self.log.info("%s is %s: %s", self.subject, post["status"], url)
        return PokeReturnValue(is_done=True, xcom_value=post)

    def trigger(self, *, deadline: float, not_before: float) -> LayersScheduledPostTrigger:
        """Return the trigger."""
        return LayersScheduledPostTrigger(
            scheduled_post_id=self.scheduled_post_id,
            layers_conn_id=self.layers_conn_id,
            deadline=deadline,
            poll_interval=self.poke_interval,
            not_before=not_before,
            project_id=self.project_id,
        )
