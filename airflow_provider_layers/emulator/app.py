"""The emulator as a web application: the API, its pictures, and the control door."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from airflow_provider_layers.emulator.control import control_routes
from airflow_provider_layers.emulator.misbehaviour import Exchange, misbehave
from airflow_provider_layers.emulator.pictures import draw
from airflow_provider_layers.emulator.pipeline import Incoming, record

if TYPE_CHECKING:
    from starlette.requests import Request

    from airflow_provider_layers.emulator.state import World

_METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]


def create_app(world: World, stopping: asyncio.Event) -> Starlette:
    """Return the application.

    :param world: what it plays.
    :param stopping: set to make hanging requests end.
    """

    async def api(request: Request) -> Response:
        incoming = await _receive(request)
        world.tick()
        entry = record(world, incoming)
        exchange = Exchange(world, request, incoming, entry, stopping)
        fault = world.faults.pick(incoming.method, incoming.path)
        if fault is None:
            return exchange.send(exchange.execute())
        entry.fault = fault.kind
        return await misbehave(fault, exchange)

    async def media(request: Request) -> Response:
        return _draw(world, request.path_params["asset"])

    routes = [
        Route("/v1/{path:path}", api, methods=_METHODS),
        Route("/media/{asset}.svg", media, methods=["GET"]),
        *control_routes(world),
    ]
    return Starlette(routes=routes)


def _draw(world: World, identifier: str) -> Response:
    asset = world.assets.get(identifier)
    if asset is None:
        return Response(status_code=404)
    return Response(draw(asset), media_type="image/svg+xml")


async def _receive(request: Request) -> Incoming:
    query: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        query.setdefault(name, []).append(value)
    return Incoming(
        method=request.method,
        path=request.url.path,
        query=query,
        headers=dict(request.headers),
        raw=await request.body(),
        base_url=str(request.base_url).rstrip("/"),
    )
