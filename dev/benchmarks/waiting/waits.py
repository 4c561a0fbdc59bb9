"""The waits of one client process: they start when their jobs do, and what they notice is kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.triggers.base import BaseTrigger

    from dev.benchmarks.waiting.workload import Job, Plan

CLOCK_SLACK = 0.05
"""Seconds by which a sleep may end early, as the clocks of sleeping and of the jobs are two."""

POLL = 0.2


class Waits:
    """
    Runs triggers as a triggerer does, one task each.

    :param plan: the jobs' plan
    :param jobs: all jobs
    :param spread: seconds over which the waits start whose jobs run at the epoch
    :param trigger: makes the trigger of a job
    :param succeeded: reads the payload of an event
    """

    def __init__(
        self,
        plan: Plan,
        jobs: list[Job],
        spread: float,
        trigger: Callable[[Job], BaseTrigger],
        succeeded: Callable[[Any], bool],
    ) -> None:
        self._trigger, self._succeeded = trigger, succeeded
        self._schedule = _schedule(plan, jobs, spread)
        self._tasks: set[asyncio.Task[None]] = set()
        self.noticed: dict[int, float] = {}
        self.wrong = 0
        self.failures: list[str] = []

    async def start(self) -> None:
        """Start every wait at its moment."""
        for moment, job in self._schedule:
            delay = moment - time.time()
            if delay > 0:
                await asyncio.sleep(delay)
            task = asyncio.create_task(self._wait(job))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _wait(self, job: Job) -> None:
        try:
            async for event in self._trigger(job).run():
                self._note(job, event.payload)
        except Exception as error:  # noqa: BLE001  # whatever it is, a task would fail of it
            self.wrong += 1
            self.failures.append(f"{type(error).__name__}: {error}")

    def _note(self, job: Job, payload: Any) -> None:
        now = time.time()
        if job.number in self.noticed or now < job.end - CLOCK_SLACK or not self._succeeded(payload):
            self.wrong += 1
            self.failures.append(str(payload)[:300])
        else:
            self.noticed[job.number] = now

    async def until_noticed(self, numbers: Iterable[int], *, deadline: float) -> None:
        """
        Let the waits go on until some jobs have been noticed.

        :param numbers: of the jobs
        :param deadline: seconds since the Unix epoch
        """
        missing = set(numbers)
        while missing and time.time() < deadline:
            await asyncio.sleep(POLL)
            missing -= self.noticed.keys()

    async def stop(self) -> None:
        """End all waits as a triggerer that shuts down does."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _schedule(plan: Plan, jobs: list[Job], spread: float) -> list[tuple[float, Job]]:
    running = [job for job in jobs if job.start < plan.epoch < job.end]
    first = [(plan.epoch + spread * place / len(running), job) for place, job in enumerate(running)]
    later = [(job.start, job) for job in jobs if job.start >= plan.epoch]
    return sorted(first + later, key=lambda pair: pair[0])
