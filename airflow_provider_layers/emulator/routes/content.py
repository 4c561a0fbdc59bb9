"""Containers: how they come about, what a finished job puts into them, and how they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_layers.emulator.checks import Shape
from airflow_provider_layers.emulator.clock import write_moment, write_optional
from airflow_provider_layers.emulator.entities import Asset, Container, Job, Project
from airflow_provider_layers.emulator.stages import stage_of

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.routing import Call
    from airflow_provider_layers.emulator.state import World

NO_FIELDS = Shape({})
WIDTH, HEIGHT, VIDEO_MS = 1080, 1920, 10_800
_SLIDES = 3


def create(world: World, project: Project, format_name: str, uuid: str | None = None) -> Container:
    """Create an empty container, pending if *project*'s policy has it reviewed."""
    now = world.clock.now()
    container = Container(
        uuid=uuid or world.ids.uuid("container"),
        project=project.uuid,
        format_name=format_name,
        approval_status="pending" if reviews(project) else "not_required",
        created_at=now,
        updated_at=now,
        number=world.count(),
    )
    world.containers[container.uuid] = container
    return container


def reviews(project: Project) -> bool:
    """Tell whether new content of *project* has to be approved."""
    if project.policy == "review_first_n":
        return project.decided < project.first_n
    return project.policy == "review_all"


def begin(container: Container, job: Job) -> None:
    """Note that *job* works on *container*."""
    container.job, container.status, container.updated_at = job.id, "queued", job.started_at
    container.last_error = None


def end(world: World, container: Container, job: Job) -> None:
    """Put the results of an ended *job* into *container*."""
    container.updated_at = job.finished_at or container.updated_at
    if job.status == "failed":
        container.last_error = {"code": job.outcome.code, "message": job.outcome.message}
    if job.status == "completed":
        _take(world, container, job)
    # Assumption: a take that fails or is canceled leaves the one before it as it was.
    if container.takes > 0:
        container.status = "completed"
        container.completed_at = container.completed_at or job.finished_at
    else:
        container.status = job.status
        container.failed_at = job.finished_at if job.status == "failed" else None


def status_of(world: World, container: Container) -> str:
    """Return the status of *container* in the words of the chosen revision."""
    if container.status != "queued":
        return container.status
    stage, _ = stage_of(world.jobs[container.job], world.clock.now())
    if stage == "queued":
        return "queued"
    return "generating" if world.settings.revision == "old" else "processing"


def _take(world: World, container: Container, job: Job) -> None:
    container.takes += 1
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
    slides = _SLIDES if is_slideshow(container) else 1
    container.assets = [
        _asset(world, container, hook, lines[slide], slide + 1)
        for _ in range(job.variations)
        for slide in range(slides)
    ]


def _caption(container: Container, text: str, variation: int) -> str:
    suffix = f" (variation {variation + 1})" if variation else ""
    return (
        (container.caption_override or text)
        + suffix
        + (f" Take {container.takes}." if container.takes > 1 else "")
    )


def _asset(world: World, container: Container, hook: str, line: str, slide: int) -> Asset:
    show = is_slideshow(container)
    asset = Asset(
        id=world.ids.ulid("ast"),
        container=container.uuid,
        kind="image" if show else "video",
        hook=hook,
        line=line,
        slide=slide,
        slides=_SLIDES if show else 1,
        take=container.takes,
    )
    world.assets[asset.id] = asset
    return asset


def is_slideshow(container: Container) -> bool:
    """Tell whether *container* holds slides; otherwise it holds a film."""
    return container.format_name.startswith("slideshow")


def show_asset(call: Call, asset: Asset) -> dict[str, Any]:
    """Return *asset* as the API shows it."""
    url = f"{call.base_url}/media/{asset.id}.svg"
    return {
        "assetId": asset.id,
        "kind": asset.kind,
        "url": url,
        "thumbnailUrl": url,
        "durationMs": VIDEO_MS if asset.kind == "video" else None,
        "width": WIDTH,
        "height": HEIGHT,
        # Assumption: there is no film to serve, so a video's url is its poster, and says so here.
        "mimeType": "image/svg+xml",
        "sizeBytes": None,
        "checksumSha256": None,
    }


def show_preview(call: Call, container: Container) -> dict[str, Any] | None:
    """Return the preview of *container*, ``None`` until there is media."""
    if not container.assets:
        return None
    urls = [f"{call.base_url}/media/{asset.id}.svg" for asset in container.assets]
    slideshow = is_slideshow(container)
    return {
        "kind": "slideshow" if slideshow else "video",
        "primaryUrl": urls[0],
        "thumbnailUrl": urls[0],
        "imageUrls": urls[:_SLIDES] if slideshow else [],
        "videoUrl": None,
        "hlsUrl": None,
        "durationMs": None if slideshow else VIDEO_MS,
        "aspectRatio": "9:16",
    }


def show(call: Call, container: Container) -> dict[str, Any]:
    """Return the whole *container*, with the fields of both revisions."""
    assets = [show_asset(call, asset) for asset in container.assets]
    body = {
        **_head(call, container),
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
        "updatedAt": write_moment(container.updated_at),
        "failedAt": write_optional(container.failed_at),
    }
    source = container.fields.get("sourcePlatformPostId")
    if source is not None:
        media = [
            {"id": item["assetId"], "kind": item["kind"], "durationMs": item["durationMs"]} for item in assets
        ]
        body |= {"sourcePlatformPostId": source, "captionVariants": container.captions, "mediaAssets": media}
    return body


def show_row(call: Call, container: Container) -> dict[str, Any]:
    """Return *container* as a list shows it."""
    primary = show_asset(call, container.assets[0]) if container.assets else None
    return {**_head(call, container), "primaryAsset": primary}


def show_result(call: Call, job: Job) -> dict[str, Any]:
    """Return the result of a completed *job*."""
    containers = [call.world.containers[uuid] for uuid in job.containers]
    return {
        "containerId": containers[0].id,
        "containerIds": [container.id for container in containers],
        "assets": [show_asset(call, asset) for container in containers for asset in container.assets],
    }


def _head(call: Call, container: Container) -> dict[str, Any]:
    return {
        "id": container.id,
        "status": status_of(call.world, container),
        "approvalStatus": container.approval_status,
        "format": container.format_name,
        "creativeType": "generated",
        "caption": container.captions[0]["text"] if container.captions else None,
        "preview": show_preview(call, container),
        "createdAt": write_moment(container.created_at),
        "completedAt": write_optional(container.completed_at),
    }
