"""How each contender waits for a job: what Airflow would call it with, and the connection that it needs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dev.benchmarks.waiting.workload import Job

CONNECTION = "bench"
INTERVAL = 5
PATIENCE = 86_400.0
"""Seconds after its start at which a wait would give up; far beyond any run."""


@dataclass(frozen=True)
class Server:
    """
    Where the server is and how to be let in.

    :param address: host and port
    :param key: API key, one for each run
    :param certificate: PEM file by which it is known; ``None`` where the environment knows it
    """

    address: str
    key: str
    certificate: Path | None = None


@dataclass(frozen=True)
class Case:
    """
    One contender.

    :param name: as the table calls it
    :param title: its full name, for the footnotes
    :param trigger: path of the class
    :param arguments: of the trigger, for one job
    :param connection: the Airflow connection ``bench``
    :param succeeded: reads the payload of the event
    """

    name: str
    title: str
    trigger: str
    arguments: Callable[[Job], dict[str, Any]]
    connection: Callable[[Server], Mapping[str, Any]]
    succeeded: Callable[[Any], bool]

    def environment(self, server: Server) -> dict[str, str]:
        """Give the environment variable that holds the connection."""
        return {f"AIRFLOW_CONN_{CONNECTION.upper()}": json.dumps(self.connection(server))}


def _layers(job: Job) -> dict[str, Any]:
    return {
        "job_id": job.job_id,
        "layers_conn_id": CONNECTION,
        "deadline": job.start + PATIENCE,
        "poll_interval": float(INTERVAL),
        "container_ids": [job.container_id],
        "project_id": job.project_id,
        "kind": "content_generate",
        "content_format": "slideshow-builder",
        "started_at": datetime.fromtimestamp(job.start, timezone.utc).isoformat().replace("+00:00", "Z"),
    }


def _http(job: Job) -> dict[str, Any]:
    return {
        "http_conn_id": CONNECTION,
        "method": "GET",
        "endpoint": f"v1/jobs/{job.job_id}",
        "response_check_path": "dev.benchmarks.waiting.ended.ended",
        "poll_interval": float(INTERVAL),
    }


def _dbt(job: Job) -> dict[str, Any]:
    return {
        "conn_id": CONNECTION,
        "run_id": job.number,
        "end_time": job.start + PATIENCE,
        "poll_interval": float(INTERVAL),
        "account_id": 1,
    }


def _databricks(job: Job) -> dict[str, Any]:
    return {
        "run_id": job.number,
        "databricks_conn_id": CONNECTION,
        "polling_period_seconds": INTERVAL,
        "run_page_url": None,
    }


def _bearer(kind: str) -> Callable[[Server], Mapping[str, Any]]:
    return lambda server: {"conn_type": kind, "host": f"https://{server.address}", "password": server.key}


def _http_connection(server: Server) -> Mapping[str, Any]:
    headers = {"Authorization": f"Bearer {server.key}"}
    return {"conn_type": "http", "host": f"https://{server.address}", "extra": headers}


def _tenant(kind: str, **further: str) -> Callable[[Server], Mapping[str, Any]]:
    return lambda server: {"conn_type": kind, "host": server.address, "password": server.key, **further}


def _says(status: str) -> Callable[[Any], bool]:
    return lambda payload: bool(payload["status"] == status)


CASES = {
    case.name: case
    for case in (
        Case(
            "ours",
            "LayersJobTrigger",
            "airflow_provider_layers.triggers.jobs.LayersJobTrigger",
            _layers,
            _bearer("layers"),
            _says("completed"),
        ),
        Case(
            "http",
            "HttpEventTrigger of the http provider",
            "airflow.providers.http.triggers.http.HttpEventTrigger",
            _http,
            _http_connection,
            _says("success"),
        ),
        Case(
            "dbt-cloud",
            "DbtCloudRunJobTrigger of the dbt-cloud provider",
            "airflow.providers.dbt.cloud.triggers.dbt.DbtCloudRunJobTrigger",
            _dbt,
            _tenant("dbt_cloud", login="1"),
            _says("success"),
        ),
        Case(
            "databricks",
            "DatabricksExecutionTrigger of the databricks provider",
            "airflow.providers.databricks.triggers.databricks.DatabricksExecutionTrigger",
            _databricks,
            _tenant("databricks"),
            lambda payload: bool(json.loads(payload["run_state"])["result_state"] == "SUCCESS"),
        ),
        Case(
            "naive",
            "a loop around one shared httpx.AsyncClient, at most 20 requests at once",
            "dev.benchmarks.waiting.baselines.NaiveTrigger",
            lambda job: {"job_id": job.job_id, "interval": float(INTERVAL)},
            _bearer("layers"),
            _says("completed"),
        ),
        Case(
            "sleep",
            "waits that only sleep: what the harness itself costs",
            "dev.benchmarks.waiting.baselines.SleepingTrigger",
            lambda job: {"end": job.end},
            _bearer("layers"),
            _says("completed"),
        ),
    )
}
OURS, BASELINE = "ours", "sleep"
PEERS = ("http", "dbt-cloud", "databricks")
