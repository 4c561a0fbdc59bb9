"""What can be requested of a running Airflow, and the REST client that does so on Airflow 3."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

FINISHED = frozenset({"success", "failed"})
# The states of a task instance that waits without a process, for a trigger or for a decision. Before Airflow
# 3.3 both are deferred.
DEFERRED = frozenset({"deferred", "awaiting_input"})
# Airflow's map index of a task that is not mapped.
UNMAPPED = -1
# Every wait ends as soon as the state it waits for is reached. The limit is for what will never happen, so it
# is long enough for a machine whose cores are busy with something else.
WAIT_TIMEOUT = 300.0
POLL_INTERVAL = 0.3
PAGE_SIZE = 500
# SQLite lets one process write at a time, and the api-server responds with 500 to those that lost.
BUSY_TIMEOUT = 30.0


class AirflowError(RuntimeError):
    """Airflow refused a request, or did not reach a state in time."""


@dataclass(frozen=True)
class TaskRow:
    """A task instance at the moment of the request.

    :param task_id: id of its task
    :param map_index: index in a mapped task, or ``UNMAPPED``
    :param state: Airflow's name of the state, "none" before it is scheduled
    :param try_number: number of the current try
    :param operator: class name of the operator
    """

    task_id: str
    map_index: int
    state: str
    try_number: int
    operator: str = ""

    @property
    def label(self) -> str:
        """The task id, with the map index if there is one."""
        return self.task_id if self.map_index == UNMAPPED else f"{self.task_id}[{self.map_index}]"


@dataclass(frozen=True)
class FinishedRun:
    """A DAG run that has ended.

    :param dag_id: id of its DAG
    :param run_id: its id
    :param state: "success" or "failed"
    :param tasks: its task instances, mapped ones included
    :param xcoms: XComs of each task instance, by task id and map index, then by key
    :param seconds: duration from the request to the end
    """

    dag_id: str
    run_id: str
    state: str
    tasks: tuple[TaskRow, ...]
    xcoms: Mapping[tuple[str, int], Mapping[str, Any]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def states(self) -> dict[str, str]:
        """The state of each task instance, by label."""
        return {task.label: task.state for task in self.tasks}

    def xcom(self, task_id: str, key: str = "return_value", map_index: int = UNMAPPED) -> Any:
        """Return an XCom, or None if the task instance pushed none under this key."""
        return self.xcoms.get((task_id, map_index), {}).get(key)


class AirflowClient(Protocol):
    """The requests that the clients of both Airflow releases support."""

    def health(self) -> dict[str, str]:
        """Return the status of each component that reports one."""

    def dag_ids(self) -> set[str]:
        """Return the ids of the DAGs that Airflow has parsed so far."""

    def import_errors(self) -> dict[str, str]:
        """Return the traceback of each DAG file that could not be imported."""

    def unpause(self, dag_id: str) -> None:
        """Unpause a DAG."""

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> str:
        """Start a run with this configuration and return its id."""

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a run."""

    def task_rows(self, dag_id: str, run_id: str) -> list[TaskRow]:
        """Return the task instances of a run, mapped ones included."""

    def xcoms(self, dag_id: str, run_id: str, task_id: str, map_index: int = UNMAPPED) -> dict[str, Any]:
        """Return the XComs of a task instance by key."""

    def log(
        self, dag_id: str, run_id: str, task_id: str, try_number: int = 1, map_index: int = UNMAPPED
    ) -> str:
        """Return the log of a try."""

    def links(
        self, dag_id: str, run_id: str, task_id: str, map_index: int = UNMAPPED
    ) -> dict[str, str | None]:
        """Return the operator's extra links by name."""

    def close(self) -> None:
        """Release connections or processes."""


class RestClient:
    """A user of Airflow 3, through its REST API.

    :param url: base URL of the api-server
    :param user: name of the user
    :param password: the user's password
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self._credentials = {"username": user, "password": password}
        self._http = httpx.Client(base_url=url, timeout=60.0, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def request(self, method: str, path: str, *, repeatable: bool | None = None, **kwargs: Any) -> Any:
        """Send a request and return the JSON of the response.

        :param method: HTTP method
        :param path: path below ``/api/v2``
        :param repeatable: whether to send it again while the database is busy; all but POST by default
        :param kwargs: passed to httpx
        """
        if "authorization" not in self._http.headers:
            self._log_in()
        repeatable = method != "POST" if repeatable is None else repeatable
        deadline = time.monotonic() + BUSY_TIMEOUT
        response = self._http.request(method, f"/api/v2{path}", **kwargs)
        while response.is_server_error and repeatable and time.monotonic() < deadline:
            time.sleep(POLL_INTERVAL)
            response = self._http.request(method, f"/api/v2{path}", **kwargs)
        if response.is_error:
            raise AirflowError(f"{method} {path} got {response.status_code}: {response.text[:500]}")
        return response.json() if response.content else None

    def _log_in(self) -> None:
        response = self._http.post("/auth/token", json=self._credentials)
        if response.is_error:
            raise AirflowError(f"Airflow refused the login: {response.status_code} {response.text[:200]}")
        self._http.headers["authorization"] = f"Bearer {response.json()['access_token']}"

    def paginate(self, path: str, items: str) -> Iterator[dict[str, Any]]:
        """Iterate over a collection.

        :param path: path below ``/api/v2``
        :param items: name of the list in the response
        """
        offset = 0
        while rows := self.request("GET", path, params={"limit": PAGE_SIZE, "offset": offset})[items]:
            yield from rows
            offset += len(rows)
            if len(rows) < PAGE_SIZE:
                return

    def health(self) -> dict[str, str]:
        """Return the status of each component that reports one."""
        response = self._http.get("/api/v2/monitor/health", timeout=5.0)
        response.raise_for_status()
        return {name: str(part["status"]) for name, part in response.json().items() if part["status"]}

    def dag_ids(self) -> set[str]:
        """Return the ids of the DAGs that Airflow has parsed so far."""
        return {row["dag_id"] for row in self.paginate("/dags", "dags")}

    def import_errors(self) -> dict[str, str]:
        """Return the traceback of each DAG file that could not be imported."""
        errors = self.paginate("/importErrors", "import_errors")
        return {row["filename"]: row["stack_trace"] for row in errors}

    def unpause(self, dag_id: str) -> None:
        """Unpause a DAG."""
        self.request("PATCH", f"/dags/{dag_id}", json={"is_paused": False})

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> str:
        """Start a run with this configuration and return its id."""
        # With an id chosen here the request may be repeated: the second one is a conflict, not a second run.
        run_id = f"manual__{uuid.uuid4()}"
        body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf)}
        try:
            self.request("POST", f"/dags/{dag_id}/dagRuns", repeatable=True, json=body)
        except AirflowError as error:
            if "got 409" not in str(error):
                raise
        return run_id

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a run."""
        return str(self.request("GET", run_path(dag_id, run_id))["state"])

    def task_rows(self, dag_id: str, run_id: str) -> list[TaskRow]:
        """Return the task instances of a run, mapped ones included."""
        return [
            TaskRow(
                task_id=row["task_id"],
                map_index=row["map_index"],
                state=row["state"] or "none",
                try_number=row["try_number"],
                operator=row.get("operator_name") or row.get("operator") or "",
            )
            for row in self.paginate(run_path(dag_id, run_id) + "/taskInstances", "task_instances")
        ]

    def xcoms(self, dag_id: str, run_id: str, task_id: str, map_index: int = UNMAPPED) -> dict[str, Any]:
        """Return the XComs of a task instance by key."""
        base = f"{run_path(dag_id, run_id)}/taskInstances/{task_id}/xcomEntries"
        entries = self.request("GET", base, params={"map_index": map_index, "limit": PAGE_SIZE})
        params = {"map_index": map_index}
        return {
            key: self.request("GET", f"{base}/{quote(key, safe='')}", params=params)["value"]
            for key in (entry["key"] for entry in entries["xcom_entries"])
        }

    def log(
        self, dag_id: str, run_id: str, task_id: str, try_number: int = 1, map_index: int = UNMAPPED
    ) -> str:
        """Return the log of a try, a line for each event."""
        path = f"{run_path(dag_id, run_id)}/taskInstances/{task_id}/logs/{try_number}"
        response = self.request("GET", path, params={"map_index": map_index, "full_content": True})
        return "\n".join(map(_log_line, response["content"]))

    def links(
        self, dag_id: str, run_id: str, task_id: str, map_index: int = UNMAPPED
    ) -> dict[str, str | None]:
        """Return the operator's extra links by name."""
        path = f"{run_path(dag_id, run_id)}/taskInstances/{task_id}/links"
        response = self.request("GET", path, params={"map_index": map_index})
        return dict(response["extra_links"])


def run_path(dag_id: str, run_id: str) -> str:
    """Return the path of a run below ``/api/v2``."""
    return f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"


def _log_line(entry: Any) -> str:
    if not isinstance(entry, dict):
        return str(entry)
    parts = (entry.get(name) for name in ("level", "event", "error_detail"))
    return " ".join(str(part) for part in parts if part)


def wait_for_dag(client: AirflowClient, dag_id: str) -> None:
    """Wait until Airflow has parsed a DAG."""
    deadline = time.monotonic() + WAIT_TIMEOUT
    while dag_id not in client.dag_ids():
        if errors := client.import_errors():
            raise AirflowError("DAG files that could not be imported:\n" + "\n".join(errors.values()))
        if time.monotonic() > deadline:
            raise AirflowError(f"Airflow has not parsed the DAG {dag_id} within {WAIT_TIMEOUT:g} s")
        time.sleep(POLL_INTERVAL)


def start_run(client: AirflowClient, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
    """Wait until Airflow has parsed a DAG, unpause it, start a run and return its id."""
    wait_for_dag(client, dag_id)
    client.unpause(dag_id)
    return client.trigger(dag_id, conf or {})


def wait_for_task(
    client: AirflowClient, dag_id: str, run_id: str, label: str, states: Collection[str]
) -> TaskRow:
    """Wait until a task instance is in one of these states and return it.

    :param client: the Airflow
    :param dag_id: id of the DAG
    :param run_id: id of the run
    :param label: task id, with the map index if there is one
    :param states: the states to wait for
    :raises AirflowError: the run ended without it, or the time is over
    """
    deadline = time.monotonic() + WAIT_TIMEOUT
    while True:
        # The run before the tasks: if it has ended, the tasks that follow are in their last states.
        ended = client.run_state(dag_id, run_id) in FINISHED
        rows = {row.label: row for row in client.task_rows(dag_id, run_id)}
        if label in rows and rows[label].state in states:
            return rows[label]
        if ended or time.monotonic() > deadline:
            raise AirflowError(f"{label} of {dag_id} is not {' or '.join(states)} ({_summary(rows)})")
        time.sleep(POLL_INTERVAL)


def follow_run(
    client: AirflowClient,
    dag_id: str,
    run_id: str,
    *,
    timeout: float = WAIT_TIMEOUT,
    on_change: Callable[[TaskRow], None] | None = None,
) -> str:
    """Wait until a run has ended and return its state.

    :param client: the Airflow
    :param dag_id: id of the DAG
    :param run_id: id of the run
    :param timeout: seconds
    :param on_change: called with each task instance that is new or has another state or try
    """
    deadline = time.monotonic() + timeout
    seen: dict[str, TaskRow] = {}
    while True:
        state = client.run_state(dag_id, run_id)
        for row in client.task_rows(dag_id, run_id):
            if on_change and seen.get(row.label) != row:
                on_change(row)
            seen[row.label] = row
        if state in FINISHED:
            return state
        if time.monotonic() > deadline:
            raise AirflowError(f"{dag_id} is still {state} after {timeout:g} s ({_summary(seen)})")
        time.sleep(POLL_INTERVAL)


def _summary(rows: Mapping[str, TaskRow]) -> str:
    return ", ".join(f"{label}: {row.state}" for label, row in sorted(rows.items()))


def run_dag(
    client: AirflowClient,
    dag_id: str,
    conf: Mapping[str, Any] | None = None,
    *,
    timeout: float = WAIT_TIMEOUT,
    on_change: Callable[[TaskRow], None] | None = None,
) -> FinishedRun:
    """Run a DAG to its end and collect its task instances and XComs.

    :param client: the Airflow
    :param dag_id: id of the DAG
    :param conf: configuration of the run, which overrides the DAG's params
    :param timeout: seconds
    :param on_change: called with each task instance that is new or has another state or try
    """
    started = time.monotonic()
    run_id = start_run(client, dag_id, conf)
    state = follow_run(client, dag_id, run_id, timeout=timeout, on_change=on_change)
    seconds = time.monotonic() - started
    rows = sorted(client.task_rows(dag_id, run_id), key=lambda row: (row.task_id, row.map_index))
    xcoms = {
        (row.task_id, row.map_index): client.xcoms(dag_id, run_id, row.task_id, row.map_index) for row in rows
    }
    return FinishedRun(dag_id, run_id, state, tuple(rows), xcoms, seconds)
