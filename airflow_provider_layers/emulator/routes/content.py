"""Containers: how jobs fill them, and the routes that read them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.emulator.entities import Asset, Container, EmulatedJob, Project
from airflow_provider_layers.emulator.errors import ApiError, Query, not_found
from airflow_provider_layers.emulator.formats import format_optional_timestamp, format_timestamp, paginate
from airflow_provider_layers.emulator.limits import READ
from airflow_provider_layers.emulator.pictures import HEIGHT, WIDTH
from airflow_provider_layers.emulator.routing import ApiRequest, ApiResponse, ApiRoute
from airflow_provider_layers.emulator.schemas import ListContentQuery

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.state import State

_VIDEO_MS = 10_800
_SLIDES = 3

_HOOK_OPENINGS = ("Wait for it...", "Three weeks later.", "Day one.", "I was wrong.", "Stop scrolling.")
_HOOK_ENDINGS = ("changed my mornings", "took ten minutes", "was worth it", "is easier than it looks")


def create_container(state: State, project: Project, format_name: str, uuid: str | None = None) -> Container:
    """Create an empty container, pending if the policy of *project* has it reviewed."""
    now = state.clock.now()
    unreviewed = state.settings.past_first_n if project.policy == "review_first_n" else "not_required"
    container = Container(
        uuid=uuid or state.ids.uuid("container"),
        project=project.uuid,
        format_name=format_name,
        approval_status="pending" if project.reviews_new_content else unreviewed,
        created_at=now,
        updated_at=now,
        number=state.next_number(),
    )
    state.containers[container.uuid] = container
    return container


def start_container(container: Container, job: EmulatedJob) -> None:
    """Set the fields of a container on which *job* starts."""
    container.job, container.status, container.updated_at = job.id, "queued", job.started_at
    container.last_error = None


def finish_container(state: State, container: Container, job: EmulatedJob) -> None:
    """Set the fields of a container whose *job* has ended."""
    container.updated_at = job.finished_at or container.updated_at
    if job.status == "failed":
        container.last_error = {"code": job.outcome.code, "message": job.outcome.message}
    if job.status == "completed":
        _add_version(state, container, job)
    # Assumption: a job that fails or is canceled leaves the version before it as it was.
    if container.version > 0:
        container.status = "completed"
        container.completed_at = container.completed_at or job.finished_at
    else:
        container.status = job.status
        container.failed_at = job.finished_at if job.status == "failed" else None


def status_of(state: State, container: Container) -> str:
    """Return the status of *container* in the words of the chosen revision."""
    if container.status != "queued":
        return container.status
    stage, _ = state.jobs[container.job].stage(state.clock.now())
    if stage == "queued":
        return "queued"
    return "generating" if state.settings.revision == "old" else "processing"


def _add_version(state: State, container: Container, job: EmulatedJob) -> None:
    container.version += 1
    container.completed_at, container.failed_at = job.finished_at, None
    hook = container.hook or container.brief.get("topic") or "Made by the Layers emulator"
    call_to_action = container.brief.get("cta") or "Try it today."
    container.captions = [
        {"platform": platform, "text": _caption(container, f"{hook} {call_to_action}", variation)}
        for variation in range(job.variations)
        for platform in container.brief.get("targetPlatforms") or ["tiktok"]
    ]
    if job.preserve_assets and container.assets:
        return
    points = container.brief.get("valuePropositions") or [
        container.brief.get("angle") or container.brief.get("topic")
    ]
    lines = ["", str(points[0] or "Here is how it works."), call_to_action]
    slides = _SLIDES if container.is_slideshow else 1
    container.assets = [
        _create_asset(state, container, hook, lines[slide], slide + 1)
        for _ in range(job.variations)
        for slide in range(slides)
    ]


def _caption(container: Container, text: str, variation: int) -> str:
    variation_suffix = f" (variation {variation + 1})" if variation else ""
    version_suffix = f" Version {container.version}." if container.version > 1 else ""
    return (container.caption_override or text) + variation_suffix + version_suffix


def _create_asset(state: State, container: Container, hook: str, line: str, slide: int) -> Asset:
    asset = Asset(
        id=state.ids.ulid("ast"),
        container=container.uuid,
        kind="image" if container.is_slideshow else "video",
        hook=hook,
        line=line,
        slide=slide,
        slides=_SLIDES if container.is_slideshow else 1,
        version=container.version,
    )
    state.assets[asset.id] = asset
    return asset


def get_content(request: ApiRequest) -> ApiResponse:
    """Return a container, with the fields of both revisions."""
    request.read_query(Query)
    container = request.state.container(request.path_params["container"])
    assets = show_assets(request, container)
    body = {
        **_show_summary(request, container),
        "projectId": f"prj_{container.project}",
        "hook": container.hook,
        "brief": container.brief,
        "influencerId": container.brief.get("influencerId"),
        "sourceTiktokId": container.fields.get("tiktokVideoId"),
        "mediaId": container.fields.get("mediaId"),
        "metadata": container.fields.get("metadata"),
        "firstComment": None,
        "captions": container.captions,
        "assets": assets,
        "lastError": container.last_error,
        "updatedAt": format_timestamp(container.updated_at),
        "failedAt": format_optional_timestamp(container.failed_at),
    }
    # Assumption: under the names of the responses of approve and reject; the sample of an approved
    # container (`concepts/content-items`) has neither.
    if request.state.settings.show_decider:
        body |= container.decision
    source = container.fields.get("sourcePlatformPostId")
    if source is not None:
        media = [
            {"id": asset["assetId"], "kind": asset["kind"], "durationMs": asset["durationMs"]}
            for asset in assets
        ]
        body |= {"sourcePlatformPostId": source, "captionVariants": container.captions, "mediaAssets": media}
    return ApiResponse(200, body)


def get_progress(request: ApiRequest) -> ApiResponse:
    """Return the stage of a container, and the progress within the stage."""
    request.read_query(Query)
    state, container = request.state, request.state.container(request.path_params["container"])
    job, now = state.jobs[container.job], state.clock.now()
    stage, progress = job.stage(now)
    running = job.status == "running"
    body = {
        "containerId": container.id,
        "status": status_of(state, container),
        "stage": stage,
        "stageProgress": round(progress, 4),
        "etaSeconds": math.ceil(job.seconds * (1 - job.elapsed(now))) if running else None,
        "updatedAt": format_timestamp(now if running else container.updated_at),
    }
    return ApiResponse(200, body)


def get_asset(request: ApiRequest) -> ApiResponse:
    """Return an asset of a container; assets of earlier versions remain."""
    request.read_query(Query)
    container = request.state.container(request.path_params["container"])
    asset = request.state.assets.get(request.path_params["asset"])
    if asset is None or asset.container != container.uuid:
        raise not_found("Asset not found.")
    return ApiResponse(200, _show_asset(request, asset))


def list_content(request: ApiRequest) -> ApiResponse:
    """Return a page of the containers of a project, newest first."""
    query = request.read_query(ListContentQuery)
    project = request.state.project(request.path_params["project"])
    found = [
        container
        for container in request.state.containers.values()
        if container.project == project.uuid and _matches(request.state, container, query)
    ]
    page = paginate(
        found,
        lambda container: [container.number],
        lambda container: _show_row(request, container),
        limit=query.limit,
        cursor=query.cursor,
    )
    return ApiResponse(200, page)


def list_hooks(request: ApiRequest) -> ApiResponse:
    """Return hooks for a project, in another order on every call."""
    request.read_query(Query)
    project, missing = request.state.project(request.path_params["project"]), request.state.settings.missing
    needed = {"app_name": "appName", "app_description": "appDescription"}
    fields = [field for setting, field in needed.items() if setting in missing]
    if fields:
        message = f"Hooks need the project's {' and '.join(fields)}."
        raise ApiError(422, "VALIDATION", message, {"missingFields": fields})
    # A line break is a backslash and an n (`reference/content/list-hooks`).
    hooks = [rf"{start}\n{project.name} {end}" for start in _HOOK_OPENINGS for end in _HOOK_ENDINGS]
    first = int(request.state.ids.random("hooks") * len(hooks))
    return ApiResponse(200, {"hooks": hooks[first:] + hooks[:first]})


def _matches(state: State, container: Container, query: ListContentQuery) -> bool:
    statuses = [_newer_status(status) for status in query.status]
    formats = [name.replace("_", "-") for name in query.format]
    return (
        (not statuses or _newer_status(status_of(state, container)) in statuses)
        and (not formats or container.format_name.replace("_", "-") in formats)
        and query.creativeType != "uploaded"
        and (query.since is None or container.created_at >= query.since)
        and (query.until is None or container.created_at <= query.until)
    )


def _newer_status(status: str) -> str:
    return "processing" if status == "generating" else status


def show_assets(request: ApiRequest, container: Container) -> list[dict[str, Any]]:
    """Return the assets of *container* as the API shows them."""
    return [_show_asset(request, asset) for asset in container.assets]


def _show_asset(request: ApiRequest, asset: Asset) -> dict[str, Any]:
    url = _media_url(request, asset)
    return {
        "assetId": asset.id,
        "kind": asset.kind,
        "url": url,
        "thumbnailUrl": url,
        "durationMs": _VIDEO_MS if asset.kind == "video" else None,
        "width": WIDTH,
        "height": HEIGHT,
        # Assumption: there is no film to serve, so the url of a video is its poster, and this says so.
        "mimeType": "image/svg+xml",
        "sizeBytes": None,
        "checksumSha256": None,
    }


def _show_preview(request: ApiRequest, container: Container) -> dict[str, Any] | None:
    if not container.assets:
        return None
    urls = [_media_url(request, asset) for asset in container.assets]
    return {
        "kind": "slideshow" if container.is_slideshow else "video",
        "primaryUrl": urls[0],
        "thumbnailUrl": urls[0],
        "imageUrls": urls[:_SLIDES] if container.is_slideshow else [],
        "videoUrl": None,
        "hlsUrl": None,
        "durationMs": None if container.is_slideshow else _VIDEO_MS,
        "aspectRatio": "9:16",
    }


def _media_url(request: ApiRequest, asset: Asset) -> str:
    return f"{request.base_url}/media/{asset.id}.svg"


def _show_row(request: ApiRequest, container: Container) -> dict[str, Any]:
    assets = show_assets(request, container)
    return {**_show_summary(request, container), "primaryAsset": assets[0] if assets else None}


def _show_summary(request: ApiRequest, container: Container) -> dict[str, Any]:
    return {
        "id": container.id,
        "status": status_of(request.state, container),
        "approvalStatus": container.approval_status,
        "format": container.format_name,
        "creativeType": "generated",
        "caption": container.captions[0]["text"] if container.captions else None,
        "preview": _show_preview(request, container),
        "createdAt": format_timestamp(container.created_at),
        "completedAt": format_optional_timestamp(container.completed_at),
    }


ROUTES = (
    ApiRoute("GET", "/v1/content/{container}", get_content, "content:read", READ),
    ApiRoute("GET", "/v1/content/{container}/progress", get_progress, "content:read", READ),
    ApiRoute("GET", "/v1/content/{container}/assets/{asset}", get_asset, "content:read", READ),
    ApiRoute("GET", "/v1/projects/{project}/content", list_content, "content:read", READ),
    ApiRoute("GET", "/v1/projects/{project}/content/hooks", list_hooks, "content:read", READ),
)
