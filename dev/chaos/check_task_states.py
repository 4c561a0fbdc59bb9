"""Each task instance ended in an explained state, and has the result of its job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.chaos.actions import CLEAR, MARK_FAILED
from dev.chaos.check_jobs import PURPOSES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dev.chaos.check_jobs import MatchedJob
    from dev.chaos.metadata_db import TaskInstanceKey, TaskInstanceRecord
    from dev.chaos.snapshot import Snapshot

# Direct upstream tasks, by DAG and task.
UPSTREAM: dict[str, dict[str, tuple[str, ...]]] = {
    "chaos_worker_waits": {
        "generate": (),
        "regenerate": ("generate",),
        "approve": ("regenerate",),
        "schedule": ("approve",),
        "reschedule": ("schedule",),
        "cancel_post": ("reschedule",),
    },
    "chaos_deferred_waits": {
        "clone": (),
        "regenerate": ("clone",),
        "approve": ("regenerate",),
        "publish": ("approve",),
    },
    "chaos_sensors": {
        "clone": (),
        "generate": (),
        "wait_deferred": ("clone",),
        "wait_poke": ("generate",),
        "approve": ("wait_deferred",),
        "schedule": ("approve",),
    },
}
# Tasks that are mapped over the result of another task.
MAPPED = {
    "chaos_worker_waits": (),
    "chaos_deferred_waits": ("regenerate", "approve", "publish"),
    "chaos_sensors": ("wait_deferred", "approve", "schedule"),
}
# Their tasks end when the job has started.
SUBMIT_ONLY = ("chaos_sensors",)
SENSOR = "LayersJobSensor"


class TaskStateCheck:
    """Judges every task instance by what was done to it and to its upstream tasks.

    :param snapshot: the end state
    :param jobs: the jobs of each task instance, the latest last
    """

    def __init__(self, snapshot: Snapshot, jobs: Mapping[TaskInstanceKey, list[MatchedJob]]) -> None:
        self._snapshot = snapshot
        self._jobs = jobs
        self._runs: dict[tuple[str, str], list[TaskInstanceRecord]] = {}
        for record in snapshot.task_instances.values():
            self._runs.setdefault(record.key[:2], []).append(record)

    def wrong_states(self) -> Iterator[str]:
        """Describe every task instance whose state nothing explains."""
        for record in self._snapshot.task_instances.values():
            if not self._is_explained(record):
                tries = f"try {record.try_number} of {record.max_tries + 1}"
                history = self._job_history(record.key) + self._action_history(record.key)
                yield (
                    f"{record.key} ended {record.state} ({tries}){history}; "
                    f"{self._snapshot.log_folder(record.key)}"
                )

    def _is_explained(self, record: TaskInstanceRecord) -> bool:
        marked = self._mark(record)
        if record.state == "success":
            # A mark whose request failed may have been carried out or not.
            last = self._snapshot.log.last_action_on(record.key)
            must_fail = marked == MARK_FAILED and last is not None and last.confirmed
            return not must_fail or self._deferral_undid_mark(record)
        if marked == MARK_FAILED or self._upstream_failed(record) or self._never_expanded(record):
            return True
        return record.state == "failed" and marked is None and self._job_failed(record)

    def _deferral_undid_mark(self, record: TaskInstanceRecord) -> bool:
        """Return whether the task was about to be deferred, which on Airflow 3.3.2 can undo a mark."""
        last = self._snapshot.log.last_action_on(record.key)
        return last is not None and last.state == "running" and bool(self._snapshot.trigger_logs(record.key))

    def _never_expanded(self, record: TaskInstanceRecord) -> bool:
        """Return whether a mapped task has no instances, since a user cleared what it is mapped over."""
        key = record.key
        unmapped = key.map_index < 0 and key.task_id in MAPPED[key.dag_id]
        cleared = self._snapshot.log.actions_on(key, CLEAR)
        return unmapped and bool(cleared) and record.state in ("upstream_failed", "removed", None)

    def _mark(self, record: TaskInstanceRecord) -> str | None:
        """Return the mark that a user set last, unless a clear followed."""
        last = self._snapshot.log.last_action_on(record.key)
        return last.action if last and last.action != CLEAR else None

    def _upstream_failed(self, record: TaskInstanceRecord) -> bool:
        """Return whether an upstream task did not succeed, or has a user's mark."""
        key = record.key
        upstream = UPSTREAM[key.dag_id][key.task_id]
        return any(
            other.state != "success" or self._mark(other) is not None or self._upstream_failed(other)
            for other in self._runs[key[:2]]
            if other.key.task_id in upstream
        )

    def _job_failed(self, record: TaskInstanceRecord) -> bool:
        """Return whether its job failed, as the emulator was configured to let it fail."""
        key = record.key
        if record.operator == SENSOR:
            key = key._replace(task_id=UPSTREAM[key.dag_id][key.task_id][0])
        jobs = self._jobs.get(key, [])
        return bool(jobs) and jobs[-1].job.status == "failed"

    def lost_results(self) -> Iterator[str]:
        """Describe every task instance without the result of its job."""
        for record in self._snapshot.task_instances.values():
            if self._mark(record) is not None or record.operator not in (*PURPOSES, SENSOR):
                continue
            problem = self._result_problem(record)
            if problem:
                logs = self._snapshot.log_folder(record.key)
                yield f"{record.key} {problem}{self._job_history(record.key)}; {logs}"

    def _result_problem(self, record: TaskInstanceRecord) -> str | None:
        xcoms = self._snapshot.xcoms.get(record.key, {})
        jobs = self._jobs.get(record.key, [])
        if record.state == "failed":
            if jobs and jobs[-1].job.status == "completed" and not self._upstream_failed(record):
                return "failed although its job completed"
            return None
        if record.state != "success":
            return None
        if record.operator == SENSOR:
            return _sensor_result_problem(xcoms)
        if not jobs:
            return "succeeded without a job"
        return _job_result_problem(xcoms, jobs[-1], waited=record.key.dag_id not in SUBMIT_ONLY)

    def _job_history(self, key: TaskInstanceKey) -> str:
        jobs = [
            f"{matched.job.job_id} {matched.job.status} (clear count {matched.submission.clear_count}, "
            f"sequence {matched.submission.sequence})"
            for matched in self._jobs.get(key, [])
            if matched.submission
        ]
        return f"; jobs: {', '.join(jobs)}" if jobs else ""

    def _action_history(self, key: TaskInstanceKey) -> str:
        actions = [f"{entry.action} while {entry.state}" for entry in self._snapshot.log.actions_on(key)]
        return f"; user: {', '.join(actions)}" if actions else ""


def _sensor_result_problem(xcoms: Mapping[str, Any]) -> str | None:
    job, result = xcoms.get("job") or {}, xcoms.get("return_value")
    if job.get("status") != "completed" or result != job.get("container_ids"):
        return f"succeeded with job {job!r} and return value {result!r}"
    return None


def _job_result_problem(xcoms: Mapping[str, Any], matched: MatchedJob, *, waited: bool) -> str | None:
    job, result = matched.job, xcoms.get("return_value")
    if not waited:
        return None if result == job.job_id else f"returned {result!r}"
    if job.status != "completed":
        return f"succeeded although its job is {job.status}"
    job_id = (xcoms.get("job") or {}).get("job_id")
    if job_id != job.job_id or result != job.container_ids:
        return f"has job {job_id} and return value {result!r}"
    return None
