"""Jobs that are started in every way, to read their links while the tasks are in different states."""

from __future__ import annotations

from datetime import datetime, timezone

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_layers.operators.content import LayersGenerateContentOperator

COMMON = {
    "project_id": "{{ params.project_id }}",
    "layers_conn_id": "layers_links",
    "wait_for_completion": True,
    "retries": 0,
}

with DAG(
    dag_id="links_check",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    params={"project_id": Param("", type="string")},
) as dag:
    LayersGenerateContentOperator(task_id="running", brief={"topic": "running"}, deferrable=False, **COMMON)
    LayersGenerateContentOperator(task_id="deferred", brief={"topic": "deferred"}, deferrable=True, **COMMON)
    LayersGenerateContentOperator.partial(task_id="mapped", deferrable=True, **COMMON).expand(
        brief=[{"topic": "first"}, {"topic": "second"}]
    )
    LayersGenerateContentOperator(
        task_id="failed", brief={"topic": "failed"}, completion_timeout=0.1, deferrable=False, **COMMON
    )
