"""Jobs: how they start, how they end, and the two routes that are about them."""

from __future__ import annotations

from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.emulator.billing import require
from airflow_provider_layers.emulator.clock import write_moment, write_optional
from airflow_provider_layers.emulator.entities import Container, Job
from airflow_provider_layers.emulator.errors import conflict, rate_limited
from airflow_provider_layers.emulator.idempotency import fingerprint_of
from airflow_provider_layers.emulator.routes import content as container_rules
from airflow_provider_layers.emulator.routing import Answer
from airflow_provider_layers.emulator.stages import progress_of, stage_of

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_layers.emulator.routing import Call
    from airflow_provider_layers.emulator.state import World


def admit(call: Call, cost: int, budget: int | None = None) -> None:
    """Refuse a new job that cannot be paid for, or for which there is no room."""
    world = call.world
    require(world, cost, budget)
    cap = world.settings.concurrent_jobs
    if cap is not None and len(world.running_jobs()) >= cap:
        raise rate_limited(f"The organization has {cap} running jobs, which is its limit.", 5)


def start(call: Call, kind: str, containers: list[Container], cost: int, **plan: Any) -> Job:
    """Start a job on *containers*.

    :param kind: the kind of job.
    :param cost: the credits it costs if it completes.
    :param plan: ``variations`` and ``preserve_assets`` of the job.
    """
    world = call.world
    outcome = world.outcomes.take(kind)
    job = Job(
        id=world.ids.ulid("job"),
        kind=kind,
        project=containers[0].project,
        containers=[container.uuid for container in containers],
        started_at=world.clock.now(),
        seconds=_draw_seconds(world) if outcome.job_seconds is None else outcome.job_seconds,
        outcome=outcome,
        cost=cost,
        key_id=call.key.key_id,
        idempotency_key=call.idempotency_key,
        **plan,
    )
    world.jobs[job.id] = job
    for container in containers:
        container_rules.begin(container, job)
    world.at(_planned_end(job), lambda due: _settle(world, job, due))
    return job


def accepted(job: Job, **pointers: Any) -> Answer:
    """Return the 202 envelope of a new *job*, with the *pointers* of its kind."""
    envelope = {"jobId": job.id, "kind": job.kind, "status": "running", "stage": "queued"}
    rest = {
        "projectId": f"prj_{job.project}",
        **pointers,
        "locationUrl": f"/v1/jobs/{job.id}",
        "startedAt": write_moment(job.started_at),
    }
    return Answer(202, {**envelope, **rest})


def get_job(call: Call) -> Answer:
    """Answer ``GET /v1/jobs/{job}``, with 304 if the job has not moved since the client's ETag."""
    call.read_query({})
    body = _show(call, call.world.job(call.params["job"]))
    etag = f'"{blake2b(fingerprint_of(body).encode(), digest_size=12).hexdigest()}"'
    known = [tag.strip().removeprefix("W/") for tag in call.headers.get("if-none-match", "").split(",")]
    if etag in known:
        return Answer(304, None, {"ETag": etag})
    return Answer(200, body, {"ETag": etag})


def cancel_job(call: Call) -> Answer:
    """Answer ``POST /v1/jobs/{job}/cancel``: taken, too late, or not in this stage."""
    call.read_body(container_rules.NO_FIELDS)
    world, job = call.world, call.world.job(call.params["job"])
    if job.status != "running":
        # Assumption: the pages name no reason for jobs that failed or were canceled; they get the same one.
        return Answer(200, {"jobId": job.id, "accepted": False, "reason": "ALREADY_COMPLETED"})
    stage, _ = stage_of(job, world.clock.now())
    if stage in world.settings.uncancelable_stages:
        details = {"subcode": "JOB_CANCEL_UNAVAILABLE", "jobId": job.id, "stage": stage}
        raise conflict("Job cannot be canceled during this stage.", **details)
    if job.cancel_at is None:
        job.cancel_at = world.clock.now() + timedelta(seconds=world.settings.cancel_seconds)
        world.at(job.cancel_at, lambda due: _settle(world, job, due))
    return Answer(202, {"jobId": job.id, "accepted": True})


def _draw_seconds(world: World) -> float:
    seconds = world.settings.job_seconds
    if isinstance(seconds, list):
        low, high = seconds
        return low + world.ids.chance("job seconds") * (high - low)
    return seconds


def _planned_end(job: Job) -> datetime:
    return job.started_at + timedelta(seconds=job.seconds)


def _settle(world: World, job: Job, due: datetime) -> None:
    if job.status != "running":
        return
    if job.cancel_at is not None and job.cancel_at <= due:
        job.status = "canceled"
    else:
        job.status = job.outcome.status
    job.finished_at = due
    # Assumption: only a completed job is paid for; what it held in reserve is free again otherwise.
    if job.status == "completed":
        world.settings.credits -= job.cost
    for container in job.containers:
        container_rules.end(world, world.containers[container], job)


def _show(call: Call, job: Job) -> dict[str, Any]:
    now = call.world.clock.now()
    body: dict[str, Any] = {
        "jobId": job.id,
        "kind": job.kind,
        "status": job.status,
        "progress": progress_of(job, now),
        "stage": stage_of(job, now)[0],
        "projectId": f"prj_{job.project}",
        "startedAt": write_moment(job.started_at),
        "finishedAt": write_optional(job.finished_at),
    }
    if job.status == "completed":
        body["result"] = container_rules.show_result(call, job)
    elif job.status == "failed":
        body["error"] = {"code": job.outcome.code, "message": job.outcome.message}
    return body
