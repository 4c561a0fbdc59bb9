"""Starting one job per task instance, whatever was tried before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_layers.api.flow import call
from airflow_provider_layers.api.jobs import CANCELED, FAILED, Job, look, starting_job

if TYPE_CHECKING:
    from airflow_provider_layers.api.endpoint import Answer, Endpoint, Flow


@dataclass(frozen=True)
class Submission:
    """
    A job that was started, or found again.

    :param job: as the submission told of it
    :param location: the API's ``locationUrl``, relative or absolute
    """

    job: Job
    location: str | None = None


def read_submission(answer: Answer) -> Submission:
    """Read the 202 of a route that starts a job (``concepts/jobs``)."""
    return Submission(starting_job(answer), answer.json().get("locationUrl"))


def start(
    request: Callable[[int], Endpoint[Submission]],
    *,
    tries: int,
    announce: Callable[[Submission], None],
) -> Flow[Submission]:
    """
    Start a job, or find the one that an earlier try started.

    Each try sends the same requests under the same keys, so the API gives back the jobs that are there.
    A job that failed or was canceled makes way for the next key of the sequence. One try starts at most
    one job, so by the Nth try at most N keys can be in use, and the Nth is the last.

    :param request: makes the request of a place in the sequence, from 0
    :param tries: which try of the task this is, from 1
    :param announce: is told of each job as soon as its id is known, before anything else can fail
    :raises LayersError: it could not be told whether a job was started; none other is started then
    """
    for turn in range(tries - 1):
        submission = yield from call(request(turn))
        announce(submission)
        job = yield from look(submission.job.job_id)
        if job.status not in (FAILED, CANCELED):
            return submission
    submission = yield from call(request(tries - 1))
    announce(submission)
    return submission
