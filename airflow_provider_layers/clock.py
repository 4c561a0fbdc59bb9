"""The time that clients, stores and waits see. It is passed to them, so that tests can pass their own."""

from __future__ import annotations

import asyncio
import time


class Clock:
    """System time, in seconds since the epoch."""

    def time(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    async def asleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


SYSTEM_CLOCK = Clock()
