"""What can be asked of a running Airflow, whichever way it is asked."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FINISHED = frozenset({"success", "failed"})
UNMAPPED = -1


class AirflowError(RuntimeError):
    """Airflow refused a request, or did not get something done in time."""


@dataclass(frozen=True)
class TaskRow:
    """One task instance, as it was when it was asked for.

    :param task_id: its task
    :param map_index: its place in a mapped task, or -1
    :param state: Airflow's word for it, "none" before it is scheduled
    :param try_number: which try it is in
    :param operator: class name of the operator
    """

    task_id: str
    map_index: int
    state: str
    try_number: int
    operator: str = ""

    @property
    def label(self) -> str:
        """The task's name with its map index, if it has one."""
        return self.task_id if self.map_index == UNMAPPED else f"{self.task_id}[{self.map_index}]"


@dataclass(frozen=True)
class FinishedRun:
    """A DAG run that has come to its end.

    :param dag_id: its DAG
    :param run_id: its id
    :param state: "success" or "failed"
    :param tasks: its task instances, mapped ones included
    :param xcoms: what each task instance left, by task id, map index and key
    :param seconds: how long it took from the request to the end
    """

    dag_id: str
    run_id: str
    state: str
    tasks: tuple[TaskRow, ...]
    xcoms: Mapping[tuple[str, int], Mapping[str, Any]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def states(self) -> dict[str, str]:
        """The state of each task instance, under its label."""
        return {task.label: task.state for task in self.tasks}

    def xcom(self, task_id: str, key: str = "return_value", map_index: int = UNMAPPED) -> Any:
        """Return one XCom, or None if the task instance left none.

        :param task_id: the task
        :param key: the XCom's key
        :param map_index: the place in a mapped task
        """
        return self.xcoms.get((task_id, map_index), {}).get(key)


class Driver(Protocol):
    """The requests that both ways of driving Airflow answer."""

    def health(self) -> dict[str, str]:
        """Return the status of each component that reports one."""

    def dag_ids(self) -> set[str]:
        """Return the DAGs that Airflow has read so far."""

    def import_errors(self) -> dict[str, str]:
        """Return the traceback of each DAG file that could not be read."""

    def unpause(self, dag_id: str) -> None:
        """Let a DAG run."""

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> str:
        """Ask for a run and return its id."""

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a run."""

    def task_rows(self, dag_id: str, run_id: str) -> list[TaskRow]:
        """Return the task instances of a run, mapped ones included."""

    def xcoms(self, dag_id: str, run_id: str, task_id: str, map_index: int = UNMAPPED) -> dict[str, Any]:
        """Return what a task instance left, by key."""

    def log(
        self, dag_id: str, run_id: str, task_id: str, try_number: int = 1, map_index: int = UNMAPPED
    ) -> str:
        """Return the log of one try."""

    def links(
        self, dag_id: str, run_id: str, task_id: str, map_index: int = UNMAPPED
    ) -> dict[str, str | None]:
        """Return the operator's extra links, by name."""

    def close(self) -> None:
        """Let go of connections or processes."""


def wait_for_dag(driver: Driver, dag_id: str, timeout: float = 60.0) -> None:
    """Wait until Airflow has read a DAG.

    :param driver: the Airflow to ask
    :param dag_id: the DAG
    :param timeout: seconds
    """
    deadline = time.monotonic() + timeout
    while dag_id not in driver.dag_ids():
        if errors := driver.import_errors():
            raise AirflowError("DAG files that could not be read:\n" + "\n".join(errors.values()))
        if time.monotonic() > deadline:
            raise AirflowError(f"Airflow has not read the DAG {dag_id} within {timeout:g} s")
        time.sleep(0.2)


def watch_run(
    driver: Driver,
    dag_id: str,
    run_id: str,
    timeout: float = 180.0,
    on_change: Callable[[TaskRow], None] | None = None,
) -> str:
    """Follow a run to its end and return its state.

    :param driver: the Airflow to ask
    :param dag_id: the DAG
    :param run_id: the run
    :param timeout: seconds
    :param on_change: told about each task instance that is new or has changed its state or try
    """
    deadline = time.monotonic() + timeout
    seen: dict[str, TaskRow] = {}
    while True:
        # The run first, the tasks second: then the last look at the tasks is after the end.
        state = driver.run_state(dag_id, run_id)
        for row in driver.task_rows(dag_id, run_id):
            if on_change and seen.get(row.label) != row:
                on_change(row)
            seen[row.label] = row
        if state in FINISHED:
            return state
        if time.monotonic() > deadline:
            states = ", ".join(f"{label}: {row.state}" for label, row in sorted(seen.items()))
            raise AirflowError(f"{dag_id} is still {state} after {timeout:g} s ({states})")
        time.sleep(0.3)


def run_to_the_end(
    driver: Driver,
    dag_id: str,
    conf: Mapping[str, Any] | None = None,
    timeout: float = 180.0,
    on_change: Callable[[TaskRow], None] | None = None,
) -> FinishedRun:
    """Run a DAG, follow it to its end, and collect what it left.

    :param driver: the Airflow to ask
    :param dag_id: the DAG
    :param conf: the run's configuration
    :param timeout: seconds
    :param on_change: told about each change of a task instance
    """
    started = time.monotonic()
    wait_for_dag(driver, dag_id)
    driver.unpause(dag_id)
    run_id = driver.trigger(dag_id, conf or {})
    state = watch_run(driver, dag_id, run_id, timeout, on_change)
    seconds = time.monotonic() - started
    rows = sorted(driver.task_rows(dag_id, run_id), key=lambda row: (row.task_id, row.map_index))
    xcoms = {
        (row.task_id, row.map_index): driver.xcoms(dag_id, run_id, row.task_id, row.map_index) for row in rows
    }
    return FinishedRun(dag_id, run_id, state, tuple(rows), xcoms, seconds)
