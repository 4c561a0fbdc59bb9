"""One mapped chain for each piece of content."""

from __future__ import annotations

from airflow.sdk import DAG, task_group

from airflow_provider_layers.operators.content import (
    LayersApproveContentOperator,
    LayersGenerateContentOperator,
    LayersScheduleContentOperator,
)
from airflow_provider_layers.sensors.jobs import LayersJobSensor
from dev.cluster.pipelines import COMMON, PROJECT, SCHEDULED_FOR, TARGETS, topics

with DAG(dag_id="cluster_mapped", schedule=None, **COMMON):

    @task_group
    def chain(topic: str) -> None:
        """Generate, wait, approve and schedule."""
        generate = LayersGenerateContentOperator(
            task_id="generate", project_id=PROJECT, brief={"topic": topic}
        )
        wait = LayersJobSensor(task_id="wait", job_id=generate.output, timeout=6 * 3600)  # type: ignore[arg-type]
        approve = LayersApproveContentOperator(task_id="approve", container_id=wait.output)
        approve >> LayersScheduleContentOperator(
            task_id="schedule", container_id=wait.output, scheduled_for=SCHEDULED_FOR, targets=TARGETS
        )

    chain.expand(topic=topics("mapped"))
