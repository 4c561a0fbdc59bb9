"""Operators that put content on a date or out at once. Import them from ``operators.content``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.hooks.task import tries
from airflow_provider_layers.operators.base import LayersEachContainerOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.api.endpoint import Endpoint
    from airflow_provider_layers.api.keys import Origin
    from airflow_provider_layers.api.scheduled_posts import Scheduling


class LayersPublishContentOperator(LayersEachContainerOperator):
    """
    Publish approved content at once (``reference/publishing/publish-content``).

    Each container is sent once, over all tries of the task. Returns ``{"container_id", "scheduled_for",
    "gate_status", "scheduled_post_ids"}`` for each container; wait for the posts themselves with a sensor.

    :param container_id: a container or a list of them (templated)
    :param targets: 1 to 50 of ``{"social_account_id", "mode", "caption_override", "first_comment_override",
        "tiktok_post_settings", "tiktok_music", "share_reel_to_feed"}``, all or nothing (templated)
    :param resubmit_after_window: send although an earlier try may have sent it more than 24 hours ago, which
        the API has forgotten by then; otherwise such a retry fails and says what to check
    :param layers_conn_id: the Airflow connection (templated)
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    :raises LayersApprovalRequiredError: it is not approved, and the API stored nothing
    :raises LayersContentRejectedError: it was rejected
    """

    template_fields: Sequence[str] = (*LayersEachContainerOperator.template_fields, "targets")
    template_fields_renderers = {"targets": "json"}  # noqa: RUF012

    def __init__(
        self, *, targets: list[dict[str, Any]], resubmit_after_window: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.targets = targets
        self.resubmit_after_window = resubmit_after_window
        self._posts: list[str] = []

    def one(self, container_id: str, source: Origin) -> Endpoint[Scheduling]:
        """Make the request; see :func:`airflow_provider_layers.api.scheduled_posts.publish_content`."""
        from airflow_provider_layers.api.scheduled_posts import publish_content

        key = source.key("publish", container_id)
        return publish_content(container_id, targets=self.targets, idempotency_key=key)

    def carry_out(self, context: Context, wanted: Endpoint[Scheduling]) -> dict[str, Any]:
        """Send it once, and log whether it is on its way or waits for an approval."""
        from airflow_provider_layers.api.content import each
        from airflow_provider_layers.api.once import once
        from airflow_provider_layers.hooks.memory import memory_of

        memory = memory_of(context, tries=tries(context, since_clear=True))
        sent = self.layers_hook.run(once(wanted, memory, send_after_window=self.resubmit_after_window))
        result: Scheduling = sent.result
        moment = result.scheduled_for or "now"
        if result.blocked:
            self.log.warning(
                "Content %s is not approved: the API keeps its schedule for %s until somebody approves it.",
                result.container_id,
                moment,
            )
        else:
            posts = ", ".join(result.scheduled_post_ids)
            self.log.info("Content %s goes out at %s: %s.", result.container_id, moment, posts)
        self._posts += result.scheduled_post_ids
        self.show(context, container_ids=each(self.container_id), scheduled_post_ids=self._posts)
        return result.as_xcom()


class LayersScheduleContentOperator(LayersPublishContentOperator):
    """
    Schedule content for publishing (``reference/publishing/schedule-content``).

    Content that waits for approval is either kept by the API until somebody approves it, which the log and
    ``gate_status: blocked_on_approval`` say, or refused, which fails the task. The API decides which.

    Each container is sent once, over all tries of the task. Returns ``{"container_id", "scheduled_for",
    "gate_status", "scheduled_post_ids"}`` for each container.

    :param container_id: a container or a list of them (templated)
    :param scheduled_for: a ``datetime`` with a timezone, or an ISO 8601 string with an offset (templated)
    :param targets: 1 to 50 of ``{"social_account_id", "mode", "caption_override", "first_comment_override",
        "tiktok_post_settings", "tiktok_music", "share_reel_to_feed"}``, all or nothing (templated)
    :param resubmit_after_window: send although an earlier try may have sent it more than 24 hours ago, which
        the API has forgotten by then; otherwise such a retry fails and says what to check
    :param layers_conn_id: the Airflow connection (templated)
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    :raises LayersApprovalRequiredError: it is not approved, and the API stored nothing
    :raises LayersContentRejectedError: it was rejected
    """

    template_fields: Sequence[str] = (*LayersPublishContentOperator.template_fields, "scheduled_for")

    def __init__(self, *, scheduled_for: datetime | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scheduled_for = scheduled_for

    def one(self, container_id: str, source: Origin) -> Endpoint[Scheduling]:
        """Make the request; see :func:`airflow_provider_layers.api.scheduled_posts.schedule_content`."""
        from airflow_provider_layers.api.scheduled_posts import schedule_content

        return schedule_content(
            container_id,
            scheduled_for=self.scheduled_for,
            targets=self.targets,
            idempotency_key=source.key("schedule", container_id),
        )
