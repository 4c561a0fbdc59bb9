"""Waits through Airflow's own triggerer, in real processes: one case after the other."""

from __future__ import annotations

import math
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dev.benchmarks.waiting import control
from dev.benchmarks.waiting.airflow_home import RESUME, Event, Home, deferred, migrated
from dev.benchmarks.waiting.cases import CASES, Server
from dev.benchmarks.waiting.process_tree import Mark, mark, members, proportional, resident
from dev.benchmarks.waiting.runner import CORES, ClientError
from dev.benchmarks.waiting.triggerer_report import TriggererReport
from dev.benchmarks.waiting.waits import CLOCK_SLACK
from dev.benchmarks.waiting.workload import Job, Plan, draw

if TYPE_CHECKING:
    from dev.benchmarks.waiting.runner import Site
    from dev.benchmarks.waiting.spec import Order

CAPACITY = 2_000
COMMAND = ("airflow", "triggerer", "--capacity", str(CAPACITY), "--skip-serve-logs")

PATIENCE = 150.0
"""Seconds that the triggers may take to begin."""
SETTLED = 3.0
"""Seconds from the last trigger's beginning to the window."""
MORE = 1.5
"""Jobs to choose from, for each wait: some would end before the window."""
POLITE = 15.0
"""Seconds that the triggerer may take to end."""


@dataclass(frozen=True)
class Window:
    """
    What was seen of the processes.

    :param started: when the triggerer was started, in seconds since the Unix epoch, as all moments here
    :param first: when a trigger had begun
    :param all_run: when all had
    :param opens: beginning of the window
    :param closes: end of the window
    :param marks: at the window's beginning and end
    :param resident: kB at the end
    :param proportional: kB at the end
    """

    started: float
    first: float
    all_run: float
    opens: float
    closes: float
    marks: tuple[Mark, Mark]
    resident: int
    proportional: int

    def cpu(self) -> tuple[float, float]:
        """Give the CPU seconds in the window of all processes, and of all but the oldest."""
        before, after = self.marks
        supervisor, *others = after.since(before).values()
        return supervisor + sum(others), sum(others)


def carry_out(site: Site, orders: Sequence[Order]) -> Iterator[TriggererReport]:
    """
    Carry out orders one after the other; ``warm`` is the earliest second of the window.

    :param site: the server
    :param orders: at least one
    """
    template = migrated(site, orders[0])
    for order in orders:
        print(f"triggerer: {order.case} {order.waits:,} ...", file=sys.stderr, flush=True)
        yield _measure(site, order, template)


def _measure(site: Site, order: Order, template: Home) -> TriggererReport:
    server = Server(order.address, order.key, site.folder / "certificate.pem")
    horizon = order.warm + PATIENCE + order.seconds + order.grace
    plan = Plan(time.time(), horizon, math.ceil(MORE * order.waits), order.projects, order.median)
    control.begin(server, plan, order.tier, enforced=order.enforced)
    busy = control.tally(server)["server_cpu"]
    jobs = _chosen(plan, order)
    home = deferred(site, order, template, jobs)
    with _triggerer(home) as process:
        window = _watched(home, process, plan, order)
        ends = {job.number: job.end for job in jobs if window.opens <= job.end < window.closes}
        events = _awaited(home, ends, window.closes + order.grace)
        told = control.tally(server)
    told["server_busy"] = (told["server_cpu"] - busy) / (time.time() - plan.epoch)
    return _report(order, plan, jobs, window, events, told)


def _chosen(plan: Plan, order: Order) -> list[Job]:
    fitting = [job for job in draw(plan) if job.start < plan.epoch and job.end > plan.epoch + order.warm]
    if len(fitting) < order.waits:
        raise ClientError(f"only {len(fitting)} jobs run for long enough; {order.waits} are needed")
    return random.Random(plan.seed).sample(fitting, order.waits)


@contextmanager
def _triggerer(home: Home) -> Iterator[subprocess.Popen[bytes]]:
    with _log(home).open("wb") as log:
        process = subprocess.Popen(
            home.command(*COMMAND), env=home.env, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
    os.sched_setaffinity(process.pid, CORES[:1])
    try:
        yield process
    finally:
        _end(process)


def _log(home: Home) -> Path:
    return home.folder / "triggerer.log"


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(POLITE)
    except subprocess.TimeoutExpired:
        for pid in members(process.pid):
            os.kill(pid, signal.SIGKILL)
        process.wait()


def _watched(home: Home, process: subprocess.Popen[bytes], plan: Plan, order: Order) -> Window:
    started = time.time()
    first = _begun(home, process, 1, started + PATIENCE)
    all_run = _begun(home, process, order.waits, started + PATIENCE)
    # The server counts by whole seconds since the epoch.
    opens = plan.epoch + max(order.warm, math.ceil(all_run + SETTLED - plan.epoch))
    closes = opens + order.seconds
    time.sleep(max(0.0, opens - time.time()))
    before = mark(process.pid)
    time.sleep(max(0.0, closes - time.time()))
    after = mark(process.pid)
    return Window(
        started,
        first,
        all_run,
        opens,
        closes,
        (before, after),
        resident(process.pid),
        proportional(process.pid),
    )


def _begun(home: Home, process: subprocess.Popen[bytes], triggers: int, deadline: float) -> float:
    while home.running() < triggers:
        if process.poll() is not None or time.time() > deadline:
            log = _log(home).read_text(errors="replace")[-3000:]
            raise ClientError(f"{home.running()} of {triggers} triggers have begun:\n{log}")
        time.sleep(0.5)
    return time.time()


def _awaited(home: Home, ends: Mapping[int, float], deadline: float) -> dict[int, Event]:
    while True:
        events = home.events()
        if ends.keys() <= events.keys() or time.time() > deadline:
            return events
        time.sleep(1)


def _report(
    order: Order, plan: Plan, jobs: Sequence[Job], window: Window, events: Mapping[int, Event], told: Any
) -> TriggererReport:
    ends = {job.number: job.end for job in jobs}
    within = {number: end for number, end in ends.items() if window.opens <= end < window.closes}
    faults = [text for number, event in events.items() for text in _fault(order, event, ends[number])]
    latencies = sorted(events[number].moment - end for number, end in within.items() if number in events)
    cpu, runner_cpu = window.cpu()
    before, after = window.marks
    return TriggererReport(
        order=order.as_json(),
        cpu=cpu,
        runner_cpu=runner_cpu,
        elapsed=after.moment - before.moment,
        minutes=sum(max(0.0, min(end, window.closes) - window.opens) for end in ends.values()) / 60,
        resident=window.resident,
        proportional=window.proportional,
        first=window.first - window.started,
        all_run=window.all_run - window.started,
        start_cpu=sum(before.cpu.values()),
        latencies=[round(latency, 3) for latency in latencies],
        missed=len(within) - len(latencies),
        wrong=len(faults),
        failures=faults[:3],
        routes=told["routes"],
        server_busy=told["server_busy"],
        **_counts(told, round(window.opens - plan.epoch), round(window.closes - plan.epoch)),
    )


def _fault(order: Order, event: Event, end: float) -> Iterator[str]:
    told = event.told.get("event")
    if event.method != RESUME or event.moment < end - CLOCK_SLACK or not CASES[order.case].succeeded(told):
        yield str(event)[:300]


def _counts(told: Any, opens: int, closes: int) -> dict[str, int]:
    return {
        "requests": sum(told["requests"][opens:closes]),
        "early_requests": sum(told["requests"][:opens]),
        "throttled": sum(told["throttled"][opens:closes]),
        "early_throttled": sum(told["throttled"][:opens]),
        "opened": sum(told["opened"][:closes]),
    }
