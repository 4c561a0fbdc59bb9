"""Reading and deciding on content: ``reference/content/*`` and ``reference/approval/*``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from airflow_provider_layers.api.endpoint import Endpoint, Flow, json_of, segment
from airflow_provider_layers.api.flow import call, collect
from airflow_provider_layers.api.request import Moment, Request, body, one_or_many, query
from airflow_provider_layers.api.watching import Roll, roll_query
from airflow_provider_layers.exceptions import LayersConflictError, LayersParameterError, LayersPromotionError

LIST_PAGE_SIZE = 200
"""The most containers that the API gives in one answer (``reference/content/list-containers``)."""

Text = Annotated[str, Field(min_length=1, max_length=1024)]
# `generating` is what older revisions call `processing`.
Status = Literal["queued", "processing", "generating", "completed", "failed", "canceled"]


def content_path(container_id: str) -> str:
    """Give the path of a container."""
    return f"/v1/content/{segment('container_id', container_id)}"


def get_content(container_id: str) -> Endpoint[dict[str, Any]]:
    """
    ``GET /v1/content/:containerId`` (scope ``content:read``).

    :param container_id: the container
    """
    return Endpoint(
        asked=f"read content {container_id}",
        method="GET",
        path=content_path(container_id),
        read=json_of,
    )


class ListLimit(Request):
    """How many rows to return over all pages."""

    limit: Annotated[int, Field(ge=1)] | None = None


class ListFilters(Request):
    """Filters of the list; ``status`` and ``format`` may be several."""

    status: Annotated[list[Status], BeforeValidator(one_or_many)] | None = None
    format: Annotated[list[str], BeforeValidator(one_or_many)] | None = None
    creative_type: Literal["generated", "uploaded"] | None = None
    since: Moment | None = None
    until: Moment | None = None


def list_content(project_id: str, *, limit: int | str | None, **filters: Any) -> Flow[list[dict[str, Any]]]:
    """
    ``GET /v1/projects/:projectId/content`` (scope ``content:read``), page after page, newest first.

    :param project_id: the project
    :param limit: most containers to return; ``None`` for all
    :param filters: see :class:`ListFilters`
    :raises LayersParameterError: a parameter is wrong
    """
    path = f"/v1/projects/{segment('project_id', project_id)}/content"
    most = body(ListLimit, limit=limit).get("limit")
    pairs = query(ListFilters, **filters)

    def page(size: int, cursor: str | None) -> Endpoint[dict[str, Any]]:
        place = (("cursor", cursor),) if cursor else ()
        return Endpoint(
            asked=f"list content of project {project_id}",
            method="GET",
            path=path,
            query=(*pairs, ("limit", str(size)), *place),
            read=json_of,
        )

    return collect(page, limit=most, page_size=LIST_PAGE_SIZE)


UNDER_WAY = ("queued", "processing", "generating")
"""Statuses of content that a job still works on."""

SINCE_MARGIN = 600.0
"""Seconds before the start of a job from which its containers are looked for: moments may differ a little."""


def content_roll(project_id: str) -> Roll:
    """
    Give the list in which the containers of running jobs show (``reference/content/list-containers``).

    It is asked for the containers that are under way, so that its length does not grow with the project's
    history. That ``since`` is compared with ``createdAt`` is assumed.

    :param project_id: the project
    """
    path = f"/v1/projects/{segment('project_id', project_id)}/content"

    def page(since: float | None, cursor: str | None, filtered: bool) -> Endpoint[dict[str, Any]]:
        return Endpoint(
            asked=f"list content of project {project_id}",
            method="GET",
            path=path,
            query=roll_query(
                statuses=UNDER_WAY if filtered else (),
                since=None if since is None else since - SINCE_MARGIN,
                page_size=LIST_PAGE_SIZE,
                cursor=cursor,
            ),
            read=json_of,
        )

    return Roll(path, LIST_PAGE_SIZE, page, frozenset(UNDER_WAY))


class Approval(Request):
    """The body of approve."""

    note: Text | None = None


class Rejection(Request):
    """The body of reject."""

    reason: Text


def _decision(
    verb: str, container_id: str, sent: dict[str, Any], idempotency_key: str
) -> Endpoint[dict[str, Any]]:
    return Endpoint(
        asked=f"{verb} content {container_id}",
        method="POST",
        path=f"{content_path(container_id)}/{verb}",
        body=sent,
        read=json_of,
        idempotency_key=idempotency_key,
    )


def approve(container_id: str, *, note: str | None, idempotency_key: str) -> Flow[dict[str, Any]]:
    """
    ``POST /v1/content/:containerId/approve`` (scope ``content:approve``); approving twice is approving.

    :param container_id: the container
    :param note: 1 to 1024 characters, kept with the approval
    :param idempotency_key: the same on every try
    :raises LayersConflictError: it was rejected before
    :raises LayersPromotionError: it is approved, and the schedule that waited for the approval failed
    """
    endpoint = _decision("approve", container_id, body(Approval, note=note), idempotency_key)
    return _promoted(container_id, _decide(endpoint, container_id, fine=("approved", "not_required")))


def _promoted(container_id: str, decision: Flow[dict[str, Any]]) -> Flow[dict[str, Any]]:
    """Approve, and fail where the schedule that waited for the approval failed."""
    decided = yield from decision
    promotion = decided.get("pendingSchedulePromotion") or {}
    if promotion.get("status") == "failed":
        raise LayersPromotionError(
            f"Content {container_id} is approved, and the schedule that waited for it failed: {promotion}. "
            "Nothing goes out. Schedule it again once the cause is mended."
        )
    return decided


def reject(container_id: str, *, reason: str, idempotency_key: str) -> Flow[dict[str, Any]]:
    """
    ``POST /v1/content/:containerId/reject`` (scope ``content:approve``); rejecting twice is rejecting.

    :param container_id: the container
    :param reason: 1 to 1024 characters
    :param idempotency_key: the same on every try
    :raises LayersConflictError: it was approved before, or needs no approval
    """
    endpoint = _decision("reject", container_id, body(Rejection, reason=reason), idempotency_key)
    return _decide(endpoint, container_id, fine=("rejected",))


def _decide(
    endpoint: Endpoint[dict[str, Any]], container_id: str, *, fine: tuple[str, ...]
) -> Flow[dict[str, Any]]:
    """Send a decision; a conflict is settled by what the container says it is."""
    try:
        return (yield from call(endpoint))
    except LayersConflictError:
        container = yield from call(get_content(container_id))
        if container.get("approvalStatus") not in fine:
            raise
    return {name: container.get(name) for name in ("id", "approvalStatus")}


def each(container_ids: str | Sequence[Any]) -> list[str]:
    """
    Make a flat list of one container id or many.

    :param container_ids: as the DAG gave them; a list of lists is what a mapped task returns
    :return: each id once; none for an empty list, which is nothing to do
    :raises LayersParameterError: it is something else, or one is not an id
    """
    if not isinstance(container_ids, Sequence):
        raise LayersParameterError(f"container_id = {container_ids!r}: should be an id or a list of ids.")
    found: dict[str, None] = {}
    for one in [container_ids] if isinstance(container_ids, str) else container_ids:
        if isinstance(one, list):
            found |= dict.fromkeys(each(one))
        else:
            segment("container_id", one)
            found[one] = None
    return list(found)


def only(container_ids: str | Sequence[Any]) -> str:
    """
    Give the one container id of a parameter that takes one.

    :raises LayersParameterError: there are none or several: one task instance starts one job
    """
    ids = each(container_ids)
    if len(ids) != 1:
        raise LayersParameterError(
            f"container_id = {ids!r}: one task starts one job. Map the task over the ids with expand()."
        )
    return ids[0]
