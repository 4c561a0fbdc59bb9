"""The web application: the way of a request from the socket to its response.

A request is logged, may meet a fault, and is then checked in this order: route, API key, scope, organization
header, rate limit, syntax of the body, idempotency key. The handler of the route does the rest.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from airflow_provider_layers.emulator.control import control_routes
from airflow_provider_layers.emulator.entities import ApiKey, LoggedRequest
from airflow_provider_layers.emulator.errors import ApiError, invalid, unauthenticated
from airflow_provider_layers.emulator.formats import format_timestamp
from airflow_provider_layers.emulator.limits import READ, WRITE
from airflow_provider_layers.emulator.pictures import draw_asset
from airflow_provider_layers.emulator.routes import find_route
from airflow_provider_layers.emulator.routing import ApiRequest, ApiResponse, ApiRoute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from airflow_provider_layers.emulator.state import State


def create_app(state: State, stopping: asyncio.Event) -> Starlette:
    """Return the application.

    :param state: state that the application serves
    :param stopping: set when the server stops, so that no request hangs longer than that
    """

    async def api(request: Request) -> Response:
        content = await request.body()
        state.tick()
        exchange = Exchange(state, request, content, stopping)
        fault = state.faults.pop(request.method, request.url.path)
        if fault is None:
            return exchange.send(exchange.execute())
        exchange.logged.fault = fault.kind
        return await fault.respond(exchange)

    async def media(request: Request) -> Response:
        asset = state.assets.get(request.path_params["asset"])
        if asset is None:
            return Response(status_code=404)
        return Response(draw_asset(asset), media_type="image/svg+xml")

    return Starlette(
        routes=[
            Route("/v1/{path:path}", api, methods=["GET", "POST", "PATCH", "PUT", "DELETE"]),
            Route("/media/{asset}.svg", media, methods=["GET"]),
            *control_routes(state),
        ]
    )


class Exchange:
    """A request to the API, and the means to respond to it, correctly or with a fault.

    :param state: state of the API
    :param request: request on its socket
    :param content: body of the request
    :param stopping: set when the server stops
    """

    def __init__(self, state: State, request: Request, content: bytes, stopping: asyncio.Event) -> None:
        self.state = state
        self._request = request
        self._content = content
        self._stopping = stopping
        self._headers = dict(request.headers)
        self._route: ApiRoute | None = None
        self.logged = self._log()

    def _log(self) -> LoggedRequest:
        query: dict[str, list[str]] = {}
        for name, value in self._request.query_params.multi_items():
            query.setdefault(name, []).append(value)
        try:
            body: Any = json.loads(self._content) if self._content else None
        except ValueError:
            body = self._content.decode(errors="replace")
        logged = LoggedRequest(
            method=self._request.method,
            path=self._request.url.path,
            query=query,
            headers=_hide_key(self._headers),
            body=body,
            idempotency_key=self._headers.get("idempotency-key"),
            request_id=self.state.ids.ulid("req"),
            at=format_timestamp(self.state.clock.now()),
        )
        self.state.request_log.append(logged)
        return logged

    @property
    def received_key(self) -> dict[str, str]:
        """The headers of the request that carry the API key."""
        names = ("Authorization", "X-Api-Key")
        return {name: self._headers[name.lower()] for name in names if name.lower() in self._headers}

    def execute(self) -> ApiResponse:
        """Execute the request and return the response, which may be an error."""
        try:
            self._route, path_params = find_route(self._request.scope)
            response, self.logged.replayed = self.state.idempotency_cache.execute(
                self._admit(self._route, path_params)
            )
        except ApiError as error:
            return self._error_response(error)
        self.logged.executed = True
        return response

    def _admit(self, route: ApiRoute, path_params: dict[str, str]) -> ApiRequest:
        key = authenticate(self.state, self._headers)
        self.logged.key_id = key.key_id
        authorize(key, route.required_scope)
        check_organization(self._headers)
        self.state.rate_limits.consume(self.state.settings.tier, route.limit_class)
        return ApiRequest(
            state=self.state,
            route=route,
            key=key,
            path=self.logged.path,
            path_params=path_params,
            query=self.logged.query,
            headers=self._headers,
            body=_parse_body(route, self._headers, self._content),
            base_url=str(self._request.base_url).rstrip("/"),
        )

    def _error_response(self, error: ApiError) -> ApiResponse:
        return ApiResponse(error.status, error.body(self.logged.request_id), error.headers)

    def send(self, response: ApiResponse) -> Response:
        """Return *response* as HTTP, with the headers that every response has."""
        self.logged.status = response.status
        headers = {
            **response.headers,
            "X-Request-Id": self.logged.request_id,
            "X-RateLimit-Endpoint-Class": self._limit_class(),
        }
        if response.body is None:
            return Response(status_code=response.status, headers=headers)
        content = json.dumps(response.body, ensure_ascii=False).encode()
        return Response(content, response.status, headers, "application/json")

    def send_error(self, error: ApiError) -> Response:
        """Return *error* as HTTP."""
        return self.send(self._error_response(error))

    def _limit_class(self) -> str:
        if self._route is None:
            # Not executed, or no such route.
            try:
                self._route, _ = find_route(self._request.scope)
            except ApiError:
                return READ if self._request.method == "GET" else WRITE
        return self._route.limit_class

    async def wait(self, seconds: float) -> None:
        """Wait in real time, or until the client disconnects or the server stops."""
        waits = [asyncio.ensure_future(self._stopping.wait()), asyncio.ensure_future(self._request.receive())]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def disconnect(self) -> Response:
        """Close the socket without a response."""
        self._request.scope["state"]["transport"].abort()
        # The event loop has to process the loss before the server looks for a response.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return Response()


def authenticate(state: State, headers: Mapping[str, str]) -> ApiKey:
    """Return the API key in *headers*; when both forms are sent, ``X-Api-Key`` wins."""
    secret = _read_key(headers)
    key = next((key for key in state.keys.values() if key.secret == secret), None)
    if key is None:
        raise unauthenticated("The API key is wrong.")
    if key.revoked:
        raise unauthenticated("The API key has been revoked.")
    if key.suspended is not None:
        raise ApiError(503, "KILL_SWITCH", f"This {key.suspended} is suspended.", {"scope": key.suspended})
    return key


def _read_key(headers: Mapping[str, str]) -> str:
    if "x-api-key" in headers:
        return headers["x-api-key"]
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise unauthenticated("Send the API key as `Authorization: Bearer <key>` or as `X-Api-Key: <key>`.")
    return secret.strip()


def authorize(key: ApiKey, scope: str | None) -> None:
    """Raise 403 for a *key* that lacks *scope*."""
    if scope is not None and scope not in key.scopes and "*" not in key.scopes:
        raise ApiError(403, "FORBIDDEN_SCOPE", f"This key lacks the scope {scope}.", {"requiredScope": scope})


def check_organization(headers: Mapping[str, str]) -> None:
    """Raise 422 for an ``X-Layers-Organization`` that is not an organization id; every id is accepted."""
    organization = headers.get("x-layers-organization")
    if organization is not None and not organization.startswith("org_"):
        raise invalid([{"path": "headers.X-Layers-Organization", "message": "must be an id such as org_…"}])


def _parse_body(route: ApiRoute, headers: Mapping[str, str], content: bytes) -> Any:
    if not content:
        return None
    content_type = headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise route.invalid("headers.Content-Type", f"must be application/json, not {content_type!r}")
    try:
        return json.loads(content)
    except ValueError as error:
        raise route.invalid("", f"is not JSON: {error}") from error


def _hide_key(headers: Mapping[str, str]) -> dict[str, str]:
    # The request log is shown without a key; an Authorization header keeps its scheme.
    shown = dict(headers)
    if "authorization" in shown:
        scheme, _, secret = shown["authorization"].partition(" ")
        shown["authorization"] = f"{scheme} ***" if secret else "***"
    if "x-api-key" in shown:
        shown["x-api-key"] = "***"
    return shown
