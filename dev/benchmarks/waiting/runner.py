"""The parts of a run: steady sizes, the start of many waits at once, the smallest tier, the triggerer."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dev.benchmarks.waiting.cases import BASELINE, CASES, OURS
from dev.benchmarks.waiting.processes import CORES, Site, run_together
from dev.benchmarks.waiting.spec import CaseReport, CaseSpec
from dev.benchmarks.waiting.triggerer import measure_in_triggerer
from dev.benchmarks.waiting.workload import median_for, steady_median

if TYPE_CHECKING:
    from dev.benchmarks.waiting.spec import TriggererReport

QUICK_SIZES = (20, 40)
QUICK_CASES = (OURS, "http", "databricks")

# Sizes up to this leave the core idle enough to measure all cases at the same time. They need longer, as few
# jobs end.
SMALL_SIZE = 100
SMALL_SECONDS = 60

HERD_SIZE = 1_000
HERD_SECONDS = 6
HERD_CASES = (OURS, "http", "dbt-cloud", "databricks")

STANDARD_SIZE = 1_000
# The smallest tier starts 20 jobs a minute, so no more can end in the long run.
STANDARD_ENDS_PER_MINUTE = 20
# A core can run these two at the same time.
STANDARD_CASES = (OURS, "http")
STANDARD_WARM_UP = 60
STANDARD_SECONDS = 90

TRIGGERER_SIZE = 1_000
# Writing the rows and starting the triggers take most of this; the jobs that are waited for end later.
TRIGGERER_WARM_UP = 35
TRIGGERER_SECONDS = 45
TRIGGERER_GRACE = 15
TRIGGERER_CASES = (OURS, "dbt-cloud", "http", BASELINE)


@dataclass(frozen=True)
class RunOptions:
    """The options of the command line.

    :param cases: names of the cases, in order
    :param sizes: numbers of waits, in order
    :param seconds: length of the measured window
    :param projects: number of projects that the jobs belong to
    """

    cases: tuple[str, ...] = tuple(CASES)
    sizes: tuple[int, ...] = (100, 1_000, 5_000)
    seconds: int = 20
    projects: int = 1

    def selected(self, names: Sequence[str]) -> list[str]:
        """Return those of the names that are among the cases."""
        return [name for name in names if name in self.cases]


@dataclass
class RunResults:
    """The reports of a run.

    :param steady: a steady number of waits, without a rate limit
    :param herd: many waits that start at once
    :param standard: the rate limit of the smallest tier
    :param triggerer: waits in Airflow's triggerer
    """

    steady: list[CaseReport] = field(default_factory=list)
    herd: list[CaseReport] = field(default_factory=list)
    standard: list[CaseReport] = field(default_factory=list)
    triggerer: list[TriggererReport] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return them as plain JSON."""
        return {name: [report.as_json() for report in reports] for name, reports in vars(self).items()}


def run_quick(site: Site, options: RunOptions) -> RunResults:
    """Show in seconds that everything works, for the cases of the options; the numbers mean nothing."""
    specs = [
        CaseSpec(case, size, site.address, warm_up=2, seconds=3, spread=1.0, grace=120, median=20.0)
        for size in QUICK_SIZES
        for case in options.selected(QUICK_CASES)
    ]
    return RunResults(steady=run_together(site, specs, CORES))


def run_whole(site: Site, options: RunOptions) -> RunResults:
    """Run all parts but the triggerer."""
    results = RunResults()
    for specs in _steady(site, options):
        results.steady += _announced(site, specs, "steady")
    results.steady.sort(key=lambda report: (report.waits, list(CASES).index(report.spec["case"])))
    if HERD_SIZE in options.sizes:
        for name in options.selected(HERD_CASES):
            spec = CaseSpec(
                name, HERD_SIZE, site.address, warm_up=HERD_SECONDS, seconds=1, spread=0.0, grace=0
            )
            results.herd += _announced(site, [spec], "start at once")
    if STANDARD_SIZE in options.sizes:
        results.standard = _announced(site, _standard(site, options), "standard tier")
    return results


def run_in_triggerer(site: Site, options: RunOptions, *, quick: bool) -> list[TriggererReport]:
    """Run the part in Airflow's triggerer.

    :param site: the server
    :param options: only its cases and projects count
    :param quick: only show in a minute that it works
    """
    specs = [
        CaseSpec(
            name, QUICK_SIZES[0], site.address, warm_up=20, seconds=10, spread=0.0, grace=10, median=60.0
        )
        if quick
        else CaseSpec(
            name,
            TRIGGERER_SIZE,
            site.address,
            warm_up=TRIGGERER_WARM_UP,
            seconds=TRIGGERER_SECONDS,
            spread=0.0,
            grace=TRIGGERER_GRACE,
            projects=options.projects,
            median=steady_median(TRIGGERER_SIZE),
        )
        for name in (TRIGGERER_CASES if options.cases == tuple(CASES) else options.cases)
    ]
    return list(measure_in_triggerer(site, specs))


def _steady(site: Site, options: RunOptions) -> list[list[CaseSpec]]:
    specs = [
        CaseSpec(
            name,
            size,
            site.address,
            seconds=options.seconds,
            projects=options.projects,
            median=steady_median(size),
        )
        for size in options.sizes
        for name in options.cases
    ]
    light = [
        replace(spec, seconds=max(spec.seconds, SMALL_SECONDS))
        for spec in specs
        if spec.waits <= SMALL_SIZE or spec.case == BASELINE
    ]
    heavy = [[spec] for spec in specs if spec.waits > SMALL_SIZE and spec.case != BASELINE]
    return [light, *heavy] if light else heavy


def _standard(site: Site, options: RunOptions) -> list[CaseSpec]:
    return [
        CaseSpec(
            name,
            STANDARD_SIZE,
            site.address,
            warm_up=STANDARD_WARM_UP,
            seconds=STANDARD_SECONDS,
            projects=options.projects,
            median=median_for(STANDARD_SIZE, STANDARD_ENDS_PER_MINUTE),
            tier="standard",
            enforce_limit=True,
        )
        for name in options.selected(STANDARD_CASES)
    ]


def _announced(site: Site, specs: list[CaseSpec], part: str) -> list[CaseReport]:
    names = ", ".join(f"{spec.case} {spec.waits:,}" for spec in specs)
    print(f"{part}: {names} ...", file=sys.stderr, flush=True)
    return run_together(site, specs)
