"""Start a job and cancel it, as a cost control task would do."""

from __future__ import annotations

from datetime import datetime, timezone

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_layers.operators.content import LayersGenerateContentOperator
from airflow_provider_layers.operators.jobs import LayersCancelJobOperator

with DAG(
    dag_id="example_layers_cancel",
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
        brief={"topic": "Thirty days, one run at a time."},
        budget={"max_credits": 500},
    )
    LayersCancelJobOperator(task_id="cancel", job_id=generate.output)
