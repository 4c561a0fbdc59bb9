"""Generate content for each of several topics in one task, approve all of it, and schedule it."""

from __future__ import annotations

from datetime import datetime, timezone

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_layers.operators.content import (
    LayersApproveContentOperator,
    LayersContentBatchOperator,
    LayersScheduleContentOperator,
)

TOPICS = ["Meal prep in ten minutes", "Three stretches for desk workers", "A walk that clears the head"]

with DAG(
    dag_id="example_layers_batch",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    doc_md=__doc__,
    tags=["example", "layers"],
    default_args={"retries": 2},
    params={
        "project_id": Param("prj_your-project", type="string"),
        "social_account_id": Param("sa_your-account", type="string"),
        "scheduled_for": Param("2027-01-04T09:00:00+01:00", type="string", format="date-time"),
    },
) as dag:
    batch = LayersContentBatchOperator(
        task_id="batch",
        requests=[
            {"operation": "generate", "project_id": "{{ params.project_id }}", "brief": {"topic": topic}}
            for topic in TOPICS
        ],
        deferrable=True,
    )
    approve = LayersApproveContentOperator(task_id="approve", container_id=batch.output)
    schedule = LayersScheduleContentOperator(
        task_id="schedule",
        container_id=batch.output,
        scheduled_for="{{ params.scheduled_for }}",
        targets=[{"social_account_id": "{{ params.social_account_id }}", "mode": "publish"}],
    )
    approve >> schedule
