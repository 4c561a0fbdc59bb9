"""Wait until posts exceed an engagement rate, and make a variation of each of them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_layers.operators.content import LayersCloneFromPostOperator
from airflow_provider_layers.sensors.top_performers import LayersTopPerformersSensor


def post_to_clone(row: dict[str, Any]) -> str:
    """Return the id of the post that the clone operator takes."""
    return str(row["platformPostId"])


with DAG(
    dag_id="example_layers_winners",
    schedule="@weekly",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    doc_md=__doc__,
    tags=["example", "layers"],
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    params={
        "project_id": Param("prj_your-project", type="string"),
        "engagement": Param(0.05, type="number"),
    },
) as dag:
    winners = LayersTopPerformersSensor(
        task_id="winners",
        project_id="{{ params.project_id }}",
        metric="engagement_rate",
        threshold="{{ params.engagement }}",
        window="7d",
        source_type="platform_post",
        limit=2,
        deferrable=True,
        timeout=timedelta(days=5).total_seconds(),
    )
    clone = LayersCloneFromPostOperator.partial(
        task_id="clone", project_id="{{ params.project_id }}", mode="reimagine"
    ).expand(source_platform_post_id=winners.output.map(post_to_clone))
