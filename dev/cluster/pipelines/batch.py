"""The same pieces of content in one task for each step."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_layers.operators.content import (
    LayersApproveContentOperator,
    LayersContentBatchOperator,
    LayersScheduleContentOperator,
)
from dev.cluster.pipelines import COMMON, PROJECT, SCHEDULED_FOR, TARGETS, topics

with DAG(dag_id="cluster_batch", schedule=None, **COMMON):
    generate = LayersContentBatchOperator(
        task_id="generate",
        requests=[
            {"operation": "generate", "project_id": PROJECT, "brief": {"topic": topic}}
            for topic in topics("batch")
        ],
    )
    approve = LayersApproveContentOperator(task_id="approve", container_id=generate.output)
    approve >> LayersScheduleContentOperator(
        task_id="schedule", container_id=generate.output, scheduled_for=SCHEDULED_FOR, targets=TARGETS
    )
