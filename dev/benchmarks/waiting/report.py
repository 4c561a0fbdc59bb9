"""The table that a run prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.benchmarks.waiting.cases import CASES, INTERVAL
from dev.benchmarks.waiting.programme import HERD_SECONDS, SET_APART, STANDARD_ENDS, Findings
from dev.benchmarks.waiting.targets import check, ratios
from dev.benchmarks.waiting.triggerer_report import NOTES as TRIGGERER_NOTES
from dev.benchmarks.waiting.triggerer_report import section
from dev.benchmarks.waiting.workload import MEDIAN, MOST_ENDS, SIGMA

if TYPE_CHECKING:
    from dev.benchmarks.waiting.spec import Report
    from dev.benchmarks.waiting.triggerer_report import TriggererReport

COLUMNS = (
    f"{'waits':>6} {'case':<11}{'CPU ms per':>11}{'% of':>7}{'requests':>9}{'connec-':>8}{'429s':>6}"
    f"{'kB per':>8}{'gap':>8}{'own':>7}{'detected after, s':>21}{'missed/':>9}{'ends':>6}\n"
    f"{'':>6} {'':<11}{'job-minute':>11}{'a core':>7}{'per job':>9}{'tions':>8}{'':>6}"
    f"{'waiter':>8}{'ms':>8}{'ms':>7}{'p50':>7}{'p95':>7}{'max':>7}{'wrong':>9}"
)

STANDARD_COLUMNS = (
    "{waits:,} waits of a key of the standard tier (120 reads a minute, enforced), of which "
    f"{STANDARD_ENDS} end a minute:\n"
    f"       {'case':<11}{'429s in the':>13}{'429s':>9}{'requests':>10}"
    f"{'detected after, s':>21}{'missed/':>9}{'ends':>6}\n"
    f"       {'':<11}{f'first {SET_APART} s':>13}{'after':>9}{'after':>10}"
    f"{'p50':>7}{'p95':>7}{'max':>7}{'wrong':>9}"
)
NOTES = f"""\
Every wait looks at most every {INTERVAL} s, over TLS. The lengths of the jobs are log-normal (median \
{MEDIAN:g} s, sigma {SIGMA:g}); the same number of them runs at all times. The largest tier starts \
{MOST_ENDS:g} jobs a minute, so no more can end for long: where they would, the jobs are longer.
Requests per job: requests in the window, over the job-minutes waited in it, times a job's mean minutes. \
Connections: from the start of the case to the end of its window.
kB per waiter: peak memory above the same process before the waits. Gap: the longest time in which the event \
loop did not look for what is due; own: the longest without what Python's garbage collector took. \
Detected after: from the end of a job to the event of its trigger.
What the triggers log at INFO is written to a file, as a triggerer does.
The smallest size and the baseline run at the same time on one core, the cases of the standard tier as well; \
all others run alone."""


def show(found: Findings) -> str:
    """
    Write everything that was found.

    :param found: the reports
    """
    parts = [_steady(found.steady)] if found.steady else []
    if found.herd:
        parts.append(_herd(found.herd))
    if found.standard:
        parts.append(_standard(found.standard))
    if found.triggerer:
        parts.append(section(found.triggerer))
    parts.append("\n".join(ratios(found)))
    parts.append("\n".join(["Targets:", *(f"  {verdict}" for verdict in check(found))]))
    parts.append(_notes(found))
    return "\n\n".join(part for part in parts if part)


def _steady(reports: list[Report]) -> str:
    lines = [COLUMNS]
    for place, report in enumerate(reports):
        if place and reports[place - 1].waits != report.waits:
            lines.append("")
        lines.append(_row(report))
    return "\n".join(lines)


def _row(report: Report) -> str:
    return (
        f"{report.waits:>6,} {report.order['case']:<11}{report.cpu_per_job_minute:>11.2f}"
        f"{100 * report.core:>7.1f}{report.requests_per_job:>9.2f}{report.opened:>8,}"
        f"{report.throttled:>6,}{report.kept_per_wait:>8.1f}"
        f"{1000 * report.gap:>8.1f}{1000 * report.own_gap:>7.1f}{_quantiles(report)}"
        f"{f'{report.missed}/{report.wrong}':>9}{len(report.latencies) + report.missed:>6}"
    )


def _herd(reports: list[Report]) -> str:
    lines = [
        f"{reports[0].waits:,} waits started at once, the first {HERD_SECONDS} s:",
        f"       {'case':<11}{'CPU s':>11}{'requests':>10}{'gap ms':>10}",
    ]
    lines += [
        f"       {report.order['case']:<11}{report.start_cpu:>11.2f}{report.early_requests:>10,}"
        f"{1000 * report.start_gap:>10.1f}"
        for report in reports
    ]
    return "\n".join(lines)


def _standard(reports: list[Report]) -> str:
    return "\n".join([STANDARD_COLUMNS.format(waits=reports[0].waits), *map(_standard_row, reports)])


def _standard_row(report: Report) -> str:
    return (
        f"       {report.order['case']:<11}{report.early_throttled:>13,}{report.throttled:>9,}"
        f"{report.requests:>10,}{_quantiles(report)}{f'{report.missed}/{report.wrong}':>9}"
        f"{len(report.latencies) + report.missed:>6}"
    )


def _quantiles(report: Report) -> str:
    return "".join(f"{report.latency(part):>7.2f}" for part in (0.5, 0.95, 1.0))


def _notes(found: Findings) -> str:
    reports: list[Report | TriggererReport] = [
        *found.steady,
        *found.herd,
        *found.standard,
        *found.triggerer,
    ]
    used = {report.order["case"] for report in reports}
    titles = "; ".join(f"{case.name}: {case.title}" for case in CASES.values() if case.name in used)
    busiest = max((report.server_busy for report in reports), default=0.0)
    server = f"The server was busy for at most {100 * busiest:.0f} % of its own core."
    told = [f"{titles}.", *_footnotes(found), server]
    failures = {
        f"{report.order['case']} at {report.waits:,} failed: {text}"
        for report in reports
        for text in report.failures
    }
    return "\n".join(told + sorted(failures))


def _footnotes(found: Findings) -> list[str]:
    notes = [NOTES] if found.steady else []
    return [*notes, TRIGGERER_NOTES] if found.triggerer else notes
