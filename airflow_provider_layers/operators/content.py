"""Operators on content: make it, read it, decide on it, put it on a date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowOptionalProviderFeatureException

from airflow_provider_layers.hooks.task import stops_retries
from airflow_provider_layers.operators.base import LayersEachContainerOperator, LayersOperator
from airflow_provider_layers.operators.generation import (
    LayersCloneFromPostOperator,
    LayersGenerateContentOperator,
    LayersRegenerateContentOperator,
)
from airflow_provider_layers.operators.publishing import (
    LayersPublishContentOperator,
    LayersScheduleContentOperator,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.api.endpoint import Endpoint, Flow
    from airflow_provider_layers.api.keys import Origin
    from airflow_provider_layers.operators.review import LayersReviewContentOperator

__all__ = [
    "LayersApproveContentOperator",
    "LayersCloneFromPostOperator",
    "LayersGenerateContentOperator",
    "LayersGetContentOperator",
    "LayersListContentOperator",
    "LayersPublishContentOperator",
    "LayersRegenerateContentOperator",
    "LayersRejectContentOperator",
    "LayersReviewContentOperator",
    "LayersScheduleContentOperator",
]


def __getattr__(name: str) -> Any:
    """Import the review when it is asked for: it costs more than all the rest, and needs Airflow 3.1."""
    if name != "LayersReviewContentOperator":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    operators = __name__.rpartition(".")[0]
    try:
        found = import_module(f"{operators}.review")
    except AirflowOptionalProviderFeatureException:
        found = import_module(f"{operators}.review_below")
    return getattr(found, name)


class LayersGetContentOperator(LayersEachContainerOperator):
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
    :param limit: most rows to return, default 100; ``None`` for all (templated)
    :param layers_conn_id: the Airflow connection (templated)
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    """

    filters = ("status", "format", "creative_type", "since", "until")
    template_fields: Sequence[str] = (*LayersOperator.template_fields, "project_id", *filters, "limit")

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


class LayersApproveContentOperator(LayersEachContainerOperator):
    """
    Approve content (``reference/approval/approve-content``).

    Content that is approved already or needs no approval is a success; rejected content is a failure. A
    schedule that was waiting for the approval is carried out by the API.

    :param container_id: a container or a list of them (templated)
    :param note: 1 to 1024 characters, kept with the approval (templated)
    :param layers_conn_id: the Airflow connection (templated)
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    :raises LayersConflictError: it was rejected before
    :raises LayersPromotionError: it is approved, and the schedule that waited for the approval failed
    """

    template_fields: Sequence[str] = (*LayersEachContainerOperator.template_fields, "note")

    def __init__(self, *, note: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.note = note

    def one(self, container_id: str, source: Origin) -> Flow[dict[str, Any]]:
        """Make the request; see :func:`airflow_provider_layers.api.content.approve`."""
        from airflow_provider_layers.api.content import approve

        key = source.key("approve", container_id)
        return approve(container_id, note=self.note, idempotency_key=key)

    def carry_out(self, context: Context, wanted: Flow[dict[str, Any]]) -> dict[str, Any]:
        """Approve it, and log what it is then."""
        result = self.layers_hook.run(wanted)
        self.log.info("Content %s: %s.", result.get("id"), result.get("approvalStatus"))
        return result


class LayersRejectContentOperator(LayersEachContainerOperator):
    """
    Reject content (``reference/approval/reject-content``). It starts no new take.

    :param container_id: a container or a list of them (templated)
    :param reason: 1 to 1024 characters (templated)
    :param layers_conn_id: the Airflow connection (templated)
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    :raises LayersConflictError: it was approved before, or needs no approval
    """

    template_fields: Sequence[str] = (*LayersEachContainerOperator.template_fields, "reason")

    def __init__(self, *, reason: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reason = reason

    def one(self, container_id: str, source: Origin) -> Flow[dict[str, Any]]:
        """Make the request; see :func:`airflow_provider_layers.api.content.reject`."""
        from airflow_provider_layers.api.content import reject

        key = source.key("reject", container_id)
        return reject(container_id, reason=self.reason, idempotency_key=key)
