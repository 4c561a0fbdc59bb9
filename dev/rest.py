"""Airflow 3, driven through its REST API."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from dev.airflow_client import UNMAPPED, AirflowError, TaskRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PAGE = 500
BUSY_RETRIES = 5


class AirflowRest:
    """A person with a password, in front of Airflow's REST API.

    :param address: the api-server's base URL
    :param user: the user's name
    :param password: the user's password
    """

    def __init__(self, address: str, user: str, password: str) -> None:
        self.address = address
        self._login = {"username": user, "password": password}
        self._http = httpx.Client(base_url=address, timeout=20.0, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def request(self, method: str, path: str, **kwargs: Any) -> Any:
        """Send a request to the API and return the JSON of its answer.

        :param method: HTTP method
        :param path: path below ``/api/v2``
        :param kwargs: passed on to httpx
        """
        if "authorization" not in self._http.headers:
            self._log_in()
        response = self._http.request(method, f"/api/v2{path}", **kwargs)
        for _ in range(BUSY_RETRIES):
            # SQLite lets one process write at a time; the api-server answers 500 to whoever lost. What is
            # asked for twice may be there twice, and all else may not.
            if method == "POST" or response.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                break
            time.sleep(0.3)
            response = self._http.request(method, f"/api/v2{path}", **kwargs)
        if response.is_error:
            raise AirflowError(f"{method} {path} was answered {response.status_code}: {response.text[:500]}")
        return response.json() if response.content else None

    def _log_in(self) -> None:
        response = self._http.post("/auth/token", json=self._login)
        if response.is_error:
            raise AirflowError(f"Airflow refused the login: {response.status_code} {response.text[:200]}")
        self._http.headers["authorization"] = f"Bearer {response.json()['access_token']}"

    def pages(self, path: str, items: str) -> Iterator[dict[str, Any]]:
        """Walk through a collection.

        :param path: path below ``/api/v2``
        :param items: the name under which the answer holds its rows
        """
        offset = 0
        while rows := self.request("GET", path, params={"limit": PAGE, "offset": offset})[items]:
            yield from rows
            offset += len(rows)
            if len(rows) < PAGE:
                return

    def health(self) -> dict[str, str]:
        """Return the status of each component that reports one."""
        response = self._http.get("/api/v2/monitor/health", timeout=5.0)
        response.raise_for_status()
        return {name: str(part["status"]) for name, part in response.json().items() if part["status"]}

    def dag_ids(self) -> set[str]:
        """Return the DAGs that Airflow has read so far."""
        return {row["dag_id"] for row in self.pages("/dags", "dags")}

    def import_errors(self) -> dict[str, str]:
        """Return the traceback of each DAG file that could not be read."""
        return {row["filename"]: row["stack_trace"] for row in self.pages("/importErrors", "import_errors")}

    def unpause(self, dag_id: str) -> None:
        """Let a DAG run.

        :param dag_id: the DAG
        """
        self.request("PATCH", f"/dags/{dag_id}", json={"is_paused": False})

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> str:
        """Ask for a run and return its id.

        :param dag_id: the DAG
        :param conf: the run's configuration, in which values for the DAG's params go
        """
        body = {"logical_date": None, "conf": dict(conf)}
        return str(self.request("POST", f"/dags/{dag_id}/dagRuns", json=body)["dag_run_id"])

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a run.

        :param dag_id: the DAG
        :param run_id: the run
        """
        return str(self.request("GET", _run(dag_id, run_id))["state"])

    def task_rows(self, dag_id: str, run_id: str) -> list[TaskRow]:
        """Return the task instances of a run, mapped ones included.

        :param dag_id: the DAG
        :param run_id: the run
        """
        return [
            TaskRow(
                task_id=row["task_id"],
                map_index=row["map_index"],
                state=row["state"] or "none",
                try_number=row["try_number"],
                operator=row.get("operator_name") or row.get("operator") or "",
            )
            for row in self.pages(_run(dag_id, run_id) + "/taskInstances", "task_instances")
        ]

    def xcoms(self, dag_id: str, run_id: str, task_id: str, map_index: int = UNMAPPED) -> dict[str, Any]:
        """Return what a task instance left, by key.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task
        :param map_index: its place in a mapped task
        """
        base = f"{_run(dag_id, run_id)}/taskInstances/{task_id}/xcomEntries"
        entries = self.request("GET", base, params={"map_index": map_index, "limit": PAGE})["xcom_entries"]
        place = {"map_index": map_index}
        return {
            entry["key"]: self.request("GET", f"{base}/{quote(entry['key'], safe='')}", params=place)["value"]
            for entry in entries
        }

    def log(
        self, dag_id: str, run_id: str, task_id: str, try_number: int = 1, map_index: int = UNMAPPED
    ) -> str:
        """Return the log of one try, a line for each event.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task
        :param try_number: the try
        :param map_index: its place in a mapped task
        """
        path = f"{_run(dag_id, run_id)}/taskInstances/{task_id}/logs/{try_number}"
        answer = self.request("GET", path, params={"map_index": map_index, "full_content": True})
        return "\n".join(_log_line(entry) for entry in answer["content"])

    def links(
        self, dag_id: str, run_id: str, task_id: str, map_index: int = UNMAPPED
    ) -> dict[str, str | None]:
        """Return the operator's extra links, by name.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task
        :param map_index: its place in a mapped task
        """
        path = f"{_run(dag_id, run_id)}/taskInstances/{task_id}/links"
        links: dict[str, str | None] = self.request("GET", path, params={"map_index": map_index})[
            "extra_links"
        ]
        return links


def _run(dag_id: str, run_id: str) -> str:
    return f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"


def _log_line(entry: Any) -> str:
    if not isinstance(entry, dict):
        return str(entry)
    parts = (entry.get(name) for name in ("level", "event", "error_detail"))
    return " ".join(str(part) for part in parts if part)
