"""Putting content on a date: ``reference/publishing/*``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import Field

from airflow_provider_layers.api.endpoint import Answer, Endpoint, segment
from airflow_provider_layers.api.request import Moment, Request, body

BLOCKED_ON_APPROVAL = "blocked_on_approval"

Caption = Annotated[str, Field(max_length=4000)]


class TiktokPostSettings(Request):
    """TikTok's own settings of a post."""

    privacy_level: (
        Literal["PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "FOLLOWER_OF_CREATOR", "SELF_ONLY"] | None
    ) = None
    disable_comment: bool | None = None
    disable_duet: bool | None = None
    disable_stitch: bool | None = None
    is_brand_organic: bool | None = None
    is_branded_content: bool | None = None


class TiktokMusic(Request):
    """Music of a TikTok post."""

    mode: Literal["none", "auto", "manual"]
    track_id: str | None = None


class Target(Request):
    """One social account to post to. The modes of both revisions are taken; the API knows which it is."""

    social_account_id: str
    mode: Literal["publish", "draft", "managed", "direct_publish", "draft_to_device", "reels", "feed"]
    caption_override: Caption | None = None
    first_comment_override: Caption | None = None
    scheduled_post_id: str | None = None
    tiktok_post_settings: TiktokPostSettings | None = None
    tiktok_music: TiktokMusic | None = None
    share_reel_to_feed: bool | None = None


class ScheduleForm(Request):
    """The body of schedule."""

    scheduled_for: Moment
    targets: Annotated[list[Target], Field(min_length=1, max_length=50)]


@dataclass(frozen=True)
class Scheduling:
    """
    What became of a schedule.

    :param gate_status: ``blocked_on_approval`` when the API keeps the schedule until somebody approves the
        content; ``None`` when it is on its way
    :param scheduled_post_ids: one for each target; none while the gate is closed
    """

    container_id: str
    scheduled_for: str
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
        path=f"/v1/content/{segment('container_id', container_id)}/schedule",
        body=sent,
        read=partial(_read_scheduling, container_id=container_id, scheduled_for=sent["scheduledFor"]),
        idempotency_key=idempotency_key,
    )


def _read_scheduling(answer: Answer, *, container_id: str, scheduled_for: str) -> Scheduling:
    found = answer.json()
    return Scheduling(container_id, scheduled_for, found.get("gateStatus"), post_ids(found))
