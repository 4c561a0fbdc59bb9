"""What all triggers of an event loop share for a connection: what it says, one client, one watcher."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from airflow_provider_layers.api.cadence import Experience
from airflow_provider_layers.client import AsyncLayersClient
from airflow_provider_layers.hooks.watcher import Watcher

if TYPE_CHECKING:
    from airflow_provider_layers.hooks.settings import Settings

LOOKED_UP_FOR = 30.0
"""Seconds for which a connection is not looked up again: a thousand triggers may start at once."""


@dataclass
class Lease:
    """
    What the triggers of one connection share.

    :param client: speaks to the API
    :param watcher: waits for all of them
    """

    client: AsyncLayersClient
    watcher: Watcher
    holders: int = 0


@dataclass
class _Loop:
    # By settings rather than connection id, so that a changed key has a client of its own.
    leases: dict[Settings, Lease] = field(default_factory=dict)
    experiences: dict[str, Experience] = field(default_factory=dict)
    settings: dict[str, tuple[float, Settings]] = field(default_factory=dict)
    lookups: dict[str, asyncio.Future[Settings]] = field(default_factory=dict)


# A connection pool belongs to the loop that opened it.
_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _Loop] = WeakKeyDictionary()


def _here() -> _Loop:
    return _loops.setdefault(asyncio.get_running_loop(), _Loop())


@asynccontextmanager
async def lease(settings: Settings) -> AsyncIterator[Lease]:
    """
    Lend the client and the watcher of these settings; the last holder closes them.

    :param settings: of the connection
    """
    here = _here()
    held = here.leases.get(settings)
    if held is None:
        client = AsyncLayersClient(settings.access)
        experience = here.experiences.setdefault(settings.access.base_url, Experience())
        held = here.leases[settings] = Lease(client, Watcher(client, experience, settings.poll_budget_rpm))
    held.holders += 1
    try:
        yield held
    finally:
        held.holders -= 1
        if not held.holders:
            del here.leases[settings]
            try:
                await held.watcher.close()
            finally:
                await held.client.aclose()


async def looked_up(conn_id: str, look_up: Callable[[], Awaitable[Settings]]) -> Settings:
    """
    Give what a connection says, looked up once for all who ask within half a minute.

    :param conn_id: the connection
    :param look_up: looks it up
    """
    here, now = _here(), time.monotonic()
    looked_up_at, known = here.settings.get(conn_id, (0.0, None))
    if known is not None and now - looked_up_at < LOOKED_UP_FOR:
        return known
    lookup = here.lookups.get(conn_id)
    if lookup is None:
        lookup = here.lookups[conn_id] = asyncio.ensure_future(look_up())
        lookup.add_done_callback(lambda _: here.lookups.pop(conn_id, None))
    # One who leaves does not take the answer away from the others.
    found = await asyncio.shield(lookup)
    # The answer itself is kept: a future would hold on to its loop.
    here.settings[conn_id] = (now, found)
    return found
