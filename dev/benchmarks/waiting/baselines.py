"""Two waits that are nobody's product: the loop that one writes first, and one that only sleeps."""

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

AT_ONCE = 20
"""Requests under way. The pool of httpx takes time in proportion to what queues in it, so more are slower."""


@dataclass(frozen=True)
class _Shared:
    client: httpx.AsyncClient
    places: asyncio.Semaphore


@cache
def _shared() -> _Shared:
    connection = json.loads(os.environ["AIRFLOW_CONN_BENCH"])
    client = httpx.AsyncClient(
        base_url=connection["host"], headers={"Authorization": f"Bearer {connection['password']}"}, timeout=30
    )
    return _Shared(client, asyncio.Semaphore(AT_ONCE))


class NaiveTrigger(BaseTrigger):
    """
    Ask for the job every interval, through one client that all waits share.

    :param job_id: the job
    :param interval: seconds
    """

    def __init__(self, job_id: str, interval: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.job_id = job_id
        self.interval = interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what another triggerer needs to go on."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, {"job_id": self.job_id, "interval": self.interval}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and yield the one event."""
        while True:
            status = await self._look()
            if status not in ("running", "unknown"):
                yield TriggerEvent({"status": status})
                return
            await asyncio.sleep(self.interval)

    async def _look(self) -> str:
        shared = _shared()
        async with shared.places:
            answer = await shared.client.get(f"/v1/jobs/{self.job_id}")
        return str(answer.json()["status"]) if answer.status_code == httpx.codes.OK else "unknown"


class SleepingTrigger(BaseTrigger):
    """
    Know when the job ends, and ask nobody.

    :param end: seconds since the Unix epoch
    """

    def __init__(self, end: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.end = end

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what another triggerer needs to go on."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {"end": self.end}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Sleep, and yield the one event."""
        await asyncio.sleep(max(0.0, self.end - time.time()))
        yield TriggerEvent({"status": "completed"})
