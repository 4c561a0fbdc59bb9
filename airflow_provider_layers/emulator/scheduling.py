"""Scheduling and publishing a container: the gate, the targets, and a schedule that waits for approval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_layers.emulator import checks
from airflow_provider_layers.emulator.clock import read_moment, write_moment
from airflow_provider_layers.emulator.errors import Refusal, conflict, not_found
from airflow_provider_layers.emulator.routes import scheduled_posts as posts
from airflow_provider_layers.emulator.routing import Answer

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_layers.emulator.entities import Container, ScheduledPost
    from airflow_provider_layers.emulator.routing import Call
    from airflow_provider_layers.emulator.state import World

NEW_MODES = ("publish", "draft", "managed")
OLD_MODES = {
    "tiktok": ("direct_publish", "draft_to_device"),
    "instagram": ("reels", "feed", "draft_to_device"),
}
_privacy = ("PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "FOLLOWER_OF_CREATOR", "SELF_ONLY")
_switches = ("disableComment", "disableDuet", "disableStitch", "isBrandOrganic", "isBrandedContent")
TARGET = checks.Shape(
    {
        "socialAccountId": checks.text(1),
        "mode": checks.one_of(*NEW_MODES, "direct_publish", "draft_to_device", "reels", "feed"),
        "captionOverride": checks.text(0, 4000),
        "firstCommentOverride": checks.text(0, 4000),
        "scheduledPostId": checks.id_of("sp"),
        "tiktokPostSettings": checks.Shape(
            {"privacyLevel": checks.one_of(*_privacy), **dict.fromkeys(_switches, checks.boolean)}
        ),
        "tiktokMusic": checks.Shape(
            {"mode": checks.one_of("none", "auto", "manual"), "trackId": checks.text(1)}, ("mode",)
        ),
        "shareReelToFeed": checks.boolean,
    },
    ("socialAccountId", "mode"),
)
_targets = checks.array(TARGET, 1, 50)
SCHEDULE = checks.Shape({"scheduledFor": checks.moment, "targets": _targets}, ("scheduledFor", "targets"))
PUBLISH = checks.Shape({"targets": _targets}, ("targets",))


def schedule(call: Call) -> Answer:
    """Answer ``POST /v1/content/{container}/schedule``."""
    body = call.read_body(SCHEDULE)
    container = call.world.container(call.params["container"])
    when = posts.read_future(call, body["scheduledFor"])
    _require_sendable(call, container, body["targets"])
    if container.approval_status == "pending":
        if call.world.settings.schedule_gate == "forbidden":
            raise _approval_required(container)
        # Assumption: a later schedule takes the place of one that still waits.
        container.waiting_schedule = body
        return Answer(202, _show(container, when, [], "blocked_on_approval"))
    made = [posts.create(call.world, container, target, when) for target in body["targets"]]
    # Assumption: the pages show neither status nor body of a schedule that is not blocked.
    return Answer(201, _show(container, when, made, None))


def publish(call: Call) -> Answer:
    """Answer ``POST /v1/content/{container}/publish``: as soon as possible, and only if approved."""
    body = call.read_body(PUBLISH)
    container = call.world.container(call.params["container"])
    _require_sendable(call, container, body["targets"])
    if container.approval_status == "pending":
        raise _approval_required(container)
    now = call.world.clock.now()
    made = [posts.create(call.world, container, target, now) for target in body["targets"]]
    return Answer(202, _show(container, now, made, None))


def promote(world: World, container: Container) -> dict[str, Any]:
    """Turn the schedule that waited for approval into posts, if its accounts are still there."""
    waiting, container.waiting_schedule = container.waiting_schedule or {}, None
    gone = set(world.settings.disconnected_accounts)
    if any(target["socialAccountId"] in gone for target in waiting["targets"]):
        return {"status": "failed", "scheduledPostIds": []}
    when = read_moment(waiting["scheduledFor"]) or world.clock.now()
    made = [posts.create(world, container, target, when) for target in waiting["targets"]]
    return {"status": "ok", "scheduledPostIds": [post.id for post in made]}


def _require_sendable(call: Call, container: Container, targets: list[dict[str, Any]]) -> None:
    for index, target in enumerate(targets):
        _require_target(call, container, target, f"targets.{index}")
    # Assumption: the pages do not give the code for a container that is not completed.
    if container.status != "completed":
        raise conflict("Container is not completed.", containerId=container.id, status=container.status)
    if container.approval_status == "rejected":
        details = {"containerId": container.id, "approvalStatus": "rejected"}
        raise Refusal(409, "CONTENT_REJECTED", "This container was rejected.", details)


def _require_target(call: Call, container: Container, target: dict[str, Any], path: str) -> None:
    account = call.world.accounts.get(target["socialAccountId"])
    if account is None or account.project != container.project:
        raise not_found("Social account not found in this project.")
    if account.id in call.world.settings.disconnected_accounts:
        raise call.refuse(f"{path}.socialAccountId", "this account is disconnected")
    modes = NEW_MODES + OLD_MODES[account.platform]
    if target["mode"] not in modes:
        raise call.refuse(f"{path}.mode", f"must be one of {', '.join(modes)} on {account.platform}")
    if target.get("scheduledPostId") in call.world.posts:
        raise conflict("Scheduled post id already exists.", scheduledPostId=target["scheduledPostId"])
    if "tiktokMusic" in target and target["mode"] in posts.DRAFT_MODES:
        raise call.refuse(f"{path}.tiktokMusic", "cannot be combined with a draft")
    if "shareReelToFeed" in target and account.platform != "instagram":
        raise call.refuse(f"{path}.shareReelToFeed", "is for Instagram only")


def _approval_required(container: Container) -> Refusal:
    details = {"containerId": container.id, "approvalStatus": container.approval_status}
    return Refusal(403, "APPROVAL_REQUIRED", "This container has to be approved first.", details)


def _show(
    container: Container, when: datetime, made: list[ScheduledPost], gate: str | None
) -> dict[str, Any]:
    return {
        "containerId": container.id,
        "scheduledFor": write_moment(when),
        "gateStatus": gate,
        "scheduledPostIds": [post.id for post in made],
        "scheduledPosts": [
            {"scheduledPostId": post.id, "socialAccountId": post.account, "status": post.status}
            for post in made
        ],
    }
