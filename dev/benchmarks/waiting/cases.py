"""The cases: how each provider waits for a job, with its trigger's arguments and its Airflow connection."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import requests

    from dev.benchmarks.waiting.workload import PlannedJob, WorkloadPlan

CONNECTION_ID = "bench"
POLL_INTERVAL = 5
# Seconds after the start of a job at which a wait would give up; no run lasts as long.
WAIT_LIMIT = 86_400.0
# The method that a task names when it defers; a trigger that fails replaces it.
RESUME_METHOD = "execute_complete"


@dataclass(frozen=True)
class ServerAccess:
    """How to reach the server, and its control routes.

    :param address: host and port
    :param key: API key, one for each case
    :param certificate: PEM file with the server's certificate; ``None`` if the environment names it
    """

    address: str
    key: str
    certificate: Path | None = None

    def begin(self, plan: WorkloadPlan, tier: str, *, enforce_limit: bool) -> None:
        """Give the key its jobs.

        :param plan: the jobs
        :param tier: tier of the key, as ``whoami`` returns it
        :param enforce_limit: refuse reads beyond the tier's rate limit
        """
        body = {"plan": plan.as_json(), "tier": tier, "enforce_limit": enforce_limit}
        self._control("/control/run", body)

    def counters(self) -> dict[str, Any]:
        """Return what the server has counted for the key."""
        return self._control("/control/counters", {})

    def _control(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        context = ssl.create_default_context(cafile=self.certificate)
        connection = http.client.HTTPSConnection(self.address, timeout=60, context=context)
        try:
            headers = {"Authorization": f"Bearer {self.key}"}
            connection.request("POST", path, json.dumps(body), headers)
            response = connection.getresponse()
            result = json.loads(response.read())
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise RuntimeError(f"POST {path} got {response.status}: {result}")
        return dict(result)


@dataclass(frozen=True)
class Case:
    """A trigger to measure.

    :param name: its name in the table
    :param title: its full name, for the footnotes
    :param trigger: path of the class
    :param arguments: returns the trigger's arguments for a job
    :param connection: returns the Airflow connection ``bench``
    :param succeeded: returns whether the payload of an event reports success
    """

    name: str
    title: str
    trigger: str
    arguments: Callable[[PlannedJob], dict[str, Any]]
    connection: Callable[[ServerAccess], Mapping[str, Any]]
    succeeded: Callable[[Any], bool]

    def environment(self, server: ServerAccess) -> dict[str, str]:
        """Return the environment variable with the connection."""
        return {f"AIRFLOW_CONN_{CONNECTION_ID.upper()}": json.dumps(self.connection(server))}


def _layers(job: PlannedJob) -> dict[str, Any]:
    return {
        "job_id": job.job_id,
        "layers_conn_id": CONNECTION_ID,
        "deadline": job.start + WAIT_LIMIT,
        "poll_interval": float(POLL_INTERVAL),
        "container_ids": [job.container_id],
        "project_id": job.project_id,
        "kind": "content_generate",
        "content_format": "slideshow-builder",
        "started_at": datetime.fromtimestamp(job.start, timezone.utc).isoformat().replace("+00:00", "Z"),
    }


def _http(job: PlannedJob) -> dict[str, Any]:
    return {
        "http_conn_id": CONNECTION_ID,
        "method": "GET",
        "endpoint": f"v1/jobs/{job.job_id}",
        "response_check_path": f"{__name__}.job_ended",
        "poll_interval": float(POLL_INTERVAL),
    }


async def job_ended(response: requests.Response) -> bool:
    """Return whether the job has ended; HttpEventTrigger looks this function up at every poll."""
    return bool(response.json()["status"] != "running")


def _dbt_cloud(job: PlannedJob) -> dict[str, Any]:
    return {
        "conn_id": CONNECTION_ID,
        "run_id": job.number,
        "end_time": job.start + WAIT_LIMIT,
        "poll_interval": float(POLL_INTERVAL),
        "account_id": 1,
    }


def _databricks(job: PlannedJob) -> dict[str, Any]:
    return {
        "run_id": job.number,
        "databricks_conn_id": CONNECTION_ID,
        "polling_period_seconds": POLL_INTERVAL,
        "run_page_url": None,
    }


def _layers_connection(server: ServerAccess) -> Mapping[str, Any]:
    return {"conn_type": "layers", "host": f"https://{server.address}", "password": server.key}


def _http_connection(server: ServerAccess) -> Mapping[str, Any]:
    headers = {"Authorization": f"Bearer {server.key}"}
    return {"conn_type": "http", "host": f"https://{server.address}", "extra": headers}


def _service_connection(conn_type: str, **further: str) -> Callable[[ServerAccess], Mapping[str, Any]]:
    return lambda server: {"conn_type": conn_type, "host": server.address, "password": server.key, **further}


def _has_status(status: str) -> Callable[[Any], bool]:
    return lambda payload: bool(payload["status"] == status)


CASES = {
    case.name: case
    for case in (
        Case(
            "ours",
            "LayersJobTrigger",
            "airflow_provider_layers.triggers.jobs.LayersJobTrigger",
            _layers,
            _layers_connection,
            _has_status("completed"),
        ),
        Case(
            "http",
            "HttpEventTrigger of the http provider",
            "airflow.providers.http.triggers.http.HttpEventTrigger",
            _http,
            _http_connection,
            _has_status("success"),
        ),
        Case(
            "dbt-cloud",
            "DbtCloudRunJobTrigger of the dbt-cloud provider",
            "airflow.providers.dbt.cloud.triggers.dbt.DbtCloudRunJobTrigger",
            _dbt_cloud,
            _service_connection("dbt_cloud", login="1"),
            _has_status("success"),
        ),
        Case(
            "databricks",
            "DatabricksExecutionTrigger of the databricks provider",
            "airflow.providers.databricks.triggers.databricks.DatabricksExecutionTrigger",
            _databricks,
            _service_connection("databricks"),
            lambda payload: bool(json.loads(payload["run_state"])["result_state"] == "SUCCESS"),
        ),
        Case(
            "naive",
            "a loop around a shared httpx.AsyncClient, at most 20 requests at the same time",
            "dev.benchmarks.waiting.baselines.NaiveTrigger",
            lambda job: {"job_id": job.job_id, "interval": float(POLL_INTERVAL)},
            _layers_connection,
            _has_status("completed"),
        ),
        Case(
            "sleep",
            "waits that only sleep: the cost of the benchmark itself",
            "dev.benchmarks.waiting.baselines.SleepingTrigger",
            lambda job: {"end": job.end},
            _layers_connection,
            _has_status("completed"),
        ),
    )
}
OURS, BASELINE = "ours", "sleep"
