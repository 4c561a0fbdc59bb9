"""From a request to its answer, without HTTP: doorman, limits, replay, handler, envelope."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.emulator.auth import authenticate, authorize, check_organization
from airflow_provider_layers.emulator.clock import write_moment
from airflow_provider_layers.emulator.errors import Refusal, invalid
from airflow_provider_layers.emulator.ledger import Entry, hide_key
from airflow_provider_layers.emulator.limits import READ, WRITE
from airflow_provider_layers.emulator.routes import find_endpoint
from airflow_provider_layers.emulator.routing import Answer, Call, Endpoint

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.state import World


@dataclass(frozen=True)
class Incoming:
    """A request as it came off the wire; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    raw: bytes
    base_url: str


def record(world: World, incoming: Incoming) -> Entry:
    """Write *incoming* into the ledger and return its entry."""
    try:
        body: Any = json.loads(incoming.raw) if incoming.raw else None
    except ValueError:
        body = incoming.raw.decode(errors="replace")
    entry = Entry(
        method=incoming.method,
        path=incoming.path,
        query=dict(incoming.query),
        headers=hide_key(incoming.headers),
        body=body,
        idempotency_key=incoming.headers.get("idempotency-key"),
        request_id=world.ids.ulid("req"),
        at=write_moment(world.clock.now()),
    )
    world.ledger.add(entry)
    return entry


def execute(world: World, incoming: Incoming, entry: Entry) -> Answer:
    """Answer *incoming* as the API does."""
    try:
        endpoint, params = find_endpoint(incoming.method, incoming.path)
        answer = _answer(world, incoming, entry, endpoint, params)
        entry.executed = True
    except Refusal as refusal:
        return refuse(entry, refusal)
    return _label(answer, entry)


def refuse(entry: Entry, refusal: Refusal) -> Answer:
    """Return *refusal* as the answer to the request of *entry*."""
    return _label(Answer(refusal.status, refusal.envelope(entry.request_id), dict(refusal.headers)), entry)


def _answer(
    world: World, incoming: Incoming, entry: Entry, endpoint: Endpoint, params: dict[str, str]
) -> Answer:
    key = authenticate(world, incoming.headers)
    entry.key_id = key.key_id
    authorize(key, endpoint.scope)
    check_organization(incoming.headers)
    world.limits.take(world.settings.tier, endpoint.limit_class)
    call = Call(
        world=world,
        endpoint=endpoint,
        key=key,
        path=incoming.path,
        params=params,
        query=incoming.query,
        headers=incoming.headers,
        body=_read_body(incoming, endpoint),
        base_url=incoming.base_url,
    )
    answer, entry.replayed = world.replays.answer(call)
    return answer


def _read_body(incoming: Incoming, endpoint: Endpoint) -> Any:
    if not incoming.raw:
        return None
    content_type = incoming.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        issue = {"path": "headers.Content-Type", "message": f"must be application/json, not {content_type!r}"}
        raise invalid([issue], endpoint.invalid_code, endpoint.invalid_status)
    try:
        return json.loads(incoming.raw)
    except ValueError as error:
        issue = {"path": "", "message": f"is not JSON: {error}"}
        raise invalid([issue], endpoint.invalid_code, endpoint.invalid_status) from error


def _label(answer: Answer, entry: Entry) -> Answer:
    try:
        limit_class = find_endpoint(entry.method, entry.path)[0].limit_class
    except Refusal:
        limit_class = READ if entry.method == "GET" else WRITE
    answer.headers["X-Request-Id"] = entry.request_id
    answer.headers["X-RateLimit-Endpoint-Class"] = limit_class
    return answer
