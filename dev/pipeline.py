"""One run of the content pipeline in a local Airflow against the emulator, and a look at what came of it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dev.console import UNSAID
from dev.environment import EmulatorProcess
from dev.home import CHECKOUT
from dev.local_airflow import LocalAirflow
from dev.releases import airflow_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_layers.emulator.control_client import CreatedJob
    from dev.airflow_client import FinishedRun, TaskRow
    from dev.console import Screen

DAG_ID = "example_layers_content_pipeline"
JOB_SECONDS = 6.0


@dataclass
class Stage:
    """A local Airflow and the API it talks to, both running."""

    airflow: LocalAirflow
    emulator: EmulatorProcess


@dataclass
class Outcome:
    """What a run has brought about, seen from both sides.

    :param run: the run, seen from Airflow
    :param seen: the states in which each task instance was seen, in the order in which they began
    :param jobs: the jobs that the API has started, as its ledger shows them
    :param posts: the project's scheduled posts, as the API shows them
    :param pictures: addresses of the pictures of each container
    """

    run: FinishedRun
    seen: dict[str, list[str]] = field(default_factory=dict)
    jobs: list[CreatedJob] = field(default_factory=list)
    posts: list[dict[str, Any]] = field(default_factory=list)
    pictures: dict[str, list[str]] = field(default_factory=dict)

    @property
    def waited_deferred(self) -> set[str]:
        """The task instances that were seen waiting in the triggerer."""
        return {label for label, states in self.seen.items() if "deferred" in states}

    @property
    def job_ids(self) -> list[str]:
        """The jobs that Airflow's tasks know about."""
        return _unique(entries["job_id"] for entries in self.run.xcoms.values() if entries.get("job_id"))

    @property
    def container_ids(self) -> list[str]:
        """The containers that Airflow's tasks know about."""
        lists = (entries.get("container_ids") or [] for entries in self.run.xcoms.values())
        return _unique(container for containers in lists for container in containers)


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


@contextlib.contextmanager
def stage(name: str, screen: Screen, password: str | None = None) -> Iterator[Stage]:
    """Start the emulator and a local Airflow that is connected to it, and end both afterwards.

    :param name: names the AIRFLOW_HOME
    :param screen: told about the progress
    :param password: of the Airflow user ``admin``
    """
    screen.title(f"Layers content pipeline on Airflow {airflow_version()}")
    with contextlib.ExitStack() as stack:
        emulator = stack.enter_context(EmulatorProcess(name, job_seconds=JOB_SECONDS))
        screen.happened("Layers API (emulator)", emulator.address)
        airflow = LocalAirflow(
            name,
            CHECKOUT / "example_dags",
            connections={"layers_default": emulator.control.airflow_connection_json},
            password=password,
        )
        stack.enter_context(airflow)
        screen.happened(f"Airflow ({len(airflow.components)} processes)", airflow.address)
        yield Stage(airflow, emulator)
        stack.close()
        screen.happened("every process", "stopped")


def run_pipeline(on: Stage, screen: Screen) -> Outcome:
    """Run the pipeline and collect what came of it.

    :param on: the running Airflow and emulator
    :param screen: told about the progress
    """
    seen: dict[str, list[str]] = {}

    def changed(row: TaskRow) -> None:
        if row.state not in UNSAID:
            seen.setdefault(row.label, []).append(row.state)
        screen.task_changed(row)

    world = on.emulator.control
    place = {"project_id": world.project_id, "social_account_id": world.social_account_ids[0]}
    run = on.airflow.run_dag(DAG_ID, place, on_change=changed)
    screen.happened("the run", f"{run.state} after {run.seconds:.1f} s")
    outcome = Outcome(run, seen, world.jobs())
    outcome.posts = list(on.emulator.items(f"/v1/projects/{world.project_id}/scheduled-posts"))
    for container in outcome.container_ids:
        preview = on.emulator.get(f"/v1/content/{container}").get("preview") or {}
        # A film has no pictures of its own but a still.
        stills = [url for url in (preview.get("thumbnailUrl"),) if url]
        outcome.pictures[container] = preview.get("imageUrls") or stills
    return outcome


def complaints(outcome: Outcome, emulator: EmulatorProcess) -> list[str]:
    """Say what is not as it should be; nothing, if all is well.

    :param outcome: what the run has brought about
    :param emulator: serves the pictures
    """
    run = outcome.run
    found = [f"{task.label} is {task.state}" for task in run.tasks if task.state != "success"]
    if run.state != "success" and not found:
        found.append(f"the run is {run.state}")
    if not outcome.waited_deferred:
        found.append("no task was seen waiting in the triggerer")
    if not outcome.job_ids:
        found.append("no task knows of a job")
    if len(outcome.jobs) != len(outcome.job_ids):
        found.append(f"the API has started {len(outcome.jobs)} jobs for {len(outcome.job_ids)} in Airflow")
    if not outcome.container_ids:
        found.append("no task knows of a container")
    return found + [
        text for container in outcome.container_ids for text in _lacks(container, outcome, emulator)
    ]


def _lacks(container: str, outcome: Outcome, emulator: EmulatorProcess) -> Iterator[str]:
    if all(post["containerId"] != container for post in outcome.posts):
        yield f"{container} has no scheduled post"
    if not outcome.pictures[container]:
        yield f"{container} has no pictures"
    for address in outcome.pictures[container]:
        if not emulator.picture_type(address).startswith("image/"):
            yield f"{address} is not a picture"
