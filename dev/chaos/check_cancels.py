"""A person's mark or clear cancels the job, and nothing else does."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dev.chaos.snapshot import seconds

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.control_client import CreatedJob
    from dev.chaos.actions import Deed
    from dev.chaos.snapshot import Evidence
    from dev.chaos.submissions import OwnJob

CANCEL_PATH = re.compile(r"/v1/jobs/([^/]+)/cancel")
# The first line of a trigger's log.
STARTED = re.compile(r'\{"timestamp":"([^"]+)"')
WITHIN = 20.0
# A job that ends by itself so soon leaves no time to find out that it was to be canceled.
MERCY = 8.0
# A killed process takes this long to be missed and replaced.
UNSETTLED = 15.0
# Their tasks end when the job has started, so there is nobody whom a mark or clear could still reach.
DO_NOT_WAIT = ("chaos_sensors",)
RESPONSIBLE = {
    "deferred": ("triggerer",),
    "running": ("task", "worker", "scheduler", "scheduler with its workers"),
}


@dataclass
class Cancels:
    """What became of the cancels.

    :param done: marks and clears of waiting tasks whose job was asked to cancel in time
    :param disturbed: those where whoever had to cancel was killed at about that moment
    :param ended: those whose job ended by itself first
    :param told: those whose log says that the job could not be canceled: the cancel met faults only
    :param unheld: those that were on their way into the triggerer, which nobody tells of them
    :param misses: those whose job was not canceled in time
    :param unasked: cancels that no person had asked for
    """

    done: int = 0
    disturbed: int = 0
    ended: int = 0
    told: int = 0
    unheld: int = 0
    misses: list[str] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)


def judge_cancels(evidence: Evidence, owned: list[OwnJob]) -> Cancels:
    """Compare the cancels of the ledger with what people did.

    :param evidence: the end state
    :param owned: its jobs with their submissions
    """
    found = Cancels()
    asked = _cancels(evidence)
    for deed in evidence.record.deeds:
        for own in owned:
            if deed.state in RESPONSIBLE and deed.certain and _concerns(deed, own):
                _judge(found, evidence, deed, own, asked.get(own.job.job_id, []))
    for own in owned:
        for at, _ in asked.get(own.job.job_id, []):
            if not _explained(evidence, own, at):
                where = evidence.logs(own.submission.place) if own.submission else ""
                found.unasked.append(f"{own.job.job_id} was canceled, and nobody had asked; {where}")
    return found


def _cancels(evidence: Evidence) -> dict[str, list[tuple[float, bool]]]:
    """Collect when each job was asked to cancel, and whether that arrived."""
    asked: dict[str, list[tuple[float, bool]]] = {}
    for request in evidence.requests:
        match = CANCEL_PATH.fullmatch(request.path)
        if match:
            arrived = request.executed or request.fault is None
            asked.setdefault(match[1], []).append((seconds(request.at), arrived))
    return asked


def _concerns(deed: Deed, own: OwnJob) -> bool:
    """Tell whether a task that waits was ended while its job was running."""
    if own.submission is None or own.submission.place != deed.place or deed.place.dag_id in DO_NOT_WAIT:
        return False
    return seconds(own.job.started_at) < deed.at < seconds(own.job.finished_at)


def _judge(
    found: Cancels, evidence: Evidence, deed: Deed, own: OwnJob, asked: list[tuple[float, bool]]
) -> None:
    job = own.job
    if any(arrived and deed.at - 1 <= at <= deed.at + WITHIN for at, arrived in asked):
        found.done += 1
    elif job.job_id in evidence.uncanceled:
        found.told += 1
    elif seconds(job.finished_at) <= deed.at + MERCY:
        found.ended += 1
    elif _disturbed(evidence, deed):
        found.disturbed += 1
    elif deed.state == "deferred" and not _held(evidence, deed, job):
        found.unheld += 1
    else:
        found.misses.append(
            f"{job.job_id} of {deed.place} went on for {seconds(job.finished_at) - deed.at:.0f} s after "
            f"'{deed.action}' at {deed.at:.0f} while {deed.state}; {evidence.logs(deed.place)}"
        )


def _disturbed(evidence: Evidence, deed: Deed) -> bool:
    return any(
        kill.kind in RESPONSIBLE[deed.state or ""]
        and deed.at - UNSETTLED <= kill.at <= deed.at + WITHIN
        and kill.place in (None, deed.place)
        for kill in evidence.record.kills
    )


def _held(evidence: Evidence, deed: Deed, job: CreatedJob) -> bool:
    """Tell whether a triggerer had begun to run the trigger by then, since only that is told of its end."""
    logs = Path(evidence.logs(deed.place)).glob("*.trigger.*.log")
    starts = [STARTED.match(path.read_text(errors="replace")) for path in logs]
    begun = seconds(job.started_at)
    return any(start and begun <= seconds(start[1]) <= deed.at for start in starts)


def _explained(evidence: Evidence, own: OwnJob, at: float) -> bool:
    if own.submission is None:
        return False
    return any(deed.at <= at <= deed.at + 90 for deed in evidence.record.of(own.submission.place))
