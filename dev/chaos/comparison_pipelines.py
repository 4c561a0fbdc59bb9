"""The same job with three providers, each waiting in the worker and in the triggerer."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.providers.apache.livy.operators.livy import LivyOperator
from airflow.providers.common.compat.sdk import DAG
from airflow.providers.http.operators.http import HttpOperator
from airflow.providers.http.sensors.http import HttpSensor

from airflow_provider_layers.operators.content import LayersGenerateContentOperator

PROJECT = os.environ["CHAOS_PROJECT"]
COMMON: dict[str, Any] = {
    "start_date": datetime(2026, 1, 1, tzinfo=timezone.utc),
    "catchup": False,
    "max_active_runs": 100,
    "max_active_tasks": 100,
    "default_args": {"retries": int(os.environ["CHAOS_RETRIES"]), "retry_delay": timedelta(seconds=1)},
}
# The topic shows in the request log which task instance a job was started for.
TOPIC = "{{ dag.dag_id }}|{{ run_id }}|{{ task.task_id }}"
HEADERS = {
    "Content-Type": "application/json",
    "Authorization": "Bearer {{ conn.http_default.password }}",
}
REQUEST_OPTIONS = {"timeout": 3}
DEFERRABLE = {"worker": False, "triggerer": True}


def job_id(response: Any) -> str:
    """Return the job id of a submission."""
    return str(response.json()["jobId"])


def completed(response: Any) -> bool:
    """Return whether the job has completed."""
    return bool(response.json()["status"] == "completed")


with DAG(dag_id="compare_layers", schedule=None, **COMMON):
    for where, deferrable in DEFERRABLE.items():
        LayersGenerateContentOperator(
            task_id=f"generate_{where}",
            project_id=PROJECT,
            brief={"topic": TOPIC},
            wait_for_completion=True,
            deferrable=deferrable,
            poll_interval=2.0,
        )

with DAG(dag_id="compare_http", schedule=None, **COMMON):
    for where, deferrable in DEFERRABLE.items():
        submit = HttpOperator(
            task_id=f"generate_{where}",
            endpoint=f"v1/projects/{PROJECT}/content",
            data=json.dumps({"brief": {"topic": TOPIC}}),
            headers=HEADERS,
            extra_options=REQUEST_OPTIONS,
            response_filter=job_id,
            deferrable=deferrable,
        )
        wait = HttpSensor(
            task_id=f"wait_{where}",
            endpoint="v1/jobs/{{ ti.xcom_pull('generate_" + where + "') }}",
            headers=HEADERS,
            extra_options=REQUEST_OPTIONS,
            response_check=completed,
            poke_interval=2,
            timeout=120,
        )
        submit >> wait

with DAG(dag_id="compare_livy", schedule=None, **COMMON):
    for where, deferrable in DEFERRABLE.items():
        LivyOperator(
            task_id=f"generate_{where}",
            file="chaos.py",
            args=[TOPIC],
            polling_interval=2,
            extra_options=REQUEST_OPTIONS,
            deferrable=deferrable,
        )
