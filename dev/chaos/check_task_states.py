"""How each task instance ended, and whether its result arrived."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dev.chaos.actions import CLEAR, MARK_FAILED
from dev.chaos.submissions import PURPOSES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dev.chaos.metadata_db import Instance, Place
    from dev.chaos.snapshot import Evidence
    from dev.chaos.submissions import OwnJob

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
MAPPED = {
    "chaos_worker_waits": (),
    "chaos_deferred_waits": ("regenerate", "approve", "publish"),
    "chaos_sensors": ("wait_deferred", "approve", "schedule"),
}
SENSOR = "LayersJobSensor"


class Endings:
    """Judges every task instance by what the adversary did to it and to those before it.

    :param evidence: the end state
    :param jobs: the jobs of each task instance, the latest last
    """

    def __init__(self, evidence: Evidence, jobs: Mapping[Place, list[OwnJob]]) -> None:
        self._evidence = evidence
        self._jobs = jobs
        self._runs: dict[tuple[str, str], list[Instance]] = {}
        for instance in evidence.instances.values():
            self._runs.setdefault(instance.place[:2], []).append(instance)

    def wrong_states(self) -> Iterator[str]:
        """Name every task instance that ended in a state that nothing explains."""
        for instance in self._evidence.instances.values():
            if not self._right(instance):
                tries = f"try {instance.try_number} of {instance.max_tries + 1}"
                words = self._job_words(instance.place) + self._deeds(instance.place)
                logs = self._evidence.logs(instance.place)
                yield f"{instance.place} ended {instance.state} ({tries}){words}; {logs}"

    def _right(self, instance: Instance) -> bool:
        marked = self._mark(instance)
        if instance.state == "success":
            # A mark that was answered with an error may have been carried out or not.
            certain = marked == MARK_FAILED and self._evidence.record.certain(instance.place)
            return not certain or self._overtaken(instance)
        if marked == MARK_FAILED or self._upstream_gone(instance) or self._never_expanded(instance):
            return True
        return instance.state == "failed" and marked is None and self._job_failed(instance)

    def _overtaken(self, instance: Instance) -> bool:
        """Tell whether the task was on its way into the triggerer, which Airflow 3.3.2 lets undo a mark."""
        last = self._evidence.record.last(instance.place)
        folder = Path(self._evidence.logs(instance.place))
        return last is not None and last.state == "running" and any(folder.glob("*.trigger.*.log"))

    def _never_expanded(self, instance: Instance) -> bool:
        """Tell whether a mapped task has no instances, since a person cleared what it is mapped over."""
        unmapped = instance.place.map_index < 0 and instance.place.task_id in MAPPED[instance.place.dag_id]
        cleared = self._evidence.record.of(instance.place, CLEAR)
        return unmapped and bool(cleared) and instance.state in ("upstream_failed", "removed", None)

    def _mark(self, instance: Instance) -> str | None:
        """Return what a person last made of it, if that still stands."""
        last = self._evidence.record.last(instance.place)
        return last.action if last and last.action != CLEAR else None

    def _upstream_gone(self, instance: Instance) -> bool:
        """Tell whether something before it did not succeed, or was called a success by a person."""
        place = instance.place
        before = UPSTREAM[place.dag_id][place.task_id]
        return any(
            other.state != "success" or self._mark(other) is not None or self._upstream_gone(other)
            for other in self._runs[place[:2]]
            if other.place.task_id in before
        )

    def _job_failed(self, instance: Instance) -> bool:
        """Tell whether its job ended as the adversary had told the API to end it."""
        place = instance.place
        owner = place
        if instance.operator == SENSOR:
            owner = place._replace(task_id=UPSTREAM[place.dag_id][place.task_id][0])
        mine = self._jobs.get(owner, [])
        return bool(mine) and mine[-1].job.status == "failed"

    def lost_results(self) -> Iterator[str]:
        """Name every task instance that does not have what its job made."""
        for instance in self._evidence.instances.values():
            if self._mark(instance) is not None or instance.operator not in (*PURPOSES, SENSOR):
                continue
            complaint = self._lost(instance)
            if complaint:
                logs = self._evidence.logs(instance.place)
                yield f"{instance.place} {complaint}{self._job_words(instance.place)}; {logs}"

    def _lost(self, instance: Instance) -> str | None:
        left = self._evidence.xcoms.get(instance.place, {})
        mine = self._jobs.get(instance.place, [])
        if instance.state == "failed":
            if self._upstream_gone(instance):
                return None
            if mine and mine[-1].job.status == "completed":
                return "failed although its job completed"
            return None
        if instance.state != "success":
            return None
        if instance.operator == SENSOR:
            return _sensor_lost(left)
        if not mine:
            return "succeeded without a job"
        return _job_lost(left, mine[-1], waited=instance.place.dag_id != "chaos_sensors")

    def _job_words(self, place: Place) -> str:
        words = [
            f"{own.job.job_id} {own.job.status} (generation {own.submission.generation}, turn "
            f"{own.submission.turn})"
            for own in self._jobs.get(place, [])
            if own.submission
        ]
        return f"; jobs: {', '.join(words)}" if words else ""

    def _deeds(self, place: Place) -> str:
        words = [f"{deed.action} while {deed.state}" for deed in self._evidence.record.of(place)]
        return f"; people: {', '.join(words)}" if words else ""


def _sensor_lost(left: Mapping[str, Any]) -> str | None:
    job = left.get("job") or {}
    if job.get("status") != "completed" or left.get("return_value") != job.get("container_ids"):
        return f"succeeded, and left job {job!r} and {left.get('return_value')!r}"
    return None


def _job_lost(left: Mapping[str, Any], own: OwnJob, *, waited: bool) -> str | None:
    job = own.job
    if not waited:
        return None if left.get("return_value") == job.job_id else f"left {left.get('return_value')!r}"
    if job.status != "completed":
        return f"succeeded although its job is {job.status}"
    kept = left.get("job") or {}
    if kept.get("job_id") != job.job_id or left.get("return_value") != job.container_ids:
        return f"left job {kept.get('job_id')} and {left.get('return_value')!r}"
    return None
