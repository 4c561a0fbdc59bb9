"""
Publish content and wait until it is public.

Then schedule it again, reschedule that post to another day, and cancel it.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_layers.operators.content import (
    LayersApproveContentOperator,
    LayersGenerateContentOperator,
    LayersPublishContentOperator,
    LayersScheduleContentOperator,
)
from airflow_provider_layers.operators.scheduled_posts import (
    LayersCancelScheduledPostOperator,
    LayersRescheduleScheduledPostOperator,
)
from airflow_provider_layers.sensors.scheduled_posts import LayersScheduledPostSensor

TARGETS = [{"social_account_id": "{{ params.social_account_id }}", "mode": "publish"}]


@task(multiple_outputs=True)
def days() -> dict[str, str]:
    """Compute the times in a separate task, so every try of the tasks below sends the same ones."""
    now = datetime.now(timezone.utc)
    return {"first": (now + timedelta(days=1)).isoformat(), "later": (now + timedelta(days=2)).isoformat()}


@task
def first_post(scheduling: dict[str, Any]) -> str:
    """Return the id of the first scheduled post."""
    return str(scheduling["scheduled_post_ids"][0])


with DAG(
    dag_id="example_layers_publish",
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
        brief={"topic": "Thirty days, one run at a time."},
        wait_for_completion=True,
        deferrable=True,
    )
    container = "{{ ti.xcom_pull(task_ids='generate', key='container_id') }}"
    approve = LayersApproveContentOperator(task_id="approve", container_id=generate.output)
    publish = LayersPublishContentOperator(task_id="publish", container_id=container, targets=TARGETS)
    public = LayersScheduledPostSensor(
        task_id="public",
        scheduled_post_id=first_post.override(task_id="published_post")(publish.output),
        project_id="{{ params.project_id }}",
        deferrable=True,
        timeout=30 * 60,
    )
    moments = days()
    schedule = LayersScheduleContentOperator(
        task_id="schedule", container_id=container, scheduled_for=moments["first"], targets=TARGETS
    )
    post = first_post(schedule.output)
    move = LayersRescheduleScheduledPostOperator(
        task_id="move", scheduled_post_id=post, scheduled_for=moments["later"]
    )
    cancel = LayersCancelScheduledPostOperator(
        task_id="cancel", scheduled_post_id=post, reason="One post was enough."
    )
    approve >> publish >> public
    publish >> schedule
    move >> cancel
