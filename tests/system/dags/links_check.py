"""Jobs that are started in every way, for looking at their link while it matters."""

from __future__ import annotations

from datetime import datetime, timezone

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_layers.operators.content import LayersGenerateContentOperator

WAITING = {"project_id": "{{ params.project_id }}", "wait_for_completion": True, "retries": 0}

with DAG(
    dag_id="links_check",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    params={"project_id": Param("", type="string")},
) as dag:
    LayersGenerateContentOperator(task_id="running", brief={"topic": "running"}, **WAITING)
    LayersGenerateContentOperator(task_id="deferred", brief={"topic": "deferred"}, deferrable=True, **WAITING)
    LayersGenerateContentOperator.partial(task_id="mapped", deferrable=True, **WAITING).expand(
        brief=[{"topic": "one"}, {"topic": "two"}]
    )
    LayersGenerateContentOperator(
        task_id="failed", brief={"topic": "failed"}, completion_timeout=0.1, deferrable=False, **WAITING
    )
