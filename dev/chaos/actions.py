"""What the adversary does to Airflow: it kills processes, and it marks and clears tasks as users do."""

from __future__ import annotations

import re
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from dev.airflow_client import AirflowError, run_path
from dev.chaos.metadata_db import TaskInstanceKey
from dev.processes import process_tree, signal_all

if TYPE_CHECKING:
    import random

    from dev.airflow_client import RestClient
    from dev.chaos.metadata_db import MetadataDb, TaskInstanceRecord
    from dev.local_airflow import LocalAirflow

CLEAR = "clear"
MARK_FAILED = "mark failed"
MARK_SUCCESS = "mark success"
ACTION_WEIGHTS = {CLEAR: 5, MARK_FAILED: 3, MARK_SUCCESS: 2}
# A canceled post cannot be rescheduled: clearing these again fails, and correctly so.
NEVER_CLEARED = frozenset({"reschedule", "cancel_post"})
# Waiting tasks, and among them those that start jobs, are where an action can cost money.
WAITING_SHARE = 0.75
SUBMITTING_SHARE = 0.75
SUBMITTING_TASKS = ("generate", "clone", "regenerate")

KILL_WEIGHTS = {"task": 12, "worker": 7, "triggerer": 7, "scheduler": 4, "scheduler with its workers": 3}
# An idle worker may hold the lock of the executor's queue while it waits there. Killing that process
# stops LocalExecutor for good, a fault of Airflow that is no subject here.
WORKER_TITLE = re.compile(r"airflow worker -- LocalExecutor[^:]*: (?!<idle>)")
TASK_TITLE = re.compile(r"airflow worker -- ([0-9a-f-]{36})")


@dataclass(frozen=True)
class Kill:
    """A SIGKILL.

    :param at: epoch seconds
    :param kind: what was killed, a key of `KILL_WEIGHTS`
    :param target: the task instance that the process was running, if known
    """

    at: float
    kind: str
    target: TaskInstanceKey | None = None


@dataclass(frozen=True)
class UserAction:
    """A mark or a clear of a task instance.

    :param at: epoch seconds
    :param action: ``CLEAR``, ``MARK_FAILED`` or ``MARK_SUCCESS``
    :param target: the task instance
    :param state: its state shortly before, or None
    :param has_process: whether a process was running it
    :param confirmed: whether Airflow responded with success
    """

    at: float
    action: str
    target: TaskInstanceKey
    state: str | None
    has_process: bool
    confirmed: bool = True


@dataclass
class ActionLog:
    """Everything that was done, so that the end state can be explained.

    :param kills: the kills, oldest first
    :param user_actions: marks and clears, oldest first; a clear has an entry for each of its task instances
    :param user_requests: number of requests behind the user actions
    :param notes: other events that a reader should know, with their number
    """

    kills: list[Kill] = field(default_factory=list)
    user_actions: list[UserAction] = field(default_factory=list)
    user_requests: int = 0
    notes: Counter[str] = field(default_factory=Counter)

    def note(self, text: str, error: Exception | None = None) -> None:
        """Count an event, with the status code or the class of its error."""
        status = re.search(r"got \d+", str(error)) if error else None
        self.notes[f"{text} ({status[0] if status else type(error).__name__})" if error else text] += 1

    def actions_on(self, target: TaskInstanceKey, *actions: str) -> list[UserAction]:
        """Return the actions of these kinds, or of any kind, on a task instance."""
        return [
            entry
            for entry in self.user_actions
            if entry.target == target and (not actions or entry.action in actions)
        ]

    def last_action_on(self, target: TaskInstanceKey) -> UserAction | None:
        """Return the last action on a task instance."""
        actions = self.actions_on(target)
        return actions[-1] if actions else None


class ProcessKiller:
    """Kills busy processes of one Airflow, and starts its components again.

    :param airflow: the Airflow
    :param db: its metadata database
    :param rng: chooses the processes
    """

    def __init__(self, airflow: LocalAirflow, db: MetadataDb, rng: random.Random) -> None:
        self._airflow = airflow
        self._db = db
        self._rng = rng

    def kill_something(self) -> Kill | None:
        """Kill a process of a random kind; return None if no process of that kind is busy."""
        kind = self._rng.choices([*KILL_WEIGHTS], [*KILL_WEIGHTS.values()])[0]
        if kind == "task":
            return self._kill_process(kind, TASK_TITLE)
        if kind == "worker":
            return self._kill_process(kind, WORKER_TITLE)
        self.restart(kind.partition(" ")[0], with_descendants=kind != "scheduler")
        return Kill(time.time(), kind)

    def restart(self, component: str, *, with_descendants: bool) -> None:
        """Kill a component and start it again."""
        self._airflow.kill(component, signal.SIGKILL, with_descendants=with_descendants)
        self._airflow.start(component)

    def revive(self) -> list[str]:
        """Start every component that has ended, and return their names."""
        ended = [name for name in self._airflow.components if not self._airflow.running(name)]
        for name in ended:
            self._airflow.start(name)
        return ended

    def running_tasks(self) -> set[TaskInstanceKey]:
        """Return the task instances that a living process is running."""
        matches = (TASK_TITLE.match(title) for _, title in self._titles())
        keys = (self._db.task_instance_key(match[1]) for match in matches if match)
        return {key for key in keys if key}

    def _kill_process(self, kind: str, title: re.Pattern[str]) -> Kill | None:
        candidates = [(pid, match) for pid, text in self._titles() if (match := title.match(text))]
        if not candidates:
            return None
        pid, match = self._rng.choice(sorted(candidates, key=lambda candidate: candidate[0]))
        target = self._db.task_instance_key(match[1]) if title is TASK_TITLE else None
        signal_all([pid], signal.SIGKILL)
        return Kill(time.time(), kind, target)

    def _titles(self) -> list[tuple[int, str]]:
        leader = self._airflow.pid("scheduler")
        titles = []
        for pid in process_tree({leader} if leader else set()):
            try:
                title = Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                continue  # it has ended
            titles.append((pid, title.replace(b"\0", b" ").decode(errors="replace").strip()))
        return titles


class Users:
    """Marks and clears tasks through Airflow's REST API.

    :param client: the REST API
    :param db: the metadata database, to choose tasks from
    :param killer: knows which tasks have a process
    :param rng: chooses tasks and actions
    :param log: records the actions
    """

    def __init__(
        self, client: RestClient, db: MetadataDb, killer: ProcessKiller, rng: random.Random, log: ActionLog
    ) -> None:
        self._client = client
        self._db = db
        self._killer = killer
        self._rng = rng
        self._log = log

    def act(self) -> None:
        """Mark or clear a random task instance."""
        waiting = self._rng.random() < WAITING_SHARE
        candidates = self._candidates(("running", "deferred") if waiting else ("success",))
        if not candidates:
            return
        submitting = [record for record in candidates if record.key.task_id.startswith(SUBMITTING_TASKS)]
        if submitting and self._rng.random() < SUBMITTING_SHARE:
            candidates = submitting
        chosen = self._rng.choice(candidates)
        weights = ACTION_WEIGHTS if waiting else {CLEAR: 1}
        action = self._rng.choices([*weights], [*weights.values()])[0]
        self._log.user_requests += 1
        if action == CLEAR:
            self._clear(chosen.key)
        else:
            self._mark(chosen, action)

    def _candidates(self, states: tuple[str, ...]) -> list[TaskInstanceRecord]:
        active = set(self._db.query("SELECT dag_id, run_id FROM dag_run WHERE state = 'running'"))
        return [
            record
            for record in self._db.task_instances(*states)
            if record.key[:2] in active and record.key.task_id not in NEVER_CLEARED
        ]

    def _mark(self, chosen: TaskInstanceRecord, action: str) -> None:
        key = chosen.key
        path = f"{run_path(key.dag_id, key.run_id)}/taskInstances/{key.task_id}"
        if key.map_index >= 0:
            path += f"/{key.map_index}"
        has_process = key in self._killer.running_tasks()
        at = time.time()
        response = self._request("PATCH", path, json={"new_state": action.rpartition(" ")[2]})
        self._log.user_actions.append(
            UserAction(at, action, key, chosen.state, has_process, confirmed=response is not None)
        )

    def _clear(self, key: TaskInstanceKey) -> None:
        body = {
            "dry_run": True,
            "dag_run_id": key.run_id,
            "task_ids": [key.task_id if key.map_index < 0 else [key.task_id, key.map_index]],
            "only_failed": False,
            "include_downstream": True,
            "reset_dag_runs": True,
        }
        path = f"/dags/{key.dag_id}/clearTaskInstances"
        preview = self._request("POST", path, json=body)
        states = {record.key: record.state for record in self._db.task_instances()}
        running = self._killer.running_tasks()
        at = time.time()
        response = preview and self._request("POST", path, json={**body, "dry_run": False})
        for row in (response or preview or {}).get("task_instances", []):
            cleared = TaskInstanceKey(key.dag_id, key.run_id, row["task_id"], row["map_index"])
            self._log.user_actions.append(
                UserAction(
                    at,
                    CLEAR,
                    cleared,
                    states.get(cleared),
                    cleared in running,
                    confirmed=response is not None,
                )
            )

    def _request(self, method: str, path: str, **kwargs: Any) -> Any:
        try:
            # Sent once, so that the time of the action is known.
            return self._client.request(method, path, repeatable=False, **kwargs)
        except (AirflowError, httpx.HTTPError) as error:
            self._log.note("a user's request failed", error)
            return None
