"""One client for each key and event loop, shared by every trigger that waits there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from airflow_provider_layers.api.pace import Pace
from airflow_provider_layers.client import AsyncLayersClient

if TYPE_CHECKING:
    from airflow_provider_layers.hooks.settings import Settings


@dataclass
class _Lease:
    client: AsyncLayersClient
    holders: int = 0


# Keyed by loop, since a connection pool belongs to the loop that opened it, and by settings rather than
# connection id, so that a key changed in the connection is used by the next trigger that starts.
_leases: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Settings, _Lease]] = WeakKeyDictionary()


@asynccontextmanager
async def lease(settings: Settings) -> AsyncIterator[AsyncLayersClient]:
    """
    Lend the client of these settings; the first holder opens it and the last one closes it.

    :param settings: of the connection
    """
    here = _leases.setdefault(asyncio.get_running_loop(), {})
    held = here.get(settings)
    if held is None:
        pace = Pace(settings.poll_budget_rpm) if settings.poll_budget_rpm else None
        held = here[settings] = _Lease(AsyncLayersClient(settings.access, pace=pace))
    held.holders += 1
    try:
        yield held.client
    finally:
        held.holders -= 1
        if not held.holders:
            del here[settings]
            await held.client.aclose()
