"""Waiting for a job: in a worker by a flow of its own, in the triggerer as a watch among many."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone

from airflow_provider_layers.api.cadence import Cadence
from airflow_provider_layers.api.content import content_roll
from airflow_provider_layers.api.endpoint import Flow, Pause
from airflow_provider_layers.api.flow import ask
from airflow_provider_layers.api.jobs import Job, get_job, look
from airflow_provider_layers.api.request import moment
from airflow_provider_layers.api.retry import asked_wait
from airflow_provider_layers.api.watching import NOT_FOUND_GRACE, Patience, Sight, Watch, bare
from airflow_provider_layers.exceptions import LayersError, LayersJobTimeoutError, LayersNotFoundError

SPECIES = "job"
REGENERATE = "content_regenerate"


def watch_job(
    job_id: str,
    *,
    deadline: float,
    longest: float,
    container_ids: Sequence[str] = (),
    project_id: str | None = None,
    kind: str = "",
    content_format: str | None = None,
    started_at: str | None = None,
    clock: Callable[[], float] = time.time,
) -> Watch[Job]:
    """
    Watch a job until it has ended.

    :param job_id: the job
    :param deadline: seconds since the epoch; one last look is taken after it
    :param longest: longest pause between two looks, in seconds
    :param container_ids: those it works on; with their project, one read of its list tells of many jobs
    :param project_id: the project; ``None`` where that is unknown
    :param kind: its kind, by which the watcher learns how long such jobs take
    :param content_format: what it makes, for the same
    :param started_at: ISO 8601; ``None`` where that is unknown
    :param clock: gives the seconds since the epoch
    """

    def sight(job: Job) -> Sight:
        began, ended = moment(job.started_at), moment(job.finished_at)
        return Sight(
            ended=job.ended,
            etag=job.etag,
            likely_end=None if job.eta_seconds is None else clock() + job.eta_seconds,
            progress=job.progress,
            lasted=(ended - began).total_seconds() if began and ended else None,
        )

    started = moment(started_at)
    began = started.timestamp() if started else None
    return Watch(
        name=f"job {job_id}",
        look=lambda etag: get_job(job_id, etag=etag),
        sight=sight,
        expired=lambda job: _timeout(job_id, deadline, job),
        deadline=deadline,
        cadence=Cadence(longest=longest),
        species=(SPECIES, kind, content_format or "") if kind else (),
        began=began,
        # A regenerate works on a container that may be old.
        listed_since=None if kind == REGENERATE else began,
        roll=content_roll(project_id) if project_id else None,
        rows=tuple(bare(one) for one in container_ids),
    )


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
