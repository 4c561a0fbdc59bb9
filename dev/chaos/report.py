"""The table of a chaos run: what was done, what must not have happened, and the details of every miss."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_layers.emulator.faults import KINDS
from dev.chaos.check_cancels import check_cancels
from dev.chaos.check_jobs import (
    UNNECESSARY,
    duplicate_posts,
    extra_jobs,
    jobs_by_task_instance,
    match_jobs,
    publishing_requests,
    unreported_jobs,
)
from dev.chaos.check_task_states import TaskStateCheck
from dev.chaos.faults import FAULT_PAIRS, ROUTES, met_faults

if TYPE_CHECKING:
    from dev.chaos.campaign import CampaignPlan
    from dev.chaos.check_jobs import MatchedJob, SubmissionKey
    from dev.chaos.snapshot import Snapshot


@dataclass(frozen=True)
class ReportRow:
    """A line of the table.

    :param name: what was counted
    :param value: the count
    :param required: what the count must be; empty if it is for information only
    :param passed: whether it is
    :param details: a description of each miss
    """

    name: str
    value: str
    required: str = ""
    passed: bool = True
    details: list[str] = field(default_factory=list)


def make_report(snapshot: Snapshot, plan: CampaignPlan) -> list[ReportRow]:
    """Check the end state of a run.

    :param snapshot: the end state
    :param plan: the numbers of the run
    """
    jobs = match_jobs(snapshot)
    return [*_activity(snapshot, plan), *_payments(snapshot, jobs), *_promises(snapshot, jobs, plan)]


def _activity(snapshot: Snapshot, plan: CampaignPlan) -> list[ReportRow]:
    faults = Counter(request.fault for request in snapshot.requests if request.fault)
    kills = Counter(kill.kind for kill in snapshot.log.kills)
    actions = Counter((action.action, action.state or "none") for action in snapshot.log.user_actions)
    states = Counter(record.state or "none" for record in snapshot.task_instances.values())
    runs = {key[:2] for key in snapshot.task_instances}
    pairs, all_pairs = len(met_faults(snapshot.requests)), FAULT_PAIRS
    return [
        _at_least("task instances", len(snapshot.task_instances), plan.instances if plan.strict else 1),
        ReportRow(f"  in {len(runs)} DAG runs", _listed(states)),
        ReportRow("requests to the API", str(len(snapshot.requests))),
        _at_least("kinds of fault injected", len(faults), len(KINDS) if plan.strict else 1),
        *(ReportRow(f"  {kind}", str(faults[kind])) for kind in KINDS),
        _at_least(f"routes ({len(ROUTES)}) x kinds met", pairs, all_pairs if plan.strict else 1),
        _at_least("processes killed (SIGKILL)", sum(kills.values()), plan.kills),
        *(ReportRow(f"  {kind}", str(number)) for kind, number in sorted(kills.items())),
        ReportRow("marks and clears by users", str(snapshot.log.user_requests)),
        *(
            ReportRow(f"  {action}, {state}", str(number))
            for (action, state), number in sorted(actions.items())
        ),
    ]


def _payments(snapshot: Snapshot, jobs: list[MatchedJob]) -> list[ReportRow]:
    extra = list(extra_jobs(snapshot, jobs))
    submissions = len({matched.submission for matched in jobs if matched.submission}) or 1
    ratio = len(jobs) / max(1, submissions - sum(UNNECESSARY in line for line in extra))
    statuses = Counter(matched.job.status for matched in jobs)
    later = sum(1 for matched in jobs if matched.submission and _is_later(matched.submission, snapshot))
    return [
        ReportRow("jobs started", str(len(jobs))),
        ReportRow("  of which", _listed(statuses)),
        ReportRow("  after a clear or a canceled job", str(later)),
        ReportRow("jobs created per submission", f"{ratio:.3f}", "1.000", not extra and bool(jobs), extra),
        _none("jobs left running or unreported", list(unreported_jobs(snapshot, jobs))),
    ]


def _is_later(submission: SubmissionKey, snapshot: Snapshot) -> bool:
    first = min(snapshot.clear_counts.get(submission.task_instance, {submission.clear_count}))
    return submission.sequence > 0 or submission.clear_count > first


def _promises(snapshot: Snapshot, jobs: list[MatchedJob], plan: CampaignPlan) -> list[ReportRow]:
    states = TaskStateCheck(snapshot, jobs_by_task_instance(jobs))
    cancels = check_cancels(snapshot, jobs, plan.cancel_limits)
    active = [f"{snapshot.active_runs} DAG runs had not ended"] if snapshot.active_runs else []
    redirected = [f"{snapshot.redirected} requests followed a redirect"] if snapshot.redirected else []
    others = (
        f"{cancels.ended_first} ended first, {cancels.logged} logged, {cancels.canceler_killed} canceler "
        f"killed, {cancels.not_in_triggerer} not in a triggerer yet"
    )
    return [
        ReportRow("jobs canceled after a mark or clear", f"{cancels.canceled} (others: {others})"),
        _none(f"jobs not canceled within {plan.cancel_limits.seconds:.0f} s of it", cancels.missed),
        _none("jobs canceled without a mark or clear", cancels.unrequested),
        _none("results lost", list(states.lost_results())),
        ReportRow("schedules and publications", str(len(publishing_requests(snapshot)))),
        _none("posts scheduled or published twice", list(duplicate_posts(snapshot))),
        _none("files that contain the API key", snapshot.leaks),
        _none("redirects that were followed", redirected),
        _none("tasks ended in a wrong state", [*active, *states.wrong_states()]),
    ]


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))


def _at_least(name: str, value: int, minimum: int) -> ReportRow:
    return ReportRow(name, str(value), f">= {minimum}", value >= minimum)


def _none(name: str, details: list[str]) -> ReportRow:
    return ReportRow(name, str(len(details)), "0", not details, details)


def has_passed(rows: list[ReportRow]) -> bool:
    """Return whether every requirement of the table is met."""
    return all(row.passed for row in rows)


def format_table(rows: list[ReportRow]) -> str:
    """Return the table as text, with the details of every miss below it."""
    width = max(len(row.name) for row in rows)
    lines = []
    for row in rows:
        verdict = f"   ({row.required}) {'ok' if row.passed else 'MISS'}" if row.required else ""
        lines.append(f"{row.name:<{width}}  {row.value}{verdict}")
    for row in rows:
        if not row.passed and row.details:
            lines += ["", f"{row.name}:", *(f"  - {detail}" for detail in row.details)]
    return "\n".join(lines)
