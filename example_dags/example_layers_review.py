"""
Let a reviewer decide in the Airflow UI what is published.

Each of the three generated variants has a separate review, which shows the slides and every caption and waits
without occupying a worker. Approved content is scheduled for tomorrow, rejected content is not, and a
regenerated variant is reviewed again.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_layers.operators.content import (
    LayersGenerateContentOperator,
    LayersReviewContentOperator,
    LayersScheduleContentOperator,
)


@task
def tomorrow() -> str:
    """Compute the time in a separate task, so every try of the schedule task sends the same one."""
    return (datetime.now(timezone.utc) + timedelta(days=1)).isoformat()


with DAG(
    dag_id="example_layers_review",
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
        format="slideshow_remix",
        variant_count=3,
        brief={"topic": "Thirty days, one run at a time.", "target_platforms": ["tiktok", "instagram"]},
        wait_for_completion=True,
        deferrable=True,
    )
    review = LayersReviewContentOperator.partial(
        task_id="review", response_timeout=timedelta(days=2), max_regenerations=3
    ).expand(container_id=generate.output)
    schedule = LayersScheduleContentOperator.partial(
        task_id="schedule",
        scheduled_for=tomorrow(),
        targets=[{"social_account_id": "{{ params.social_account_id }}", "mode": "publish"}],
    ).expand(container_id=review.output)
