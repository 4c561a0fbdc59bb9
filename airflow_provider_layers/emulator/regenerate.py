"""Regenerating: a new take in the same container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_layers.emulator import checks
from airflow_provider_layers.emulator.billing import cost_of
from airflow_provider_layers.emulator.errors import conflict
from airflow_provider_layers.emulator.routes import content as containers
from airflow_provider_layers.emulator.routes import jobs
from airflow_provider_layers.emulator.routes.generation import SOURCES, TAKE_FIELDS, moderate

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.routing import Answer, Call

REGENERATE = checks.Shape(
    {"brief": checks.Shape(TAKE_FIELDS), "references": SOURCES, "preserveAssets": checks.boolean}
)


def regenerate(call: Call) -> Answer:
    """Answer ``POST /v1/content/{container}/regenerate``."""
    body = call.read_body(REGENERATE)
    world, container = call.world, call.world.container(call.params["container"])
    # Assumption: the pages do not say what a second job on one container gets.
    if world.jobs[container.job].status == "running":
        raise conflict("A job is running on this container.", jobId=container.job, containerId=container.id)
    changes = body.get("brief", {})
    moderate(call, changes)
    cost = cost_of(container.format_name)
    jobs.admit(call, cost)
    container.brief = {**container.brief, **changes}
    # Assumption: approval is reset when the job starts, so that no old approval can let the new take through.
    if containers.reviews(world.projects[container.project]):
        container.approval_status = "pending"
    plan = {"preserve_assets": body.get("preserveAssets", False)}
    job = jobs.start(call, "content_regenerate", [container], cost, **plan)
    return jobs.accepted(job, containerId=container.id)
