"""Reading content: one container, its progress, its assets, and the list."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.emulator import checks, stages
from airflow_provider_layers.emulator.clock import read_moment, write_moment
from airflow_provider_layers.emulator.errors import not_found
from airflow_provider_layers.emulator.paging import cut_page
from airflow_provider_layers.emulator.routes import content as containers
from airflow_provider_layers.emulator.routing import Answer, Parameter

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.entities import Container
    from airflow_provider_layers.emulator.routing import Call

FORMATS = (
    "slideshow-builder", "ugc-remix", "video-remix", "slideshow-remix",
    "video_remix", "slideshow_remix", "ugc_remix", "auto",
)  # fmt: skip
_STATUSES = ("queued", "processing", "generating", "completed", "failed", "canceled")
LIST = {
    "status": Parameter(checks.one_of(*_STATUSES), many=True),
    "format": Parameter(checks.one_of(*FORMATS), many=True),
    "creativeType": Parameter(checks.one_of("generated", "uploaded")),
    "since": Parameter(checks.moment),
    "until": Parameter(checks.moment),
    "cursor": Parameter(checks.text(1)),
    "limit": Parameter(checks.integer(1, 200), numeric=True, default=25),
}


def get_content(call: Call) -> Answer:
    """Answer ``GET /v1/content/{container}``."""
    call.read_query({})
    return Answer(200, containers.show(call, call.world.container(call.params["container"])))


def get_progress(call: Call) -> Answer:
    """Answer ``GET /v1/content/{container}/progress``."""
    call.read_query({})
    world, container = call.world, call.world.container(call.params["container"])
    job, now = world.jobs[container.job], world.clock.now()
    stage, part = stages.stage_of(job, now)
    running = job.status == "running"
    body = {
        "containerId": container.id,
        "status": containers.status_of(world, container),
        "stage": stage,
        "stageProgress": round(part, 4),
        "etaSeconds": math.ceil(job.seconds * (1 - stages.elapsed(job, now))) if running else None,
        "updatedAt": write_moment(now if running else container.updated_at),
    }
    return Answer(200, body)


def get_asset(call: Call) -> Answer:
    """Answer ``GET /v1/content/{container}/assets/{asset}``; superseded assets are still there."""
    call.read_query({})
    container = call.world.container(call.params["container"])
    asset = call.world.assets.get(call.params["asset"])
    if asset is None or asset.container != container.uuid:
        raise not_found("Asset not found.")
    return Answer(200, containers.show_asset(call, asset))


def list_content(call: Call) -> Answer:
    """Answer ``GET /v1/projects/{project}/content``, newest first."""
    asked = call.read_query(LIST)
    project = call.world.project(call.params["project"])
    found = [
        container
        for container in call.world.containers.values()
        if container.project == project.uuid and _fits(call, container, asked)
    ]
    return Answer(
        200, cut_page(found, lambda item: [item.number], lambda item: containers.show_row(call, item), asked)
    )


def _fits(call: Call, container: Container, asked: dict[str, Any]) -> bool:
    since, until = (read_moment(asked[name]) if asked[name] else None for name in ("since", "until"))
    statuses = [_modern(status) for status in asked["status"] or ()]
    formats = [name.replace("_", "-") for name in asked["format"] or ()]
    return (
        (not statuses or _modern(containers.status_of(call.world, container)) in statuses)
        and (not formats or container.format_name.replace("_", "-") in formats)
        and asked["creativeType"] != "uploaded"
        and (since is None or container.created_at >= since)
        and (until is None or container.created_at <= until)
    )


def _modern(status: str) -> str:
    return "processing" if status == "generating" else status
