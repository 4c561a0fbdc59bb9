"""Airflow 2.11, driven through its own Python modules.

Its web server takes half a minute to start and is not otherwise needed, so a child process that has
Airflow imported and the right environment answers instead (`dev.airflow2_server`): one JSON line in, one
JSON line out.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from dev.airflow_client import UNMAPPED, AirflowError, TaskRow
from dev.home import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class AirflowDatabase:
    """The side of the conversation that asks.

    :param env: environment of the Airflow in question
    :param home: its AIRFLOW_HOME
    """

    def __init__(self, env: Mapping[str, str], home: Path) -> None:
        self._home = home
        self._log = (home / "database-answers.log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dev.airflow2_server"],
            env=dict(env),
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,
        )

    def close(self) -> None:
        """End the child process: it leaves when there is nothing more to read."""
        self._process.communicate()
        self._log.close()

    def _ask(self, question: str, **arguments: Any) -> Any:
        pipe_in, pipe_out = self._process.stdin, self._process.stdout
        if pipe_in is None or pipe_out is None or self._process.poll() is not None:
            raise AirflowError(f"the process that reads Airflow's database has ended; see {self._log.name}")
        pipe_in.write(json.dumps({"question": question, "arguments": arguments}) + "\n")
        pipe_in.flush()
        answer = json.loads(pipe_out.readline() or '{"error": "no answer"}')
        if "error" in answer:
            raise AirflowError(f"{question}: {answer['error']}")
        return answer["value"]

    def health(self) -> dict[str, str]:
        """Return the status of each component that reports one."""
        status: dict[str, str] = self._ask("health")
        return status

    def dag_ids(self) -> set[str]:
        """Return the DAGs that Airflow has read so far."""
        return set(self._ask("dag_ids"))

    def import_errors(self) -> dict[str, str]:
        """Return the traceback of each DAG file that could not be read."""
        errors: dict[str, str] = self._ask("import_errors")
        return errors

    def unpause(self, dag_id: str) -> None:
        """Let a DAG run.

        :param dag_id: the DAG
        """
        self._ask("unpause", dag_id=dag_id)

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> str:
        """Ask for a run and return its id.

        :param dag_id: the DAG
        :param conf: the run's configuration
        """
        return str(self._ask("trigger", dag_id=dag_id, conf=dict(conf)))

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a run.

        :param dag_id: the DAG
        :param run_id: the run
        """
        return str(self._ask("run_state", dag_id=dag_id, run_id=run_id))

    def task_rows(self, dag_id: str, run_id: str) -> list[TaskRow]:
        """Return the task instances of a run, mapped ones included.

        :param dag_id: the DAG
        :param run_id: the run
        """
        return [TaskRow(*row) for row in self._ask("task_rows", dag_id=dag_id, run_id=run_id)]

    def xcoms(self, dag_id: str, run_id: str, task_id: str, map_index: int = UNMAPPED) -> dict[str, Any]:
        """Return what a task instance left, by key.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task
        :param map_index: its place in a mapped task
        """
        place = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": map_index}
        found: dict[str, Any] = self._ask("xcoms", **place)
        return found

    def log(
        self, dag_id: str, run_id: str, task_id: str, try_number: int = 1, map_index: int = UNMAPPED
    ) -> str:
        """Return the log of one try, with the triggerer's part of it.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task
        :param try_number: the try
        :param map_index: its place in a mapped task
        """
        folder = self._home / "logs" / f"dag_id={dag_id}" / f"run_id={run_id}" / f"task_id={task_id}"
        if map_index != UNMAPPED:
            folder /= f"map_index={map_index}"
        files = sorted(folder.glob(f"attempt={try_number}.log*"))
        return "\n".join(file.read_text(errors="replace") for file in files)

    def links(
        self, dag_id: str, run_id: str, task_id: str, map_index: int = UNMAPPED
    ) -> dict[str, str | None]:
        """Return the operator's extra links, by name.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task
        :param map_index: its place in a mapped task
        """
        place = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": map_index}
        found: dict[str, str | None] = self._ask("links", **place)
        return found
