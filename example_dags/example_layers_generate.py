"""Generate content from a brief, wait for it without occupying a worker, and read the result."""

from __future__ import annotations

from datetime import datetime, timezone

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_layers.operators.content import LayersGenerateContentOperator, LayersGetContentOperator

with DAG(
    dag_id="example_layers_generate",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    doc_md=__doc__,
    tags=["example", "layers"],
    default_args={"retries": 2},
    params={"project_id": Param("prj_your-project", type="string")},
) as dag:
    generate = LayersGenerateContentOperator(
        task_id="generate",
        project_id="{{ params.project_id }}",
        variant_count=2,
        brief={
            "hook": "Your first 30 days of running, one clip at a time.",
            "target_platforms": ["instagram", "tiktok"],
            "value_propositions": ["No gym", "Ten minutes a day"],
        },
        wait_for_completion=True,
        deferrable=True,
    )
    LayersGetContentOperator(task_id="read", container_id=generate.output)
