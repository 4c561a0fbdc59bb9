"""The control API under ``/_emulator/``: JSON without an API key, and a page for a person."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from html import escape
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from airflow_provider_layers.emulator.errors import ApiError, Omittable, Schema, validate
from airflow_provider_layers.emulator.faults import matches
from airflow_provider_layers.emulator.formats import format_optional_timestamp, format_timestamp
from airflow_provider_layers.emulator.routes.approval import decide
from airflow_provider_layers.emulator.routes.content import status_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from airflow_provider_layers.emulator.entities import Container, EmulatedJob, ScheduledPost
    from airflow_provider_layers.emulator.state import State

Command = Callable[["State", Any, dict[str, str]], dict[str, Any]]


class ResetBody(Schema):
    """Body of ``POST reset``."""

    seed: Omittable[Annotated[int, Field(ge=0)]] = None


class AdvanceBody(Schema):
    """Body of ``POST clock``."""

    advance: Annotated[float, Field(ge=0)]


class DecisionBody(Schema):
    """Body of ``POST decisions``."""

    container_id: str
    decision: Literal["approved", "rejected"]
    decider: Annotated[str, Field(min_length=1)] = "user_1"


def control_routes(state: State) -> list[Route]:
    """Return the routes of the control API of *state*."""

    async def page(_request: Request) -> Response:
        state.tick()
        return HTMLResponse(_draw_page(state))

    return [
        Route("/_emulator/", page, methods=["GET"]),
        *(_route(state, method, name, command) for (method, name), command in COMMANDS.items()),
    ]


def _route(state: State, method: str, name: str, command: Command) -> Route:
    async def endpoint(request: Request) -> Response:
        content = await request.body()
        try:
            body = json.loads(content) if content else {}
            state.tick()
            result = command(state, body, dict(request.query_params))
            state.tick()
        except ApiError as error:
            return _error_response(error)
        except json.JSONDecodeError as error:
            return _error_response(ApiError(422, "VALIDATION", f"The body is not JSON: {error}"))
        return JSONResponse(result)

    return Route(f"/_emulator/{name}", endpoint, methods=[method])


def _error_response(error: ApiError) -> Response:
    return JSONResponse(error.body("req_control"), error.status)


def _show_state(state: State, _body: Any, _query: dict[str, str]) -> dict[str, Any]:
    project = state.default_project
    top_posts = [post for post in state.platform_posts.values() if post.eligible]
    return {
        "seed": state.options.seed,
        "api_key": state.keys["default"].secret,
        "keys": {name: key.secret for name, key in state.keys.items()},
        "project_id": project.id,
        "project_ids": [item.id for item in state.projects.values()],
        "social_account_ids": list(state.accounts),
        "influencer_ids": [f"inf_{uuid}" for uuid in project.influencers],
        "top_post_ids": [post.id for post in top_posts],
        "top_post_external_ids": [post.external_id for post in top_posts],
        "organization_id": state.organization_id,
    }


def _reset(state: State, body: Any, query: dict[str, str]) -> dict[str, Any]:
    state.reset(validate(ResetBody, body).seed)
    return _show_state(state, body, query)


def _show_clock(state: State, _body: Any, _query: dict[str, str]) -> dict[str, Any]:
    return {"now": format_timestamp(state.clock.now()), "frozen": state.clock.frozen}


def _advance_clock(state: State, body: Any, query: dict[str, str]) -> dict[str, Any]:
    state.clock.advance(validate(AdvanceBody, body).advance)
    return _show_clock(state, body, query)


def _add_outcome(state: State, body: Any, _query: dict[str, str]) -> dict[str, Any]:
    state.outcomes.add(body)
    return {"added": body}


def _clear_outcomes(state: State, _body: Any, _query: dict[str, str]) -> dict[str, Any]:
    state.outcomes.clear()
    return {}


def _decide(state: State, body: Any, _query: dict[str, str]) -> dict[str, Any]:
    wanted = validate(DecisionBody, body)
    return decide(state, state.container(wanted.container_id), wanted.decision, wanted.decider)


def _show_faults(state: State, _body: Any, _query: dict[str, str]) -> dict[str, Any]:
    return {"faults": state.faults.show()}


def _add_fault(state: State, body: Any, _query: dict[str, str]) -> dict[str, Any]:
    return {"added": state.faults.add(body)}


def _clear_faults(state: State, _body: Any, _query: dict[str, str]) -> dict[str, Any]:
    state.faults.clear()
    return {}


def _show_requests(state: State, _body: Any, query: dict[str, str]) -> dict[str, Any]:
    method, path = query.get("method", "*").upper(), query.get("path", "*")
    found = [
        asdict(request)
        for request in state.request_log
        if method in ("*", request.method) and matches(path, request.path)
    ]
    return {"requests": found}


def _show_jobs(state: State, _body: Any, _query: dict[str, str]) -> dict[str, Any]:
    return {"jobs": [_show_job(job) for job in state.jobs.values()]}


def _show_job(job: EmulatedJob) -> dict[str, Any]:
    return {
        "job_id": job.id,
        "kind": job.kind,
        "status": job.status,
        "project_id": f"prj_{job.project}",
        "container_ids": [f"cnt_{container}" for container in job.containers],
        "idempotency_key": job.idempotency_key,
        "key_id": job.key_id,
        "cost": job.cost,
        "job_seconds": job.seconds,
        "started_at": format_timestamp(job.started_at),
        "finished_at": format_optional_timestamp(job.finished_at),
        "cancel_requested": job.cancel_at is not None,
    }


def _show_settings(state: State, _body: Any, _query: dict[str, str]) -> dict[str, Any]:
    return state.settings.model_dump()


def _change_settings(state: State, body: Any, _query: dict[str, str]) -> dict[str, Any]:
    state.configure(body)
    return state.settings.model_dump()


COMMANDS: dict[tuple[str, str], Command] = {
    ("GET", "state"): _show_state,
    ("POST", "reset"): _reset,
    ("GET", "clock"): _show_clock,
    ("POST", "clock"): _advance_clock,
    ("POST", "outcomes"): _add_outcome,
    ("DELETE", "outcomes"): _clear_outcomes,
    ("POST", "decisions"): _decide,
    ("GET", "faults"): _show_faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _clear_faults,
    ("GET", "requests"): _show_requests,
    ("GET", "jobs"): _show_jobs,
    ("GET", "settings"): _show_settings,
    ("PATCH", "settings"): _change_settings,
}

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1100px;padding:0 1rem;color:#222}
article{border:1px solid #ddd;border-radius:12px;padding:1rem 1.2rem;margin:1rem 0}
img{height:300px;border-radius:10px;margin:.4rem .5rem 0 0;background:#eee}
code{background:#f3f3f3;padding:.1rem .3rem;border-radius:4px}
b.s{background:#eef;border-radius:6px;padding:.1rem .5rem;margin-right:.3rem}
"""


def _draw_page(state: State) -> str:
    containers = sorted(state.containers.values(), key=lambda item: item.number, reverse=True)
    cards = "".join(_draw_container(state, container) for container in containers)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Layers emulator</title>"
        f"<style>{_STYLE}</style><h1>Layers emulator</h1>"
        f"<p>{len(containers)} containers, {len(state.jobs)} jobs, {len(state.posts)} scheduled posts, "
        f"{state.settings.credits} credits. Clock: {format_timestamp(state.clock.now())}"
        f"{' (frozen)' if state.clock.frozen else ''}.</p>"
        f"{cards or '<p>No content yet.</p>'}</html>"
    )


def _draw_container(state: State, container: Container) -> str:
    job = state.jobs[container.job]
    posts = "".join(_draw_post(post) for post in state.posts.values() if post.container == container.uuid)
    pictures = "".join(
        f'<a href="/media/{asset.id}.svg"><img src="/media/{asset.id}.svg" alt="{escape(asset.hook)}"></a>'
        for asset in container.assets
    )
    caption = escape(container.captions[0]["text"]) if container.captions else ""
    return (
        f"<article><h3>{escape(container.hook or container.format_name)}</h3>"
        f"<p><b class=s>{status_of(state, container)}</b><b class=s>{container.approval_status}</b>"
        f"{escape(container.format_name)} <code>{container.id}</code><br>"
        f"{job.kind} <code>{job.id}</code> {job.progress(state.clock.now()):.0%}</p>"
        f"<p>{caption}</p>{pictures}<ul>{posts}</ul></article>"
    )


def _draw_post(post: ScheduledPost) -> str:
    when = format_timestamp(post.scheduled_for)
    return f"<li>{post.platform} <b>{post.status}</b> {when} <code>{post.id}</code></li>"
