"""A user's mark or clear of a waiting task cancels its job, and nothing else does."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dev.chaos.check_task_states import SUBMIT_ONLY
from dev.chaos.snapshot import epoch_seconds

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.control_client import CreatedJob
    from dev.chaos.actions import UserAction
    from dev.chaos.check_jobs import MatchedJob
    from dev.chaos.snapshot import Snapshot

CANCEL_PATH = re.compile(r"/v1/jobs/([^/]+)/cancel")
# The first line of a trigger's log.
TRIGGER_START = re.compile(r'\{"timestamp":"([^"]+)"')
# The processes that cancel the job of a task in this state.
CANCELING_PROCESSES = {
    "deferred": ("triggerer",),
    "running": ("task", "worker", "scheduler", "scheduler with its workers"),
}
# The clocks of the emulator and of the adversary are read at different moments.
CLOCK_TOLERANCE = 1.0
# The longest time between an action on a task that is submitting and the cancel of its job.
SUBMISSION_SECONDS = 90.0


@dataclass(frozen=True)
class CancelLimits:
    """How soon after a user's action its job must be canceled.

    :param seconds: the time limit
    :param grace: a job that ends this soon after the action may end first
    """

    seconds: float
    grace: float


@dataclass
class CancelReport:
    """The marks and clears of waiting tasks, by what happened to their jobs.

    :param canceled: the cancel reached the API within the limit
    :param canceler_killed: the process that had to cancel was dead, or was killed afterwards
    :param ended_first: the job ended before
    :param logged: the cancel met only faults, and a log says that the job could not be canceled
    :param not_in_triggerer: no triggerer had started the trigger yet, and Airflow notifies only running ones
    :param missed: the job was not canceled within the limit
    :param unrequested: cancels that no user's action explains
    """

    canceled: int = 0
    canceler_killed: int = 0
    ended_first: int = 0
    logged: int = 0
    not_in_triggerer: int = 0
    missed: list[str] = field(default_factory=list)
    unrequested: list[str] = field(default_factory=list)


def check_cancels(snapshot: Snapshot, jobs: list[MatchedJob], limits: CancelLimits) -> CancelReport:
    """Compare the cancels in the request log with the users' actions.

    :param snapshot: the end state
    :param jobs: its jobs with their submissions
    :param limits: how soon a job must be canceled
    """
    report = CancelReport()
    cancels = _cancel_requests(snapshot)
    for action in snapshot.log.user_actions:
        for matched in jobs:
            if (
                action.state in CANCELING_PROCESSES
                and action.confirmed
                and _hits_running_job(action, matched)
            ):
                requests = cancels.get(matched.job.job_id, [])
                _classify(report, snapshot, action, matched.job, requests, limits)
    for matched in jobs:
        for at, _ in cancels.get(matched.job.job_id, []):
            if not _is_explained(snapshot, matched, at):
                logs = snapshot.log_folder(matched.submission.task_instance) if matched.submission else ""
                report.unrequested.append(f"{matched.job.job_id} was canceled without an action; {logs}")
    return report


def _cancel_requests(snapshot: Snapshot) -> dict[str, list[tuple[float, bool]]]:
    """Return when the cancel of each job was requested, and whether the request took effect."""
    requests: dict[str, list[tuple[float, bool]]] = {}
    for request in snapshot.requests:
        match = CANCEL_PATH.fullmatch(request.path)
        if match:
            effective = request.executed or request.fault is None
            requests.setdefault(match[1], []).append((epoch_seconds(request.at), effective))
    return requests


def _hits_running_job(action: UserAction, matched: MatchedJob) -> bool:
    """Return whether the action ended a task that was waiting for this job."""
    if matched.submission is None or matched.submission.task_instance != action.target:
        return False
    if action.target.dag_id in SUBMIT_ONLY:
        return False
    return epoch_seconds(matched.job.started_at) < action.at < epoch_seconds(matched.job.finished_at)


def _classify(
    report: CancelReport,
    snapshot: Snapshot,
    action: UserAction,
    job: CreatedJob,
    requests: list[tuple[float, bool]],
    limits: CancelLimits,
) -> None:
    earliest, latest = action.at - CLOCK_TOLERANCE, action.at + limits.seconds
    if any(effective and earliest <= at <= latest for at, effective in requests):
        report.canceled += 1
    elif job.job_id in snapshot.uncanceled_jobs:
        report.logged += 1
    elif epoch_seconds(job.finished_at) <= action.at + limits.grace:
        report.ended_first += 1
    elif _canceler_killed(snapshot, action, latest):
        report.canceler_killed += 1
    elif action.state == "deferred" and not _in_triggerer(snapshot, action, job):
        report.not_in_triggerer += 1
    else:
        seconds = epoch_seconds(job.finished_at) - action.at
        report.missed.append(
            f"{job.job_id} of {action.target} ran for {seconds:.0f} s after '{action.action}' at "
            f"{action.at:.0f} while {action.state}; {snapshot.log_folder(action.target)}"
        )


def _canceler_killed(snapshot: Snapshot, action: UserAction, latest: float) -> bool:
    if action.state == "running" and not action.has_process:
        return True
    return any(
        kill.kind in CANCELING_PROCESSES[action.state or ""]
        and action.at - CLOCK_TOLERANCE <= kill.at <= latest
        and kill.target in (None, action.target)
        for kill in snapshot.log.kills
    )


def _in_triggerer(snapshot: Snapshot, action: UserAction, job: CreatedJob) -> bool:
    """Return whether a triggerer that was alive at the time of the action had started the trigger."""
    kills = (kill.at for kill in snapshot.log.kills if kill.kind == "triggerer" and kill.at < action.at)
    earliest = max(epoch_seconds(job.started_at), *kills, 0.0)
    logs = (path.read_text(errors="replace") for path in snapshot.trigger_logs(action.target))
    starts = (TRIGGER_START.match(log) for log in logs)
    return any(start and earliest <= epoch_seconds(start[1]) <= action.at for start in starts)


def _is_explained(snapshot: Snapshot, matched: MatchedJob, at: float) -> bool:
    if matched.submission is None:
        return False
    actions = snapshot.log.actions_on(matched.submission.task_instance)
    started = epoch_seconds(matched.job.started_at)
    # A task that is ended while it submits cancels a job that starts after the action.
    return any(
        action.at <= at + CLOCK_TOLERANCE and (started < action.at or at <= action.at + SUBMISSION_SECONDS)
        for action in actions
    )
