"""Which posts did best: the seeded posts, ranked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_layers.emulator import checks
from airflow_provider_layers.emulator.errors import invalid
from airflow_provider_layers.emulator.routing import Answer, Parameter

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.entities import PlatformPost
    from airflow_provider_layers.emulator.routing import Call

METRICS = ("views", "engagement_rate", "conversions", "roas", "watch_time_ms")
WINDOWS = {"7d": 7, "30d": 30, "90d": 90}
SOURCE_TYPES = ("content_container", "platform_post", "manual")
PLATFORMS = ("instagram", "tiktok", "youtube", "meta_ads", "tiktok_ads", "apple_ads")
QUERY = {
    "metric": Parameter(checks.one_of(*METRICS)),
    "window": Parameter(checks.one_of(*WINDOWS), default="30d"),
    "sourceType": Parameter(checks.one_of(*SOURCE_TYPES), many=True),
    "platform": Parameter(checks.one_of(*PLATFORMS), many=True),
    "limit": Parameter(checks.integer(1, 100), numeric=True, default=25),
    "includeIneligible": Parameter(checks.one_of("true", "false"), default="false"),
}
_ELIGIBLE_FROM = 4.0


def get_top_performers(call: Call) -> Answer:
    """Answer ``GET /v1/projects/{project}/top-performers``, the best first."""
    asked = call.read_query(QUERY)
    if asked["metric"] is None:
        raise invalid([{"path": "metric", "message": f"is required; one of {', '.join(METRICS)}"}])
    project = call.world.project(call.params["project"])
    found = [
        post
        for post in call.world.platform_posts.values()
        if post.project == project.uuid and asked["metric"] in post.metrics and _fits(post, asked)
    ]
    found.sort(key=lambda post: post.metrics[asked["metric"]], reverse=True)
    rows = [_show(post, rank, asked["metric"]) for rank, post in enumerate(found[: asked["limit"]], 1)]
    return Answer(200, {"items": rows})


def is_eligible(post: PlatformPost) -> bool:
    """Tell whether *post* scores high enough to be listed without ``includeIneligible``."""
    return post.score >= _ELIGIBLE_FROM


def _fits(post: PlatformPost, asked: dict[str, Any]) -> bool:
    return (
        post.age_days <= WINDOWS[asked["window"]]
        and (asked["platform"] is None or post.platform in asked["platform"])
        and (asked["sourceType"] is None or "platform_post" in asked["sourceType"])
        and (asked["includeIneligible"] == "true" or is_eligible(post))
    )


def _show(post: PlatformPost, rank: int, metric: str) -> dict[str, Any]:
    # Assumption: the pages show parts of a row only; these are all the names they use.
    return {
        "rank": rank,
        "metricValue": post.metrics[metric],
        "sourceType": "platform_post",
        "sourceId": post.id,
        "platformPostId": post.id,
        "platform": post.platform,
        "preview": None,
    }
