"""The client of Airflow 2.11, which works through Airflow's own Python modules.

Its web server takes half a minute to start and nothing else needs it, so a child process that has imported
Airflow (`dev.airflow2_server`) serves the requests: one JSON line in, one JSON line out.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from dev import CHECKOUT
from dev.airflow_client import UNMAPPED, AirflowError, TaskRow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Airflow2Client:
    """Requests to one Airflow 2.11.

    :param env: environment of its components
    :param home: its AIRFLOW_HOME
    """

    def __init__(self, env: Mapping[str, str], home: Path) -> None:
        self._home = home
        self._log = (home / "airflow2-server.log").open("ab")
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
        """Close the pipe, which ends the child process, and wait for it."""
        self._process.communicate()
        self._log.close()

    def _request(self, function: str, **arguments: Any) -> Any:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None or self._process.poll() is not None:
            raise AirflowError(f"the process that imports Airflow has ended; see {self._log.name}")
        stdin.write(json.dumps({"function": function, "arguments": arguments}) + "\n")
        stdin.flush()
        response = json.loads(stdout.readline() or '{"error": "no response"}')
        if "error" in response:
            raise AirflowError(f"{function}: {response['error']}")
        return response["value"]

    def health(self) -> dict[str, str]:
        """Return the status of each component that reports one."""
        return dict(self._request("health"))

    def dag_ids(self) -> set[str]:
        """Return the ids of the DAGs that Airflow has parsed so far."""
        return set(self._request("dag_ids"))

    def import_errors(self) -> dict[str, str]:
        """Return the traceback of each DAG file that could not be imported."""
        return dict(self._request("import_errors"))

    def unpause(self, dag_id: str) -> None:
        """Unpause a DAG."""
        self._request("unpause", dag_id=dag_id)

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> str:
        """Start a run with this configuration and return its id."""
        return str(self._request("trigger", dag_id=dag_id, conf=dict(conf)))

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a run."""
        return str(self._request("run_state", dag_id=dag_id, run_id=run_id))

    def task_rows(self, dag_id: str, run_id: str) -> list[TaskRow]:
        """Return the task instances of a run, mapped ones included."""
        return [TaskRow(*row) for row in self._request("task_rows", dag_id=dag_id, run_id=run_id)]

    def xcoms(self, dag_id: str, run_id: str, task_id: str, map_index: int = UNMAPPED) -> dict[str, Any]:
        """Return the XComs of a task instance by key."""
        return dict(
            self._request("xcoms", dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=map_index)
        )

    def log(
        self, dag_id: str, run_id: str, task_id: str, try_number: int = 1, map_index: int = UNMAPPED
    ) -> str:
        """Return the log of a try, the triggerer's part included."""
        folder = self._home / "logs" / f"dag_id={dag_id}" / f"run_id={run_id}" / f"task_id={task_id}"
        if map_index != UNMAPPED:
            folder /= f"map_index={map_index}"
        files = sorted(folder.glob(f"attempt={try_number}.log*"))
        return "\n".join(file.read_text(errors="replace") for file in files)

    def links(
        self, dag_id: str, run_id: str, task_id: str, map_index: int = UNMAPPED
    ) -> dict[str, str | None]:
        """Return the operator's extra links by name."""
        return dict(
            self._request("links", dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=map_index)
        )
