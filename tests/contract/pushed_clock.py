"""
The one clock of a contract test: the emulator's is frozen, and every sleep advances it.

In an event loop time passes only while no request is in flight and no task is ready, and then to the moment
at which the first sleeper wakes: many waits see the time that they would see in a real loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import contextmanager
from datetime import datetime
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from airflow_provider_layers.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_layers.emulator import Emulator

T = TypeVar("T")

IDLE_TURNS = 12
"""Turns of the loop without a request in flight after which every task waits."""

RESOLUTION = 1e-6
"""Seconds. Both clocks move by these at least; a sleep too short for either would last for ever."""


class PushedClock(Clock):
    """
    Advances the API's clock by sleeping.

    :param api: whose clock to advance
    """

    def __init__(self, api: Emulator) -> None:
        self._api = api
        self.start = datetime.fromisoformat(api.now().replace("Z", "+00:00")).timestamp()
        self.slept: list[float] = []
        self.elapsed = 0.0
        self.on_sleep: Callable[[], None] = lambda: None
        self._pushed = 0.0
        self._lock = threading.Lock()
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopTime] = WeakKeyDictionary()

    def time(self) -> float:
        return self.start + self.elapsed

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.sleep_until(self.time() + seconds)

    def sleep_until(self, moment: float) -> None:
        """Let time pass, also for an event loop in another thread."""
        with self._lock:
            self.slept.append(max(0.0, moment - self.time()))
            self.elapsed = max(self.elapsed, moment - self.start)
            step = round(self.elapsed - self._pushed, 6)
            if step > 0:
                self._pushed += step
                self._api.advance(step)
        self.on_sleep()

    async def asleep(self, seconds: float) -> None:
        if seconds > 0:
            await self._loop_time().sleep(max(seconds, RESOLUTION))
        else:
            await asyncio.sleep(0)

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Let no time pass in this event loop meanwhile."""
        here = self._loop_time()
        here.count(1)
        try:
            yield
        finally:
            here.count(-1)

    async def run_until_death(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in an event loop that dies of what ``on_sleep`` raises, as its process would."""
        doing, death = asyncio.ensure_future(work), self._loop_time().death
        await asyncio.wait({doing, death}, return_when=asyncio.FIRST_COMPLETED)
        if not death.done():
            return doing.result()
        doing.cancel()
        await asyncio.gather(doing, return_exceptions=True)
        return await death

    def _loop_time(self) -> _LoopTime:
        return self._loops.setdefault(asyncio.get_running_loop(), _LoopTime(self))


class _LoopTime:
    """The sleepers of one event loop."""

    def __init__(self, clock: PushedClock) -> None:
        self._clock = clock
        self._numbers = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._driver: asyncio.Task[Any] | None = None
        self.death: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def count(self, change: int) -> None:
        self._in_flight += change
        (self._idle.clear if self._in_flight else self._idle.set)()

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._sleepers, (self._clock.time() + seconds, next(self._numbers), woken))
        if self._driver is None or self._driver.done():
            self._driver = asyncio.ensure_future(self._drive())
        await woken

    async def _drive(self) -> None:
        while self._sleepers:
            await self._idle_for_a_while()
            while self._sleepers and self._sleepers[0][2].done():
                heappop(self._sleepers)
            if self._sleepers:
                moment, _, woken = heappop(self._sleepers)
                try:
                    self._clock.sleep_until(moment)
                except BaseException as error:  # noqa: BLE001 - a test reads it
                    self.death.set_exception(error)
                    return
                if not woken.done():
                    woken.set_result(None)

    async def _idle_for_a_while(self) -> None:
        turns = 0
        while turns < IDLE_TURNS:
            await self._idle.wait()
            await asyncio.sleep(0)
            turns = turns + 1 if self._idle.is_set() else 0
