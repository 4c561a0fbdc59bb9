"""The routes that the emulator has, a module for each resource of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Match

from airflow_provider_layers.emulator.errors import ApiError, not_found
from airflow_provider_layers.emulator.routes import (
    account,
    approval,
    content,
    generation,
    jobs,
    scheduled_posts,
)

if TYPE_CHECKING:
    from starlette.types import Scope

    from airflow_provider_layers.emulator.routing import ApiRoute

ROUTES: tuple[ApiRoute, ...] = (
    *jobs.ROUTES,
    *content.ROUTES,
    *generation.ROUTES,
    *approval.ROUTES,
    *scheduled_posts.ROUTES,
    *account.ROUTES,
)


def find_route(scope: Scope) -> tuple[ApiRoute, dict[str, str]]:
    """Return the route for a request, and the parameters of its path."""
    allowed = []
    for route in ROUTES:
        match, found = route.matches(scope)
        if match is Match.FULL:
            return route, found["path_params"]
        if match is Match.PARTIAL:
            allowed.append(route.method)
    if allowed:
        # Assumption: the pages name no code for this.
        message = f"{scope['path']} takes {', '.join(allowed)}, not {scope['method']}."
        raise ApiError(405, "METHOD_NOT_ALLOWED", message)
    raise not_found(f"The emulator has no route {scope['path']}.")
