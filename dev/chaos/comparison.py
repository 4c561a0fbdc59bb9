"""The same adversary at three providers at once, and what each of them paid."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from dev.airflow_client import UNMAPPED
from dev.chaos.actions import CLEAR
from dev.chaos.campaign import Campaign
from dev.chaos.check_cancels import MERCY
from dev.chaos.livy_gateway import gateway
from dev.chaos.metadata_db import Place
from dev.chaos.scene import scene
from dev.chaos.snapshot import collect, seconds, settle
from dev.chaos.trap import trap
from dev.home import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_layers.emulator.control_client import CreatedJob
    from dev.chaos.plan import Plan
    from dev.chaos.snapshot import Evidence

DAGS = CHECKOUT / "dev" / "chaos" / "comparison_pipelines.py"
NAMES = {
    "compare_layers": "this provider",
    "compare_http": "HttpOperator + HttpSensor",
    "compare_livy": "LivyOperator",
}
LINES = (
    "submitting task instances",
    "jobs started",
    "jobs paid for (completed)",
    "of which in vain",
    "jobs paid for per job wanted",
    "jobs that outlived a mark or clear",
    "tasks failed without a person",
)


def compare(name: str, plan: Plan, say: Callable[[str], None]) -> str:
    """Let the adversary work on all of them, and return the table.

    :param name: names the AIRFLOW_HOME
    :param plan: the numbers
    :param say: told about the progress
    """
    begin = time.monotonic()
    with trap() as redirects, scene(name, plan, DAGS, _connections) as stage:
        campaign = Campaign(stage, plan, say, redirects.address, tuple(NAMES))
        campaign.run()
        settle(stage)
        evidence = collect(stage, campaign.record, redirects.caught)
    kills, acts = len(campaign.record.kills), campaign.record.acts
    say(f"seed {plan.seed}, {time.monotonic() - begin:.0f} s, {kills} kills, {acts} marks and clears")
    columns = {NAMES[dag_id]: _column(evidence, dag_id) for dag_id in NAMES}
    widths = {column: max(len(column), 8) for column in columns}
    head = " " * 36 + "  ".join(f"{column:>{width}}" for column, width in widths.items())
    rows = [
        f"{line:<36}" + "  ".join(f"{columns[column][line]:>{width}}" for column, width in widths.items())
        for line in LINES
    ]
    return "\n".join([head, *rows])


def _connections(api: Any, stack: Any) -> dict[str, str]:
    """Point Airflow's connections at the emulator, and Livy's at the gateway in front of it."""
    livy = stack.enter_context(gateway(api.url, api.api_key, api.project_id))
    return {
        "http_default": json.dumps({"conn_type": "http", "host": api.url, "password": api.api_key}),
        "livy_default": json.dumps({"conn_type": "livy", "host": livy}),
    }


def _column(evidence: Evidence, dag_id: str) -> dict[str, str]:
    wanted = {
        place: 1 + len(evidence.record.of(place, CLEAR))
        for place in evidence.instances
        if place.dag_id == dag_id and place.task_id.startswith("generate")
    }
    started = _started(evidence, dag_id)
    # What failed or was canceled was not paid for.
    paid = {place: sum(job.status == "completed" for job in jobs) for place, jobs in started.items()}
    vain = sum(max(0, count - wanted.get(place, 0)) for place, count in paid.items())
    count = sum(paid.values())
    jobs = sum(map(len, started.values()))
    numbers = (len(wanted), jobs, count, vain, f"{count / max(1, count - vain):.3f}")
    rest = (_outlived(evidence, started), _failed(evidence, dag_id))
    return dict(zip(LINES, map(str, (*numbers, *rest)), strict=True))


def _started(evidence: Evidence, dag_id: str) -> dict[Place, list[CreatedJob]]:
    """Collect the jobs of each task instance, by the topic that it gave them."""
    found: dict[Place, list[CreatedJob]] = {}
    starts = (
        request
        for request in evidence.requests
        if request.method == "POST"
        and request.path.endswith("/content")
        and request.executed
        and not request.replayed
    )
    # Both are in the order in which the emulator did them.
    for request, job in zip(starts, evidence.jobs, strict=True):
        topic = str(request.body["brief"]["topic"]).split("|")
        if topic[0] == dag_id:
            found.setdefault(Place(topic[0], topic[1], topic[2], UNMAPPED), []).append(job)
    return found


def _outlived(evidence: Evidence, started: dict[Place, list[CreatedJob]]) -> str:
    """Count the jobs that a person ended together with their task, and those of them that went on."""
    ended = [
        job
        for place, jobs in started.items()
        for job in jobs
        for deed in evidence.record.of(place) + evidence.record.of(_waits_for(place))
        if deed.state in ("running", "deferred")
        and seconds(job.started_at) < deed.at < seconds(job.finished_at) - MERCY
    ]
    return f"{sum(not job.cancel_requested for job in ended)} of {len(ended)}"


def _waits_for(place: Place) -> Place:
    return place._replace(task_id=place.task_id.replace("generate", "wait"))


def _failed(evidence: Evidence, dag_id: str) -> int:
    """Count the tasks that failed in runs in which no person did anything and no job failed."""
    disturbed = {deed.place.run_id for deed in evidence.record.deeds}
    disturbed |= {
        place.run_id
        for place, jobs in _started(evidence, dag_id).items()
        if any(job.status == "failed" for job in jobs)
    }
    return sum(
        one.state == "failed" and one.place.dag_id == dag_id and one.place.run_id not in disturbed
        for one in evidence.instances.values()
    )
