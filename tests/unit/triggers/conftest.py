"""A triggerer for one trigger, in a loop in which hours pass in milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_layers.hooks.connection import ConnectionSettings
from airflow_provider_layers.hooks.layers import LayersHook
from airflow_provider_layers.polling.watcher import cached_settings
from tests.unit.polling.virtual_time import VirtualTimeLoop
from tests.unit.scripted import CONFIG

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from airflow_provider_layers.triggers.base import LayersTrigger
    from tests.unit.scripted import Reply, ScriptedApi


class Triggerer:
    """Runs triggers against a scripted API."""

    def __init__(self, loop: VirtualTimeLoop, script: Callable[..., ScriptedApi]) -> None:
        self.loop = loop
        self.script = script

    def now(self) -> float:
        return self.loop.clock.time()

    async def connect(self, trigger: LayersTrigger, api: ScriptedApi) -> None:
        """Give a trigger a hook of the API, whose connection is known already."""

        async def settings() -> ConnectionSettings:
            return ConnectionSettings(CONFIG, "shared", None)

        trigger.layers_hook = LayersHook(trigger.layers_conn_id, clock=self.loop.clock, transport=api)
        await cached_settings(trigger.layers_conn_id, settings)

    def fire(self, trigger: LayersTrigger, *replies: Reply | Exception, then: Reply | None = None) -> Any:
        """Return the one event of a trigger, and keep the requests as ``requests``."""
        api = self.script(*replies, then=then)

        async def events() -> AsyncIterator[Any]:
            await self.connect(trigger, api)
            return [event.payload async for event in trigger.run()]

        (event,) = self.loop.run(events())
        self.requests = api.paths
        return event


@pytest.fixture
def loop() -> Iterator[VirtualTimeLoop]:
    loop = VirtualTimeLoop()
    yield loop
    loop.close()


@pytest.fixture
def triggerer(loop: VirtualTimeLoop, script: Callable[..., ScriptedApi]) -> Triggerer:
    return Triggerer(loop, script)
