"""Call routes without an operator: the credits, and all pages of the social accounts of a project."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_layers.operators.http import LayersHttpOperator


def next_page(response: Any) -> dict[str, Any] | None:
    """Return the parameters of the next page, or ``None`` after the last."""
    cursor = response.json().get("nextCursor")
    return {"data": {"cursor": cursor}} if cursor else None


def handles(pages: list[Any]) -> list[str]:
    """Return the account handles of all pages."""
    return [account["handle"] for page in pages for account in page.json()["items"]]


with DAG(
    dag_id="example_layers_http",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    doc_md=__doc__,
    tags=["example", "layers"],
    default_args={"retries": 2},
    params={"project_id": Param("prj_your-project", type="string")},
) as dag:
    LayersHttpOperator(
        task_id="credits",
        endpoint="v1/credits",
        response_check=lambda response: response.json()["balance"] > 0,
        response_filter=lambda response: response.json()["balance"],
    )
    LayersHttpOperator(
        task_id="accounts",
        endpoint="v1/projects/{{ params.project_id }}/social-accounts",
        data={"limit": 1},
        pagination_function=next_page,
        response_filter=handles,
    )
