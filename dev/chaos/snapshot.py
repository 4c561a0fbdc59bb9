"""What is left when everything has ended, from both sides."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dev.chaos.metadata_db import Books, Instance, Place, chaos_files

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_layers.emulator.control_client import CreatedJob, RecordedRequest
    from dev.chaos.actions import Deed, Kill, Record
    from dev.chaos.scene import Scene

# A job is named by its id or, where the answer never came, by the key that it was asked for with.
NAME = re.compile(rb"job_[0-9A-HJKMNP-TV-Z]{26}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
UNCANCELED = re.compile(rb"(job_[0-9A-HJKMNP-TV-Z]{26}) may still be running")


def seconds(moment: str | None) -> float:
    """Turn a moment of the emulator into seconds since the epoch; none is the end of time.

    :param moment: ISO 8601
    """
    return datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp() if moment else float("inf")


@dataclass
class Evidence:
    """The end state.

    :param instances: the task instances, by place
    :param generations: the clear generations that Airflow's books know of each
    :param xcoms: what they left
    :param active_runs: DAG runs that have not ended
    :param jobs: the jobs of the ledger, oldest first
    :param requests: the requests of the ledger, oldest first
    :param posts: the scheduled posts
    :param pending: containers that nobody has approved, so that a schedule of them makes no post yet
    :param named: the job ids and keys that some log or XCom names
    :param uncanceled: jobs of which a log says that they could not be canceled
    :param leaks: files that hold the API key
    :param trapped: requests that followed a redirect
    :param record: what the adversary did
    :param home: the AIRFLOW_HOME
    """

    instances: dict[Place, Instance]
    generations: dict[Place, set[int]]
    xcoms: dict[Place, dict[str, Any]]
    active_runs: int
    jobs: list[CreatedJob]
    requests: list[RecordedRequest]
    posts: list[dict[str, Any]]
    pending: set[str]
    record: Record
    home: Path
    trapped: int = 0
    named: set[str] = field(default_factory=set)
    uncanceled: set[str] = field(default_factory=set)
    leaks: list[str] = field(default_factory=list)

    def logs(self, place: Place) -> str:
        """Say where the logs of a task instance are.

        :param place: the task instance
        """
        folder = f"dag_id={place.dag_id}/run_id={place.run_id}/task_id={place.task_id}"
        index = f"/map_index={place.map_index}" if place.map_index >= 0 else ""
        return f"{self.home}/logs/{folder}{index}"


def settle(scene: Scene, patience: float = 60.0) -> None:
    """Wait until no job runs and no post is on its way: nobody disturbs them any more.

    :param scene: the emulator
    :param patience: seconds
    """
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if all(job.status != "running" for job in scene.emulator.control.jobs()):
            return
        time.sleep(2.0)


def collect(scene: Scene, record: Record, trapped: int) -> Evidence:
    """Gather everything but the files, which are complete only when Airflow has ended.

    :param scene: the running Airflow and emulator
    :param record: what the adversary did
    :param trapped: requests that followed a redirect
    """
    control, books = scene.emulator.control, Books(scene.airflow.home)
    project = f"/v1/projects/{control.project_id}"
    containers = scene.emulator.items(f"{project}/content", limit=200)
    runs = books.runs()
    return Evidence(
        instances={one.place: one for one in books.instances()},
        generations=books.generations(),
        xcoms=books.xcoms(),
        active_runs=runs.get("running", 0) + runs.get("queued", 0),
        jobs=control.jobs(),
        requests=control.requests(),
        posts=list(scene.emulator.items(f"{project}/scheduled-posts", limit=100)),
        pending={one["id"] for one in containers if one["approvalStatus"] == "pending"},
        record=record,
        home=scene.airflow.home,
        trapped=trapped,
    )


def search(evidence: Evidence, api_key: str) -> None:
    """Read every file under the AIRFLOW_HOME: for the key, and for the jobs that are named there.

    :param evidence: takes what is found
    :param api_key: the key
    """
    needles = {form.encode() for form in (api_key, quote(api_key, safe=""))}
    for path in chaos_files(evidence.home):
        content = path.read_bytes()
        if any(needle in content for needle in needles):
            evidence.leaks.append(str(path))
        if "logs" in path.parts:
            evidence.named |= {found.decode() for found in NAME.findall(content)}
            evidence.uncanceled |= {found.decode() for found in UNCANCELED.findall(content)}
    for left in evidence.xcoms.values():
        evidence.named |= {found.decode() for found in NAME.findall(str(left).encode())}


def write_diary(evidence: Evidence) -> None:
    """Leave what the adversary did beside the logs, for whoever has to explain a miss.

    :param evidence: the end state
    """
    done: list[Kill | Deed] = [*evidence.record.kills, *evidence.record.deeds]
    done.sort(key=lambda one: one.at)
    lines = [f"{datetime.fromtimestamp(one.at, timezone.utc):%H:%M:%S} {one}" for one in done]
    (evidence.home / "chaos.log").write_text("\n".join(lines) + "\n")
