"""Waiting for a job: when to look again, and when to stop. Workers and the triggerer follow one flow."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone

from airflow_provider_layers.api.endpoint import Flow, Pause
from airflow_provider_layers.api.flow import ask
from airflow_provider_layers.api.jobs import Job, get_job, look
from airflow_provider_layers.api.retry import asked_wait
from airflow_provider_layers.exceptions import (
    LayersError,
    LayersJobTimeoutError,
    LayersNotFoundError,
    LayersUnexpectedAnswerError,
)

FIRST_PAUSE = 2.0
GROWTH = 1.3
LONGEST_PAUSE = 10.0
JITTER = 0.5
"""The vendor's guidance (``reference/jobs/get-job``): 2 s, times 1.3, at most 10 s, up to 0.5 s of jitter."""

NOT_FOUND_GRACE = 15.0
"""Seconds from the start of a wait in which 404 may mean that the new job is not visible yet (assumed)."""

UNEXPECTED_IN_A_ROW = 10
"""Answers in a row that nobody documented, after which a wait ends: such a thing does not pass by itself."""


@dataclass(frozen=True)
class Cadence:
    """
    How long to pause between two looks.

    :param longest: seconds; the pauses grow up to it
    """

    longest: float = LONGEST_PAUSE

    def pause(self, looks: int, *, chance: float) -> float:
        """
        Give the seconds before the next look.

        :param looks: how many there were, from 1
        :param chance: a random number from 0 to 1
        """
        # 2 s times 1.3 passes any sensible maximum long before its 40th power.
        grown = FIRST_PAUSE * GROWTH ** min(looks - 1, 40)
        return min(self.longest, grown) + JITTER * chance


@dataclass
class Patience:
    """Which failures of a look a wait outlives. Any good answer starts the count anew."""

    grace_ends: float
    unexpected: int = 0

    def outlives(self, error: LayersError, *, now: float) -> bool:
        """
        Say whether to go on waiting after a failed look.

        Rate limits, server errors and lost connections never end a wait by themselves.
        """
        if isinstance(error, LayersNotFoundError):
            return now < self.grace_ends
        if isinstance(error, LayersUnexpectedAnswerError):
            self.unexpected += 1
            return self.unexpected < UNEXPECTED_IN_A_ROW
        return not error.permanent


def look_in_time(job_id: str, *, chance: Callable[[], float] = random.random) -> Flow[Job]:
    """
    Look at a job that may be too new to be visible.

    :raises LayersNotFoundError: it stayed unknown
    :raises LayersError: it could not be read
    """
    waited = 0.0
    looks = 0
    while True:
        try:
            return (yield from look(job_id))
        except LayersNotFoundError:
            if waited >= NOT_FOUND_GRACE:
                raise
        looks += 1
        pause = Cadence().pause(looks, chance=chance())
        waited += pause
        yield Pause(pause)


def until_ended(
    job_id: str,
    *,
    deadline: float,
    cadence: Cadence | None = None,
    clock: Callable[[], float] = time.time,
    chance: Callable[[], float] = random.random,
) -> Flow[Job]:
    """
    Look at a job until it has ended.

    :param job_id: the job
    :param deadline: seconds since the epoch; one last look is taken after it
    :param cadence: how long to pause between looks
    :param clock: gives the seconds since the epoch
    :param chance: source of jitter, numbers from 0 to 1
    :raises LayersJobTimeoutError: the deadline passed first
    :raises LayersError: an error that waiting does not mend
    """
    cadence = cadence or Cadence()
    patience = Patience(grace_ends=clock() + NOT_FOUND_GRACE)
    job: Job | None = None
    looks = 0
    while True:
        last = clock() >= deadline
        looks += 1
        floor = 0.0
        try:
            job = (yield from ask(get_job(job_id, etag=job.etag if job else None))) or job
            patience.unexpected = 0
        except LayersError as error:
            if not patience.outlives(error, now=clock()):
                raise
            floor = asked_wait(error)
        if job is not None and job.ended:
            return job
        if last:
            raise _timeout(job_id, deadline, job)
        pause = max(cadence.pause(looks, chance=chance()), floor)
        yield Pause(min(pause, max(deadline - clock(), 0.0)))


def _timeout(job_id: str, deadline: float, job: Job | None) -> LayersJobTimeoutError:
    moment = datetime.fromtimestamp(deadline, timezone.utc).isoformat(timespec="seconds")
    state = f"was still {job.status}" if job else "could not be read"
    stage = f" in stage {job.stage}" if job and job.stage else ""
    return LayersJobTimeoutError(job_id, f"{state}{stage} at the deadline, {moment}. It may still complete.")
