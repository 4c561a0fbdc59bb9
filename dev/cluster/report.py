"""The table of a form: what it cost, and which promises hold."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dev.airflow_client import UNMAPPED
from dev.chaos.report import ReportRow
from dev.chaos.snapshot import epoch_seconds
from dev.cluster import SLOTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_layers.emulator.control_client import RecordedRequest
    from dev.cluster.fleet import ClusterPlan, FormResult

STARTS_PER_MINUTE = {"standard": 20, "pilot": 60, "partner": 300}
MAX_POSTS_OF_A_START = 1.3
MIN_SHARE_OF_RATE = 0.9
MAX_SLOTS_HELD = 1.0
MAX_DETAILS = 10
# They make no promise; their table is for comparison.
UNCHECKED_FORMS = frozenset({"http"})


def make_form_report(result: FormResult, plan: ClusterPlan) -> list[ReportRow]:
    """Return the table of a form.

    :param result: what was seen of it
    :param plan: the numbers of the run
    """
    rows = [
        _row("run", result.state, "success", passed=result.state == "success"),
        *_chains(result, plan),
        *_starts(result, plan),
        ReportRow("wall time", f"{result.seconds:.0f} s"),
        ReportRow("CPU of Airflow", f"{result.cpu[0]:.0f} s"),
        ReportRow("CPU of PostgreSQL and Redis", f"{result.cpu[1]:.0f} s"),
        ReportRow("memory of Airflow", f"{result.memory / 1024:.0f} MB"),
    ]
    if result.form in UNCHECKED_FORMS:
        return [ReportRow(row.name, row.value) for row in rows]
    return rows


def _chains(result: FormResult, plan: ClusterPlan) -> list[ReportRow]:
    executed = [request for request in _start_requests(result) if request.executed and not request.replayed]
    chains = [f"{result.form} {number}" for number in range(plan.chains)]
    jobs: Counter[str] = Counter()
    posts: Counter[str] = Counter()
    # Both are in the order in which the emulator executed them; a form that was given up may start more.
    for request, job in zip(executed, result.jobs, strict=False):
        topic = _topic(request)
        jobs[topic] += 1
        posts[topic] += sum(result.posts[container_id] for container_id in job.container_ids)
    unexplained = sorted(result.failed - result.interrupted)
    killed = len(result.failed) - len(unexplained)
    return [
        ReportRow("chains", str(plan.chains)),
        ReportRow("jobs", str(jobs.total())),
        _per_chain("jobs per chain", jobs, chains),
        ReportRow("posts", str(posts.total())),
        _per_chain("posts per chain", posts, chains),
        _row(
            "failed tries",
            str(len(unexplained)) + (f" and {killed} killed with their worker" if killed else ""),
            "0",
            passed=not unexplained,
            details=_first([str(failed) for failed in unexplained]),
        ),
        _row(
            "SIGKILLs",
            ", ".join(result.kills) or "none",
            "a triggerer and a worker" if plan.kills else "",
            passed=len(result.kills) == 2 or not plan.kills,
        ),
    ]


def _starts(result: FormResult, plan: ClusterPlan) -> list[ReportRow]:
    requests = _start_requests(result)
    posts_of_a_start = len(requests) / max(1, len(result.jobs))
    limited = sum(request.status == 429 for request in result.requests)
    return [
        _row(
            "POSTs of a start for each job",
            f"{posts_of_a_start:.2f}",
            f"<= {MAX_POSTS_OF_A_START}",
            passed=posts_of_a_start <= MAX_POSTS_OF_A_START,
        ),
        ReportRow("  of them refused with 429", str(sum(request.status == 429 for request in requests))),
        ReportRow("requests refused with 429", f"{limited} of {len(result.requests)}"),
        _rate(result, plan),
        *_slots(result),
    ]


def _slots(result: FormResult) -> list[ReportRow]:
    samples = max(1, len(result.slots))
    held = sum(len(sample.since) for sample in result.slots) / samples
    waiting = sum(_waiting(result)) / samples
    longest = max(
        (sample.at - min(sample.since.values(), default=sample.at) for sample in result.slots), default=0
    )
    return [
        ReportRow("slots held by start tasks, on average", f"{held:.2f} of {SLOTS}"),
        _row(
            "  by those that wait after a 429",
            f"{waiting:.2f} of {SLOTS}",
            f"<= {MAX_SLOTS_HELD:.0f}",
            passed=waiting <= MAX_SLOTS_HELD,
        ),
        ReportRow("  the longest without a pause", f"{longest:.0f} s"),
    ]


def _waiting(result: FormResult) -> Iterator[int]:
    """Return the number of running start tasks whose last POST was refused meanwhile, for each sample."""
    last: dict[int, RecordedRequest] = {}
    requests = iter([*_start_requests(result), None])
    following = next(requests)
    for sample in result.slots:
        while following and epoch_seconds(following.at) <= sample.at:
            last[_map_index(following)] = following
            following = next(requests)
        yield sum(
            index in last and last[index].status == 429 and epoch_seconds(last[index].at) >= since
            for index, since in sample.since.items()
        )


def _map_index(request: RecordedRequest) -> int:
    form, _, number = _topic(request).partition(" ")
    return UNMAPPED if form == "batch" else int(number)


def _topic(request: RecordedRequest) -> str:
    return str(request.body["brief"]["topic"])


def _rate(result: FormResult, plan: ClusterPlan) -> ReportRow:
    times = sorted(epoch_seconds(job.started_at) for job in result.jobs)
    allowed = STARTS_PER_MINUTE.get(plan.tier)
    if allowed is None or plan.chains <= allowed:
        return ReportRow("starts per minute", f"{_per_minute(times):.1f}")
    # A full bucket lets so many start at once, or within the first minute; the tier paces the others.
    rate = _per_minute(times[allowed - 1 :])
    return _row(
        f"starts per minute after the first {allowed}",
        f"{rate:.1f}, {rate / allowed:.0%} of the tier's {allowed}",
        f">= {MIN_SHARE_OF_RATE:.0%}",
        passed=rate / allowed >= MIN_SHARE_OF_RATE,
    )


def _per_minute(times: list[float]) -> float:
    return 60 * (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0


def _start_requests(result: FormResult) -> list[RecordedRequest]:
    return [
        request
        for request in result.requests
        if request.method == "POST" and request.path.startswith("/v1/projects/")
    ]


def _per_chain(name: str, counts: Counter[str], chains: list[str]) -> ReportRow:
    wrong = [f"{chain}: {counts[chain]}" for chain in chains if counts[chain] != 1]
    return _row(name, f"{counts.total() / len(chains):.3f}", "1.000", passed=not wrong, details=_first(wrong))


def _first(details: list[str]) -> list[str]:
    rest = len(details) - MAX_DETAILS
    return details if rest <= 0 else [*details[:MAX_DETAILS], f"and {rest} more"]


def _row(
    name: str, value: str, required: str, *, passed: bool, details: list[str] | None = None
) -> ReportRow:
    return ReportRow(name, value, required, passed, details or [])


def compare_forms(batch: FormResult, mapped: FormResult) -> list[ReportRow]:
    """Return what the batch form costs as a part of what the mapped form costs."""
    return [
        ReportRow("CPU of Airflow, batch / mapped", f"{batch.cpu[0] / mapped.cpu[0]:.3f}"),
        ReportRow("wall time, batch / mapped", f"{batch.seconds / mapped.seconds:.3f}"),
    ]
