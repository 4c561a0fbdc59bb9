"""Airflow's own books, read from its SQLite file: reading there costs the api-server nothing."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Place(NamedTuple):
    """Where a task instance is, over all its tries."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int

    def __str__(self) -> str:
        index = "" if self.map_index < 0 else f"[{self.map_index}]"
        return f"{self.dag_id} {self.run_id} {self.task_id}{index}"


@dataclass(frozen=True)
class Instance:
    """A task instance as the books show it.

    :param place: where it is
    :param state: Airflow's word, or None
    :param try_number: which try it is in
    :param max_tries: the number of the last try that Airflow would make
    :param operator: class name
    """

    place: Place
    state: str | None
    try_number: int
    max_tries: int
    operator: str


class Books:
    """The SQLite file of an Airflow.

    :param home: its AIRFLOW_HOME
    """

    def __init__(self, home: Path) -> None:
        self._path = home / "airflow.db"

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return what a query gives.

        :param query: SQL
        :param values: its parameters
        """
        address = f"file:{self._path}?mode=ro"
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=20)) as database:
            return database.execute(query, values).fetchall()

    def instances(self, *states: str) -> list[Instance]:
        """Return the task instances, in the order of their places.

        :param states: only those in one of these states; all if none is named
        """
        found = self.rows(
            "SELECT dag_id, run_id, task_id, map_index, state, try_number, max_tries, operator "
            "FROM task_instance ORDER BY dag_id, run_id, task_id, map_index"
        )
        every = (Instance(Place(*row[:4]), *row[4:]) for row in found)
        return [one for one in every if not states or one.state in states]

    def place_of(self, instance_id: str) -> Place | None:
        """Return the place of a task instance.

        :param instance_id: its UUID, which changes with every try
        """
        query = "SELECT dag_id, run_id, task_id, map_index FROM task_instance WHERE id IN (?, ?)"
        found = self.rows(query, instance_id, instance_id.replace("-", ""))
        return Place(*found[0]) if found else None

    def generations(self) -> dict[Place, set[int]]:
        """Return the clear generations that each task instance has had in any of its tries."""
        found: dict[Place, set[int]] = {}
        for *place, most in self.rows(
            "SELECT dag_id, run_id, task_id, map_index, max_tries FROM task_instance UNION "
            "SELECT dag_id, run_id, task_id, map_index, max_tries FROM task_instance_history"
        ):
            found.setdefault(Place(*place), set()).add(most)
        return found

    def runs(self) -> dict[str, int]:
        """Count the DAG runs by state."""
        return dict(self.rows("SELECT state, COUNT(*) FROM dag_run GROUP BY state"))

    def xcoms(self) -> dict[Place, dict[str, Any]]:
        """Return what each task instance left."""
        found: dict[Place, dict[str, Any]] = {}
        for *place, key, value in self.rows(
            "SELECT dag_id, run_id, task_id, map_index, key, value FROM xcom"
        ):
            found.setdefault(Place(*place), {})[key] = _plain(value)
        return found


def _plain(value: Any) -> Any:
    """Undo Airflow's two layers of JSON."""
    for _ in range(2):
        if isinstance(value, str | bytes):
            with contextlib.suppress(ValueError):
                value = json.loads(value)
    return value


def chaos_files(home: Path) -> Iterator[Path]:
    """Walk through every file that an Airflow has written.

    :param home: its AIRFLOW_HOME
    """
    for path in sorted(home.rglob("*")):
        if path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts:
            yield path
