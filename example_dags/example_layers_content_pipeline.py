"""
The complete pipeline from a successful post to a scheduled one.

Every day: find the top performers, clone each of them, wait without occupying a worker, approve the results,
and schedule them for tomorrow at 09:00 in the project's timezone.

This example approves everything, which is only suitable for trying it out. In production use a review before
the schedule, as in ``example_layers_review``.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_layers.operators.content import (
    LayersApproveContentOperator,
    LayersCloneFromPostOperator,
    LayersScheduleContentOperator,
)
from airflow_provider_layers.operators.top_performers import LayersGetTopPerformersOperator
from airflow_provider_layers.sensors.jobs import LayersJobSensor

PROJECT = "{{ params.project_id }}"


def post_to_clone(row: dict[str, Any]) -> str:
    """Return the id of the post that the clone operator takes."""
    return str(row["platformPostId"])


@task(retries=2)
def tomorrow_at_nine(project_id: str) -> str:
    """Return tomorrow at 09:00 in the project's timezone."""
    import pendulum

    from airflow_provider_layers.hooks.layers import LayersHook

    timezone_name = LayersHook().get_project(project_id)["timezone"]
    return pendulum.now(timezone_name).add(days=1).at(9).isoformat()


with DAG(
    dag_id="example_layers_content_pipeline",
    schedule="@daily",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    doc_md=__doc__,
    tags=["example", "layers"],
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    params={
        "project_id": Param("prj_your-project", type="string"),
        "social_account_id": Param("sa_your-account", type="string"),
    },
) as dag:
    top_performers = LayersGetTopPerformersOperator(
        task_id="top_performers",
        project_id=PROJECT,
        metric="engagement_rate",
        window="7d",
        source_type="platform_post",
        limit=3,
    )
    clone = LayersCloneFromPostOperator.partial(task_id="clone", project_id=PROJECT, mode="fork").expand(
        source_platform_post_id=top_performers.output.map(post_to_clone)
    )
    wait = LayersJobSensor.partial(task_id="wait", deferrable=True, timeout=30 * 60).expand(
        job_id=clone.output
    )
    approve = LayersApproveContentOperator.partial(task_id="approve", note="Approved by the example.").expand(
        container_id=wait.output
    )
    schedule = LayersScheduleContentOperator.partial(
        task_id="schedule",
        scheduled_for=tomorrow_at_nine(PROJECT),
        targets=[{"social_account_id": "{{ params.social_account_id }}", "mode": "publish"}],
    ).expand(container_id=wait.output)
    approve >> schedule
