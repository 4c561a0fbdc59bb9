"""Scheduled posts: schedule, publish, read, reschedule, cancel.

    queued > publishing > published | failed | draft
    queued | publishing > canceled

The clock moves a post: it is publishing from ``scheduledFor`` on, and published ``publish_seconds`` later.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.emulator.entities import Container, ScheduledPost
from airflow_provider_layers.emulator.errors import ApiError, Query, conflict, not_found
from airflow_provider_layers.emulator.formats import format_optional_timestamp, format_timestamp, paginate
from airflow_provider_layers.emulator.limits import READ, WRITE
from airflow_provider_layers.emulator.routing import ApiRequest, ApiResponse, ApiRoute
from airflow_provider_layers.emulator.schemas import (
    NEW_MODES,
    OLD_MODES,
    CancelPostBody,
    ListScheduledPostsQuery,
    PublishBody,
    RescheduleBody,
    ScheduleBody,
    TargetBody,
)

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.state import State

_DRAFT_MODES = ("draft", "draft_to_device")
_SKEW = timedelta(seconds=30)


def schedule(request: ApiRequest) -> ApiResponse:
    """Queue a post for each target, or keep the schedule until the container is approved."""
    body = request.read_body(ScheduleBody)
    container = request.state.container(request.path_params["container"])
    _require_future(request, body.scheduledFor)
    _require_publishable(request, container, body.targets)
    if container.approval_status == "pending":
        if request.state.settings.schedule_gate == "forbidden":
            raise _approval_required(container)
        # Assumption: a later schedule replaces the schedule that waits.
        container.blocked_schedule = body
        return ApiResponse(202, _show_schedule(container, body.scheduledFor, [], "blocked_on_approval"))
    posts = _create_posts(request.state, container, body.targets, body.scheduledFor)
    # Assumption: the pages show neither status nor body of a schedule that is not blocked.
    return ApiResponse(201, _show_schedule(container, body.scheduledFor, posts, None))


def publish(request: ApiRequest) -> ApiResponse:
    """Queue a post for each target now, if the container is approved."""
    body = request.read_body(PublishBody)
    container = request.state.container(request.path_params["container"])
    _require_publishable(request, container, body.targets)
    if container.approval_status == "pending":
        raise _approval_required(container)
    now = request.state.clock.now()
    posts = _create_posts(request.state, container, body.targets, now)
    return ApiResponse(202, _show_schedule(container, now, posts, None))


def promote_schedule(state: State, container: Container) -> dict[str, Any]:
    """Turn the blocked schedule of *container* into posts, unless an account has been disconnected."""
    blocked, container.blocked_schedule = container.blocked_schedule, None
    disconnected = state.settings.disconnected_accounts
    if blocked is None or any(target.socialAccountId in disconnected for target in blocked.targets):
        return {"status": "failed", "scheduledPostIds": []}
    posts = _create_posts(state, container, blocked.targets, blocked.scheduledFor)
    return {"status": "ok", "scheduledPostIds": [post.id for post in posts]}


def get_scheduled_post(request: ApiRequest) -> ApiResponse:
    """Return a scheduled post."""
    request.read_query(Query)
    return ApiResponse(200, _show_post(request.state, request.state.post(request.path_params["post"])))


def list_scheduled_posts(request: ApiRequest) -> ApiResponse:
    """Return a page of the posts of a project, the latest ``scheduledFor`` first."""
    query = request.read_query(ListScheduledPostsQuery)
    project = request.state.project(request.path_params["project"])
    found = [
        post
        for post in request.state.posts.values()
        if post.project == project.uuid and _matches(post, query)
    ]
    page = paginate(
        found,
        lambda post: [format_timestamp(post.scheduled_for), post.number],
        lambda post: _show_post(request.state, post),
        limit=query.limit,
        cursor=query.cursor,
    )
    return ApiResponse(200, page)


def reschedule(request: ApiRequest) -> ApiResponse:
    """Move a queued post to another time."""
    when = request.read_body(RescheduleBody).scheduledFor
    _require_future(request, when)
    state, post = request.state, request.state.post(request.path_params["post"])
    if post.status != "queued":
        raise conflict(f"Scheduled post is {post.status}.", status=post.status)
    post.scheduled_for, post.updated_at = when, state.clock.now()
    state.call_at(when, lambda due: _start_publishing(state, post, due))
    body = {
        "id": post.id,
        "status": "queued",
        "scheduledFor": format_timestamp(when),
        "updatedAt": format_timestamp(post.updated_at),
    }
    return ApiResponse(200, body)


def cancel_post(request: ApiRequest) -> ApiResponse:
    """Cancel a post that is not published yet."""
    request.read_body(CancelPostBody)
    post = request.state.post(request.path_params["post"])
    # Assumption: "best effort" while publishing always succeeds here.
    if post.status not in ("queued", "publishing"):
        raise conflict(f"Scheduled post is {post.status}.", status=post.status)
    post.canceled_at = post.updated_at = request.state.clock.now()
    post.status = "canceled"
    body = {"id": post.id, "status": "canceled", "canceledAt": format_timestamp(post.canceled_at)}
    return ApiResponse(200, body)


def _require_future(request: ApiRequest, when: datetime) -> None:
    now = request.state.clock.now()
    if when < now - _SKEW:
        message = f"must not be in the past; the API's clock shows {format_timestamp(now)}"
        raise request.invalid("scheduledFor", message)


def _require_publishable(request: ApiRequest, container: Container, targets: list[TargetBody]) -> None:
    for index, target in enumerate(targets):
        _require_target(request, container, target, f"targets.{index}")
    # Assumption: the pages do not give the code for a container that is not completed.
    if container.status != "completed":
        raise conflict("Container is not completed.", containerId=container.id, status=container.status)
    if container.approval_status == "rejected":
        details = {"containerId": container.id, "approvalStatus": "rejected"}
        raise ApiError(409, "CONTENT_REJECTED", "This container was rejected.", details)


def _require_target(request: ApiRequest, container: Container, target: TargetBody, path: str) -> None:
    state, account = request.state, request.state.accounts.get(target.socialAccountId)
    if account is None or account.project != container.project:
        raise not_found("Social account not found in this project.")
    if account.id in state.settings.disconnected_accounts:
        raise request.invalid(f"{path}.socialAccountId", "this account is disconnected")
    modes = NEW_MODES + OLD_MODES[account.platform]
    if target.mode not in modes:
        raise request.invalid(f"{path}.mode", f"must be one of {', '.join(modes)} on {account.platform}")
    if target.scheduledPostId in state.posts:
        raise conflict("Scheduled post id already exists.", scheduledPostId=target.scheduledPostId)
    if target.tiktokMusic is not None and target.mode in _DRAFT_MODES:
        raise request.invalid(f"{path}.tiktokMusic", "cannot be combined with a draft")
    if target.shareReelToFeed is not None and account.platform != "instagram":
        raise request.invalid(f"{path}.shareReelToFeed", "is for Instagram only")


def _approval_required(container: Container) -> ApiError:
    details = {"containerId": container.id, "approvalStatus": container.approval_status}
    return ApiError(403, "APPROVAL_REQUIRED", "This container has to be approved first.", details)


def _create_posts(
    state: State, container: Container, targets: list[TargetBody], when: datetime
) -> list[ScheduledPost]:
    return [_create_post(state, container, target, when) for target in targets]


def _create_post(state: State, container: Container, target: TargetBody, when: datetime) -> ScheduledPost:
    now = state.clock.now()
    account = state.accounts[target.socialAccountId]
    post = ScheduledPost(
        id=target.scheduledPostId or f"sp_{state.ids.uuid('scheduled post')}",
        container=container.uuid,
        project=container.project,
        account=account.id,
        platform=account.platform,
        mode=target.mode,
        scheduled_for=when,
        created_at=now,
        updated_at=now,
        number=state.next_number(),
        outcome=state.outcomes.pop("scheduled_post"),
    )
    state.posts[post.id] = post
    state.call_at(when, lambda due: _start_publishing(state, post, due))
    return post


def _start_publishing(state: State, post: ScheduledPost, due: datetime) -> None:
    # A rescheduled post is called at its earlier time, too.
    if post.status != "queued" or post.scheduled_for > due:
        return
    post.status, post.attempted_at, post.updated_at = "publishing", due, due
    end = due + timedelta(seconds=state.settings.publish_seconds)
    state.call_at(end, lambda due: _finish_publishing(state, post, due))


def _finish_publishing(state: State, post: ScheduledPost, due: datetime) -> None:
    if post.status != "publishing":
        return
    post.updated_at = due
    if post.outcome.status != "completed":
        post.status = post.outcome.status
        post.canceled_at = due if post.status == "canceled" else None
        if post.status == "failed":
            post.last_error = {"code": post.outcome.code, "message": post.outcome.message}
    elif post.mode in _DRAFT_MODES:
        post.status = "draft"
    else:
        post.status, post.published_at = "published", due
        post.external_id = state.ids.token("external id", "123456789", 19)
        post.external_url = f"https://www.{post.platform}.com/@acmetodo/{post.external_id}"


def _matches(post: ScheduledPost, query: ListScheduledPostsQuery) -> bool:
    statuses = [status.replace("draft_in_inbox", "draft") for status in query.status]
    return (
        (not statuses or post.status in statuses)
        and query.socialAccountId in (None, post.account)
        and (query.since is None or post.scheduled_for >= query.since)
        and (query.until is None or post.scheduled_for <= query.until)
    )


def _show_schedule(
    container: Container, when: datetime, posts: list[ScheduledPost], gate: str | None
) -> dict[str, Any]:
    return {
        "containerId": container.id,
        "scheduledFor": format_timestamp(when),
        "gateStatus": gate,
        "scheduledPostIds": [post.id for post in posts],
        "scheduledPosts": [
            {"scheduledPostId": post.id, "socialAccountId": post.account, "status": post.status}
            for post in posts
        ],
    }


def _show_post(state: State, post: ScheduledPost) -> dict[str, Any]:
    older_draft = post.status == "draft" and state.settings.revision == "old"
    return {
        "id": post.id,
        "containerId": f"cnt_{post.container}",
        "socialAccountId": post.account,
        "platform": post.platform,
        "mode": post.mode,
        "status": "draft_in_inbox" if older_draft else post.status,
        "externalId": post.external_id,
        "externalUrl": post.external_url,
        "scheduledFor": format_timestamp(post.scheduled_for),
        "attemptedAt": format_optional_timestamp(post.attempted_at),
        "publishedAt": format_optional_timestamp(post.published_at),
        "canceledAt": format_optional_timestamp(post.canceled_at),
        "lastError": post.last_error,
        "createdAt": format_timestamp(post.created_at),
        "updatedAt": format_timestamp(post.updated_at),
    }


_POST = "/v1/scheduled-posts/{post}"

ROUTES = (
    ApiRoute("POST", "/v1/content/{container}/schedule", schedule, "publish:write", WRITE),
    ApiRoute("POST", "/v1/content/{container}/publish", publish, "publish:write", WRITE),
    ApiRoute("GET", _POST, get_scheduled_post, "publish:read", READ),
    ApiRoute("DELETE", _POST, cancel_post, "publish:write", WRITE),
    ApiRoute("POST", f"{_POST}/reschedule", reschedule, "publish:write", WRITE),
    ApiRoute("GET", "/v1/projects/{project}/scheduled-posts", list_scheduled_posts, "publish:read", READ),
)
