"""Each submission is paid for once, each post goes out once, and no job keeps running unreported."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_layers.idempotency import IdempotencyScope
from dev.chaos.snapshot import epoch_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_layers.emulator.control_client import CreatedJob, RecordedRequest
    from dev.chaos.metadata_db import TaskInstanceKey
    from dev.chaos.snapshot import Snapshot

PURPOSES = {
    "LayersGenerateContentOperator": "generate",
    "LayersCloneFromPostOperator": "clone",
    "LayersRegenerateContentOperator": "regenerate",
}
# More keys than any run derives: of a sequence, and of the clears of a task instance.
MAX_SEQUENCE = 16
MAX_CLEAR_COUNT = 48
UNNECESSARY = "although its previous job was good"
ENDED_WITHOUT_CONTENT = ("failed", "canceled")
ENDED_WITHOUT_POST = ("failed", "canceled")
PUBLISHING_PATH = re.compile(r"/v1/content/([^/]+)/(schedule|publish)")


class SubmissionKey(NamedTuple):
    """What must be paid for once.

    :param task_instance: the task instance
    :param clear_count: ``max_tries`` of its tries, which a clear raises
    :param sequence: number in its sequence of idempotency keys
    """

    task_instance: TaskInstanceKey
    clear_count: int
    sequence: int

    def __str__(self) -> str:
        return f"{self.task_instance} clear count {self.clear_count} sequence {self.sequence}"


@dataclass(frozen=True)
class MatchedJob:
    """A job and the submission whose idempotency key started it; None if no task derives that key."""

    job: CreatedJob
    submission: SubmissionKey | None


def match_jobs(snapshot: Snapshot) -> list[MatchedJob]:
    """Return each job with its submission, by deriving every key that could have been sent."""
    keys = {
        IdempotencyScope(*key, clear_count).key(purpose, sequence): SubmissionKey(key, clear_count, sequence)
        for key, record in snapshot.task_instances.items()
        if (purpose := PURPOSES.get(record.operator))
        for clear_count, sequence in product(range(MAX_CLEAR_COUNT), range(MAX_SEQUENCE))
    }
    return [MatchedJob(job, keys.get(job.idempotency_key or "")) for job in snapshot.jobs]


def jobs_by_task_instance(jobs: list[MatchedJob]) -> dict[TaskInstanceKey, list[MatchedJob]]:
    """Return the jobs of each task instance, the latest submission last."""
    found: dict[TaskInstanceKey, list[MatchedJob]] = {}
    for matched in jobs:
        if matched.submission:
            found.setdefault(matched.submission.task_instance, []).append(matched)
    for of_instance in found.values():
        of_instance.sort(key=lambda matched: matched.submission or ())
    return found


def extra_jobs(snapshot: Snapshot, jobs: list[MatchedJob]) -> Iterator[str]:
    """Describe every job that should not have been started.

    A further job in a sequence is correct only if the previous job failed or was canceled, and a job of a
    further clear count only if Airflow has counted that clear.
    """
    counts = Counter(matched.submission for matched in jobs)
    by_submission = {matched.submission: matched.job for matched in jobs}
    for matched in jobs:
        submission, job = matched.submission, matched.job
        if submission is None:
            yield f"{job.job_id} ({job.kind}) has the key {job.idempotency_key}, which no task derives"
            continue
        logs = snapshot.log_folder(submission.task_instance)
        if counts[submission] > 1:
            yield f"{job.job_id}: {submission} has {counts[submission]} jobs; {logs}"
        before = by_submission.get(submission._replace(sequence=submission.sequence - 1))
        if submission.sequence and not _ended_without_content(before, job.started_at):
            yield f"{job.job_id}: {submission} {UNNECESSARY}; {logs}"
        counted = snapshot.clear_counts.get(submission.task_instance, set())
        if submission.clear_count not in counted:
            yield f"{job.job_id}: {submission} {UNNECESSARY}, Airflow has {sorted(counted)}; {logs}"


def _ended_without_content(job: CreatedJob | None, before: str) -> bool:
    if job is None or job.status not in ENDED_WITHOUT_CONTENT:
        return False
    return epoch_seconds(job.finished_at) <= epoch_seconds(before)


def unreported_jobs(snapshot: Snapshot, jobs: list[MatchedJob]) -> Iterator[str]:
    """Describe every job that is running, or that no log and no XCom names."""
    for matched in jobs:
        job, submission = matched.job, matched.submission
        if job.status == "running":
            yield f"{job.job_id} of {submission} is still running"
        elif not {job.job_id, job.idempotency_key} & snapshot.named_jobs:
            logs = snapshot.log_folder(submission.task_instance) if submission else ""
            yield f"{job.job_id} of {submission} ended {job.status}, and no log names it; {logs}"


def publishing_requests(snapshot: Snapshot) -> list[RecordedRequest]:
    """Return the requests that scheduled or published content."""
    return [
        request
        for request in snapshot.requests
        if request.method == "POST"
        and PUBLISHING_PATH.fullmatch(request.path)
        and request.executed
        and not request.replayed
    ]


def duplicate_posts(snapshot: Snapshot) -> Iterator[str]:
    """Describe every post that should not exist: of a container, an account has one that is not canceled."""
    alive = Counter(
        (post["containerId"], post["socialAccountId"])
        for post in snapshot.posts
        if post["status"] not in ENDED_WITHOUT_POST
    )
    for (container_id, account_id), count in alive.items():
        if count > 1:
            yield f"{container_id} has {count} posts for {account_id}"
    yield from _unexpected_posts(snapshot, publishing_requests(snapshot))


def _unexpected_posts(snapshot: Snapshot, requests: list[RecordedRequest]) -> Iterator[str]:
    """Describe every container whose posts are not as many as its requests, or fewer without an approval."""
    requested = Counter(request.path.split("/")[3] for request in requests)
    created = Counter(post["containerId"] for post in snapshot.posts)
    for container_id in sorted({*requested, *created}):
        posts, count = created[container_id], requested[container_id]
        blocked = container_id in snapshot.pending and posts < count
        if posts != count and not blocked:
            yield f"{container_id} has {posts} posts after {count} schedules or publications"
