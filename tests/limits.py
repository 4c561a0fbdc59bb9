"""
The vendor's limits, each with the page that states it. Tests of the client, of the operators and of the
emulator read them from here, so that a number that changes at the vendor changes in one place.

Pages are named below ``/docs/api/``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """
    How small and how large a value may be: a number itself, the length of a text or of a list.

    :param page: where the vendor states it
    """

    page: str
    least: int
    most: int

    @property
    def allowed(self) -> tuple[int, int]:
        """The outermost values that are accepted."""
        return self.least, self.most

    @property
    def refused(self) -> tuple[int, int]:
        """The nearest values that are not."""
        return self.least - 1, self.most + 1


# Starting jobs
VARIANT_COUNT = Limit("reference/content/generate-content", 1, 5)
VALUE_PROPOSITIONS = Limit("reference/content/generate-content", 0, 20)
SOURCE_POST_IDS = Limit("reference/content/generate-content", 0, 20)
ASSET_IDS = Limit("reference/content/generate-content", 0, 20)
HOOK_LENGTH = Limit("reference/content/slideshow-builder", 1, 2000)
VARIATIONS = Limit("reference/content/clone-from-post", 1, 10)

# Deciding
NOTE_LENGTH = Limit("reference/approval/approve-content", 1, 1024)
REASON_LENGTH = Limit("reference/approval/reject-content", 1, 1024)
FIRST_POSTS_BLOCKED = Limit("reference/approval/policy", 0, 50)
FIRST_N = Limit("concepts/content-review", 1, 50)

# Publishing
TARGETS = Limit("reference/publishing/schedule-content", 1, 50)
CAPTION_LENGTH = Limit("reference/publishing/schedule-content", 0, 4000)
FIRST_COMMENT_LENGTH = Limit("reference/publishing/schedule-content", 0, 4000)
CANCEL_REASON_LENGTH = Limit("reference/publishing/cancel-scheduled-post", 1, 1024)

# Lists: the page size that the API accepts
CONTENT_PAGE = Limit("reference/content/list-containers", 1, 200)
SCHEDULED_POSTS_PAGE = Limit("reference/publishing/list-scheduled-posts", 1, 100)
PROJECTS_PAGE = Limit("reference/projects/list-projects", 1, 200)
SOCIAL_ACCOUNTS_PAGE = Limit("reference/social/list-social-accounts", 1, 200)
TOP_PERFORMERS = Limit("reference/metrics/top-performers", 1, 100)

# The words that a field accepts
BRIEF_FORMATS = ("auto", "video_remix", "slideshow_remix", "ugc_remix")  # reference/content/generate-content
HOOK_FORMATS = (  # concepts/content-items
    "slideshow-builder",
    "ugc-remix",
    "video-remix",
    "slideshow-remix",
)
PLATFORMS = ("instagram", "tiktok", "youtube")  # reference/content/generate-content
CLONE_MODES = ("fork", "reimagine")  # reference/content/clone-from-post
CONTENT_STATUSES = (  # concepts/content-items, both revisions
    "queued",
    "processing",
    "generating",
    "completed",
    "failed",
    "canceled",
)
APPROVAL_STATUSES = ("not_required", "pending", "approved", "rejected")  # concepts/approval
JOB_STATUSES = ("running", "completed", "failed", "canceled")  # concepts/jobs
TARGET_MODES = (  # reference/publishing/schedule-content, both revisions
    "publish",
    "draft",
    "managed",
    "direct_publish",
    "draft_to_device",
    "reels",
    "feed",
)
POST_STATUSES = (  # reference/publishing/get-scheduled-post, both revisions
    "queued",
    "publishing",
    "published",
    "failed",
    "canceled",
    "draft",
    "draft_in_inbox",
)
METRICS = (
    "views",
    "engagement_rate",
    "conversions",
    "roas",
    "watch_time_ms",
)  # reference/metrics/top-performers
WINDOWS = ("7d", "30d", "90d")
SOURCE_TYPES = ("content_container", "platform_post", "manual")
RANKED_PLATFORMS = ("instagram", "tiktok", "youtube", "meta_ads", "tiktok_ads", "apple_ads")

# Requests a minute of each tier (operational/rate-limits)
READS_PER_MINUTE = {"standard": 120, "pilot": 1_200, "partner": 6_000}
WRITES_PER_MINUTE = {"standard": 60, "pilot": 600, "partner": 3_000}
STARTS_PER_MINUTE = {"standard": 20, "pilot": 60, "partner": 300}
WRITES_PER_DAY = {"standard": 10_000, "pilot": 100_000, "partner": 500_000}

REPLAY_WINDOW_SECONDS = 24 * 3600
"""How long the API replays a response to its idempotency key (getting-started/common-patterns)."""
