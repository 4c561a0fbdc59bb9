"""The jobs of a run, with every start and end known in advance.

A fixed number of jobs runs at all times: in each slot the next job starts when the one before it ends. The
epoch of the run is a moment at which these chains have lasted for ever, so the ages and remaining times of
the jobs that run then are those of a stationary population. Server and client draw the same jobs from the
same few numbers and need not exchange when a job ends.
"""

from __future__ import annotations

import math
import random
from dataclasses import asdict, dataclass
from typing import Any

# Visuals take 30 s to 3 min, and the vendor's example of a whole job 3 min 22 s.
MEDIAN_SECONDS = 180.0
SIGMA = 0.5
# The largest tier starts 300 jobs a minute, so in a steady population no more can end.
MAX_ENDS_PER_MINUTE = 300.0
# How far back the chains go, in medians, so that the lists of content have more than one page.
HISTORY_MEDIANS = 4.0


@dataclass(frozen=True)
class WorkloadPlan:
    """The numbers that the jobs are drawn from.

    :param epoch: epoch seconds at which the run begins
    :param horizon: seconds after it for which there are jobs
    :param waits: number of jobs that run at all times
    :param projects: number of projects that they belong to
    :param median: median duration of a job in seconds
    :param seed: seed of the random generator
    """

    epoch: float
    horizon: float
    waits: int
    projects: int = 1
    median: float = MEDIAN_SECONDS
    seed: int = 7

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)


@dataclass(frozen=True)
class PlannedJob:
    """A job.

    :param number: number from 1, in order of start; every id is made of it
    :param start: epoch seconds
    :param end: epoch seconds
    :param project: number of its project, from 0
    """

    number: int
    start: float
    end: float
    project: int

    @property
    def job_id(self) -> str:
        """Its id in the API."""
        return f"job_{self.number:026d}"

    @property
    def container_id(self) -> str:
        """The id of its container."""
        return f"cnt_00000000-0000-4000-8000-{self.number:012d}"

    @property
    def project_id(self) -> str:
        """The id of its project."""
        return f"prj_00000000-0000-4000-9000-{self.project:012d}"


def mean_duration(median: float) -> float:
    """Return the mean of a log-normal duration with this median."""
    return median * math.exp(SIGMA**2 / 2)


def median_for(waits: int, ends_per_minute: float) -> float:
    """Return the median duration at which so many of the waits end in a minute."""
    return waits / ends_per_minute * 60 / mean_duration(1.0)


def steady_median(waits: int) -> float:
    """Return the median of a steady population: longer if more jobs would end than a key can start."""
    return max(MEDIAN_SECONDS, median_for(waits, MAX_ENDS_PER_MINUTE))


def draw_jobs(plan: WorkloadPlan) -> list[PlannedJob]:
    """Draw all jobs of a run, in order of start."""
    rng = random.Random(plan.seed)
    spans = [
        (round(start, 3), round(end, 3), slot % plan.projects)
        for slot in range(plan.waits)
        for start, end in _chain(rng, math.log(plan.median), plan)
    ]
    spans.sort()
    return [PlannedJob(number, *span) for number, span in enumerate(spans, 1)]


def _chain(rng: random.Random, mu: float, plan: WorkloadPlan) -> list[tuple[float, float]]:
    # The probability that a job runs at a given moment grows with its duration.
    duration = rng.lognormvariate(mu + SIGMA**2, SIGMA)
    start = plan.epoch - rng.random() * duration
    spans = [(start, start + duration)]
    while spans[-1][1] < plan.epoch + plan.horizon:
        spans.append((spans[-1][1], spans[-1][1] + rng.lognormvariate(mu, SIGMA)))
    oldest = plan.epoch - HISTORY_MEDIANS * plan.median
    while start > oldest:
        before = start - rng.lognormvariate(mu, SIGMA)
        spans.append((before, start))
        start = before
    return spans
