"""
The jobs of a run, every start and end known in advance.

A number of jobs runs at all times: each slot is a chain in which the next job starts when the one before it
ends. The chains are cut at one moment, the epoch, at which they have been going on for ever: the ages and the
rest of the jobs that run then are those of a stationary population. Server and client draw the same jobs from
the same few numbers, so they need not tell each other when a job ends.
"""

from __future__ import annotations

import math
import random
from dataclasses import asdict, dataclass
from typing import Any

MEDIAN = 180.0
SIGMA = 0.5
"""Visuals take 30 s to 3 min and the vendor's example of a whole job 3 min 22 s: log-normal, median 180 s."""

MOST_ENDS = 300.0
"""A minute: the largest tier starts no more jobs, so in a steady population no more can end."""

HISTORY = 4.0
"""How far back the chains go, in medians, so that the lists of content have a past to page through."""


@dataclass(frozen=True)
class Plan:
    """
    The few numbers that a population is drawn from.

    :param epoch: seconds since the Unix epoch at which the run begins
    :param horizon: seconds after it for which there are jobs
    :param waits: jobs that run at all times
    :param projects: projects that they are spread over
    :param median: of a job's duration, in seconds
    :param seed: of the randomness
    """

    epoch: float
    horizon: float
    waits: int
    projects: int = 1
    median: float = MEDIAN
    seed: int = 7

    @property
    def mean(self) -> float:
        """The mean duration of a job, in seconds."""
        return mean_of(self.median)

    def as_json(self) -> dict[str, Any]:
        """Give it as plain JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Job:
    """
    One job.

    :param number: from 1, in order of start; every id is made from it
    :param start: seconds since the Unix epoch
    :param end: seconds since the Unix epoch
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
        """The id of the container that it works on."""
        return f"cnt_00000000-0000-4000-8000-{self.number:012d}"

    @property
    def project_id(self) -> str:
        """The id of its project."""
        return project_id(self.project)


def project_id(project: int) -> str:
    """Give the id of a project by its number."""
    return f"prj_00000000-0000-4000-9000-{project:012d}"


def mean_of(median: float) -> float:
    """Give the mean of a log-normal duration by its median."""
    return median * math.exp(SIGMA**2 / 2)


def median_for(waits: int, ends_a_minute: float) -> float:
    """Give the median at which so many of the waits end in a minute."""
    return waits / ends_a_minute * 60 / mean_of(1.0)


def steady_median(waits: int) -> float:
    """Give the median of a steady population: longer where the ends would be more than a key can start."""
    return max(MEDIAN, median_for(waits, MOST_ENDS))


def draw(plan: Plan) -> list[Job]:
    """
    Draw all jobs of a run, in order of start.

    :param plan: what to draw from
    """
    source = random.Random(plan.seed)
    spans = [
        (round(start, 3), round(end, 3), slot % plan.projects)
        for slot in range(plan.waits)
        for start, end in _chain(source, math.log(plan.median), plan)
    ]
    spans.sort()
    return [Job(number, *span) for number, span in enumerate(spans, 1)]


def _chain(source: random.Random, mu: float, plan: Plan) -> list[tuple[float, float]]:
    # The job that runs at a given moment is a long one more often than not, by its length.
    length = source.lognormvariate(mu + SIGMA**2, SIGMA)
    start = plan.epoch - source.random() * length
    spans = [(start, start + length)]
    while spans[-1][1] < plan.epoch + plan.horizon:
        spans.append((spans[-1][1], spans[-1][1] + source.lognormvariate(mu, SIGMA)))
    oldest = plan.epoch - HISTORY * plan.median
    while start > oldest:
        before = start - source.lognormvariate(mu, SIGMA)
        spans.append((before, start))
        start = before
    return spans
