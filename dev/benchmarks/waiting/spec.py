"""The specification of a measurement, and the reports that its processes return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dev.benchmarks.waiting.workload import MEDIAN_SECONDS, mean_duration

READY = "ready"


@dataclass(frozen=True)
class CaseSpec:
    """A case at a size.

    :param case: name of the case in :mod:`dev.benchmarks.waiting.cases`
    :param waits: number of simultaneous waits
    :param address: the server's host and port
    :param warm_up: seconds before the measured window
    :param seconds: length of the measured window
    :param spread: seconds over which the first waits start; 0 for all at once
    :param grace: seconds after the window in which ends inside of it may still be detected
    :param projects: number of projects that the jobs belong to
    :param median: median duration of a job in seconds
    :param tier: tier of the API key
    :param enforce_limit: the server refuses reads beyond the tier's rate limit
    """

    case: str
    waits: int
    address: str
    warm_up: int = 8
    seconds: int = 30
    spread: float = 5.0
    grace: int = 30
    projects: int = 1
    median: float = MEDIAN_SECONDS
    tier: str = "partner"
    enforce_limit: bool = False

    @property
    def key(self) -> str:
        """An API key for this measurement only."""
        return f"lp_test_{self.case}-{self.waits}-{self.tier}-{self.spread:g}_bench"

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)


def quantile(ordered: Sequence[float], fraction: float) -> float:
    """Return a quantile of sorted values; NaN if there are none.

    :param ordered: the values, sorted
    :param fraction: 0 to 1
    """
    return ordered[min(len(ordered) - 1, int(fraction * len(ordered)))] if ordered else float("nan")


@dataclass(frozen=True)
class CaseReport:
    """The measurements of a case; requests are counted in the window unless another time is given.

    :param spec: the specification as JSON
    :param cpu: CPU seconds of the client process in the window
    :param elapsed: real length of the window in seconds
    :param early_requests: requests before the window
    :param throttled: responses with status 429
    :param early_throttled: responses with status 429 before the window
    :param opened: connections from the start of the run to the end of the window
    :param received_bytes: bytes of the response bodies
    :param memory: kB of peak memory above the same process before the waits
    :param gap: the longest time that the event loop was busy, in seconds
    :param own_gap: the same without Python's garbage collector
    :param start_gap: ``gap`` before the window
    :param start_cpu: CPU seconds before the window
    :param latencies: seconds from each end in the window to its event, sorted
    :param missed: ends in the window that were not detected in time
    :param wrong: events of jobs that had not ended, second events, and failed waits
    :param failures: texts of some of these
    :param routes: requests of the whole run by route
    :param server_busy: fraction of a core that the server used during the whole run
    """

    spec: dict[str, Any]
    cpu: float
    elapsed: float
    requests: int
    early_requests: int
    throttled: int
    early_throttled: int
    opened: int
    received_bytes: int
    memory: int
    gap: float
    own_gap: float
    start_gap: float
    start_cpu: float
    latencies: list[float]
    missed: int
    wrong: int
    failures: list[str]
    routes: dict[str, int]
    server_busy: float

    @property
    def waits(self) -> int:
        """Number of simultaneous waits."""
        return int(self.spec["waits"])

    @property
    def job_minutes(self) -> float:
        """Minutes of waiting in the window."""
        return self.waits * self.elapsed / 60

    @property
    def cpu_per_job_minute(self) -> float:
        """CPU milliseconds for a minute of waiting."""
        return 1000 * self.cpu / self.job_minutes

    @property
    def requests_per_job(self) -> float:
        """Requests for a job of mean duration."""
        return self.requests / self.job_minutes * mean_duration(self.spec["median"]) / 60

    @property
    def core(self) -> float:
        """Fraction of a core that the client used in the window."""
        return self.cpu / self.elapsed

    @property
    def memory_per_wait(self) -> float:
        """Peak memory of a wait in kB."""
        return self.memory / self.waits

    def latency(self, fraction: float) -> float:
        """Return a quantile of the detection latency in seconds."""
        return quantile(self.latencies, fraction)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON, with the derived numbers."""
        derived = {
            "cpu_ms_per_job_minute": self.cpu_per_job_minute,
            "requests_per_job": self.requests_per_job,
            "requests_per_job_minute": self.requests / self.job_minutes,
            "core": self.core,
            "memory_kb_per_wait": self.memory_per_wait,
            "latency_p50": self.latency(0.5),
            "latency_p95": self.latency(0.95),
            "latency_max": self.latency(1),
        }
        return asdict(self) | {"derived": derived}


@dataclass(frozen=True)
class TriggererReport:
    """The measurements of a case in a real triggerer; fields of the same name are those of `CaseReport`.

    :param cpu: CPU seconds of the triggerer's processes in the window
    :param runner_cpu: CPU seconds of the process that runs the triggers
    :param job_minutes: minutes of waiting in the window
    :param resident: resident memory in kB at the end of the window; shared memory counts for each process
    :param proportional: the same with shared memory counted once
    :param first_started: seconds from the start of the process to the start of the first trigger
    :param all_started: seconds from the start of the process to the start of the last trigger
    :param latencies: seconds from each end in the window to its event in the database, sorted
    """

    spec: dict[str, Any]
    cpu: float
    runner_cpu: float
    elapsed: float
    job_minutes: float
    requests: int
    early_requests: int
    throttled: int
    early_throttled: int
    opened: int
    resident: int
    proportional: int
    first_started: float
    all_started: float
    start_cpu: float
    latencies: list[float]
    missed: int
    wrong: int
    failures: list[str]
    routes: dict[str, int]
    server_busy: float

    @property
    def waits(self) -> int:
        """Number of waits when the window began."""
        return int(self.spec["waits"])

    @property
    def cpu_per_job_minute(self) -> float:
        """CPU milliseconds for a minute of waiting."""
        return 1000 * self.cpu / self.job_minutes

    @property
    def runner_cpu_per_job_minute(self) -> float:
        """CPU milliseconds for a minute of waiting in the process that runs the triggers."""
        return 1000 * self.runner_cpu / self.job_minutes

    @property
    def requests_per_job(self) -> float:
        """Requests for a job of mean duration."""
        return self.requests / self.job_minutes * mean_duration(self.spec["median"]) / 60

    def latency(self, fraction: float) -> float:
        """Return a quantile of the detection latency in seconds."""
        return quantile(self.latencies, fraction)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON, with the derived numbers."""
        derived = {
            "cpu_ms_per_job_minute": self.cpu_per_job_minute,
            "runner_cpu_ms_per_job_minute": self.runner_cpu_per_job_minute,
            "requests_per_job": self.requests_per_job,
            "requests_per_job_minute": self.requests / self.job_minutes,
            "core": self.cpu / self.elapsed,
            "latency_p50": self.latency(0.5),
            "latency_p95": self.latency(0.95),
            "latency_max": self.latency(1),
        }
        return asdict(self) | {"derived": derived}
