"""Operators on scheduled posts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.hooks.task import origin, stops_retries
from airflow_provider_layers.operators.base import LayersOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class LayersRescheduleScheduledPostOperator(LayersOperator):
    """
    Move a scheduled post to another moment (``reference/publishing/reschedule``).

    A post that is at that moment already is a success. Returns the post as the API gives it.

    :param scheduled_post_id: the scheduled post, still ``queued`` (templated)
    :param scheduled_for: a ``datetime`` with a timezone, or an ISO 8601 string with an offset (templated)
    :param layers_conn_id: the Airflow connection (templated)
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    :raises LayersConflictError: it is not queued any more
    """

    template_fields: Sequence[str] = (*LayersOperator.template_fields, "scheduled_post_id", "scheduled_for")

    def __init__(self, *, scheduled_post_id: str, scheduled_for: datetime | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scheduled_post_id = scheduled_post_id
        self.scheduled_for = scheduled_for

    @stops_retries
    def execute(self, context: Context) -> dict[str, Any]:
        """Move it, and give it as it is then."""
        from airflow_provider_layers.api.scheduled_posts import reschedule

        key = origin(context).key("reschedule", self.scheduled_post_id)
        wanted = reschedule(self.scheduled_post_id, scheduled_for=self.scheduled_for, idempotency_key=key)
        self.show(context, scheduled_post_ids=[self.scheduled_post_id])
        post = self.layers_hook.run(wanted)
        self.log.info("Scheduled post %s goes out at %s.", self.scheduled_post_id, post.get("scheduledFor"))
        return post


class LayersCancelScheduledPostOperator(LayersOperator):
    """
    Take a scheduled post off the calendar (``reference/publishing/cancel-scheduled-post``).

    A post that is canceled already is a success. One that is being published may still go out. Returns the
    post as the API gives it.

    :param scheduled_post_id: the scheduled post (templated)
    :param reason: 1 to 1024 characters (templated)
    :param layers_conn_id: the Airflow connection (templated)
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    :raises LayersConflictError: it was published, failed or handed over as a draft before
    """

    template_fields: Sequence[str] = (*LayersOperator.template_fields, "scheduled_post_id", "reason")

    def __init__(self, *, scheduled_post_id: str, reason: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scheduled_post_id = scheduled_post_id
        self.reason = reason

    @stops_retries
    def execute(self, context: Context) -> dict[str, Any]:
        """Cancel it, and give it as it is then."""
        from airflow_provider_layers.api.scheduled_posts import cancel_scheduled_post

        self.show(context, scheduled_post_ids=[self.scheduled_post_id])
        post = self.layers_hook.run(cancel_scheduled_post(self.scheduled_post_id, reason=self.reason))
        self.log.info("Scheduled post %s: %s.", self.scheduled_post_id, post.get("status"))
        return post
