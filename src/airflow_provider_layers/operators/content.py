"""Operators on content: make it, read it, decide on it, put it on a date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.hooks.task import origin, stops_retries
from airflow_provider_layers.links.content import LayersContentLink
from airflow_provider_layers.operators.base import LayersOperator
from airflow_provider_layers.operators.generation import (
    LayersCloneFromPostOperator,
    LayersGenerateContentOperator,
    LayersRegenerateContentOperator,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.api.endpoint import Endpoint, Flow
    from airflow_provider_layers.api.keys import Origin

__all__ = [
    "LayersApproveContentOperator",
    "LayersCloneFromPostOperator",
    "LayersGenerateContentOperator",
    "LayersGetContentOperator",
    "LayersListContentOperator",
    "LayersRegenerateContentOperator",
    "LayersRejectContentOperator",
    "LayersScheduleContentOperator",
]


class _EachContainerOperator(LayersOperator):
    """
    Do the same with one container or several.

    :param container_id: a container or a list of them (templated)
    """

    template_fields: Sequence[str] = (*LayersOperator.template_fields, "container_id")
    operator_extra_links = (LayersContentLink(),)

    def __init__(self, *, container_id: str | list[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.container_id = container_id

    def one(self, container_id: str, source: Origin) -> Endpoint[Any] | Flow[Any]:
        """
        Say what to do with one container; each operator has its own.

        :param container_id: the container
        :param source: names this task instance over all its tries
        """
        raise NotImplementedError

    def report(self, result: Any) -> Any:
        """
        Log a result and make it the XCom of one container.

        :param result: what the API gave
        """
        return result

    @stops_retries
    def execute(self, context: Context) -> Any:
        """Give one result for one id, and a list of results for a list of ids."""
        from airflow_provider_layers.api.content import each

        container_ids = each(self.container_id)
        source = origin(context)
        # All requests are made before the first is sent, so that a wrong parameter stops them all.
        wanted = [self.one(container_id, source) for container_id in container_ids]
        self.show_content(context, container_ids)
        results = [self.report(self.layers_hook.run(one)) for one in wanted]
        return results[0] if isinstance(self.container_id, str) else results


class LayersGetContentOperator(_EachContainerOperator):
    """
    Read content as it is now (``reference/content/get-container``).

    Returns the container as the API gives it; a list of them for a list of ids.

    :param container_id: a container or a list of them (templated)
    :param layers_conn_id: the Airflow connection (templated)
    :raises LayersNotFoundError: the container is unknown to the key
    """

    def one(self, container_id: str, source: Origin) -> Endpoint[Any]:
        """Make the request; see :func:`airflow_provider_layers.api.content.get_content`."""
        from airflow_provider_layers.api.content import get_content

        return get_content(container_id)


class LayersListContentOperator(LayersOperator):
    """
    List the content of a project, newest first (``reference/content/list-containers``).

    Returns the rows as the API gives them, from as many pages as ``limit`` takes.

    :param project_id: the project (templated)
    :param status: one or several of ``queued``, ``processing`` (older: ``generating``), ``completed``,
        ``failed``, ``canceled`` (templated)
    :param format: one or several formats (templated)
    :param creative_type: ``generated`` or ``uploaded`` (templated)
    :param since: earliest creation, a moment with a timezone (templated)
    :param until: latest creation, a moment with a timezone (templated)
    :param limit: most rows to return; ``None`` for all
    :param layers_conn_id: the Airflow connection (templated)
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    """

    filters = ("status", "format", "creative_type", "since", "until")
    template_fields: Sequence[str] = (*LayersOperator.template_fields, "project_id", *filters)

    def __init__(
        self,
        *,
        project_id: str,
        status: str | list[str] | None = None,
        format: str | list[str] | None = None,  # noqa: A002 - the API's own word
        creative_type: str | None = None,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        limit: int | None = 100,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.project_id = project_id
        self.status = status
        self.format = format
        self.creative_type = creative_type
        self.since = since
        self.until = until
        self.limit = limit

    @stops_retries
    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Walk the pages and give the rows."""
        from airflow_provider_layers.api.content import list_content

        filters = {name: getattr(self, name) for name in self.filters}
        rows = self.layers_hook.run(list_content(self.project_id, limit=self.limit, **filters))
        self.log.info("Project %s: %d containers.", self.project_id, len(rows))
        return rows


class LayersApproveContentOperator(_EachContainerOperator):
    """
    Approve content (``reference/approval/approve-content``).

    Content that is approved already or needs no approval is a success; rejected content is a failure. A
    schedule that was waiting for the approval is carried out by the API.

    :param container_id: a container or a list of them (templated)
    :param note: 1 to 1024 characters, kept with the approval (templated)
    :param layers_conn_id: the Airflow connection (templated)
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    :raises LayersConflictError: it was rejected before
    """

    template_fields: Sequence[str] = (*_EachContainerOperator.template_fields, "note")

    def __init__(self, *, note: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.note = note

    def one(self, container_id: str, source: Origin) -> Flow[dict[str, Any]]:
        """Make the request; see :func:`airflow_provider_layers.api.content.approve`."""
        from airflow_provider_layers.api.content import approve

        key = source.key("approve", container_id)
        return approve(container_id, note=self.note, idempotency_key=key)

    def report(self, result: dict[str, Any]) -> dict[str, Any]:
        """Log the approval."""
        self.log.info("Content %s: %s.", result.get("id"), result.get("approvalStatus"))
        return result


class LayersRejectContentOperator(_EachContainerOperator):
    """
    Reject content (``reference/approval/reject-content``). It starts no new take.

    :param container_id: a container or a list of them (templated)
    :param reason: 1 to 1024 characters (templated)
    :param layers_conn_id: the Airflow connection (templated)
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    :raises LayersConflictError: it was approved before, or needs no approval
    """

    template_fields: Sequence[str] = (*_EachContainerOperator.template_fields, "reason")

    def __init__(self, *, reason: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reason = reason

    def one(self, container_id: str, source: Origin) -> Flow[dict[str, Any]]:
        """Make the request; see :func:`airflow_provider_layers.api.content.reject`."""
        from airflow_provider_layers.api.content import reject

        key = source.key("reject", container_id)
        return reject(container_id, reason=self.reason, idempotency_key=key)


class LayersScheduleContentOperator(_EachContainerOperator):
    """
    Schedule content for publishing (``reference/publishing/schedule-content``).

    Content that waits for approval is either kept by the API until somebody approves it, which the log and
    ``gate_status: blocked_on_approval`` say, or refused, which fails the task. The API decides which.

    Returns ``{"container_id", "scheduled_for", "gate_status", "scheduled_post_ids"}`` for each container.

    :param container_id: a container or a list of them (templated)
    :param scheduled_for: a ``datetime`` with a timezone, or an ISO 8601 string with an offset (templated)
    :param targets: 1 to 50 of ``{"social_account_id", "mode", "caption_override", "first_comment_override",
        "tiktok_post_settings", "tiktok_music", "share_reel_to_feed"}``, all or nothing (templated)
    :param layers_conn_id: the Airflow connection (templated)
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    :raises LayersApprovalRequiredError: it is not approved, and the API stored nothing
    :raises LayersContentRejectedError: it was rejected
    """

    template_fields: Sequence[str] = (*_EachContainerOperator.template_fields, "scheduled_for", "targets")
    template_fields_renderers = {"targets": "json"}  # noqa: RUF012

    def __init__(
        self, *, scheduled_for: datetime | str, targets: list[dict[str, Any]], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.scheduled_for = scheduled_for
        self.targets = targets

    def one(self, container_id: str, source: Origin) -> Endpoint[Any]:
        """Make the request; see :func:`airflow_provider_layers.api.scheduled_posts.schedule_content`."""
        from airflow_provider_layers.api.scheduled_posts import schedule_content

        return schedule_content(
            container_id,
            scheduled_for=self.scheduled_for,
            targets=self.targets,
            idempotency_key=source.key("schedule", container_id),
        )

    def report(self, result: Any) -> dict[str, Any]:
        """Log whether it is on its way or waits for an approval."""
        if result.blocked:
            self.log.warning(
                "Content %s is not approved: the API keeps its schedule for %s until somebody approves it.",
                result.container_id,
                result.scheduled_for,
            )
        else:
            posts = ", ".join(result.scheduled_post_ids)
            self.log.info("Content %s goes out at %s: %s.", result.container_id, result.scheduled_for, posts)
        return dict(result.as_xcom())
