"""
One case at one size, in a process of its own.

It reads an order from stdin, says that it is ready once everything is imported, reads the epoch, and writes
a report to stdout.

Whoever starts it puts the connection and the certificate into its environment, before anything is imported.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from dev.benchmarks.waiting import control
from dev.benchmarks.waiting.cases import CASES, Server
from dev.benchmarks.waiting.gauges import Gap, GapSelector, forget_peak, peak
from dev.benchmarks.waiting.spec import READY, Order, Report
from dev.benchmarks.waiting.waits import Waits
from dev.benchmarks.waiting.workload import Job, Plan, draw

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass
class Window:
    """
    Takes the measures at the window's two moments, from a thread that a busy event loop does not delay.

    :param opens: seconds since the Unix epoch
    :param closes: seconds since the Unix epoch
    :param gap: of the event loop
    """

    opens: float
    closes: float
    gap: GapSelector
    marks: list[tuple[float, float]] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    def watch(self) -> None:
        """Wait for the moments; to be run in a thread."""
        self._mark()
        for moment in (self.opens, self.closes):
            time.sleep(max(0.0, moment - time.time()))
            self._mark()

    def found(self) -> dict[str, Any]:
        """Give what the moments tell of the time in between and before."""
        (_, began), (opened_at, opened), (closed_at, closed) = self.marks
        _, before, within = self.gaps
        return {
            "cpu": closed - opened,
            "elapsed": closed_at - opened_at,
            "gap": within.whole,
            "own_gap": within.own,
            "start_gap": before.whole,
            "start_cpu": opened - began,
        }

    def _mark(self) -> None:
        self.marks.append((time.time(), time.process_time()))
        self.gaps.append(self.gap.restart())


def _trigger_maker(order: Order) -> Callable[[Job], Any]:
    case = CASES[order.case]
    module, _, name = case.trigger.rpartition(".")
    trigger = getattr(import_module(module), name)
    return lambda job: trigger(**case.arguments(job))


async def _run(order: Order, waits: Waits, window: Window, ends: Mapping[int, float]) -> int:
    starter = asyncio.create_task(waits.start())
    await asyncio.sleep(window.closes - time.time())
    used = peak()
    await waits.until_noticed(ends, deadline=window.closes + order.grace)
    starter.cancel()
    await waits.stop()
    return used


def _in_loop(order: Order, plan: Plan, waits: Waits, ends: Mapping[int, float]) -> tuple[Window, int]:
    time.sleep(max(0.0, plan.epoch - time.time()))
    gap = GapSelector()
    window = Window(plan.epoch + order.warm, plan.epoch + order.warm + order.seconds, gap)
    loop = asyncio.SelectorEventLoop(gap)
    thread = threading.Thread(target=window.watch)
    thread.start()
    try:
        used = loop.run_until_complete(_run(order, waits, window, ends))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
    thread.join()
    return window, used


def measure(order: Order, epoch: float) -> Report:
    """
    Carry out an order.

    :param order: what to do
    :param epoch: seconds since the Unix epoch at which to begin
    """
    server = Server(order.address, order.key)
    horizon = float(order.warm + order.seconds + order.grace)
    plan = Plan(epoch, horizon, order.waits, order.projects, order.median)
    control.begin(server, plan, order.tier, enforced=order.enforced)
    before = control.tally(server)["server_cpu"]
    jobs = draw(plan)
    opens = plan.epoch + order.warm
    ends = {job.number: job.end for job in jobs if opens <= job.end < opens + order.seconds}
    waits = Waits(plan, jobs, order.spread, _trigger_maker(order), CASES[order.case].succeeded)
    gc.collect()
    resting = forget_peak()
    window, used = _in_loop(order, plan, waits, ends)
    told = control.tally(server)
    latencies = sorted(waits.noticed[number] - end for number, end in ends.items() if number in waits.noticed)
    return Report(
        order=order.as_json(),
        kept=used - resting,
        latencies=[round(latency, 4) for latency in latencies],
        missed=len(ends) - len(latencies),
        wrong=waits.wrong,
        failures=waits.failures[:3],
        routes=told["routes"],
        server_busy=(told["server_cpu"] - before) / (time.time() - epoch),
        **_counts(told, order),
        **window.found(),
    )


def _counts(told: dict[str, Any], order: Order) -> dict[str, int]:
    opens, closes = order.warm, order.warm + order.seconds
    return {
        "requests": sum(told["requests"][opens:closes]),
        "early_requests": sum(told["requests"][:opens]),
        "throttled": sum(told["throttled"][opens:closes]),
        "early_throttled": sum(told["throttled"][:opens]),
        "opened": sum(told["opened"][:closes]),
        "received_bytes": sum(told["sent_bytes"][opens:closes]),
    }


def main() -> None:
    """Talk with whoever started the process."""
    # What the triggers log goes to stdout as Airflow sets it up; it is written to the log file instead.
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        order = Order(**json.loads(sys.stdin.readline()))
        _trigger_maker(order)(Job(1, 0.0, 1.0, 0))  # imports what the case needs before memory is looked at
        print(READY, file=answers, flush=True)
        report = measure(order, float(sys.stdin.readline()))
        print(json.dumps(asdict(report)), file=answers, flush=True)


if __name__ == "__main__":
    main()
