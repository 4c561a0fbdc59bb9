"""The control door, ``/_emulator/…``: JSON, without a key, and the only way to steer the emulator."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from airflow_provider_layers.emulator.checks import Shape, check, integer, number
from airflow_provider_layers.emulator.clock import write_moment
from airflow_provider_layers.emulator.errors import Refusal
from airflow_provider_layers.emulator.gallery import draw_page
from airflow_provider_layers.emulator.ledger import show_job
from airflow_provider_layers.emulator.top_performers import is_eligible

if TYPE_CHECKING:
    from starlette.requests import Request

    from airflow_provider_layers.emulator.state import World

Command = Callable[["World", Any, dict[str, str]], Any]
_RESET = Shape({"seed": integer(0)})
_ADVANCE = Shape({"advance": number(0)}, ("advance",))


def control_routes(world: World) -> list[Route]:
    """Return the routes of the door to *world*."""

    async def page(_request: Request) -> Response:
        world.tick()
        return HTMLResponse(draw_page(world))

    return [
        Route("/_emulator/", page, methods=["GET"]),
        *(_route(world, method, name, command) for (method, name), command in COMMANDS.items()),
    ]


def _route(world: World, method: str, name: str, command: Command) -> Route:
    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        try:
            body = json.loads(raw) if raw else {}
            world.tick()
            answer = command(world, body, dict(request.query_params))
            world.tick()
        except Refusal as refusal:
            return _refuse(refusal)
        except json.JSONDecodeError as error:
            return _refuse(Refusal(422, "VALIDATION", f"The body is not JSON: {error}"))
        return JSONResponse(answer)

    return Route(f"/_emulator/{name}", endpoint, methods=[method])


def _refuse(refusal: Refusal) -> Response:
    return JSONResponse(refusal.envelope("req_control"), refusal.status)


def _show_world(world: World, _body: Any, _query: dict[str, str]) -> dict[str, Any]:
    project = world.default_project
    top_posts = [post for post in world.platform_posts.values() if is_eligible(post)]
    return {
        "seed": world.options.seed,
        "api_key": world.keys["default"].secret,
        "keys": {name: key.secret for name, key in world.keys.items()},
        "project_id": project.id,
        "project_ids": [item.id for item in world.projects.values()],
        "social_account_ids": list(world.accounts),
        "influencer_ids": [f"inf_{uuid}" for uuid in project.influencers],
        "top_post_ids": [post.id for post in top_posts],
        "top_post_external_ids": [post.external_id for post in top_posts],
        "organization_id": world.organization_id,
    }


def _reset(world: World, body: Any, query: dict[str, str]) -> dict[str, Any]:
    check(body, _RESET)
    world.reset(body.get("seed"))
    return _show_world(world, body, query)


def _show_clock(world: World, _body: Any, _query: dict[str, str]) -> dict[str, Any]:
    return {"now": write_moment(world.clock.now()), "frozen": world.clock.frozen}


def _advance(world: World, body: Any, query: dict[str, str]) -> dict[str, Any]:
    check(body, _ADVANCE)
    world.clock.advance(body["advance"])
    return _show_clock(world, body, query)


def _add_outcome(world: World, body: Any, _query: dict[str, str]) -> dict[str, Any]:
    world.outcomes.add(body)
    return {"added": body}


def _clear_outcomes(world: World, _body: Any, _query: dict[str, str]) -> dict[str, Any]:
    world.outcomes.clear()
    return {}


def _show_faults(world: World, _body: Any, _query: dict[str, str]) -> dict[str, Any]:
    return {"faults": world.faults.show()}


def _add_fault(world: World, body: Any, _query: dict[str, str]) -> dict[str, Any]:
    return {"added": world.faults.add(body)}


def _clear_faults(world: World, _body: Any, _query: dict[str, str]) -> dict[str, Any]:
    world.faults.clear()
    return {}


def _show_requests(world: World, _body: Any, query: dict[str, str]) -> dict[str, Any]:
    return {"requests": world.ledger.show(query.get("method"), query.get("path"))}


def _show_jobs(world: World, _body: Any, _query: dict[str, str]) -> dict[str, Any]:
    return {"jobs": [show_job(job) for job in world.jobs.values()]}


def _show_settings(world: World, _body: Any, _query: dict[str, str]) -> dict[str, Any]:
    return world.settings.show()


def _change_settings(world: World, body: Any, _query: dict[str, str]) -> dict[str, Any]:
    world.configure(body)
    return world.settings.show()


COMMANDS: dict[tuple[str, str], Command] = {
    ("GET", "state"): _show_world,
    ("POST", "reset"): _reset,
    ("GET", "clock"): _show_clock,
    ("POST", "clock"): _advance,
    ("POST", "outcomes"): _add_outcome,
    ("DELETE", "outcomes"): _clear_outcomes,
    ("GET", "faults"): _show_faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _clear_faults,
    ("GET", "requests"): _show_requests,
    ("GET", "jobs"): _show_jobs,
    ("GET", "settings"): _show_settings,
    ("PATCH", "settings"): _change_settings,
}
