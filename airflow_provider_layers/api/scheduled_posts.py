"""Putting content on a date: ``reference/publishing/*``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Annotated, Any

from pydantic import Field

from airflow_provider_layers.api.content import content_path
from airflow_provider_layers.api.endpoint import Answer, Endpoint, Flow, json_of, segment
from airflow_provider_layers.api.flow import call
from airflow_provider_layers.api.request import Moment, Request, body, moment
from airflow_provider_layers.api.targets import Targets
from airflow_provider_layers.exceptions import LayersConflictError

BLOCKED_ON_APPROVAL = "blocked_on_approval"
CANCELED = "canceled"
FAILED = "failed"


class ScheduleForm(Request):
    """The body of schedule."""

    scheduled_for: Moment
    targets: Targets


class PublishForm(Request):
    """The body of publish."""

    targets: Targets


class RescheduleForm(Request):
    """The body of reschedule."""

    scheduled_for: Moment


class CancelForm(Request):
    """The body of cancel."""

    reason: Annotated[str, Field(min_length=1, max_length=1024)] | None = None


@dataclass(frozen=True)
class Scheduling:
    """
    What became of a schedule.

    :param scheduled_for: when it goes out; ``None`` for at once
    :param gate_status: ``blocked_on_approval`` when the API keeps the schedule until somebody approves the
        content; ``None`` when it is on its way
    :param scheduled_post_ids: one for each target; none while the gate is closed
    """

    container_id: str
    scheduled_for: str | None
    gate_status: str | None
    scheduled_post_ids: tuple[str, ...]

    @property
    def blocked(self) -> bool:
        """Whether it waits for an approval."""
        return self.gate_status == BLOCKED_ON_APPROVAL

    def as_xcom(self) -> dict[str, Any]:
        """Give it as plain JSON."""
        return asdict(self) | {"scheduled_post_ids": list(self.scheduled_post_ids)}


def post_ids(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """
    Collect the scheduled posts that an answer names.

    The success body is not documented beyond the names ``scheduledPostId`` and ``scheduledPostIds``, so
    they are taken from the top or, where the answer has a row for each target, from its rows.
    """
    ids: list[str] = list(answer.get("scheduledPostIds") or [])
    rows = [answer, *(row for value in answer.values() if isinstance(value, list) for row in value)]
    ids += [row["scheduledPostId"] for row in rows if isinstance(row, Mapping) and row.get("scheduledPostId")]
    return tuple(dict.fromkeys(ids))


def schedule_content(
    container_id: str, *, scheduled_for: Any, targets: Any, idempotency_key: str
) -> Endpoint[Scheduling]:
    """
    ``POST /v1/content/:containerId/schedule`` (scope ``publish:write``).

    :param container_id: the container
    :param scheduled_for: a moment with a timezone
    :param targets: 1 to 50 social accounts, all or nothing
    :param idempotency_key: the same on every try
    :raises LayersParameterError: a parameter is wrong
    """
    sent = body(ScheduleForm, scheduled_for=scheduled_for, targets=targets)
    return Endpoint(
        asked=f"schedule content {container_id} for {sent['scheduledFor']}",
        method="POST",
        path=f"{content_path(container_id)}/schedule",
        body=sent,
        read=partial(_read_scheduling, container_id=container_id, scheduled_for=sent["scheduledFor"]),
        idempotency_key=idempotency_key,
    )


def publish_content(container_id: str, *, targets: Any, idempotency_key: str) -> Endpoint[Scheduling]:
    """
    ``POST /v1/content/:containerId/publish`` (scope ``publish:write``).

    :param container_id: the container
    :param targets: 1 to 50 social accounts, all or nothing
    :param idempotency_key: the same on every try
    :raises LayersParameterError: a parameter is wrong
    """
    return Endpoint(
        asked=f"publish content {container_id}",
        method="POST",
        path=f"{content_path(container_id)}/publish",
        body=body(PublishForm, targets=targets),
        read=partial(_read_scheduling, container_id=container_id, scheduled_for=None),
        idempotency_key=idempotency_key,
    )


def _read_scheduling(answer: Answer, *, container_id: str, scheduled_for: str | None) -> Scheduling:
    found = answer.json()
    return Scheduling(container_id, scheduled_for, found.get("gateStatus"), post_ids(found))


def get_scheduled_post(scheduled_post_id: str) -> Endpoint[dict[str, Any]]:
    """
    ``GET /v1/scheduled-posts/:scheduledPostId`` (scope ``publish:read``).

    :param scheduled_post_id: the scheduled post
    """
    return Endpoint(
        asked=f"read scheduled post {scheduled_post_id}",
        method="GET",
        path=_path(scheduled_post_id),
        read=json_of,
    )


def reschedule(scheduled_post_id: str, *, scheduled_for: Any, idempotency_key: str) -> Flow[dict[str, Any]]:
    """
    ``POST /v1/scheduled-posts/:scheduledPostId/reschedule`` (scope ``publish:write``); twice is once.

    :param scheduled_post_id: the scheduled post, still ``queued``
    :param scheduled_for: a moment with a timezone
    :param idempotency_key: the same on every try
    :raises LayersParameterError: a parameter is wrong
    :raises LayersConflictError: it is not queued any more, and was not moved to that moment before
    """
    sent = body(RescheduleForm, scheduled_for=scheduled_for)
    endpoint = Endpoint(
        asked=f"reschedule scheduled post {scheduled_post_id} for {sent['scheduledFor']}",
        method="POST",
        path=f"{_path(scheduled_post_id)}/reschedule",
        body=sent,
        read=json_of,
        idempotency_key=idempotency_key,
    )
    wanted = moment(sent["scheduledFor"])

    def moved(post: dict[str, Any]) -> bool:
        # A post that will not go out keeps its moment.
        return moment(post.get("scheduledFor")) == wanted and post.get("status") not in (CANCELED, FAILED)

    return _settled(endpoint, scheduled_post_id, moved)


def cancel_scheduled_post(scheduled_post_id: str, *, reason: str | None) -> Flow[dict[str, Any]]:
    """
    ``DELETE /v1/scheduled-posts/:scheduledPostId`` (scope ``publish:write``); canceling twice is canceling.

    :param scheduled_post_id: the scheduled post
    :param reason: 1 to 1024 characters
    :raises LayersParameterError: a parameter is wrong
    :raises LayersConflictError: it was published, failed or handed over as a draft before
    """
    endpoint = Endpoint(
        asked=f"cancel scheduled post {scheduled_post_id}",
        method="DELETE",
        path=_path(scheduled_post_id),
        body=body(CancelForm, reason=reason) or None,
        read=json_of,
        repeats_harmlessly=True,
    )
    return _settled(endpoint, scheduled_post_id, lambda post: post.get("status") == CANCELED)


def _path(scheduled_post_id: str) -> str:
    return f"/v1/scheduled-posts/{segment('scheduled_post_id', scheduled_post_id)}"


def _settled(
    endpoint: Endpoint[dict[str, Any]], scheduled_post_id: str, done: Callable[[dict[str, Any]], bool]
) -> Flow[dict[str, Any]]:
    """Send a change; a conflict is settled by what the post says it is: an answer may have been lost."""
    try:
        return (yield from call(endpoint))
    except LayersConflictError:
        post = yield from call(get_scheduled_post(scheduled_post_id))
        if not done(post):
            raise
    return post
