"""What one client process is told to do, and what it reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dev.benchmarks.waiting.workload import MEDIAN, mean_of

READY = "ready"


@dataclass(frozen=True)
class Order:
    """
    One case at one size.

    :param case: its name in :mod:`dev.benchmarks.waiting.cases`
    :param waits: how many at all times
    :param address: the server's host and port
    :param warm: seconds before the measured window
    :param seconds: length of the measured window
    :param spread: seconds over which the first waits start; 0 for all at once
    :param grace: seconds after the window in which ends inside of it may still be noticed
    :param projects: that the jobs are spread over
    :param median: of a job's duration, in seconds
    :param tier: of the key
    :param enforced: the server refuses reads beyond the tier's limit
    """

    case: str
    waits: int
    address: str
    warm: int = 8
    seconds: int = 30
    spread: float = 5.0
    grace: int = 30
    projects: int = 1
    median: float = MEDIAN
    tier: str = "partner"
    enforced: bool = False

    @property
    def key(self) -> str:
        """An API key for this order alone."""
        return f"lp_test_{self.case}-{self.waits}-{self.tier}-{self.spread:g}_bench"

    def as_json(self) -> dict[str, Any]:
        """Give it as plain JSON."""
        return asdict(self)


def quantile(ordered: Sequence[float], part: float) -> float:
    """
    Give a quantile; of nothing it is no number.

    :param ordered: the values, in order of size
    :param part: 0 to 1
    """
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else float("nan")


@dataclass(frozen=True)
class Report:
    """
    What was measured; counts of requests are those of the window where nothing else is said.

    :param cpu: seconds of the client process in the window
    :param elapsed: seconds that the window really took
    :param opened: connections from the start to the end of the window
    :param early_throttled: 429s before the window
    :param kept: kB of peak memory above the same process before the waits
    :param gap: largest delay of a timer in the window, in seconds
    :param own_gap: the same without what Python's garbage collector took
    :param start_gap: the same before the window
    :param start_cpu: CPU seconds before the window
    :param latencies: seconds from each end in the window to its event, in order of size
    :param missed: ends in the window that nobody noticed in time
    :param wrong: events of jobs that had not ended, second events, and waits that failed
    :param failures: what some failed waits said
    :param routes: requests of the whole run by route
    :param server_busy: part of a core that the server used, over the whole run
    """

    order: dict[str, Any]
    cpu: float
    elapsed: float
    requests: int
    early_requests: int
    throttled: int
    early_throttled: int
    opened: int
    received_bytes: int
    kept: int
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
        """How many waits there were at all times."""
        return int(self.order["waits"])

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
        """Requests for a job of mean length."""
        return self.requests / self.job_minutes * mean_of(self.order["median"]) / 60

    @property
    def core(self) -> float:
        """Part of a core that the client used in the window."""
        return self.cpu / self.elapsed

    @property
    def kept_per_wait(self) -> float:
        """Peak memory of a wait, in kB."""
        return self.kept / self.waits

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
            "requests_per_job": self.requests_per_job,
            "requests_per_job_minute": self.requests / self.job_minutes,
            "core": self.core,
            "kept_kb_per_wait": self.kept_per_wait,
            "latency_p50": self.latency(0.5),
            "latency_p95": self.latency(0.95),
            "latency_max": self.latency(1),
        }
        return asdict(self) | {"derived": derived}
