"""What a run consists of: the sizes one after the other, the start of many at once, and the smallest tier."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dev.benchmarks.waiting.cases import BASELINE, CASES, OURS
from dev.benchmarks.waiting.runner import CORES, Site, together
from dev.benchmarks.waiting.spec import Order, Report
from dev.benchmarks.waiting.triggerer import carry_out
from dev.benchmarks.waiting.workload import median_for, steady_median

if TYPE_CHECKING:
    from dev.benchmarks.waiting.triggerer_report import TriggererReport

QUICK = (20, 40)
QUICK_CASES = (OURS, "http", "databricks")

SMALL = 100
"""Sizes up to this leave the core idle enough to measure all cases at once, for longer, as ends are rare."""
SMALL_SECONDS = 60

HERD = 1_000
HERD_SECONDS = 6
HERD_CASES = (OURS, "http", "dbt-cloud", "databricks")

STANDARD_WAITS = 1_000
STANDARD_ENDS = 20
"""A minute: the smallest tier starts no more jobs, so no more can end for long."""
STANDARD_CASES = (OURS, "http")
"""Two that a core carries side by side."""

SET_APART = 60
STANDARD_SECONDS = 90

TRIGGERER_WAITS = 1_000
TRIGGERER_WARM = 35
"""Writing the rows and starting the triggers take most of this; the jobs that are waited for end later."""
TRIGGERER_SECONDS = 45
TRIGGERER_GRACE = 15
TRIGGERER_CASES = (OURS, "dbt-cloud", "http", BASELINE)
"""Where no cases are asked for by name."""


@dataclass(frozen=True)
class Options:
    """
    What somebody asked for.

    :param cases: names, in order
    :param waits: sizes, in order
    :param seconds: length of the measured window
    :param projects: that the jobs are spread over
    """

    cases: tuple[str, ...] = tuple(CASES)
    waits: tuple[int, ...] = (100, 1_000, 5_000)
    seconds: int = 20
    projects: int = 1

    def picked(self, names: Sequence[str]) -> list[str]:
        """Give those of the names that were asked for."""
        return [name for name in names if name in self.cases]


@dataclass
class Findings:
    """
    The reports of a run.

    :param steady: a steady population, nothing refused
    :param herd: many waits that start at once
    :param standard: the smallest tier's limit enforced
    :param triggerer: through Airflow's own triggerer
    """

    steady: list[Report] = field(default_factory=list)
    herd: list[Report] = field(default_factory=list)
    standard: list[Report] = field(default_factory=list)
    triggerer: list[TriggererReport] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Give them as plain JSON."""
        return {name: [report.as_json() for report in found] for name, found in vars(self).items()}


def quick(site: Site, options: Options) -> Findings:
    """
    Show in seconds that everything runs; the numbers mean nothing.

    :param site: the server
    :param options: what was asked for; only its cases count
    """
    orders = [
        Order(case, waits, site.address, warm=2, seconds=3, spread=1.0, grace=8, median=20.0)
        for waits in QUICK
        for case in options.picked(QUICK_CASES)
    ]
    return Findings(steady=together(site, orders, CORES))


def whole(site: Site, options: Options) -> Findings:
    """
    Run what was asked for.

    :param site: the server
    :param options: what was asked for
    """
    found = Findings()
    for orders in _steady(site, options):
        found.steady += _told(site, orders, "steady")
    found.steady.sort(key=lambda report: (report.waits, list(CASES).index(report.order["case"])))
    if HERD in options.waits:
        for name in options.picked(HERD_CASES):
            order = Order(name, HERD, site.address, warm=HERD_SECONDS, seconds=1, spread=0.0, grace=0)
            found.herd += _told(site, [order], "start at once")
    if STANDARD_WAITS in options.waits:
        found.standard = _told(site, _standard(site, options), "standard tier")
    return found


def in_triggerer(site: Site, options: Options, *, quick: bool) -> list[TriggererReport]:
    """
    Run the part through Airflow's own triggerer.

    :param site: the server
    :param options: what was asked for; only its cases and projects count
    :param quick: only show in a minute that it runs
    """
    orders = [
        Order(name, QUICK[0], site.address, warm=20, seconds=10, spread=0.0, grace=10, median=60.0)
        if quick
        else Order(
            name,
            TRIGGERER_WAITS,
            site.address,
            warm=TRIGGERER_WARM,
            seconds=TRIGGERER_SECONDS,
            spread=0.0,
            grace=TRIGGERER_GRACE,
            projects=options.projects,
            median=steady_median(TRIGGERER_WAITS),
        )
        for name in (TRIGGERER_CASES if options.cases == tuple(CASES) else options.cases)
    ]
    return list(carry_out(site, orders))


def _steady(site: Site, options: Options) -> list[list[Order]]:
    orders = [
        Order(
            name,
            waits,
            site.address,
            seconds=options.seconds,
            projects=options.projects,
            median=steady_median(waits),
        )
        for waits in options.waits
        for name in options.cases
    ]
    light = [
        replace(order, seconds=max(order.seconds, SMALL_SECONDS))
        for order in orders
        if order.waits <= SMALL or order.case == BASELINE
    ]
    heavy = [[order] for order in orders if order.waits > SMALL and order.case != BASELINE]
    return [light, *heavy] if light else heavy


def _standard(site: Site, options: Options) -> list[Order]:
    return [
        Order(
            name,
            STANDARD_WAITS,
            site.address,
            warm=SET_APART,
            seconds=STANDARD_SECONDS,
            projects=options.projects,
            median=median_for(STANDARD_WAITS, STANDARD_ENDS),
            tier="standard",
            enforced=True,
        )
        for name in options.picked(STANDARD_CASES)
    ]


def _told(site: Site, orders: list[Order], part: str) -> list[Report]:
    names = ", ".join(f"{order.case} {order.waits:,}" for order in orders)
    print(f"{part}: {names} ...", file=sys.stderr, flush=True)
    return together(site, orders)
