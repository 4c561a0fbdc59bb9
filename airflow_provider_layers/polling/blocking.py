"""Waiting in a worker: the same decisions as in the triggerer, one request after another."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_layers.api.jobs import get_job
from airflow_provider_layers.exceptions import LayersError, LayersNotFoundError
from airflow_provider_layers.polling.intervals import (
    MAX_INTERVAL,
    NOT_FOUND_GRACE,
    DurationHistory,
    PollInterval,
)

if TYPE_CHECKING:
    from airflow_provider_layers.api.jobs import Job
    from airflow_provider_layers.client import LayersClient
    from airflow_provider_layers.polling.targets import PollTarget

T = TypeVar("T")


def wait_until_finished(client: LayersClient, target: PollTarget[T]) -> T:
    """
    Wait until a target has finished, and return its last result.

    :param client: also provides the time
    :raises LayersError: its deadline has passed, or its state cannot be read
    """
    # Every DAG file imports this module, and few tasks wait in a worker.
    from airflow_provider_layers.polling.scheduler import PollScheduler, SinglePoll

    clock, max_interval = client.clock, target.interval.max_interval
    # A worker's pauses are at most what the user asked for: it knows no durations of similar targets.
    target = replace(target, interval=PollInterval(max_interval, far_interval=max_interval))
    scheduler = PollScheduler(DurationHistory(), jitter=client.jitter)
    subscription = scheduler.add(target, now=clock.time())
    while True:
        poll = scheduler.next_poll(clock.time())
        # No list has fewer pages than one, so a single subscription is never polled by a list.
        if not isinstance(poll, SinglePoll):
            clock.sleep(max(0.0, subscription.due - clock.time()))
            continue
        try:
            result = client.send(target.poll(subscription.observation.etag))
        except LayersError as error:
            scheduler.single_failed(poll, error, now=clock.time())
            continue
        if scheduler.single_succeeded(poll, result, now=clock.time()):
            return subscription.result  # type: ignore[no-any-return]


def wait_for_job(
    client: LayersClient, job_id: str, *, deadline: float, max_interval: float = MAX_INTERVAL
) -> Job:
    """
    Wait until a job has finished, and return it.

    :param deadline: seconds since the epoch
    :param max_interval: longest pause between two polls, in seconds
    :raises LayersError: the deadline has passed, or the job cannot be read
    """
    from airflow_provider_layers.polling.targets import job_target

    target = job_target(job_id, deadline=deadline, max_interval=max_interval, clock=client.clock)
    return wait_until_finished(client, target)


def get_job_with_grace(client: LayersClient, job_id: str, *, grace_ends: float | None = None) -> Job:
    """
    Read a job that may be too new to be visible.

    :param grace_ends: until when a 404 is tolerated, in seconds since the epoch; the default is 15 s from now
    :raises LayersNotFoundError: it stayed unknown
    :raises LayersError: it could not be read
    """
    grace_ends = client.clock.time() + NOT_FOUND_GRACE if grace_ends is None else grace_ends
    for polls in count(1):
        try:
            return client.send_with_retries(get_job(job_id))
        except LayersNotFoundError:
            if client.clock.time() >= grace_ends:
                raise
        client.clock.sleep(PollInterval().pause(polls, jitter=client.jitter()))
    raise AssertionError("unreachable")
