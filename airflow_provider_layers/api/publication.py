"""Waiting until a scheduled post is public: ``reference/publishing/get-scheduled-post``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from airflow_provider_layers.api.cadence import Cadence
from airflow_provider_layers.api.endpoint import Answer, Endpoint, json_of, segment
from airflow_provider_layers.api.request import moment
from airflow_provider_layers.api.scheduled_posts import get_scheduled_post
from airflow_provider_layers.api.watching import Roll, Sight, Watch, roll_query
from airflow_provider_layers.exceptions import (
    LayersPostError,
    LayersTimeoutError,
    LayersUnexpectedAnswerError,
)

PUBLISHED = "published"
UNDER_WAY = ("queued", "publishing")
DRAFTS = ("draft", "draft_in_inbox")
"""What older revisions call ``draft_in_inbox``."""

ENDED = (PUBLISHED, "failed", "canceled", *DRAFTS)

LIST_PAGE_SIZE = 100
"""The most posts that the API gives in one answer (``reference/publishing/list-scheduled-posts``)."""

FARTHEST = 900.0
"""Seconds between two looks at a post that is not due for long: somebody may cancel it."""


def read_post(answer: Answer) -> dict[str, Any]:
    """
    Read a scheduled post.

    :raises LayersUnexpectedAnswerError: it has a status that is not documented
    """
    post = answer.json()
    if post.get("status") not in (*UNDER_WAY, *ENDED):
        raise LayersUnexpectedAnswerError(
            f"Scheduled post {post.get('id')} has status {post.get('status')!r}; known are "
            f"{', '.join((*UNDER_WAY, *ENDED))}. It was left alone; update this package if "
            "the API has a new one."
        )
    return post


def look_at_post(scheduled_post_id: str) -> Endpoint[dict[str, Any]]:
    """
    ``GET /v1/scheduled-posts/:scheduledPostId`` (scope ``publish:read``), with a status that is known.

    :param scheduled_post_id: the scheduled post
    """
    return replace(get_scheduled_post(scheduled_post_id), read=read_post)


def demand_published(post: Mapping[str, Any], *, accept_draft: bool) -> None:
    """
    Make sure that a post that has ended went public.

    :param post: as the API tells of it
    :param accept_draft: whether a draft on the account's device is good enough
    :raises LayersPostError: it failed, was canceled, or is a draft
    """
    status, error = post.get("status"), post.get("lastError")
    if status == PUBLISHED or (accept_draft and status in DRAFTS):
        return
    said = error if isinstance(error, dict) else {"message": error}
    reason = " ".join(str(said[name]) for name in ("code", "message") if said.get(name)).rstrip(".")
    message = {
        "failed": f"failed: {reason or 'the API gave no reason'}.",
        "canceled": "was canceled.",
    }.get(
        str(status),
        "is a draft on the account's device, where a person publishes it. "
        "accept_draft=True takes that for done.",
    )
    raise LayersPostError(f"Scheduled post {post.get('id')} {message}")


def post_roll(project_id: str) -> Roll:
    """
    Give the list in which posts that are under way show (``reference/publishing/list-scheduled-posts``).

    :param project_id: the project
    """
    path = f"/v1/projects/{segment('project_id', project_id)}/scheduled-posts"

    def page(since: float | None, cursor: str | None, filtered: bool) -> Endpoint[dict[str, Any]]:
        statuses = UNDER_WAY if filtered else ()
        return Endpoint(
            asked=f"list scheduled posts of project {project_id}",
            method="GET",
            path=path,
            query=roll_query(statuses=statuses, since=since, page_size=LIST_PAGE_SIZE, cursor=cursor),
            read=json_of,
        )

    return Roll(path, LIST_PAGE_SIZE, page, frozenset(UNDER_WAY))


def watch_post(
    scheduled_post_id: str, *, deadline: float, longest: float, project_id: str | None = None
) -> Watch[dict[str, Any]]:
    """
    Watch a scheduled post until it has ended.

    :param scheduled_post_id: the scheduled post
    :param deadline: seconds since the epoch; one last look is taken after it
    :param longest: longest pause between two looks, in seconds, once the post is due
    :param project_id: the project; with it, one read of its list tells of many posts
    """
    return Watch(
        name=f"scheduled post {scheduled_post_id}",
        look=lambda _: look_at_post(scheduled_post_id),
        sight=_sight,
        expired=_expired(scheduled_post_id, deadline),
        deadline=deadline,
        cadence=Cadence(longest=longest, farthest=max(longest, FARTHEST)),
        roll=post_roll(project_id) if project_id else None,
        rows=(scheduled_post_id,),
    )


def _sight(post: Mapping[str, Any]) -> Sight:
    due = moment(post.get("scheduledFor"))
    return Sight(ended=post.get("status") in ENDED, likely_end=due.timestamp() if due else None)


def _expired(
    scheduled_post_id: str, deadline: float
) -> Callable[[Mapping[str, Any] | None], LayersTimeoutError]:
    def error(post: Mapping[str, Any] | None) -> LayersTimeoutError:
        state = f"was still {post.get('status')}" if post else "could not be read"
        at = datetime.fromtimestamp(deadline, timezone.utc).isoformat(timespec="seconds")
        return LayersTimeoutError(
            f"Scheduled post {scheduled_post_id} {state} at the deadline, {at}. It may still go out."
        )

    return error
