"""Run the content pipeline once and check its effects in Airflow and in the API: ``python -m dev.demo``."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from dev import CHECKOUT
from dev.airflow_client import UNMAPPED, run_dag
from dev.console import HIDDEN_STATES, Console
from dev.environment import EmulatorProcess, Environment
from dev.local_airflow import LocalAirflow, sigterm_as_interrupt
from dev.releases import airflow_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_layers.emulator.control_client import CreatedJob
    from dev.airflow_client import FinishedRun, TaskRow

DAG_ID = "example_layers_content_pipeline"
WAIT_TASK = "wait"
# So long that every wait is deferred before its job ends, however slow the machine; the demo moves the
# emulator's clock instead of waiting.
JOB_SECONDS = 600


@contextlib.contextmanager
def demo_environment(
    name: str, console: Console, *, job_seconds: int, password: str | None = None
) -> Iterator[Environment]:
    """Start the emulator and a local Airflow with the example DAGs; stop both afterwards.

    :param name: name of the AIRFLOW_HOME
    :param console: prints the progress
    :param job_seconds: duration of the emulator's jobs
    :param password: password of the Airflow user ``admin``
    """
    console.heading(f"Layers content pipeline on Airflow {airflow_version()}")
    with contextlib.ExitStack() as stack:
        emulator = stack.enter_context(EmulatorProcess(name, "--job-seconds", str(job_seconds)))
        console.event("Layers API (emulator)", emulator.url)
        connections = {"layers_default": emulator.control.airflow_connection_json}
        airflow = LocalAirflow(name, [CHECKOUT / "example_dags"], connections=connections, password=password)
        stack.enter_context(airflow)
        console.event(f"Airflow ({len(airflow.components)} processes)", airflow.url)
        yield Environment(airflow, emulator)
        stack.close()
        console.event("every process", "stopped")


@dataclass
class PipelineResult:
    """The effects of a run, in Airflow and in the API.

    :param run: the run in Airflow
    :param seen: the observed states of each task instance, in the order in which the task instances started
    :param jobs: the jobs in the emulator's request log
    :param posts: the project's scheduled posts in the API
    :param pictures: URLs of the pictures of each container
    """

    run: FinishedRun
    seen: dict[str, list[str]] = field(default_factory=dict)
    jobs: list[CreatedJob] = field(default_factory=list)
    posts: list[dict[str, Any]] = field(default_factory=list)
    pictures: dict[str, list[str]] = field(default_factory=dict)

    @property
    def deferred(self) -> set[str]:
        """The task instances that were seen deferred."""
        return {label for label, states in self.seen.items() if "deferred" in states}

    @property
    def job_ids(self) -> list[str]:
        """The job ids in Airflow's XComs."""
        return _unique(xcoms["job_id"] for xcoms in self.run.xcoms.values() if xcoms.get("job_id"))

    @property
    def container_ids(self) -> list[str]:
        """The container ids in Airflow's XComs."""
        lists = (xcoms.get("container_ids") or [] for xcoms in self.run.xcoms.values())
        return _unique(container_id for container_ids in lists for container_id in container_ids)


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def run_pipeline(environment: Environment, console: Console) -> PipelineResult:
    """Run the pipeline and collect its effects.

    :param environment: the running Airflow and emulator
    :param console: prints the progress
    """
    emulator, control = environment.emulator, environment.emulator.control
    seen: dict[str, list[str]] = {}
    waits: dict[str, str] = {}

    def on_change(row: TaskRow) -> None:
        if row.state not in HIDDEN_STATES:
            seen.setdefault(row.label, []).append(row.state)
        console.task_changed(row)
        if row.task_id == WAIT_TASK and row.map_index != UNMAPPED:
            waits[row.label] = row.state
            if set(waits.values()) == {"deferred"}:
                control.advance(JOB_SECONDS)
                console.event("Layers API (emulator)", f"its clock moved {JOB_SECONDS // 60} minutes ahead")

    conf = {"project_id": control.project_id, "social_account_id": control.social_account_ids[0]}
    run = run_dag(environment.airflow.client, DAG_ID, conf, on_change=on_change)
    console.event("the run", f"{run.state} after {run.seconds:.1f} s")
    posts = list(emulator.paginate(f"/v1/projects/{control.project_id}/scheduled-posts"))
    result = PipelineResult(run, seen, control.jobs(), posts)
    for container_id in result.container_ids:
        preview = emulator.get(f"/v1/content/{container_id}").get("preview") or {}
        # A video has no pictures but a still.
        stills = [url for url in (preview.get("thumbnailUrl"),) if url]
        result.pictures[container_id] = preview.get("imageUrls") or stills
    return result


def problems(result: PipelineResult) -> list[str]:
    """Return everything that is wrong with a result, while the emulator still serves the pictures."""
    run = result.run
    found = [f"{task.label} is {task.state}" for task in run.tasks if task.state != "success"]
    if run.state != "success" and not found:
        found.append(f"the run is {run.state}")
    if not result.deferred:
        found.append("no task was seen deferred")
    if not result.job_ids:
        found.append("there is no job id in Airflow's XComs")
    if len(result.jobs) != len(result.job_ids):
        found.append(f"the API has {len(result.jobs)} jobs, Airflow has {len(result.job_ids)}")
    if not result.container_ids:
        found.append("there is no container id in Airflow's XComs")
    for container_id in result.container_ids:
        found += _content_problems(container_id, result)
    return found


def _content_problems(container_id: str, result: PipelineResult) -> Iterator[str]:
    if all(post["containerId"] != container_id for post in result.posts):
        yield f"{container_id} has no scheduled post"
    if not result.pictures[container_id]:
        yield f"{container_id} has no pictures"
    for url in result.pictures[container_id]:
        response = httpx.get(url, timeout=60.0, trust_env=False)
        if response.is_error or not response.headers.get("content-type", "").startswith("image/"):
            yield f"{url} is not a picture"


def print_result(result: PipelineResult, console: Console) -> None:
    """Print tables of the tasks, jobs, posts and pictures."""
    console.heading("Tasks")
    order = {label: place for place, label in enumerate(result.seen)}
    console.table(
        ("task", "state", "tries", "waited"),
        [
            (
                task.label,
                task.state,
                str(task.try_number),
                "deferred" if task.label in result.deferred else "",
            )
            for task in sorted(result.run.tasks, key=lambda task: order.get(task.label, len(order)))
        ],
    )
    console.heading("Jobs and their containers")
    console.table(
        ("job", "kind", "status", "container"),
        [
            (job.job_id, job.kind, job.status, container_id)
            for job in result.jobs
            for container_id in job.container_ids
        ],
    )
    console.heading("Scheduled posts")
    columns = ("id", "containerId", "platform", "status", "scheduledFor")
    console.table(
        ("post", "container", "on", "status", "at"),
        [tuple(post[column] for column in columns) for post in reversed(result.posts)],
    )
    console.heading("Pictures")
    console.table(
        ("container", "URL"),
        [(container_id, url) for container_id, urls in result.pictures.items() for url in urls],
    )


def main() -> int:
    """Run the demo and return the exit code."""
    console = Console()
    with sigterm_as_interrupt():
        with demo_environment("demo", console, job_seconds=JOB_SECONDS) as environment:
            result = run_pipeline(environment, console)
            found = problems(result)
        print_result(result, console)
    print("\n  (The pictures are gone with the emulator; `make playground` keeps it running.)")
    if found:
        console.heading("Problems:")
        print("\n".join(f"  - {problem}" for problem in found))
    else:
        console.heading(f"Everything is as expected, in {console.seconds:.0f} s.")
    return 1 if found else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
