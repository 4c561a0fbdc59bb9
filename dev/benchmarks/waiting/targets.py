"""Ours against the best of the others, and against what was promised."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

from dev.benchmarks.waiting.cases import BASELINE, OURS
from dev.benchmarks.waiting.triggerer_report import MEASURES as TRIGGERER_MEASURES
from dev.benchmarks.waiting.triggerer_report import TriggererReport

if TYPE_CHECKING:
    from dev.benchmarks.waiting.programme import Findings
    from dev.benchmarks.waiting.spec import Report

R = TypeVar("R", "Report", TriggererReport)
Measure = Callable[["Report"], float]

MEASURES: dict[str, Measure] = {
    "CPU per job-minute": lambda report: report.cpu_per_job_minute,
    "requests per job": lambda report: report.requests_per_job,
    "connections": lambda report: report.opened,
    "memory per waiter": lambda report: report.kept_per_wait,
    "event-loop gap": lambda report: report.gap,
    "detection p50": lambda report: report.latency(0.5),
    "detection p95": lambda report: report.latency(0.95),
    "detection max": lambda report: report.latency(1),
}
MIDDLE, LARGE = 1_000, 5_000
TENTH = 0.1
CORE = 0.05
LONGEST_GAP = 0.020
STANDARD_P95 = 15.0
THOUSANDS = 2_000


def split(reports: list[R], waits: int) -> tuple[R | None, list[R]]:
    """
    Give our report at a size, and those of all others but the baseline.

    :param reports: of one part of a run
    :param waits: the size
    """
    here = [report for report in reports if report.waits == waits]
    ours = next((report for report in here if report.order["case"] == OURS), None)
    return ours, [report for report in here if report.order["case"] not in (OURS, BASELINE)]


def ratios(found: Findings) -> Iterator[str]:
    """
    Compare ours with the best of the others in each measure.

    :param found: the reports
    """
    for waits in sorted({report.waits for report in found.steady}):
        yield from _ratios(f"at {waits:,} waits", *split(found.steady, waits), MEASURES)
    where = f"in Airflow's own triggerer at {MIDDLE:,} waits"
    yield from _ratios(where, *split(found.triggerer, MIDDLE), TRIGGERER_MEASURES)


def _ratios(
    where: str, ours: R | None, others: list[R], measures: Mapping[str, Callable[[R], float]]
) -> Iterator[str]:
    if ours is None or not others:
        return
    yield f"Ours against the best of the others {where}:"
    for name, measure in measures.items():
        best = min(others, key=measure)
        mine, theirs = measure(ours), measure(best)
        part = f"{mine / theirs:.3f}" if theirs else "-"
        yield f"  {name:<20}{mine:>10.3f}{theirs:>10.3f}  {part:>7} of {best.order['case']}"


def check(found: Findings) -> Iterator[str]:
    """
    Say of each target whether it was met.

    :param found: the reports
    """
    yield from _at_thousand(*split(found.steady, MIDDLE))
    yield from _at_five_thousand(found)
    yield from _standard(*split(found.standard, MIDDLE))
    yield from _in_triggerer(found)
    faults = sum(report.wrong for report in _ours(found.herd))
    faults += sum(report.missed + report.wrong for report in _ours([*found.steady, *found.standard]))
    faults += sum(report.missed + report.wrong for report in _ours(found.triggerer))
    yield _verdict("no wait of ours missed or wrong, in all of the above", faults == 0, f"{faults}")


def _ours(reports: list[R]) -> list[R]:
    return [report for report in reports if report.order["case"] == OURS]


def _at_thousand(ours: Report | None, others: list[Report]) -> Iterator[str]:
    if ours is None or not others:
        return
    for name in ("requests per job", "CPU per job-minute"):
        measure = MEASURES[name]
        ratio = measure(ours) / min(map(measure, others))
        yield _verdict(f"{MIDDLE:,} waits: {name} at most 1/10 of the best", ratio <= TENTH, f"{ratio:.3f}")
    mine, best = ours.latency(0.95), min(report.latency(0.95) for report in others)
    what = f"{MIDDLE:,} waits: detection p95 no worse than the best"
    yield _verdict(what, mine <= best, f"{mine:.2f} s against {best:.2f} s")


def _at_five_thousand(found: Findings) -> Iterator[str]:
    ours, _ = split(found.steady, LARGE)
    if ours is None:
        return
    yield _verdict(f"{LARGE:,} waits: under 5 % of a core", ours.core < CORE, f"{100 * ours.core:.1f} %")
    gaps = f"{1000 * ours.own_gap:.1f} ms, {1000 * ours.gap:.1f} ms with Python's garbage collector"
    yield _verdict(f"{LARGE:,} waits: event loop never held over 20 ms", ours.own_gap <= LONGEST_GAP, gaps)
    fewer, _ = split(found.steady, MIDDLE)
    if fewer is not None:
        much, little = ours.cpu_per_job_minute, fewer.cpu_per_job_minute
        what = f"{LARGE:,} waits: a waiter costs no more than at {MIDDLE:,}"
        yield _verdict(what, much <= little, f"{much:.2f} against {little:.2f} ms per job-minute")


def _standard(ours: Report | None, others: list[Report]) -> Iterator[str]:
    if ours is None:
        return
    late = ours.latency(0.95)
    yield _verdict("standard tier: no 429 after the first minute", not ours.throttled, f"{ours.throttled}")
    yield _verdict("standard tier: detection p95 within 15 s", late <= STANDARD_P95, f"{late:.2f} s")
    if others:
        most = max(others, key=lambda report: report.throttled + report.early_throttled)
        count = most.throttled + most.early_throttled
        told = f"{count:,} for {most.order['case']}"
        yield _verdict("standard tier: another gets thousands of 429s", count >= THOUSANDS, told)


def _in_triggerer(found: Findings) -> Iterator[str]:
    ours, others = split(found.triggerer, MIDDLE)
    if ours is None or not others:
        return
    ratio = ours.requests_per_job / min(report.requests_per_job for report in others)
    yield _verdict("triggerer: requests per job at most 1/10 of the best", ratio <= TENTH, f"{ratio:.3f}")
    yield from _above_baseline(found.triggerer, ours, others)
    mine, best = ours.latency(0.95), min(report.latency(0.95) for report in others)
    told = f"{mine:.2f} s against {best:.2f} s"
    yield _verdict("triggerer: detection p95 no worse than the best", mine <= best, told)


def _above_baseline(
    reports: list[TriggererReport], ours: TriggererReport, others: list[TriggererReport]
) -> Iterator[str]:
    """Compare the process with the triggers; what Airflow spends around it is about the same for all."""
    baseline = next((report for report in reports if report.order["case"] == BASELINE), None)
    if baseline is None:
        return
    cpu = TRIGGERER_MEASURES["of it the runner's"]
    best, floor = min(map(cpu, others)), cpu(baseline)
    ratio = (cpu(ours) - floor) / (best - floor)
    what = "triggerer: the runner's CPU, above waits that only sleep, at most 1/10 of the best"
    told = f"{ratio:.3f} (not above them: {cpu(ours) / best:.3f}; they alone: {floor / best:.3f})"
    yield _verdict(what, ratio <= TENTH, told)


def _verdict(what: str, met: bool, measured: str) -> str:
    return f"{'met   ' if met else 'MISSED'}  {what}: {measured}"
