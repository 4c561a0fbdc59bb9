"""Sensors on scheduled posts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import PokeReturnValue

from airflow_provider_layers.hooks.view import show
from airflow_provider_layers.sensors.base import LayersSensor

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.triggers.scheduled_posts import LayersScheduledPostTrigger


class LayersScheduledPostSensor(LayersSensor):
    """
    Wait until a scheduled post is public (``reference/publishing/get-scheduled-post``).

    Returns the post as the API gives it, with ``externalUrl`` and ``publishedAt``. A post that failed or was
    canceled fails the sensor at once, with the platform's reason. While deferred it is looked at every 15
    minutes until it is due, since somebody may cancel it; in the other modes every ``poke_interval``.

    :param scheduled_post_id: the scheduled post (templated)
    :param project_id: its project; with it, the triggerer reads about many posts at once (templated)
    :param accept_draft: whether a draft on the account's device is good enough; without it, one fails the
        sensor, since a person publishes it and the API tells nothing of that
    :param layers_conn_id: the Airflow connection, of type ``layers`` (templated)
    :param deferrable: wait in the triggerer instead of in a worker slot; the default is Airflow's
        ``[operators] default_deferrable``
    :param poke_interval: pause between two looks, in seconds; while deferred the longest one once it is due
    :param kwargs: ``timeout`` (seconds, from the start of the task: let it outlast the schedule), ``mode``,
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

    def execute(self, context: Context) -> Any:
        """Show which post it is about, then wait for it."""
        show(context, layers_conn_id=self.layers_conn_id, scheduled_post_ids=[self.scheduled_post_id])
        return super().execute(context)

    def look(self, context: Context) -> PokeReturnValue:
        """Look at the post."""
        from airflow_provider_layers.api.publication import ENDED, demand_published, look_at_post

        post = self.layers_hook.run(look_at_post(self.scheduled_post_id))
        if post["status"] not in ENDED:
            return PokeReturnValue(is_done=False)
        demand_published(post, accept_draft=self.accept_draft)
        self.log.info(
            "%s is %s: %s", self.subject, post["status"], post.get("externalUrl") or "no address yet"
        )
        return PokeReturnValue(is_done=True, xcom_value=post)

    def trigger(self, *, deadline: float, not_before: float) -> LayersScheduledPostTrigger:
        """Make the trigger."""
        from airflow_provider_layers.triggers.scheduled_posts import LayersScheduledPostTrigger

        return LayersScheduledPostTrigger(
            scheduled_post_id=self.scheduled_post_id,
            layers_conn_id=self.layers_conn_id,
            deadline=deadline,
            poll_interval=self.poke_interval,
            not_before=not_before,
            project_id=self.project_id,
        )
