"""Cloning: a tracked post in, a new container out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_layers.emulator import checks
from airflow_provider_layers.emulator.billing import cost_of
from airflow_provider_layers.emulator.errors import not_found
from airflow_provider_layers.emulator.formats import bare_uuid
from airflow_provider_layers.emulator.idempotency import fingerprint_of
from airflow_provider_layers.emulator.routes import content as containers
from airflow_provider_layers.emulator.routes import jobs
from airflow_provider_layers.emulator.routes.generation import moderate, replay, require_layer

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.entities import PlatformPost, Project
    from airflow_provider_layers.emulator.routing import Answer, Call

CLONE = checks.Shape(
    {
        "projectId": checks.text(1),
        "projectLayerId": checks.id_of("lyr"),
        "sourcePlatformPostId": checks.text(1),
        "mode": checks.one_of("fork", "reimagine"),
        "variations": checks.integer(1, 10),
        "overrides": checks.Shape(
            {"caption": checks.text(1), "cta": checks.text(1), "voiceOverScript": checks.text(1)}
        ),
    },
    ("projectId", "sourcePlatformPostId"),
)


def clone_from_post(call: Call) -> Answer:
    """Answer ``POST /v1/content/{container}/clone-from-post``; the path's id is an idempotency key too."""
    body = call.read_body(CLONE)
    uuid = bare_uuid(call.params["container"], "cnt")
    if uuid is None:
        raise call.refuse("containerId", f"must be a UUID, not {call.params['container']!r}")
    project = call.world.project(body["projectId"])
    if uuid in call.world.containers:
        return replay(call, uuid)
    source = _find(call, project, body["sourcePlatformPostId"])
    require_layer(project, body.get("projectLayerId"), {"layerCount": len(project.layers)})
    overrides = body.get("overrides", {})
    moderate(call, overrides)
    variations = body.get("variations", 1)
    # Assumption: the pages give no price; a variation costs what a piece in the source's format does.
    cost = cost_of(source.format_name) * variations
    jobs.admit(call, cost)
    container = containers.create(call.world, project, source.format_name, uuid)
    container.brief = {"hook": source.hook, **({"cta": overrides["cta"]} if "cta" in overrides else {})}
    container.caption_override = overrides.get("caption")
    container.fields = {"sourcePlatformPostId": source.id}
    job = jobs.start(call, "content_clone_from_post", [container], cost, variations=variations)
    answer = jobs.accepted(job, containerId=container.id)
    call.world.clones[uuid] = (fingerprint_of(call.body), answer.body)
    return answer


def _find(call: Call, project: Project, identifier: str) -> PlatformPost:
    for post in call.world.platform_posts.values():
        if identifier in (post.id, post.external_id) and post.project == project.uuid:
            return post
    raise not_found("Source post not found.")
