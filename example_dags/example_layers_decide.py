"""Approve the newest finished content of a project that waits for it, and reject the rest."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_layers.operators.content import (
    LayersApproveContentOperator,
    LayersListContentOperator,
    LayersRejectContentOperator,
)


@task(multiple_outputs=True)
def sort_out(rows: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Keep the newest container that waits for an approval, and drop the others."""
    pending = [row["id"] for row in rows if row["approvalStatus"] == "pending"]
    return {"keep": pending[:1], "drop": pending[1:]}


with DAG(
    dag_id="example_layers_decide",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    doc_md=__doc__,
    tags=["example", "layers"],
    default_args={"retries": 2},
    params={"project_id": Param("prj_your-project", type="string")},
) as dag:
    finished = LayersListContentOperator(
        task_id="finished", project_id="{{ params.project_id }}", status="completed", limit=50
    )
    sorted_out = sort_out(finished.output)
    LayersApproveContentOperator(task_id="approve", container_id=sorted_out["keep"])
    LayersRejectContentOperator(
        task_id="reject", container_id=sorted_out["drop"], reason="Not the newest take."
    )
