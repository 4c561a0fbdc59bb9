"""Generate content from a hook, then a new version of the same container with another call to action."""

from __future__ import annotations

from datetime import datetime, timezone

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_layers.operators.content import (
    LayersGenerateContentOperator,
    LayersRegenerateContentOperator,
)

with DAG(
    dag_id="example_layers_regenerate",
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
        format="slideshow-builder",
        hook="wait for it...\nthis simple habit changed everything",
        wait_for_completion=True,
        deferrable=True,
    )
    LayersRegenerateContentOperator(
        task_id="regenerate",
        container_id=generate.output,
        brief={"cta": "Start today, link in bio."},
        wait_for_completion=True,
        deferrable=True,
    )
