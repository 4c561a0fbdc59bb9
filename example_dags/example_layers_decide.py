"""Approve the newest completed content of a project that is pending, and reject the other pending content."""

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
    """Select the newest pending container for approval, and the others for rejection."""
    pending = [row["id"] for row in rows if row["approvalStatus"] == "pending"]
    return {"approve": pending[:1], "reject": pending[1:]}


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
    LayersApproveContentOperator(task_id="approve", container_id=sorted_out["approve"])
    LayersRejectContentOperator(
        task_id="reject", container_id=sorted_out["reject"], reason="Not the newest version."
    )
