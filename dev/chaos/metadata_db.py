"""Airflow's metadata database, read from its SQLite file: that costs the api-server nothing."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class TaskInstanceKey(NamedTuple):
    """A task instance over all its tries."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int

    def __str__(self) -> str:
        index = "" if self.map_index < 0 else f"[{self.map_index}]"
        return f"{self.dag_id} {self.run_id} {self.task_id}{index}"


@dataclass(frozen=True)
class TaskInstanceRecord:
    """A row of the table of task instances.

    :param key: the task instance
    :param state: Airflow's name of the state, or None
    :param try_number: number of the current try
    :param max_tries: number of retries that Airflow allows
    :param operator: class name of the operator
    """

    key: TaskInstanceKey
    state: str | None
    try_number: int
    max_tries: int
    operator: str


class MetadataDb:
    """The SQLite file of an Airflow.

    :param home: its AIRFLOW_HOME
    """

    def __init__(self, home: Path) -> None:
        self._path = home / "airflow.db"

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        uri = f"file:{self._path}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=60)) as database:
            return database.execute(sql, values).fetchall()

    def task_instances(self, *states: str) -> list[TaskInstanceRecord]:
        """Return the task instances in these states, or in any state, ordered by key."""
        rows = self.query(
            "SELECT dag_id, run_id, task_id, map_index, state, try_number, max_tries, operator "
            "FROM task_instance ORDER BY dag_id, run_id, task_id, map_index"
        )
        records = (TaskInstanceRecord(TaskInstanceKey(*row[:4]), *row[4:]) for row in rows)
        return [record for record in records if not states or record.state in states]

    def task_instance_key(self, task_instance_id: str) -> TaskInstanceKey | None:
        """Return the key of a task instance by its UUID, which changes with every try."""
        sql = "SELECT dag_id, run_id, task_id, map_index FROM task_instance WHERE id IN (?, ?)"
        rows = self.query(sql, task_instance_id, task_instance_id.replace("-", ""))
        return TaskInstanceKey(*rows[0]) if rows else None

    def clear_counts(self) -> dict[TaskInstanceKey, set[int]]:
        """Return every value of ``max_tries`` of each task instance: a clear raises it, a retry does not."""
        counts: dict[TaskInstanceKey, set[int]] = {}
        for *key, max_tries in self.query(
            "SELECT dag_id, run_id, task_id, map_index, max_tries FROM task_instance UNION "
            "SELECT dag_id, run_id, task_id, map_index, max_tries FROM task_instance_history"
        ):
            counts.setdefault(TaskInstanceKey(*key), set()).add(max_tries)
        return counts

    def active_runs(self) -> int:
        """Return the number of DAG runs that have not ended."""
        sql = "SELECT COUNT(*) FROM dag_run WHERE state IN ('running', 'queued')"
        return int(self.query(sql)[0][0])

    def xcoms(self) -> dict[TaskInstanceKey, dict[str, Any]]:
        """Return the XComs of each task instance by key."""
        xcoms: dict[TaskInstanceKey, dict[str, Any]] = {}
        for *key, name, value in self.query(
            "SELECT dag_id, run_id, task_id, map_index, key, value FROM xcom"
        ):
            xcoms.setdefault(TaskInstanceKey(*key), {})[name] = _decoded(value)
        return xcoms


def _decoded(value: Any) -> Any:
    # Airflow encodes twice: the value, and the JSON column.
    for _ in range(2):
        if isinstance(value, str | bytes):
            with contextlib.suppress(ValueError):
                value = json.loads(value)
    return value
