"""Where a post goes, and with which settings: ``reference/publishing/schedule-content``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from airflow_provider_layers.api.request import Request

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


Targets = Annotated[list[Target], Field(min_length=1, max_length=50)]
