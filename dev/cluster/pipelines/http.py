"""The same chains with the operators of the HTTP provider."""

from __future__ import annotations

import json
from typing import Any

from airflow.providers.http.operators.http import HttpOperator
from airflow.providers.http.sensors.http import HttpSensor
from airflow.sdk import DAG, PokeReturnValue, task_group

from dev.cluster.pipelines import ACCOUNT, COMMON, PROJECT, SCHEDULED_FOR, topics

HEADERS = {
    "Content-Type": "application/json",
    "Authorization": "Bearer {{ conn.http_default.password }}",
}
PULL = "{{{{ ti.xcom_pull('chain.{task}', map_indexes=ti.map_index) }}}}"
CONTENT = f"v1/content/{PULL.format(task='wait')}"


def job_id(response: Any) -> str:
    """Return the job id of a submission."""
    return str(response.json()["jobId"])


def completed(response: Any) -> PokeReturnValue:
    """Return whether the job has completed, and its container id."""
    job = response.json()
    return PokeReturnValue(job["status"] == "completed", (job.get("result") or {}).get("containerId"))


with DAG(dag_id="cluster_http", schedule=None, **COMMON):

    @task_group
    def chain(body: str) -> None:
        """Generate, wait, approve and schedule."""
        generate = HttpOperator(
            task_id="generate",
            endpoint=f"v1/projects/{PROJECT}/content",
            data=body,
            headers=HEADERS,
            response_filter=job_id,
        )
        # With a response_check it pokes in the worker although it is deferrable; so it gives its slot back
        # between two pokes.
        wait = HttpSensor(
            task_id="wait",
            endpoint=f"v1/jobs/{PULL.format(task='generate')}",
            headers=HEADERS,
            response_check=completed,
            response_error_codes_allowlist=["404", "429"],
            mode="reschedule",
            poke_interval=10,
            timeout=6 * 3600,
        )
        approve = HttpOperator(task_id="approve", endpoint=f"{CONTENT}/approve", data="{}", headers=HEADERS)
        schedule = HttpOperator(
            task_id="schedule",
            endpoint=f"{CONTENT}/schedule",
            data=json.dumps(
                {
                    "scheduledFor": SCHEDULED_FOR,
                    "targets": [{"socialAccountId": ACCOUNT, "mode": "publish"}],
                }
            ),
            headers=HEADERS,
        )
        generate >> wait >> approve >> schedule

    chain.expand(body=[json.dumps({"brief": {"topic": topic}}) for topic in topics("http")])
