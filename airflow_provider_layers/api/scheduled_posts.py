"""Publishing: ``reference/publishing/*``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from airflow_provider_layers.api.content import content_path
from airflow_provider_layers.api.endpoint import (
    ConflictResolution,
    Endpoint,
    Response,
    paged,
    quote_path_segment,
    read_json,
)
from airflow_provider_layers.api.schemas import (
    RequestModel,
    Timestamp,
    as_list,
    parse_timestamp,
    query_params,
    request_body,
)
from airflow_provider_layers.exceptions import LayersPostError, LayersUnexpectedResponseError

BLOCKED_ON_APPROVAL = "blocked_on_approval"

PUBLISHED, FAILED, CANCELED = "published", "failed", "canceled"
DRAFTS = ("draft", "draft_in_inbox")
"""``draft_in_inbox`` is what older revisions call ``draft``."""

QUEUED = "queued"
UNFINISHED_STATUSES = (QUEUED, "publishing")
FINISHED_STATUSES = (PUBLISHED, FAILED, CANCELED, *DRAFTS)
POST_STATUSES = (*UNFINISHED_STATUSES, *FINISHED_STATUSES)
PostStatus = Literal["queued", "publishing", "published", "failed", "canceled", "draft", "draft_in_inbox"]

LIST_PAGE_SIZE = 100
"""The most posts that the API returns at once (``reference/publishing/list-scheduled-posts``)."""

Caption = Annotated[str, Field(max_length=4000)]


class TikTokPostSettings(RequestModel):
    """TikTok's settings of a post."""

    privacy_level: (
        Literal["PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "FOLLOWER_OF_CREATOR", "SELF_ONLY"] | None
    ) = None
    disable_comment: bool | None = None
    disable_duet: bool | None = None
    disable_stitch: bool | None = None
    is_brand_organic: bool | None = None
    is_branded_content: bool | None = None


class TikTokMusic(RequestModel):
    """Music of a TikTok post."""

    mode: Literal["none", "auto", "manual"]
    track_id: str | None = None


class Target(RequestModel):
    """A social account to post to. Modes of both revisions are accepted; the API checks its own."""

    social_account_id: str
    mode: Literal["publish", "draft", "managed", "direct_publish", "draft_to_device", "reels", "feed"]
    caption_override: Caption | None = None
    first_comment_override: Caption | None = None
    scheduled_post_id: str | None = None
    tiktok_post_settings: TikTokPostSettings | None = None
    tiktok_music: TikTokMusic | None = None
    share_reel_to_feed: bool | None = None


Targets = Annotated[list[Target], Field(min_length=1, max_length=50)]


class ScheduleForm(RequestModel):
    """The body of schedule."""

    scheduled_for: Timestamp
    targets: Targets


class PublishForm(RequestModel):
    """The body of publish."""

    targets: Targets


class RescheduleForm(RequestModel):
    """The body of reschedule."""

    scheduled_for: Timestamp


class CancelForm(RequestModel):
    """The body of cancel."""

    reason: Annotated[str, Field(min_length=1, max_length=1024)] | None = None


class ScheduledPostFilters(RequestModel):
    """Filters of the list; ``status`` may have several values, ``until`` is inclusive."""

    status: Annotated[list[PostStatus], BeforeValidator(as_list)] | None = None
    social_account_id: str | None = None
    since: Timestamp | None = None
    until: Timestamp | None = None


@dataclass(frozen=True)
class ScheduleResult:
    """
    The outcome of a schedule or publish request.

    :param scheduled_for: when it is published; ``None`` for at once
    :param gate_status: ``blocked_on_approval`` if the API stores the schedule until the content is approved;
        ``None`` otherwise
    :param scheduled_post_ids: one for each target; none while the schedule is blocked
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
        """Return it as JSON."""
        return asdict(self) | {"scheduled_post_ids": list(self.scheduled_post_ids)}


def schedule_content(
    container_id: str, *, scheduled_for: Any, targets: Any, idempotency_key: str
) -> Endpoint[ScheduleResult]:
    """
    ``POST /v1/content/:containerId/schedule`` (scope ``publish:write``).

    :param scheduled_for: a datetime with a timezone, or ISO 8601 with an offset
    :param targets: 1 to 50 social accounts, all or nothing
    :param idempotency_key: the same on every try
    :raises LayersParameterError: a parameter is wrong
    """
    body = request_body(ScheduleForm, scheduled_for=scheduled_for, targets=targets)
    return Endpoint(
        description=f"schedule content {container_id} for {body['scheduledFor']}",
        method="POST",
        path=f"{content_path(container_id)}/schedule",
        body=body,
        read=partial(_read_schedule, container_id=container_id, scheduled_for=body["scheduledFor"]),
        idempotency_key=idempotency_key,
    )


def publish_content(container_id: str, *, targets: Any, idempotency_key: str) -> Endpoint[ScheduleResult]:
    """
    ``POST /v1/content/:containerId/publish`` (scope ``publish:write``).

    :param targets: 1 to 50 social accounts, all or nothing
    :param idempotency_key: the same on every try
    :raises LayersParameterError: a parameter is wrong
    """
    return Endpoint(
        description=f"publish content {container_id}",
        method="POST",
        path=f"{content_path(container_id)}/publish",
        body=request_body(PublishForm, targets=targets),
        read=partial(_read_schedule, container_id=container_id, scheduled_for=None),
        idempotency_key=idempotency_key,
    )


def _read_schedule(response: Response, *, container_id: str, scheduled_for: str | None) -> ScheduleResult:
    body = response.json()
    return ScheduleResult(container_id, scheduled_for, body.get("gateStatus"), _post_ids(body))


def _post_ids(body: Mapping[str, Any]) -> tuple[str, ...]:
    # The success body is documented only as far as the names `scheduledPostId` and `scheduledPostIds`, so
    # they are taken from the top or, if there is a row for each target, from the rows.
    ids: list[str] = list(body.get("scheduledPostIds") or [])
    rows = [body, *(row for value in body.values() if isinstance(value, list) for row in value)]
    ids += [row["scheduledPostId"] for row in rows if isinstance(row, Mapping) and row.get("scheduledPostId")]
    return tuple(dict.fromkeys(ids))


def scheduled_post_path(scheduled_post_id: str) -> str:
    """Return the path of a scheduled post."""
    return f"/v1/scheduled-posts/{quote_path_segment('scheduled_post_id', scheduled_post_id)}"


def list_scheduled_posts_path(project_id: str) -> str:
    """Return the path of a project's scheduled posts."""
    return f"/v1/projects/{quote_path_segment('project_id', project_id)}/scheduled-posts"


def get_scheduled_post(scheduled_post_id: str) -> Endpoint[dict[str, Any]]:
    """``GET /v1/scheduled-posts/:scheduledPostId`` (scope ``publish:read``)."""
    return Endpoint(
        description=f"read scheduled post {scheduled_post_id}",
        method="GET",
        path=scheduled_post_path(scheduled_post_id),
        read=read_json,
    )


def get_scheduled_post_state(scheduled_post_id: str) -> Endpoint[dict[str, Any]]:
    """``GET /v1/scheduled-posts/:scheduledPostId``, refusing statuses that are not documented."""

    def read(response: Response) -> dict[str, Any]:
        post = response.json()
        if post.get("status") not in POST_STATUSES:
            raise LayersUnexpectedResponseError(
                f"Scheduled post {post.get('id')} has status {post.get('status')!r}; known are "
                f"{', '.join(POST_STATUSES)}. It was left alone; update this package if the API has a new "
                "one."
            )
        return post

    return get_scheduled_post(scheduled_post_id).with_reader(read)


def list_scheduled_posts(
    project_id: str, **filters: Any
) -> Callable[[int, str | None], Endpoint[dict[str, Any]]]:
    """
    ``GET /v1/projects/:projectId/scheduled-posts`` (scope ``publish:read``), latest ``scheduledFor`` first.

    :param filters: see :class:`ScheduledPostFilters`
    :return: the endpoint of a page, by its size and cursor
    :raises LayersParameterError: a filter is wrong
    """
    query = query_params(ScheduledPostFilters, **filters)
    return paged(
        f"list scheduled posts of project {project_id}", list_scheduled_posts_path(project_id), query
    )


def reschedule_scheduled_post(
    scheduled_post_id: str, *, scheduled_for: Any, idempotency_key: str
) -> Endpoint[dict[str, Any]]:
    """
    ``POST /v1/scheduled-posts/:scheduledPostId/reschedule`` (scope ``publish:write``).

    A post that is scheduled for that moment already is a success.

    :param scheduled_post_id: the scheduled post, still ``queued``
    :param scheduled_for: a datetime with a timezone, or ISO 8601 with an offset
    :param idempotency_key: the same on every try
    :raises LayersParameterError: a parameter is wrong
    """
    body = request_body(RescheduleForm, scheduled_for=scheduled_for)
    moment = parse_timestamp(body["scheduledFor"])

    def is_moved(post: Mapping[str, Any]) -> bool | None:
        status = post.get("status")
        # A post that will not be published keeps its moment.
        if status in (CANCELED, FAILED):
            return False
        scheduled_for = parse_timestamp(post.get("scheduledFor"))
        if scheduled_for is None or status not in POST_STATUSES:
            return None
        # A queued post with another moment could be moved: the conflict is of a later state.
        return True if scheduled_for == moment else None if status == QUEUED else False

    return Endpoint(
        description=f"reschedule scheduled post {scheduled_post_id} for {body['scheduledFor']}",
        method="POST",
        path=f"{scheduled_post_path(scheduled_post_id)}/reschedule",
        body=body,
        read=read_json,
        idempotency_key=idempotency_key,
        on_conflict=_resolution(scheduled_post_id, is_moved),
    )


def cancel_scheduled_post(scheduled_post_id: str, *, reason: str | None) -> Endpoint[dict[str, Any]]:
    """
    ``DELETE /v1/scheduled-posts/:scheduledPostId`` (scope ``publish:write``).

    A post that is canceled already is a success.

    :param reason: 1 to 1024 characters
    :raises LayersParameterError: a parameter is wrong
    """
    return Endpoint(
        description=f"cancel scheduled post {scheduled_post_id}",
        method="DELETE",
        path=scheduled_post_path(scheduled_post_id),
        body=request_body(CancelForm, reason=reason) or None,
        read=read_json,
        idempotent=True,
        on_conflict=_resolution(scheduled_post_id, _is_canceled),
    )


def _is_canceled(post: Mapping[str, Any]) -> bool | None:
    # An unfinished post could be canceled: the conflict is of a later state.
    status = post.get("status")
    return status == CANCELED if status in FINISHED_STATUSES else None


def _resolution(
    scheduled_post_id: str, has_effect: Callable[[Mapping[str, Any]], bool | None]
) -> ConflictResolution[dict[str, Any]]:
    return ConflictResolution(
        current=get_scheduled_post(scheduled_post_id),
        has_effect=has_effect,
        result=lambda post: {"id": scheduled_post_id, **post},
    )


def raise_unless_published(post: Mapping[str, Any], *, accept_draft: bool) -> None:
    """
    Raise for a finished post that was not published.

    :param accept_draft: whether a draft on the account's device counts as published
    :raises LayersPostError: it failed, was canceled, or is a draft
    """
    status, error = post.get("status"), post.get("lastError")
    if status == PUBLISHED or (accept_draft and status in DRAFTS):
        return
    parts = error if isinstance(error, dict) else {"message": error}
    reason = " ".join(str(parts[name]) for name in ("code", "message") if parts.get(name)).rstrip(".")
    outcomes = {FAILED: f"failed: {reason or 'the API gave no reason'}.", CANCELED: "was canceled."}
    draft = (
        "is a draft on the account's device, where a person publishes it. "
        "accept_draft=True accepts that as published."
    )
    raise LayersPostError(f"Scheduled post {post.get('id')} {outcomes.get(str(status), draft)}")
