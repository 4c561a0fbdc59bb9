"""Paid for once, and nothing left running: what the ledger of jobs must show."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dev.chaos.snapshot import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dev.chaos.snapshot import Evidence
    from dev.chaos.submissions import OwnJob

STOOD = "although the job before it stood"
ENDED_WITHOUT_CONTENT = ("failed", "canceled")


def extra_jobs(evidence: Evidence, owned: list[OwnJob]) -> Iterator[str]:
    """Name every job that should not have been started.

    A job beyond the first of a generation is in order only when the one before it had failed or was
    canceled; a generation beyond the first only when Airflow has counted a clear of the task instance.

    :param evidence: the end state
    :param owned: its jobs with their submissions
    """
    seen = Counter(own.submission for own in owned)
    by_submission = {own.submission: own for own in owned}
    for own in owned:
        submission, job = own.submission, own.job
        if submission is None:
            yield f"{job.job_id} ({job.kind}) was started with key {job.idempotency_key}, which no task makes"
            continue
        where = f"{submission.place} generation {submission.generation} turn {submission.turn}"
        logs = evidence.logs(submission.place)
        if seen[submission] > 1:
            yield f"{job.job_id}: one of {seen[submission]} jobs of {where}; {logs}"
        before = by_submission.get(submission._replace(turn=submission.turn - 1))
        if submission.turn and not _made_way(before, job.started_at):
            yield f"{job.job_id}: {where} {STOOD}; {logs}"
    yield from _extra_generations(evidence, owned)


def _made_way(before: OwnJob | None, started_at: str) -> bool:
    if before is None:
        return False
    job = before.job
    return job.status in ENDED_WITHOUT_CONTENT and seconds(job.finished_at) <= seconds(started_at)


def _extra_generations(evidence: Evidence, owned: list[OwnJob]) -> Iterator[str]:
    for own in owned:
        if own.submission is None:
            continue
        place, generation, _ = own.submission
        known = evidence.generations.get(place, set())
        if generation not in known:
            yield (
                f"{own.job.job_id}: {place} generation {generation} {STOOD}, Airflow knows {sorted(known)}; "
                f"{evidence.logs(place)}"
            )


def unseen_jobs(evidence: Evidence, owned: list[OwnJob]) -> Iterator[str]:
    """Name every job that is running, or that no log and no XCom names.

    :param evidence: the end state
    :param owned: its jobs with their submissions
    """
    for own in owned:
        job = own.job
        where = f"of {own.submission}" if own.submission else "of nobody"
        if job.status == "running":
            yield f"{job.job_id} {where} is still running"
        elif not {job.job_id, job.idempotency_key} & evidence.named:
            logs = evidence.logs(own.submission.place) if own.submission else ""
            yield f"{job.job_id} {where} ended {job.status}, and nothing names it; {logs}"
