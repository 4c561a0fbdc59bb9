"""The world at the beginning: keys, projects, accounts, and posts that did well."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from airflow_provider_layers.emulator.entities import ApiKey, PlatformPost, Project, SocialAccount

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.state import World

_BASE32 = string.ascii_lowercase + "234567"
_BASE64 = string.ascii_letters + string.digits + "-_"
_READ_SCOPES = ["content:read", "publish:read", "jobs:read", "metrics:read", "projects:read", "social:read"]

# platform, format, age in days, score, views, engagement rate, ms watched, conversions, return on spend, hook
_POSTS = (
    (
        "tiktok",
        "video-remix",
        3,
        9.1,
        812_000,
        0.114,
        9_400,
        None,
        None,
        "Get things done. Faster than your to-do list.",
    ),
    (
        "instagram",
        "slideshow-remix",
        5,
        8.4,
        402_000,
        0.131,
        7_200,
        None,
        None,
        "Five tabs you can close today.",
    ),
    (
        "tiktok",
        "slideshow-builder",
        12,
        7.7,
        266_000,
        0.087,
        6_100,
        None,
        None,
        "Nobody plans a day like this.",
    ),
    (
        "youtube",
        "video-remix",
        20,
        6.2,
        148_000,
        0.062,
        11_800,
        None,
        None,
        "I tried one list for thirty days.",
    ),
    (
        "tiktok_ads",
        "ugc-remix",
        25,
        7.0,
        95_000,
        0.041,
        5_300,
        318,
        3.4,
        "My sister deleted three apps for this one.",
    ),
    (
        "meta_ads",
        "ugc-remix",
        41,
        6.6,
        73_000,
        0.038,
        4_900,
        207,
        2.7,
        "The reminder that finally worked on me.",
    ),
    (
        "instagram",
        "slideshow-remix",
        70,
        5.1,
        51_000,
        0.055,
        5_800,
        None,
        None,
        "Your calendar is lying to you.",
    ),
    ("tiktok", "video-remix", 8, 2.3, 9_400, 0.012, 1_900, None, None, "Productivity, but make it loud."),
)


def plant(world: World) -> None:
    """Fill an empty *world*."""
    for name in ("default", "second", "read_only", "revoked", "suspended"):
        world.keys[name] = _key(world)
    if world.options.api_key is not None:
        world.keys["default"].secret = world.options.api_key
    world.keys["read_only"].scopes = list(_READ_SCOPES)
    world.keys["revoked"].revoked = True
    world.keys["suspended"].suspended = "key"
    project = _project(world, "Acme Todo", "America/New_York", layers=1)
    project.policy = "review_all"
    _project(world, "Two Layers", "Europe/Berlin", layers=2)
    _project(world, "No Layers", "Asia/Tokyo", layers=0)
    for platform in ("tiktok", "instagram"):
        _account(world, project, platform)
    for row in _POSTS:
        _post(world, project, row)


def _key(world: World) -> ApiKey:
    key_id = world.ids.token("key id", _BASE32, 16)
    secret = world.ids.token("key secret", _BASE64, 43)
    return ApiKey(key_id, f"lp_live_{key_id}_{secret}", ["*"])


def _project(world: World, name: str, timezone: str, layers: int) -> Project:
    project = Project(
        uuid=world.ids.uuid("project"),
        name=name,
        timezone=timezone,
        layers=[world.ids.uuid("layer") for _ in range(layers)],
        influencers=[world.ids.uuid("influencer")],
        created_at=world.clock.now(),
        number=world.count(),
    )
    world.projects[project.uuid] = project
    return project


def _account(world: World, project: Project, platform: str) -> None:
    account = SocialAccount(
        id=f"sa_{world.ids.uuid('social account')}",
        project=project.uuid,
        platform=platform,
        handle="@acmetodo",
        connected_at=world.clock.now(),
        number=world.count(),
    )
    world.accounts[account.id] = account


def _post(
    world: World,
    project: Project,
    row: tuple[str, str, int, float, int, float, int, int | None, float | None, str],
) -> None:
    platform, format_name, age, score, views, rate, watched, conversions, spend, hook = row
    metrics = {
        "views": views,
        "engagement_rate": rate,
        "watch_time_ms": watched,
        "conversions": conversions,
        "roas": spend,
    }
    post = PlatformPost(
        id=world.ids.ulid("pp"),
        external_id=world.ids.token("external id", string.digits[1:], 19),
        project=project.uuid,
        platform=platform,
        format_name=format_name,
        hook=hook,
        age_days=age,
        score=score,
        metrics={name: value for name, value in metrics.items() if value is not None},
    )
    world.platform_posts[post.id] = post
