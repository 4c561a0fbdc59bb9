"""Operators on scheduled posts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.api.scheduled_posts import cancel_scheduled_post, reschedule_scheduled_post
from airflow_provider_layers.idempotency import idempotency_scope
from airflow_provider_layers.operators.turns import LayersLimitedOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class LayersRescheduleScheduledPostOperator(LayersLimitedOperator):
    """
    Move a scheduled post to another moment (``reference/publishing/reschedule``).

    A post that is scheduled for that moment already is a success. Returns the post as the API gives it.

    :param scheduled_post_id: the scheduled post, still ``queued`` (templated)
    :param scheduled_for: a ``datetime`` with a timezone, or an ISO 8601 string with an offset (templated)
    :param layers_conn_id: the Airflow connection (templated)
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    :raises LayersConflictError: it is no longer queued
    """

    template_fields: Sequence[str] = (
        *LayersLimitedOperator.template_fields,
        "scheduled_post_id",
        "scheduled_for",
    )

    def __init__(self, *, scheduled_post_id: str, scheduled_for: datetime | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scheduled_post_id = scheduled_post_id
        self.scheduled_for = scheduled_for

    def execute(self, context: Context) -> dict[str, Any]:
        """Move the post and return it."""
        key = idempotency_scope(context).key("reschedule", self.scheduled_post_id)
        self.publish_ui_data(context, scheduled_post_ids=[self.scheduled_post_id])
        endpoint = reschedule_scheduled_post(
            self.scheduled_post_id, scheduled_for=self.scheduled_for, idempotency_key=key
        )
        post = self.send_in_turn(context, lambda: self.send(endpoint))
        self.log.info(
            "Scheduled post %s is scheduled for %s.", self.scheduled_post_id, post.get("scheduledFor")
        )
        return post


class LayersCancelScheduledPostOperator(LayersLimitedOperator):
    """
    Cancel a scheduled post (``reference/publishing/cancel-scheduled-post``).

    A post that is canceled already is a success. A post in ``publishing`` may still be published. Returns the
    post as the API returns it.

    :param scheduled_post_id: the scheduled post (templated)
    :param reason: 1 to 1024 characters (templated)
    :param layers_conn_id: the Airflow connection (templated)
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    :raises LayersConflictError: it was published, failed or delivered as a draft before
    """

    template_fields: Sequence[str] = (*LayersLimitedOperator.template_fields, "scheduled_post_id", "reason")

    def __init__(self, *, scheduled_post_id: str, reason: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scheduled_post_id = scheduled_post_id
        self.reason = reason

    def execute(self, context: Context) -> dict[str, Any]:
        """Cancel the post and return it."""
        self.publish_ui_data(context, scheduled_post_ids=[self.scheduled_post_id])
        endpoint = cancel_scheduled_post(self.scheduled_post_id, reason=self.reason)
        post = self.send_in_turn(context, lambda: self.send(endpoint))
        self.log.info("Scheduled post %s: %s.", self.scheduled_post_id, post.get("status"))
        return post
