"""What was measured of waits in Airflow's own triggerer, and the part of the table about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from dev.benchmarks.waiting.cases import INTERVAL
from dev.benchmarks.waiting.spec import quantile
from dev.benchmarks.waiting.workload import mean_of

COLUMNS = (
    f"{{waits:,}} waits in Airflow's own triggerer, each with a look at most every {INTERVAL} s:\n"
    f"       {'case':<11}{'CPU ms per':>11}{'of it':>8}{'% of':>7}{'requests':>9}{'connec-':>8}{'429s':>6}"
    f"{'RSS':>6}{'all run':>9}{'detected after, s':>21}{'missed/':>9}{'ends':>6}\n"
    f"       {'':<11}{'job-minute':>11}{'runner':>8}{'a core':>7}{'per job':>9}{'tions':>8}{'':>6}"
    f"{'MB':>6}{'after, s':>9}{'p50':>7}{'p95':>7}{'max':>7}{'wrong':>9}"
)
NOTES = """\
In Airflow's own triggerer: `airflow triggerer` as it comes but for its capacity, with its database in \
SQLite. CPU and memory are those of all its processes: the runner with the event loop of the triggers, and \
its supervisor, which looks through the database once a second and whenever a trigger has something to log, \
an event or a question. So ends that are noticed together cost it less than ends one by one.
All waits are there when the window opens, and one that ends is not followed by another: job-minutes are \
what was really waited. The project has other jobs, too, for which nobody waits. All run: from the start of \
the process until every trigger has begun; the triggerer takes 50 at a time.
Detected after: from the end of a job to the moment that the triggerer wrote its event into the task's row. \
It does so about once a second, so a second is what this can resolve."""


@dataclass(frozen=True)
class TriggererReport:
    """
    What was measured of one case; counts of requests are those of the window where nothing else is said.

    :param cpu: seconds of the triggerer's processes in the window
    :param runner_cpu: those of the process with the triggers
    :param elapsed: seconds that the window really took
    :param minutes: of waiting in the window
    :param opened: connections from the start to the end of the window
    :param early_throttled: 429s before the window
    :param resident: kB at the end of the window; memory that the processes share counts for each
    :param proportional: the same with shared memory counted once
    :param first: seconds from the start of the process to the first trigger's
    :param all_run: seconds from the start of the process to the last trigger's
    :param start_cpu: CPU seconds before the window
    :param latencies: seconds from each end in the window to its event in the database, in order of size
    :param missed: ends in the window that nobody noticed in time
    :param wrong: events of jobs that had not ended or not as they did, and waits that failed
    :param failures: what some of these said
    :param routes: requests of the whole run by route
    :param server_busy: part of a core that the server used, over the whole run
    """

    order: dict[str, Any]
    cpu: float
    runner_cpu: float
    elapsed: float
    minutes: float
    requests: int
    early_requests: int
    throttled: int
    early_throttled: int
    opened: int
    resident: int
    proportional: int
    first: float
    all_run: float
    start_cpu: float
    latencies: list[float]
    missed: int
    wrong: int
    failures: list[str]
    routes: dict[str, int]
    server_busy: float

    @property
    def waits(self) -> int:
        """How many waits there were when the window opened."""
        return int(self.order["waits"])

    @property
    def cpu_per_job_minute(self) -> float:
        """CPU milliseconds for a minute of waiting."""
        return 1000 * self.cpu / self.minutes

    @property
    def runner_cpu_per_job_minute(self) -> float:
        """CPU milliseconds for a minute of waiting, of the process with the triggers alone."""
        return 1000 * self.runner_cpu / self.minutes

    @property
    def requests_per_job(self) -> float:
        """Requests for a job of mean length."""
        return self.requests / self.minutes * mean_of(self.order["median"]) / 60

    def latency(self, part: float) -> float:
        """
        Give a quantile of the detection latency in seconds.

        :param part: 0 to 1
        """
        return quantile(self.latencies, part)

    def as_json(self) -> dict[str, Any]:
        """Give it as plain JSON, with what follows from the numbers."""
        derived = {
            "cpu_ms_per_job_minute": self.cpu_per_job_minute,
            "runner_cpu_ms_per_job_minute": self.runner_cpu_per_job_minute,
            "requests_per_job": self.requests_per_job,
            "requests_per_job_minute": self.requests / self.minutes,
            "core": self.cpu / self.elapsed,
            "latency_p50": self.latency(0.5),
            "latency_p95": self.latency(0.95),
            "latency_max": self.latency(1),
        }
        return asdict(self) | {"derived": derived}


MEASURES: dict[str, Callable[[TriggererReport], float]] = {
    "CPU per job-minute": lambda report: report.cpu_per_job_minute,
    "of it the runner's": lambda report: report.runner_cpu_per_job_minute,
    "requests per job": lambda report: report.requests_per_job,
    "connections": lambda report: report.opened,
    "resident memory, MB": lambda report: report.resident / 1024,
    "detection p50": lambda report: report.latency(0.5),
    "detection p95": lambda report: report.latency(0.95),
    "detection max": lambda report: report.latency(1),
}


def section(reports: list[TriggererReport]) -> str:
    """
    Write the part of the table.

    :param reports: at least one
    """
    return "\n".join([COLUMNS.format(waits=reports[0].waits), *map(_row, reports)])


def _row(report: TriggererReport) -> str:
    quantiles = "".join(f"{report.latency(part):>7.2f}" for part in (0.5, 0.95, 1.0))
    return (
        f"       {report.order['case']:<11}{report.cpu_per_job_minute:>11.2f}"
        f"{report.runner_cpu_per_job_minute:>8.2f}{100 * report.cpu / report.elapsed:>7.1f}"
        f"{report.requests_per_job:>9.2f}{report.opened:>8,}{report.throttled:>6,}"
        f"{report.resident / 1024:>6.0f}{report.all_run:>9.1f}{quantiles}"
        f"{f'{report.missed}/{report.wrong}':>9}{len(report.latencies) + report.missed:>6}"
    )
