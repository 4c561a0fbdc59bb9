"""
Generate content, wait until it is approved in Layers, and schedule the approved content for tomorrow.

For teams that approve in Layers. The wait may take days and occupies no worker. Rejected content is not
scheduled; without ``fail_on_reject=False`` it would fail the wait, and nothing would be scheduled.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_layers.operators.content import (
    LayersGenerateContentOperator,
    LayersScheduleContentOperator,
)
from airflow_provider_layers.sensors.content import LayersContentApprovalSensor


@task
def tomorrow() -> str:
    """Compute the time in a separate task, so every try of the schedule task sends the same one."""
    return (datetime.now(timezone.utc) + timedelta(days=1)).isoformat()


with DAG(
    dag_id="example_layers_approval",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    doc_md=__doc__,
    tags=["example", "layers"],
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    params={
        "project_id": Param("prj_your-project", type="string"),
        "social_account_id": Param("sa_your-account", type="string"),
    },
) as dag:
    generate = LayersGenerateContentOperator(
        task_id="generate",
        project_id="{{ params.project_id }}",
        variant_count=2,
        brief={"topic": "Thirty days, one run at a time."},
        wait_for_completion=True,
        deferrable=True,
    )
    approved = LayersContentApprovalSensor(
        task_id="approved",
        container_id=generate.output,
        project_id="{{ params.project_id }}",
        fail_on_reject=False,
        deferrable=True,
        timeout=7 * 24 * 60 * 60,
    )
    moment = tomorrow()
    LayersScheduleContentOperator(
        task_id="schedule",
        container_id=approved.output,
        scheduled_for=moment,
        targets=[{"social_account_id": "{{ params.social_account_id }}", "mode": "publish"}],
    )
    # "Tomorrow" is relative to the approval, not to the start of the run.
    approved >> moment
