"""Two triggers to compare with that no provider contains: a simple poll loop, and a wait that only sleeps."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
from airflow.triggers.base import BaseTrigger, TriggerEvent

# The pool of httpx takes time in proportion to its queue, so more requests at the same time are slower.
MAX_CONCURRENT_REQUESTS = 20


@dataclass(frozen=True)
class _SharedPool:
    client: httpx.AsyncClient
    slots: asyncio.Semaphore


@cache
def _shared_pool() -> _SharedPool:
    connection = json.loads(os.environ["AIRFLOW_CONN_BENCH"])
    client = httpx.AsyncClient(
        base_url=connection["host"], headers={"Authorization": f"Bearer {connection['password']}"}, timeout=30
    )
    return _SharedPool(client, asyncio.Semaphore(MAX_CONCURRENT_REQUESTS))


class NaiveTrigger(BaseTrigger):
    """Polls the job at a fixed interval, with a client that all waits share.

    :param job_id: id of the job
    :param interval: seconds
    """

    def __init__(self, job_id: str, interval: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's class is untyped
        self.job_id = job_id
        self.interval = interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, {"job_id": self.job_id, "interval": self.interval}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and yield an event."""
        while True:
            status = await self._poll()
            if status not in ("running", "unknown"):
                yield TriggerEvent({"status": status})
                return
            await asyncio.sleep(self.interval)

    async def _poll(self) -> str:
        pool = _shared_pool()
        async with pool.slots:
            response = await pool.client.get(f"/v1/jobs/{self.job_id}")
        return str(response.json()["status"]) if response.status_code == httpx.codes.OK else "unknown"


class SleepingTrigger(BaseTrigger):
    """Sleeps until the job ends, without a request.

    :param end: epoch seconds
    """

    def __init__(self, end: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's class is untyped
        self.end = end

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {"end": self.end}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Sleep, and yield an event."""
        await asyncio.sleep(max(0.0, self.end - time.time()))
        yield TriggerEvent({"status": "completed"})
