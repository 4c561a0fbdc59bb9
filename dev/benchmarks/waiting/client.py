"""The process that runs a case at a size.

It reads a specification from stdin, reports that it is ready once everything is imported, reads the epoch,
and writes a report to stdout. Its environment has the connection and the certificate from the start.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from dev.benchmarks.waiting.cases import CASES, ServerAccess
from dev.benchmarks.waiting.measurements import Gap, GapSelector, peak_memory, reset_peak_memory
from dev.benchmarks.waiting.spec import READY, CaseReport, CaseSpec
from dev.benchmarks.waiting.workload import PlannedJob, WorkloadPlan, draw_jobs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.triggers.base import BaseTrigger

# Sleeps and jobs use different clocks, so a sleep may end this many seconds early.
CLOCK_TOLERANCE = 0.05
CHECK_INTERVAL = 0.2


class Waits:
    """Runs triggers as a triggerer does, in a task each, and records the events.

    :param plan: the plan of the jobs
    :param jobs: all jobs
    :param spread: seconds over which the waits for the first jobs start
    :param trigger: returns the trigger of a job
    :param succeeded: returns whether the payload of an event reports success
    """

    def __init__(
        self,
        plan: WorkloadPlan,
        jobs: list[PlannedJob],
        spread: float,
        trigger: Callable[[PlannedJob], BaseTrigger],
        succeeded: Callable[[Any], bool],
    ) -> None:
        self._trigger, self._succeeded = trigger, succeeded
        self._starts = _starts(plan, jobs, spread)
        self._tasks: set[asyncio.Task[None]] = set()
        self.detected: dict[int, float] = {}
        self.wrong = 0
        self.failures: list[str] = []

    async def start(self) -> None:
        """Start every wait when its job starts."""
        for moment, job in self._starts:
            delay = moment - time.time()
            if delay > 0:
                await asyncio.sleep(delay)
            task = asyncio.create_task(self._wait(job))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _wait(self, job: PlannedJob) -> None:
        try:
            async for event in self._trigger(job).run():
                self._record(job, event.payload)
        except Exception as error:  # noqa: BLE001 - every exception would fail a task
            self.wrong += 1
            self.failures.append(f"{type(error).__name__}: {error}")

    def _record(self, job: PlannedJob, payload: Any) -> None:
        now = time.time()
        early = now < job.end - CLOCK_TOLERANCE
        if job.number in self.detected or early or not self._succeeded(payload):
            self.wrong += 1
            self.failures.append(str(payload)[:300])
        else:
            self.detected[job.number] = now

    async def until_detected(self, numbers: Iterable[int], *, deadline: float) -> None:
        """Wait until the ends of these jobs are detected, at most until the deadline in epoch seconds."""
        missing = set(numbers)
        while missing and time.time() < deadline:
            await asyncio.sleep(CHECK_INTERVAL)
            missing -= self.detected.keys()

    async def stop(self) -> None:
        """Cancel all waits, as a triggerer does when it shuts down."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _starts(plan: WorkloadPlan, jobs: list[PlannedJob], spread: float) -> list[tuple[float, PlannedJob]]:
    running = [job for job in jobs if job.start < plan.epoch < job.end]
    first = [(plan.epoch + spread * place / len(running), job) for place, job in enumerate(running)]
    later = [(job.start, job) for job in jobs if job.start >= plan.epoch]
    return sorted(first + later, key=lambda pair: pair[0])


@dataclass
class WindowMeasurement:
    """Reads CPU and gaps at the beginning and the end of the window, in a thread of this process.

    :param begin: epoch seconds
    :param end: epoch seconds
    :param gap: measures the event loop
    """

    begin: float
    end: float
    gap: GapSelector
    readings: list[tuple[float, float]] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    def run(self) -> None:
        """Sleep until both moments; a busy event loop does not delay a thread."""
        self._read()
        for moment in (self.begin, self.end):
            time.sleep(max(0.0, moment - time.time()))
            self._read()

    def results(self) -> dict[str, Any]:
        """Return the differences between the readings."""
        (_, initial), (begun_at, begun), (ended_at, ended) = self.readings
        _, before, within = self.gaps
        return {
            "cpu": ended - begun,
            "elapsed": ended_at - begun_at,
            "gap": within.total,
            "own_gap": within.own,
            "start_gap": before.total,
            "start_cpu": begun - initial,
        }

    def _read(self) -> None:
        self.readings.append((time.time(), time.process_time()))
        self.gaps.append(self.gap.reset())


def _trigger_factory(spec: CaseSpec) -> Callable[[PlannedJob], Any]:
    case = CASES[spec.case]
    module, _, name = case.trigger.rpartition(".")
    trigger = getattr(import_module(module), name)
    return lambda job: trigger(**case.arguments(job))


async def _run_waits(
    spec: CaseSpec, waits: Waits, window: WindowMeasurement, ends: Mapping[int, float]
) -> int:
    starter = asyncio.create_task(waits.start())
    await asyncio.sleep(window.end - time.time())
    memory = peak_memory()
    await waits.until_detected(ends, deadline=window.end + spec.grace)
    starter.cancel()
    await waits.stop()
    return memory


def _run_loop(
    spec: CaseSpec, plan: WorkloadPlan, waits: Waits, ends: Mapping[int, float]
) -> tuple[WindowMeasurement, int]:
    time.sleep(max(0.0, plan.epoch - time.time()))
    gap = GapSelector()
    begin = plan.epoch + spec.warm_up
    window = WindowMeasurement(begin, begin + spec.seconds, gap)
    loop = asyncio.SelectorEventLoop(gap)
    thread = threading.Thread(target=window.run)
    thread.start()
    try:
        memory = loop.run_until_complete(_run_waits(spec, waits, window, ends))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
    thread.join()
    return window, memory


def measure(spec: CaseSpec, epoch: float) -> CaseReport:
    """Run a case.

    :param spec: the case and its size
    :param epoch: epoch seconds at which to begin
    """
    server = ServerAccess(spec.address, spec.key)
    horizon = float(spec.warm_up + spec.seconds + spec.grace)
    plan = WorkloadPlan(epoch, horizon, spec.waits, spec.projects, spec.median)
    server.begin(plan, spec.tier, enforce_limit=spec.enforce_limit)
    server_cpu = server.counters()["server_cpu"]
    jobs = draw_jobs(plan)
    begin = plan.epoch + spec.warm_up
    ends = {job.number: job.end for job in jobs if begin <= job.end < begin + spec.seconds}
    waits = Waits(plan, jobs, spec.spread, _trigger_factory(spec), CASES[spec.case].succeeded)
    gc.collect()
    memory_before = reset_peak_memory()
    window, memory = _run_loop(spec, plan, waits, ends)
    counters = server.counters()
    latencies = sorted(
        waits.detected[number] - end for number, end in ends.items() if number in waits.detected
    )
    return CaseReport(
        spec=spec.as_json(),
        memory=memory - memory_before,
        latencies=[round(latency, 4) for latency in latencies],
        missed=len(ends) - len(latencies),
        wrong=waits.wrong,
        failures=waits.failures[:3],
        routes=counters["routes"],
        server_busy=(counters["server_cpu"] - server_cpu) / (time.time() - epoch),
        **_request_counts(counters, spec),
        **window.results(),
    )


def _request_counts(counters: dict[str, Any], spec: CaseSpec) -> dict[str, int]:
    begin, end = spec.warm_up, spec.warm_up + spec.seconds
    return {
        "requests": sum(counters["requests"][begin:end]),
        "early_requests": sum(counters["requests"][:begin]),
        "throttled": sum(counters["throttled"][begin:end]),
        "early_throttled": sum(counters["throttled"][:begin]),
        "opened": sum(counters["opened"][:end]),
        "received_bytes": sum(counters["sent_bytes"][begin:end]),
    }


def main() -> None:
    """Run the case that the parent process specifies."""
    # Airflow sets up logging to stdout; here the logs of the triggers go to the log file, as in a triggerer.
    with os.fdopen(os.dup(1), "w") as output:
        os.dup2(2, 1)
        spec = CaseSpec(**json.loads(sys.stdin.readline()))
        # Import everything that the case needs before memory is measured.
        _trigger_factory(spec)(PlannedJob(1, 0.0, 1.0, 0))
        print(READY, file=output, flush=True)
        report = measure(spec, float(sys.stdin.readline()))
        print(json.dumps(asdict(report)), file=output, flush=True)


if __name__ == "__main__":
    main()
