"""Starting one job per task instance, whatever was tried before."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_layers.api.jobs import CANCELED, FAILED, Job, look, starting_job
from airflow_provider_layers.api.once import Sent, forget_answer, once, recall
from airflow_provider_layers.api.waiting import look_in_time, until_ended
from airflow_provider_layers.exceptions import (
    LayersConflictError,
    LayersError,
    LayersNotFoundError,
    LayersUnexpectedAnswerError,
)

if TYPE_CHECKING:
    from airflow_provider_layers.api.endpoint import Answer, Endpoint, Flow
    from airflow_provider_layers.api.once import Memory

ENDED_BADLY = (FAILED, CANCELED)

BUSY_PATIENCE = 60.0
"""Seconds to wait for another job on the same container, such as one that is just being canceled."""


@dataclass(frozen=True)
class Submission:
    """
    A job that was started, or found again.

    :param job: as the submission told of it
    :param location: the API's ``locationUrl``, relative or absolute
    :param seen: as it was when it was looked at right after; ``None`` when it could not be
    """

    job: Job
    location: str | None = None
    seen: Job | None = None


def read_submission(answer: Answer) -> Submission:
    """Read the 202 of a route that starts a job (``concepts/jobs``)."""
    return Submission(starting_job(answer), answer.json().get("locationUrl"))


@dataclass(frozen=True)
class Start:
    """
    Start a job, or find the one that an earlier try started.

    Every try sends the same requests under the same keys, or remembers what was answered to them. A job that
    failed or was canceled makes way for the next key of the sequence. One try starts at most one job, so by
    the Nth try at most N keys can be in use, and the Nth is the last.

    :param request: makes the request of a place in the sequence, from 0
    :param memory: of the task instance
    :param tries: which try of the task this is, from 1
    :param announce: is told of each job as soon as its id is known, before anything else can fail
    :param send_after_window: see :func:`airflow_provider_layers.api.once.once`
    """

    request: Callable[[int], Endpoint[Submission]]
    memory: Memory
    tries: int
    announce: Callable[[Submission], None]
    send_after_window: bool = False

    def flow(self) -> Flow[Submission]:
        """
        Give the one job.

        :raises LayersError: it could not be told whether a job was started; none other is started then
        """
        turn = 0
        while True:
            endpoint = self.request(turn)
            turn += 1
            earlier = yield from self._remembered(endpoint)
            if earlier is not None and earlier.status in ENDED_BADLY:
                continue
            sent = yield from self._send(endpoint)
            submission = yield from self._look(endpoint, sent, earlier)
            job = submission.seen
            if sent.fresh or turn >= self.tries or job is None or job.status not in ENDED_BADLY:
                return submission

    def _remembered(self, endpoint: Endpoint[Submission]) -> Flow[Job | None]:
        """Look at the job that an earlier try was answered with, if one was."""
        submission: Submission | None = recall(endpoint, self.memory)
        if submission is None:
            return None
        self.announce(submission)
        try:
            return (yield from look(submission.job.job_id))
        except LayersNotFoundError:
            forget_answer(endpoint, self.memory)
            return None

    def _send(self, endpoint: Endpoint[Submission]) -> Flow[Sent]:
        """Send once; wait first for another job on the same container, where the API names one."""
        try:
            return (yield from once(endpoint, self.memory, send_after_window=self.send_after_window))
        except LayersConflictError as error:
            busy = error.details.get("jobId")
            if not isinstance(busy, str):
                raise
        yield from until_ended(busy, deadline=time.time() + BUSY_PATIENCE)
        return (yield from once(endpoint, self.memory, send_after_window=self.send_after_window))

    def _look(self, endpoint: Endpoint[Submission], sent: Sent, earlier: Job | None) -> Flow[Submission]:
        """
        Look at the job, since an id that the API itself does not know would lose the job.

        Such an answer is asked for once more, under the same key.
        """
        submission: Submission = sent.result
        if earlier is not None:
            return replace(submission, seen=earlier)
        self.announce(submission)
        try:
            return replace(submission, seen=(yield from look_in_time(submission.job.job_id)))
        except LayersNotFoundError:
            forget_answer(endpoint, self.memory)
        except LayersError:
            # What an earlier try started must be known before anything else is started.
            if not sent.fresh:
                raise
            return submission
        again: Submission = (yield from self._send(endpoint)).result
        if again.job.job_id == submission.job.job_id:
            raise LayersUnexpectedAnswerError(
                f"The API answered with job {again.job.job_id}, and does not know it. "
                f"No other job was started. Idempotency-Key: {endpoint.idempotency_key}."
            )
        self.announce(again)
        return replace(again, seen=(yield from look(again.job.job_id)))
