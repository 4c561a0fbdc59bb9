"""The one table: what was done, what must be zero, and the details of everything that is not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_layers.emulator.faults import KINDS
from dev.chaos.check_cancels import judge_cancels
from dev.chaos.check_jobs import STOOD, extra_jobs, unseen_jobs
from dev.chaos.check_posts import effects, posts_twice
from dev.chaos.check_task_states import Endings
from dev.chaos.faults import ROUTES, met
from dev.chaos.submissions import match, of_place

if TYPE_CHECKING:
    from dev.chaos.plan import Plan
    from dev.chaos.snapshot import Evidence
    from dev.chaos.submissions import OwnJob, Submission


@dataclass(frozen=True)
class Row:
    """One line of the table.

    :param name: what was counted
    :param value: how many
    :param wanted: what it has to be; empty where it is for information
    :param good: whether it is so
    :param details: of each miss, what to act on
    """

    name: str
    value: str
    wanted: str = ""
    good: bool = True
    details: list[str] = field(default_factory=list)


def judge(evidence: Evidence, plan: Plan) -> list[Row]:
    """Judge the end state.

    :param evidence: the end state
    :param plan: the numbers
    """
    places = [(one.place, one.operator) for one in evidence.instances.values()]
    owned = match(evidence.jobs, places)
    return [*_done(evidence, plan), *_money(evidence, owned), *_rest(evidence, owned)]


def _done(evidence: Evidence, plan: Plan) -> list[Row]:
    faults = Counter(request.fault for request in evidence.requests if request.fault)
    kills = Counter(kill.kind for kill in evidence.record.kills)
    deeds = Counter((deed.action, deed.state or "none") for deed in evidence.record.deeds)
    pairs, every = len(met(evidence.requests)), len(ROUTES) * len(KINDS)
    count, killed = len(evidence.instances), sum(kills.values())
    least, kinds = (plan.instances, len(KINDS)) if plan.strict else (1, 1)
    states = Counter(one.state or "none" for one in evidence.instances.values())
    runs = {one.place[:2] for one in evidence.instances.values()}
    return [
        _at_least("task instances", count, least),
        Row(f"  in {len(runs)} DAG runs", _words(states)),
        Row("requests to the API", str(len(evidence.requests))),
        _at_least("kinds of fault injected", len(faults), kinds),
        *(Row(f"  {kind}", str(faults[kind])) for kind in KINDS),
        _at_least(f"routes ({len(ROUTES)}) x kinds met", pairs, every if plan.strict else 1),
        _at_least("processes killed (SIGKILL)", killed, plan.kills),
        *(Row(f"  {kind}", str(number)) for kind, number in sorted(kills.items())),
        Row("marks and clears by people", str(evidence.record.acts)),
        *(Row(f"  {action}, {state}", str(number)) for (action, state), number in sorted(deeds.items())),
    ]


def _is_later(submission: Submission, evidence: Evidence) -> bool:
    first = min(evidence.generations.get(submission.place, {submission.generation}))
    return submission.turn > 0 or submission.generation > first


def _money(evidence: Evidence, owned: list[OwnJob]) -> list[Row]:
    extra = list(extra_jobs(evidence, owned))
    submissions = len({own.submission for own in owned if own.submission}) or 1
    ratio = len(owned) / max(1, submissions - sum(STOOD in line for line in extra))
    statuses = Counter(own.job.status for own in owned)
    later = sum(1 for own in owned if own.submission and _is_later(own.submission, evidence))
    return [
        Row("jobs started", str(len(owned)), details=[]),
        Row("  of which", _words(statuses)),
        Row("  after a clear or a canceled job", str(later)),
        Row("jobs created per submission", f"{ratio:.3f}", "1.000", not extra and bool(owned), extra),
        _none("jobs left running that nobody reported", list(unseen_jobs(evidence, owned))),
    ]


def _rest(evidence: Evidence, owned: list[OwnJob]) -> list[Row]:
    endings = Endings(evidence, of_place(owned))
    cancels = judge_cancels(evidence, owned)
    running = [f"{evidence.active_runs} DAG runs had not ended"] if evidence.active_runs else []
    trapped = [f"{evidence.trapped} requests followed a redirect"] if evidence.trapped else []
    undone = (
        f"{cancels.ended} ended first, {cancels.told} told, {cancels.disturbed} canceler killed, "
        f"{cancels.unheld} not in a triggerer yet"
    )
    return [
        Row("jobs canceled for a mark or clear", f"{cancels.done} (else: {undone})"),
        _none("jobs not canceled within 20 s of it", cancels.misses),
        _none("jobs canceled that nobody had ended", cancels.unasked),
        _none("results lost", list(endings.lost_results())),
        Row("schedules and publications", str(len(effects(evidence)))),
        _none("posts scheduled or published twice", list(posts_twice(evidence))),
        _none("files in which the API key was found", evidence.leaks),
        _none("redirects that were followed", trapped),
        _none("tasks ended in a wrong state", [*running, *endings.wrong_states()]),
    ]


def _words(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))


def _at_least(name: str, value: int, least: int) -> Row:
    return Row(name, str(value), f">= {least}", value >= least, [])


def _none(name: str, details: list[str]) -> Row:
    return Row(name, str(len(details)), "0", not details, details)


def _opinion(row: Row) -> str:
    return f"   ({row.wanted}) {'ok' if row.good else 'MISS'}" if row.wanted else ""


def failed(rows: list[Row]) -> bool:
    """Tell whether anything was missed.

    :param rows: the table
    """
    return not all(row.good for row in rows)


def table(rows: list[Row]) -> str:
    """Write the table, and below it the details of every miss.

    :param rows: the table
    """
    width = max(len(row.name) for row in rows)
    lines = [f"{row.name:<{width}}  {row.value}{_opinion(row)}" for row in rows]
    for row in rows:
        lines += ["", f"{row.name}:"] * (not row.good and bool(row.details))
        lines += [f"  - {detail}" for detail in row.details if not row.good]
    return "\n".join(lines)
