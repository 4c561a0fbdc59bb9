"""The one job state machine.

    running: queued > planning > generating_visuals > assembling > finalizing
        > completed | failed | canceled

A job's stage and progress follow from how much of its time has passed; nothing but the clock moves it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_layers.emulator.entities import Job

# Each stage with the part of the job's time at which it ends; generating visuals is the longest.
STAGE_ENDS = (
    ("queued", 0.05),
    ("planning", 0.2),
    ("generating_visuals", 0.7),
    ("assembling", 0.9),
    ("finalizing", 1.0),
)
# Progress moves in steps, so that a poll between two steps is a 304.
_STEPS = 20


def elapsed(job: Job, now: datetime) -> float:
    """Return the part of *job*'s time that has passed, 0 to 1."""
    if job.seconds == 0:
        return 1.0
    return min(1.0, ((job.finished_at or now) - job.started_at).total_seconds() / job.seconds)


def stage_of(job: Job, now: datetime) -> tuple[str, float]:
    """Return the stage of *job*, and how far through that stage it is, 0 to 1."""
    part, begin = elapsed(job, now), 0.0
    for stage, end in STAGE_ENDS:
        if part < end:
            return stage, (part - begin) / (end - begin)
        begin = end
    return STAGE_ENDS[-1][0], 1.0


def progress_of(job: Job, now: datetime) -> float:
    """Return the progress of *job*, 0 to 1; it is 1 only once the job has completed."""
    if job.status == "completed":
        return 1.0
    return min(int(elapsed(job, now) * _STEPS), _STEPS - 1) / _STEPS
