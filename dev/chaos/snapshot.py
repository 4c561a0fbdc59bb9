"""The end state of a chaos run: the API's request log, Airflow's database, and the files under its home."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dev.chaos.metadata_db import MetadataDb, TaskInstanceKey, TaskInstanceRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_layers.emulator.control_client import CreatedJob, RecordedRequest
    from dev.chaos.actions import ActionLog, Kill, UserAction
    from dev.environment import Environment

# A log names a job by its id or, if no response arrived, by the idempotency key of the request.
JOB_NAME = re.compile(rb"job_[0-9A-HJKMNP-TV-Z]{26}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
UNCANCELED = re.compile(rb"(job_[0-9A-HJKMNP-TV-Z]{26}) may still be running")


def epoch_seconds(timestamp: str | None) -> float:
    """Return the epoch seconds of an ISO 8601 timestamp, and infinity for None."""
    return datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp() if timestamp else float("inf")


@dataclass
class Snapshot:
    """The state of both sides at one moment.

    :param task_instances: the task instances
    :param clear_counts: every clear count that Airflow's database has of each
    :param xcoms: their XComs
    :param active_runs: number of DAG runs that have not ended
    :param jobs: the jobs in the request log, oldest first
    :param requests: the requests in the request log, oldest first
    :param posts: the scheduled posts
    :param pending: containers without an approval; a schedule of one creates no post yet
    :param log: what the adversary did
    :param home: the AIRFLOW_HOME
    :param redirected: number of requests that followed a redirect
    :param named_jobs: job ids and idempotency keys in task logs and XComs
    :param uncanceled_jobs: jobs that could not be canceled, according to a task log
    :param leaks: files that contain the API key
    """

    task_instances: dict[TaskInstanceKey, TaskInstanceRecord]
    clear_counts: dict[TaskInstanceKey, set[int]]
    xcoms: dict[TaskInstanceKey, dict[str, Any]]
    active_runs: int
    jobs: list[CreatedJob]
    requests: list[RecordedRequest]
    posts: list[dict[str, Any]]
    pending: set[str]
    log: ActionLog
    home: Path
    redirected: int = 0
    named_jobs: set[str] = field(default_factory=set)
    uncanceled_jobs: set[str] = field(default_factory=set)
    leaks: list[str] = field(default_factory=list)

    def log_folder(self, key: TaskInstanceKey) -> Path:
        """Return the folder with the logs of a task instance."""
        folder = (
            self.home / "logs" / f"dag_id={key.dag_id}" / f"run_id={key.run_id}" / f"task_id={key.task_id}"
        )
        return folder / f"map_index={key.map_index}" if key.map_index >= 0 else folder

    def trigger_logs(self, key: TaskInstanceKey) -> list[Path]:
        """Return the logs of a task instance's triggers."""
        return list(self.log_folder(key).glob("*.trigger.*.log"))

    def search_files(self, api_key: str) -> None:
        """Read every file under the AIRFLOW_HOME: for the API key, and for names of jobs."""
        secret = api_key.split("_", 3)[-1]
        needles = {form.encode() for form in (api_key, secret, quote(secret, safe=""))}
        for path in _written_files(self.home):
            content = path.read_bytes()
            if any(needle in content for needle in needles):
                self.leaks.append(str(path))
            if "logs" in path.parts:
                self.named_jobs |= {name.decode() for name in JOB_NAME.findall(content)}
                self.uncanceled_jobs |= {name.decode() for name in UNCANCELED.findall(content)}
        for xcoms in self.xcoms.values():
            self.named_jobs |= {name.decode() for name in JOB_NAME.findall(str(xcoms).encode())}


def take_snapshot(environment: Environment, log: ActionLog, redirected: int = 0) -> Snapshot:
    """Collect everything but the content of files, which are complete only when Airflow has ended.

    :param environment: the running Airflow and emulator
    :param log: what the adversary did
    :param redirected: number of requests that followed a redirect
    """
    control, db = environment.emulator.control, MetadataDb(environment.airflow.home)
    project = f"/v1/projects/{control.project_id}"
    containers = environment.emulator.paginate(f"{project}/content", limit=200)
    return Snapshot(
        task_instances={record.key: record for record in db.task_instances()},
        clear_counts=db.clear_counts(),
        xcoms=db.xcoms(),
        active_runs=db.active_runs(),
        jobs=control.jobs(),
        requests=control.requests(),
        posts=list(environment.emulator.paginate(f"{project}/scheduled-posts", limit=100)),
        pending={container["id"] for container in containers if container["approvalStatus"] == "pending"},
        log=log,
        home=environment.airflow.home,
        redirected=redirected,
    )


def write_action_log(snapshot: Snapshot) -> None:
    """Write what the adversary did to ``chaos.log`` under the AIRFLOW_HOME, for the analysis of a miss."""
    entries: list[Kill | UserAction] = [*snapshot.log.kills, *snapshot.log.user_actions]
    entries.sort(key=lambda entry: entry.at)
    lines = [f"{datetime.fromtimestamp(entry.at, timezone.utc):%H:%M:%S} {entry}" for entry in entries]
    (snapshot.home / "chaos.log").write_text("\n".join(lines) + "\n")


def _written_files(home: Path) -> Iterator[Path]:
    for path in sorted(home.rglob("*")):
        if path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts:
            yield path
