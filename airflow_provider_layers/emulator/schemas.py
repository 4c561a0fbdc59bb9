# ruff: noqa: N815 - the fields are spelled as on the vendor's pages
"""Bodies and queries of the API, with the limits that the vendor's pages name."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from airflow_provider_layers.emulator.errors import Omittable, Query, Schema
from airflow_provider_layers.emulator.formats import bare_uuid, parse_timestamp
from airflow_provider_layers.emulator.settings import ReviewPolicy

T = TypeVar("T")


def _id_of(prefix: str) -> AfterValidator:
    def require_id(value: str) -> str:
        if bare_uuid(value, prefix) is None:
            raise PydanticCustomError(
                "id",
                "must be a UUID or {prefix}_<uuid>, not {value}",
                {"prefix": prefix, "value": repr(value)},
            )
        return value

    return AfterValidator(require_id)


def _require_timestamp(value: Any) -> datetime:
    moment = parse_timestamp(value) if isinstance(value, str) else None
    if moment is None:
        message = "must be an ISO 8601 timestamp in UTC that ends in Z, not {value}"
        raise PydanticCustomError("timestamp", message, {"value": repr(value)})
    return moment


Text = Annotated[str, Field(min_length=1)]
UpTo20Texts = Annotated[list[Text], Field(max_length=20)]
Timestamp = Annotated[datetime, BeforeValidator(_require_timestamp)]
ContainerId = Annotated[str, _id_of("cnt")]
InfluencerId = Annotated[str, _id_of("inf")]
LayerId = Annotated[str, _id_of("lyr")]
ScheduledPostId = Annotated[str, _id_of("sp")]


class EmptyBody(Schema):
    """The body of a route without fields."""


# Generation

BriefFormat = Literal["auto", "video_remix", "slideshow_remix", "ugc_remix"]
ContentPlatform = Literal["instagram", "tiktok", "youtube"]
Hook = Annotated[str, Field(min_length=1, max_length=2000)]


class BudgetBody(Schema):
    """``budget`` of generate."""

    maxCredits: Annotated[int, Field(ge=0)]


class SourcesBody(Schema):
    """``references`` of the brief form and of regenerate."""

    sourcePostIds: Omittable[UpTo20Texts] = None
    assetIds: Omittable[UpTo20Texts] = None


class MediaBody(Schema):
    """``references`` of the hook form."""

    mediaIds: Omittable[list[Text]] = None


class BriefChangesBody(Schema):
    """``brief`` of regenerate."""

    topic: Omittable[Text] = None
    angle: Omittable[Text] = None
    cta: Omittable[Text] = None
    valuePropositions: Omittable[UpTo20Texts] = None


class BriefBody(BriefChangesBody):
    """``brief`` of generate."""

    hook: Omittable[Text] = None
    targetPlatforms: Omittable[list[ContentPlatform]] = None
    influencerId: Omittable[InfluencerId] = None
    themeTags: Omittable[list[Text]] = None
    referenceMediaIds: Omittable[list[Text]] = None
    language: Omittable[
        Annotated[str, Field(min_length=2, max_length=35, pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]
    ] = None


class GenerateBody(Schema):
    """The fields that every form of generate may have."""

    variantCount: Annotated[int, Field(ge=1, le=5)] = 1
    targetPlatforms: Omittable[list[ContentPlatform]] = None
    projectLayerId: Omittable[LayerId] = None
    budget: Omittable[BudgetBody] = None
    metadata: Omittable[dict[str, Any]] = None


class GenerateFromBriefBody(GenerateBody):
    """The brief form of generate."""

    id: Omittable[ContainerId] = None
    format: BriefFormat = "auto"
    # Assumption: the page marks `brief` optional and lists a missing brief as an error; the error wins.
    brief: BriefBody
    references: Omittable[SourcesBody] = None


class AccountBody(Schema):
    """Who the content of a per-format route is made for."""

    socialAccountId: Omittable[Text] = None
    influencerId: Omittable[InfluencerId] = None


class GenerateFromHookBody(AccountBody, GenerateBody):
    """The hook form of generate; any ``format`` passes here, because an unknown one has an error code."""

    # Assumption: the page shows four fields; those of the other routes are accepted, too.
    format: Text
    hook: Omittable[Hook] = None
    mediaId: Omittable[Text] = None
    references: Omittable[MediaBody] = None


class SlideshowBuilderBody(AccountBody):
    """Body of ``…/content/slideshow-builder``."""

    hook: Hook


class UgcRemixBody(AccountBody):
    """Body of ``…/content/ugc-remix``."""

    hook: Omittable[Hook] = None
    mediaId: Omittable[Text] = None


class SourceRemixBody(AccountBody):
    """Body of ``…/content/video-remix`` and ``…/content/slideshow-remix``."""

    tiktokVideoId: Text


class OverridesBody(Schema):
    """``overrides`` of clone-from-post."""

    caption: Omittable[Text] = None
    cta: Omittable[Text] = None
    voiceOverScript: Omittable[Text] = None


class CloneFromPostBody(Schema):
    """Body of clone-from-post."""

    projectId: Text
    projectLayerId: Omittable[LayerId] = None
    sourcePlatformPostId: Text
    mode: Literal["fork", "reimagine"] = "fork"
    variations: Annotated[int, Field(ge=1, le=10)] = 1
    overrides: Omittable[OverridesBody] = None


class RegenerateBody(Schema):
    """Body of regenerate."""

    brief: Omittable[BriefChangesBody] = None
    references: Omittable[SourcesBody] = None
    preserveAssets: bool = False


# Approval


class ApproveBody(Schema):
    """Body of approve."""

    note: Omittable[Annotated[str, Field(max_length=1024)]] = None


class RejectBody(Schema):
    """Body of reject."""

    reason: Annotated[str, Field(min_length=1, max_length=1024)]


class ApprovalPolicyBody(Schema):
    """Body of ``PATCH …/approval-policy``, the older name of the policy."""

    requiresApproval: Omittable[bool] = None
    firstNPostsBlocked: Omittable[Annotated[int, Field(ge=0, le=50)]] = None
    autoApproveAfter: (
        Annotated[
            str,
            Field(max_length=64, pattern=r"^P(\d+[YMWD])+(T(\d+[HMS])+)?$|^PT(\d+[HMS])+$"),
        ]
        | None
    ) = None


class ReviewPolicyBody(Schema):
    """Body of ``PATCH …/content-review-policy``, the newer name."""

    policy: ReviewPolicy
    firstN: Omittable[Annotated[int, Field(ge=1, le=50)]] = None


# Scheduling

NEW_MODES = ("publish", "draft", "managed")
OLD_MODES = {
    "tiktok": ("direct_publish", "draft_to_device"),
    "instagram": ("reels", "feed", "draft_to_device"),
}
Override = Annotated[str, Field(max_length=4000)]


class TiktokPostSettingsBody(Schema):
    """``tiktokPostSettings`` of a target."""

    privacyLevel: Omittable[
        Literal["PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "FOLLOWER_OF_CREATOR", "SELF_ONLY"]
    ] = None
    disableComment: Omittable[bool] = None
    disableDuet: Omittable[bool] = None
    disableStitch: Omittable[bool] = None
    isBrandOrganic: Omittable[bool] = None
    isBrandedContent: Omittable[bool] = None


class TiktokMusicBody(Schema):
    """``tiktokMusic`` of a target."""

    mode: Literal["none", "auto", "manual"]
    trackId: Omittable[Text] = None


class TargetBody(Schema):
    """A target of schedule and publish; the modes of both revisions."""

    socialAccountId: Text
    mode: Literal["publish", "draft", "managed", "direct_publish", "draft_to_device", "reels", "feed"]
    captionOverride: Omittable[Override] = None
    firstCommentOverride: Omittable[Override] = None
    scheduledPostId: Omittable[ScheduledPostId] = None
    tiktokPostSettings: Omittable[TiktokPostSettingsBody] = None
    tiktokMusic: Omittable[TiktokMusicBody] = None
    shareReelToFeed: Omittable[bool] = None


Targets = Annotated[list[TargetBody], Field(min_length=1, max_length=50)]


class PublishBody(Schema):
    """Body of publish."""

    targets: Targets


class ScheduleBody(Schema):
    """Body of schedule."""

    scheduledFor: Timestamp
    targets: Targets


class RescheduleBody(Schema):
    """Body of reschedule."""

    scheduledFor: Timestamp


class CancelPostBody(Schema):
    """Body of ``DELETE /v1/scheduled-posts/…``."""

    reason: Omittable[Annotated[str, Field(max_length=1024)]] = None


# Queries

# A query has texts only. A parameter that may be repeated arrives as a text when it is sent once.
WholeNumber = BeforeValidator(
    lambda value: int(value) if isinstance(value, str) and value.isdecimal() else value
)
Repeatable = Annotated[
    tuple[T, ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else (value,))
]
Switch = Literal["true", "false"]


class PageQuery(Query):
    """The parameters of every list."""

    cursor: Omittable[Text] = None
    limit: Annotated[int, Field(ge=1, le=200), WholeNumber] = 25


class ListContentQuery(PageQuery):
    """Query of ``GET /v1/projects/…/content``."""

    status: Repeatable[Literal["queued", "processing", "generating", "completed", "failed", "canceled"]] = ()
    format: Repeatable[
        Literal[
            "slideshow-builder", "ugc-remix", "video-remix", "slideshow-remix",
            "video_remix", "slideshow_remix", "ugc_remix", "auto",
        ]
    ] = ()  # fmt: skip
    creativeType: Omittable[Literal["generated", "uploaded"]] = None
    since: Omittable[Timestamp] = None
    until: Omittable[Timestamp] = None


class ListScheduledPostsQuery(PageQuery):
    """Query of ``GET /v1/projects/…/scheduled-posts``."""

    status: Repeatable[
        Literal["queued", "publishing", "draft", "draft_in_inbox", "published", "failed", "canceled"]
    ] = ()
    socialAccountId: Omittable[Text] = None
    since: Omittable[Timestamp] = None
    until: Omittable[Timestamp] = None
    limit: Annotated[int, Field(ge=1, le=100), WholeNumber] = 50


class ListProjectsQuery(PageQuery):
    """Query of ``GET /v1/projects``."""

    status: Omittable[Literal["active", "archived"]] = None
    search: Omittable[Text] = None
    customerExternalId: Omittable[Text] = None


class ListSocialAccountsQuery(PageQuery):
    """Query of ``GET /v1/projects/…/social-accounts``."""

    platform: Omittable[Literal["tiktok", "instagram"]] = None
    status: Omittable[Literal["connected", "reauth_required", "disconnected"]] = None
    leased: Omittable[Switch] = None
    limit: Annotated[int, Field(ge=1, le=200), WholeNumber] = 50


class TopPerformersQuery(Query):
    """Query of ``GET /v1/projects/…/top-performers``."""

    metric: Literal["views", "engagement_rate", "conversions", "roas", "watch_time_ms"]
    window: Literal["7d", "30d", "90d"] = "30d"
    sourceType: Repeatable[Literal["content_container", "platform_post", "manual"]] = ()
    platform: Repeatable[
        Literal["instagram", "tiktok", "youtube", "meta_ads", "tiktok_ads", "apple_ads"]
    ] = ()
    limit: Annotated[int, Field(ge=1, le=100), WholeNumber] = 25
    includeIneligible: Switch = "false"
