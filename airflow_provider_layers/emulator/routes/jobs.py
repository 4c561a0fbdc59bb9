"""Jobs: how they start and end, and the routes that read and cancel them."""

from __future__ import annotations

from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.emulator.entities import Container, EmulatedJob
from airflow_provider_layers.emulator.errors import Query, conflict, rate_limited
from airflow_provider_layers.emulator.formats import (
    fingerprint_of,
    format_optional_timestamp,
    format_timestamp,
)
from airflow_provider_layers.emulator.limits import READ, WRITE, require_credits
from airflow_provider_layers.emulator.routes.content import finish_container, show_assets, start_container
from airflow_provider_layers.emulator.routing import ApiRequest, ApiResponse, ApiRoute
from airflow_provider_layers.emulator.schemas import EmptyBody

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_layers.emulator.state import State


def admit_job(state: State, cost: int, budget: int | None = None) -> None:
    """Raise an error for a new job that cannot be paid for, or that is too many."""
    require_credits(state, cost, budget)
    limit = state.settings.concurrent_jobs
    if limit is not None and len(state.running_jobs()) >= limit:
        raise rate_limited(f"The organization has {limit} running jobs, which is its limit.", 5)


def start_job(
    request: ApiRequest, kind: str, containers: list[Container], cost: int, **plan: Any
) -> EmulatedJob:
    """Start a job on *containers*.

    :param request: request that starts the job
    :param kind: kind of the job
    :param containers: containers that the job fills
    :param cost: credits that the job costs if it completes
    :param plan: ``variations`` and ``preserve_assets`` of the job
    """
    state = request.state
    outcome = state.outcomes.pop(kind)
    job = EmulatedJob(
        id=state.ids.ulid("job"),
        kind=kind,
        project=containers[0].project,
        containers=[container.uuid for container in containers],
        started_at=state.clock.now(),
        seconds=_draw_seconds(state) if outcome.job_seconds is None else outcome.job_seconds,
        outcome=outcome,
        cost=cost,
        key_id=request.key.key_id,
        idempotency_key=request.idempotency_key,
        **plan,
    )
    state.jobs[job.id] = job
    for container in containers:
        start_container(container, job)
    state.call_at(job.started_at + timedelta(seconds=job.seconds), lambda due: _end(state, job, due))
    return job


def accepted(job: EmulatedJob, **pointers: Any) -> ApiResponse:
    """Return the 202 response for a new job, with the *pointers* of its kind."""
    body = {
        "jobId": job.id,
        "kind": job.kind,
        "status": "running",
        "stage": "queued",
        "projectId": f"prj_{job.project}",
        **pointers,
        "locationUrl": f"/v1/jobs/{job.id}",
        "startedAt": format_timestamp(job.started_at),
    }
    return ApiResponse(202, body)


def get_job(request: ApiRequest) -> ApiResponse:
    """Return a job, or 304 if it has not changed since the ETag that the client sends."""
    request.read_query(Query)
    body = _show(request, request.state.job(request.path_params["job"]))
    etag = f'"{blake2b(fingerprint_of(body).encode(), digest_size=12).hexdigest()}"'
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if etag in known:
        return ApiResponse(304, None, {"ETag": etag})
    return ApiResponse(200, body, {"ETag": etag})


def cancel_job(request: ApiRequest) -> ApiResponse:
    """Accept a cancel, or answer that the job has ended or cannot be canceled in this stage."""
    request.read_body(EmptyBody)
    state, job = request.state, request.state.job(request.path_params["job"])
    if job.status != "running":
        # Assumption: the pages name no reason for jobs that failed or were canceled; they get the same.
        return ApiResponse(200, {"jobId": job.id, "accepted": False, "reason": "ALREADY_COMPLETED"})
    stage, _ = job.stage(state.clock.now())
    if stage in state.settings.uncancelable_stages:
        details = {"subcode": "JOB_CANCEL_UNAVAILABLE", "jobId": job.id, "stage": stage}
        raise conflict("Job cannot be canceled during this stage.", **details)
    if job.cancel_at is None:
        job.cancel_at = state.clock.now() + timedelta(seconds=state.settings.cancel_seconds)
        state.call_at(job.cancel_at, lambda due: _end(state, job, due))
    return ApiResponse(202, {"jobId": job.id, "accepted": True})


def _draw_seconds(state: State) -> float:
    seconds = state.settings.job_seconds
    if isinstance(seconds, list):
        low, high = seconds
        return low + state.ids.random("job seconds") * (high - low)
    return seconds


def _end(state: State, job: EmulatedJob, due: datetime) -> None:
    # Called at the planned end and at the end of a cancel; the first of them decides.
    if job.status != "running":
        return
    canceled = job.cancel_at is not None and job.cancel_at <= due
    job.status = "canceled" if canceled else job.outcome.status
    job.finished_at = due
    # Assumption: only a completed job is paid for; the credits that another job reserved are free again.
    if job.status == "completed":
        state.settings.credits -= job.cost
    for container in job.containers:
        finish_container(state, state.containers[container], job)


def _show(request: ApiRequest, job: EmulatedJob) -> dict[str, Any]:
    now = request.state.clock.now()
    body: dict[str, Any] = {
        "jobId": job.id,
        "kind": job.kind,
        "status": job.status,
        "progress": job.progress(now),
        "stage": job.stage(now)[0],
        "projectId": f"prj_{job.project}",
        "startedAt": format_timestamp(job.started_at),
        "finishedAt": format_optional_timestamp(job.finished_at),
    }
    if job.status == "completed":
        containers = [request.state.containers[uuid] for uuid in job.containers]
        body["result"] = {
            "containerId": containers[0].id,
            "containerIds": [container.id for container in containers],
            "assets": [asset for container in containers for asset in show_assets(request, container)],
        }
    elif job.status == "failed":
        body["error"] = {"code": job.outcome.code, "message": job.outcome.message}
    return body


ROUTES = (
    ApiRoute("GET", "/v1/jobs/{job}", get_job, "jobs:read", READ),
    ApiRoute("POST", "/v1/jobs/{job}/cancel", cancel_job, "jobs:cancel", WRITE),
)
