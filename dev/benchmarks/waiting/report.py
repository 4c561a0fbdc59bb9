"""The tables that a run prints, ratios to the best of the others, and the targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

from dev.benchmarks.waiting.cases import BASELINE, CASES, OURS, POLL_INTERVAL
from dev.benchmarks.waiting.runner import HERD_SECONDS, STANDARD_ENDS_PER_MINUTE, STANDARD_WARM_UP, RunResults
from dev.benchmarks.waiting.spec import CaseReport, TriggererReport
from dev.benchmarks.waiting.workload import MAX_ENDS_PER_MINUTE, MEDIAN_SECONDS, SIGMA

if TYPE_CHECKING:
    from dev.benchmarks.waiting.cases import Case

AnyReport = TypeVar("AnyReport", CaseReport, TriggererReport)

STEADY_COLUMNS = (
    f"{'waits':>6} {'case':<11}{'CPU ms per':>11}{'% of':>7}{'requests':>9}{'connec-':>8}{'429s':>6}"
    f"{'kB per':>8}{'gap':>8}{'own':>7}{'detected after, s':>21}{'missed/':>9}{'ends':>6}\n"
    f"{'':>6} {'':<11}{'job-minute':>11}{'a core':>7}{'per job':>9}{'tions':>8}{'':>6}"
    f"{'waiter':>8}{'ms':>8}{'ms':>7}{'p50':>7}{'p95':>7}{'max':>7}{'wrong':>9}"
)
STANDARD_COLUMNS = (
    "{waits:,} waits with a key of the standard tier (120 reads a minute, enforced), of which "
    f"{STANDARD_ENDS_PER_MINUTE} end a minute:\n"
    f"       {'case':<11}{'429s in the':>13}{'429s':>9}{'requests':>10}"
    f"{'detected after, s':>21}{'missed/':>9}{'ends':>6}\n"
    f"       {'':<11}{f'first {STANDARD_WARM_UP} s':>13}{'after':>9}{'after':>10}"
    f"{'p50':>7}{'p95':>7}{'max':>7}{'wrong':>9}"
)
TRIGGERER_COLUMNS = (
    f"{{waits:,}} waits in Airflow's triggerer, each polled at most every {POLL_INTERVAL} s:\n"
    f"       {'case':<11}{'CPU ms per':>11}{'of it':>8}{'% of':>7}{'requests':>9}{'connec-':>8}{'429s':>6}"
    f"{'RSS':>6}{'all run':>9}{'detected after, s':>21}{'missed/':>9}{'ends':>6}\n"
    f"       {'':<11}{'job-minute':>11}{'runner':>8}{'a core':>7}{'per job':>9}{'tions':>8}{'':>6}"
    f"{'MB':>6}{'after, s':>9}{'p50':>7}{'p95':>7}{'max':>7}{'wrong':>9}"
)
STEADY_NOTES = f"""\
Every wait polls at most every {POLL_INTERVAL} s, over TLS. The durations of the jobs are log-normal (median \
{MEDIAN_SECONDS:g} s, sigma {SIGMA:g}); the same number of them runs at all times. The largest tier starts \
{MAX_ENDS_PER_MINUTE:g} jobs a minute, so no more can end in the long run: where more would, jobs are longer.
Requests per job: requests in the window, divided by its job-minutes, times the mean minutes of a job. \
Connections: from the start of the case to the end of its window.
kB per waiter: peak memory above the same process before the waits. Gap: the longest time that the event \
loop was busy between two selects; own: the longest without Python's garbage collector. \
Detected after: from the end of a job to the event of its trigger.
What the triggers log at INFO is written to a file, as in a triggerer.
The cases of the smallest size and the baseline run at the same time on one core, and so do those of the \
standard tier; all others run alone."""
TRIGGERER_NOTES = """\
In Airflow's triggerer: `airflow triggerer` with its defaults except the capacity, and its database in \
SQLite. CPU and memory are those of all its processes: the runner with the event loop of the triggers, and \
its supervisor, which queries the database once a second and whenever a trigger has a log line, an event or \
a request. So ends that are detected together cost it less than single ends.
All waits exist when the window begins, and a wait that ends is not replaced: job-minutes are the minutes \
really waited. The project has other jobs for which no task waits. All run: from the start of the process \
until every trigger has started; the triggerer takes 50 at a time.
Detected after: from the end of a job to the moment that the triggerer wrote the event into the task's row. \
It does so about once a second, so this cannot be more precise."""

CASE_MEASURES: dict[str, Callable[[CaseReport], float]] = {
    "CPU per job-minute": lambda report: report.cpu_per_job_minute,
    "requests per job": lambda report: report.requests_per_job,
    "connections": lambda report: report.opened,
    "memory per waiter": lambda report: report.memory_per_wait,
    "event-loop gap": lambda report: report.gap,
    "detection p50": lambda report: report.latency(0.5),
    "detection p95": lambda report: report.latency(0.95),
    "detection max": lambda report: report.latency(1),
}
TRIGGERER_MEASURES: dict[str, Callable[[TriggererReport], float]] = {
    "CPU per job-minute": lambda report: report.cpu_per_job_minute,
    "of it the runner's": lambda report: report.runner_cpu_per_job_minute,
    "requests per job": lambda report: report.requests_per_job,
    "connections": lambda report: report.opened,
    "resident memory, MB": lambda report: report.resident / 1024,
    "detection p50": lambda report: report.latency(0.5),
    "detection p95": lambda report: report.latency(0.95),
    "detection max": lambda report: report.latency(1),
}

# The targets.
MEDIUM_SIZE, LARGE_SIZE = 1_000, 5_000
RATIO_TARGET = 0.1
CORE_TARGET = 0.05
GAP_TARGET = 0.020
STANDARD_P95_TARGET = 15.0
OTHERS_THROTTLED = 2_000


def format_results(results: RunResults) -> str:
    """Return the tables, ratios, targets and footnotes of a run."""
    parts = [_steady_table(results.steady)] if results.steady else []
    if results.herd:
        parts.append(_herd_table(results.herd))
    if results.standard:
        parts.append(_standard_table(results.standard))
    if results.triggerer:
        parts.append(_triggerer_table(results.triggerer))
    parts.append("\n".join(_ratios(results)))
    parts.append("\n".join(["Targets:", *(f"  {line}" for line in _targets(results))]))
    parts.append(_footnotes(results))
    return "\n\n".join(part for part in parts if part)


def _steady_table(reports: list[CaseReport]) -> str:
    lines = [STEADY_COLUMNS]
    for place, report in enumerate(reports):
        if place and reports[place - 1].waits != report.waits:
            lines.append("")
        lines.append(
            f"{report.waits:>6,} {report.spec['case']:<11}{report.cpu_per_job_minute:>11.2f}"
            f"{100 * report.core:>7.1f}{report.requests_per_job:>9.2f}{report.opened:>8,}"
            f"{report.throttled:>6,}{report.memory_per_wait:>8.1f}"
            f"{1000 * report.gap:>8.1f}{1000 * report.own_gap:>7.1f}{_detection(report)}"
        )
    return "\n".join(lines)


def _herd_table(reports: list[CaseReport]) -> str:
    lines = [
        f"{reports[0].waits:,} waits started at once, the first {HERD_SECONDS} s:",
        f"       {'case':<11}{'CPU s':>11}{'requests':>10}{'gap ms':>10}",
    ]
    lines += [
        f"       {report.spec['case']:<11}{report.start_cpu:>11.2f}{report.early_requests:>10,}"
        f"{1000 * report.start_gap:>10.1f}"
        for report in reports
    ]
    return "\n".join(lines)


def _standard_table(reports: list[CaseReport]) -> str:
    lines = [STANDARD_COLUMNS.format(waits=reports[0].waits)]
    lines += [
        f"       {report.spec['case']:<11}{report.early_throttled:>13,}{report.throttled:>9,}"
        f"{report.requests:>10,}{_detection(report)}"
        for report in reports
    ]
    return "\n".join(lines)


def _triggerer_table(reports: list[TriggererReport]) -> str:
    lines = [TRIGGERER_COLUMNS.format(waits=reports[0].waits)]
    lines += [
        f"       {report.spec['case']:<11}{report.cpu_per_job_minute:>11.2f}"
        f"{report.runner_cpu_per_job_minute:>8.2f}{100 * report.cpu / report.elapsed:>7.1f}"
        f"{report.requests_per_job:>9.2f}{report.opened:>8,}{report.throttled:>6,}"
        f"{report.resident / 1024:>6.0f}{report.all_started:>9.1f}{_detection(report)}"
        for report in reports
    ]
    return "\n".join(lines)


def _detection(report: CaseReport | TriggererReport) -> str:
    quantiles = "".join(f"{report.latency(fraction):>7.2f}" for fraction in (0.5, 0.95, 1.0))
    ends = len(report.latencies) + report.missed
    return f"{quantiles}{f'{report.missed}/{report.wrong}':>9}{ends:>6}"


def _footnotes(results: RunResults) -> str:
    reports: list[CaseReport | TriggererReport] = [
        *results.steady,
        *results.herd,
        *results.standard,
        *results.triggerer,
    ]
    used = {report.spec["case"] for report in reports}
    lines = [f"{'; '.join(_title(case) for case in CASES.values() if case.name in used)}."]
    lines += [STEADY_NOTES] if results.steady else []
    lines += [TRIGGERER_NOTES] if results.triggerer else []
    busiest = max((report.server_busy for report in reports), default=0.0)
    lines.append(f"The server used at most {100 * busiest:.0f} % of its core.")
    failures = {
        f"{report.spec['case']} at {report.waits:,} failed: {text}"
        for report in reports
        for text in report.failures
    }
    return "\n".join(lines + sorted(failures))


def _title(case: Case) -> str:
    return f"{case.name}: {case.title}"


def _split(reports: list[AnyReport], size: int) -> tuple[AnyReport | None, list[AnyReport]]:
    """Return our report at a size, and those of the others without the baseline."""
    of_size = [report for report in reports if report.waits == size]
    ours = next((report for report in of_size if report.spec["case"] == OURS), None)
    return ours, [report for report in of_size if report.spec["case"] not in (OURS, BASELINE)]


def _ratios(results: RunResults) -> Iterator[str]:
    for size in sorted({report.waits for report in results.steady}):
        yield from _ratios_at(f"at {size:,} waits", *_split(results.steady, size), CASE_MEASURES)
    where = f"in Airflow's triggerer at {MEDIUM_SIZE:,} waits"
    yield from _ratios_at(where, *_split(results.triggerer, MEDIUM_SIZE), TRIGGERER_MEASURES)


def _ratios_at(
    where: str,
    ours: AnyReport | None,
    others: list[AnyReport],
    measures: Mapping[str, Callable[[AnyReport], float]],
) -> Iterator[str]:
    if ours is None or not others:
        return
    yield f"Ours against the best of the others {where}:"
    for name, measure in measures.items():
        best = min(others, key=measure)
        our_value, best_value = measure(ours), measure(best)
        ratio = f"{our_value / best_value:.3f}" if best_value else "-"
        yield f"  {name:<20}{our_value:>10.3f}{best_value:>10.3f}  {ratio:>7} of {best.spec['case']}"


def _targets(results: RunResults) -> Iterator[str]:
    yield from _medium_size_targets(*_split(results.steady, MEDIUM_SIZE))
    yield from _large_size_targets(results)
    yield from _standard_tier_targets(*_split(results.standard, MEDIUM_SIZE))
    yield from _triggerer_targets(results.triggerer)
    faults = sum(report.wrong for report in _ours(results.herd))
    faults += sum(report.missed + report.wrong for report in _ours([*results.steady, *results.standard]))
    faults += sum(report.missed + report.wrong for report in _ours(results.triggerer))
    yield _target("no wait of ours missed or wrong, in all of the above", faults == 0, f"{faults}")


def _ours(reports: list[AnyReport]) -> list[AnyReport]:
    return [report for report in reports if report.spec["case"] == OURS]


def _medium_size_targets(ours: CaseReport | None, others: list[CaseReport]) -> Iterator[str]:
    if ours is None or not others:
        return
    for name in ("requests per job", "CPU per job-minute"):
        measure = CASE_MEASURES[name]
        ratio = measure(ours) / min(map(measure, others))
        text = f"{MEDIUM_SIZE:,} waits: {name} at most 1/10 of the best"
        yield _target(text, ratio <= RATIO_TARGET, f"{ratio:.3f}")
    yield _p95_target(f"{MEDIUM_SIZE:,} waits", ours, others)


def _p95_target(where: str, ours: AnyReport, others: list[AnyReport]) -> str:
    our_value, best = ours.latency(0.95), min(report.latency(0.95) for report in others)
    measured = f"{our_value:.2f} s against {best:.2f} s"
    return _target(f"{where}: detection p95 no worse than the best", our_value <= best, measured)


def _large_size_targets(results: RunResults) -> Iterator[str]:
    ours, _ = _split(results.steady, LARGE_SIZE)
    if ours is None:
        return
    core = f"{100 * ours.core:.1f} %"
    yield _target(f"{LARGE_SIZE:,} waits: under 5 % of a core", ours.core < CORE_TARGET, core)
    gaps = f"{1000 * ours.own_gap:.1f} ms, {1000 * ours.gap:.1f} ms with Python's garbage collector"
    text = f"{LARGE_SIZE:,} waits: event loop never busy for more than 20 ms"
    yield _target(text, ours.own_gap <= GAP_TARGET, gaps)
    medium, _ = _split(results.steady, MEDIUM_SIZE)
    if medium is not None:
        large_cpu, medium_cpu = ours.cpu_per_job_minute, medium.cpu_per_job_minute
        text = f"{LARGE_SIZE:,} waits: a waiter costs no more than at {MEDIUM_SIZE:,}"
        measured = f"{large_cpu:.2f} against {medium_cpu:.2f} ms per job-minute"
        yield _target(text, large_cpu <= medium_cpu, measured)


def _standard_tier_targets(ours: CaseReport | None, others: list[CaseReport]) -> Iterator[str]:
    if ours is None:
        return
    p95 = ours.latency(0.95)
    yield _target("standard tier: no 429 after the first minute", not ours.throttled, f"{ours.throttled}")
    yield _target("standard tier: detection p95 within 15 s", p95 <= STANDARD_P95_TARGET, f"{p95:.2f} s")
    if others:
        most = max(others, key=lambda report: report.throttled + report.early_throttled)
        count = most.throttled + most.early_throttled
        text = "standard tier: another provider gets thousands of 429s"
        yield _target(text, count >= OTHERS_THROTTLED, f"{count:,} for {most.spec['case']}")


def _triggerer_targets(reports: list[TriggererReport]) -> Iterator[str]:
    ours, others = _split(reports, MEDIUM_SIZE)
    if ours is None or not others:
        return
    ratio = ours.requests_per_job / min(report.requests_per_job for report in others)
    text = "triggerer: requests per job at most 1/10 of the best"
    yield _target(text, ratio <= RATIO_TARGET, f"{ratio:.3f}")
    baseline = next((report for report in reports if report.spec["case"] == BASELINE), None)
    if baseline is not None:
        # Only the process with the triggers: what Airflow spends around it is about the same for all.
        cpu = TRIGGERER_MEASURES["of it the runner's"]
        best, floor = min(map(cpu, others)), cpu(baseline)
        ratio = (cpu(ours) - floor) / (best - floor)
        text = "triggerer: the runner's CPU, above waits that only sleep, at most 1/10 of the best"
        measured = f"{ratio:.3f} (not above them: {cpu(ours) / best:.3f}; they alone: {floor / best:.3f})"
        yield _target(text, ratio <= RATIO_TARGET, measured)
    yield _p95_target("triggerer", ours, others)


def _target(text: str, met: bool, measured: str) -> str:
    return f"{'met   ' if met else 'MISSED'}  {text}: {measured}"
