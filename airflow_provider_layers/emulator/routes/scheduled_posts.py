"""Scheduled posts.

    queued > publishing > published | failed | draft
    queued | publishing > canceled

The clock moves them: at ``scheduledFor`` they begin to publish, ``publish_seconds`` later they are out.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.emulator import checks
from airflow_provider_layers.emulator.clock import read_moment, write_moment, write_optional
from airflow_provider_layers.emulator.entities import ScheduledPost
from airflow_provider_layers.emulator.errors import conflict
from airflow_provider_layers.emulator.paging import cut_page
from airflow_provider_layers.emulator.routing import Answer, Parameter

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.entities import Container
    from airflow_provider_layers.emulator.routing import Call
    from airflow_provider_layers.emulator.state import World

DRAFT_MODES = ("draft", "draft_to_device")
_SKEW = timedelta(seconds=30)
_STATUSES = ("queued", "publishing", "draft", "draft_in_inbox", "published", "failed", "canceled")
LIST = {
    "status": Parameter(checks.one_of(*_STATUSES), many=True),
    "socialAccountId": Parameter(checks.text(1)),
    "since": Parameter(checks.moment),
    "until": Parameter(checks.moment),
    "cursor": Parameter(checks.text(1)),
    "limit": Parameter(checks.integer(1, 100), numeric=True, default=50),
}
RESCHEDULE = checks.Shape({"scheduledFor": checks.moment}, ("scheduledFor",))
CANCEL = checks.Shape({"reason": checks.text(0, 1024)})


def read_future(call: Call, text: str) -> datetime:
    """Return the moment *text* unless it is in the past; 30 seconds of skew are tolerated."""
    moment = read_moment(text)
    now = call.world.clock.now()
    if moment is None or moment < now - _SKEW:
        raise call.refuse(
            "scheduledFor", f"must not be in the past; the API's clock shows {write_moment(now)}"
        )
    return moment


def create(world: World, container: Container, target: dict[str, Any], when: datetime) -> ScheduledPost:
    """Queue *container* for *target* at *when*."""
    now = world.clock.now()
    account = world.accounts[target["socialAccountId"]]
    post = ScheduledPost(
        id=target.get("scheduledPostId") or f"sp_{world.ids.uuid('scheduled post')}",
        container=container.uuid,
        project=container.project,
        account=account.id,
        platform=account.platform,
        mode=target["mode"],
        scheduled_for=when,
        created_at=now,
        updated_at=now,
        number=world.count(),
        outcome=world.outcomes.take("scheduled_post"),
    )
    world.posts[post.id] = post
    world.at(when, lambda due: _publish(world, post, due))
    return post


def get_post(call: Call) -> Answer:
    """Answer ``GET /v1/scheduled-posts/{post}``."""
    call.read_query({})
    return Answer(200, _show(call.world, call.world.post(call.params["post"])))


def list_posts(call: Call) -> Answer:
    """Answer ``GET /v1/projects/{project}/scheduled-posts``, the latest ``scheduledFor`` first."""
    asked = call.read_query(LIST)
    project = call.world.project(call.params["project"])
    found = [
        post for post in call.world.posts.values() if post.project == project.uuid and _fits(post, asked)
    ]
    return Answer(200, cut_page(found, _order, lambda post: _show(call.world, post), asked))


def reschedule(call: Call) -> Answer:
    """Answer ``POST /v1/scheduled-posts/{post}/reschedule``; only a queued post can move."""
    when = read_future(call, call.read_body(RESCHEDULE)["scheduledFor"])
    world, post = call.world, call.world.post(call.params["post"])
    if post.status != "queued":
        raise conflict(f"Scheduled post is {post.status}.", status=post.status)
    post.scheduled_for, post.updated_at = when, world.clock.now()
    world.at(when, lambda due: _publish(world, post, due))
    body = {"id": post.id, "status": "queued", "scheduledFor": write_moment(when)}
    return Answer(200, {**body, "updatedAt": write_moment(post.updated_at)})


def cancel_post(call: Call) -> Answer:
    """Answer ``DELETE /v1/scheduled-posts/{post}``."""
    call.read_body(CANCEL)
    post = call.world.post(call.params["post"])
    # Assumption: "best effort" while publishing always succeeds here.
    if post.status not in ("queued", "publishing"):
        raise conflict(f"Scheduled post is {post.status}.", status=post.status)
    post.canceled_at = post.updated_at = call.world.clock.now()
    post.status = "canceled"
    return Answer(200, {"id": post.id, "status": "canceled", "canceledAt": write_moment(post.canceled_at)})


def _publish(world: World, post: ScheduledPost, due: datetime) -> None:
    if post.status != "queued" or post.scheduled_for > due:
        return
    post.status, post.attempted_at, post.updated_at = "publishing", due, due
    world.at(due + timedelta(seconds=world.settings.publish_seconds), lambda end: _finish(world, post, end))


def _finish(world: World, post: ScheduledPost, due: datetime) -> None:
    if post.status != "publishing":
        return
    post.updated_at = due
    if post.outcome.status != "completed":
        post.status = post.outcome.status
        post.canceled_at = due if post.status == "canceled" else None
        if post.status == "failed":
            post.last_error = {"code": post.outcome.code, "message": post.outcome.message}
    elif post.mode in DRAFT_MODES:
        post.status = "draft"
    else:
        post.status, post.published_at = "published", due
        post.external_id = world.ids.token("external id", "123456789", 19)
        post.external_url = f"https://www.{post.platform}.com/@acmetodo/{post.external_id}"


def _order(post: ScheduledPost) -> list[Any]:
    return [write_moment(post.scheduled_for), post.number]


def _fits(post: ScheduledPost, asked: dict[str, Any]) -> bool:
    since, until = (read_moment(asked[name]) if asked[name] else None for name in ("since", "until"))
    statuses = [status.replace("draft_in_inbox", "draft") for status in asked["status"] or ()]
    return (
        (not statuses or post.status in statuses)
        and asked["socialAccountId"] in (None, post.account)
        and (since is None or post.scheduled_for >= since)
        and (until is None or post.scheduled_for <= until)
    )


def _show(world: World, post: ScheduledPost) -> dict[str, Any]:
    old_draft = post.status == "draft" and world.settings.revision == "old"
    return {
        "id": post.id,
        "containerId": f"cnt_{post.container}",
        "socialAccountId": post.account,
        "platform": post.platform,
        "mode": post.mode,
        "status": "draft_in_inbox" if old_draft else post.status,
        "externalId": post.external_id,
        "externalUrl": post.external_url,
        "scheduledFor": write_moment(post.scheduled_for),
        "attemptedAt": write_optional(post.attempted_at),
        "publishedAt": write_optional(post.published_at),
        "canceledAt": write_optional(post.canceled_at),
        "lastError": post.last_error,
        "createdAt": write_moment(post.created_at),
        "updatedAt": write_moment(post.updated_at),
    }
