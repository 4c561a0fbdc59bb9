"""Questions whose bodies come from the run's configuration, for a browser. They need Airflow 3.1."""

from __future__ import annotations

from datetime import datetime, timezone

from airflow.providers.common.compat.sdk import DAG, Param
from airflow.providers.standard.version_compat import AIRFLOW_V_3_1_PLUS

TEXT = ["null", "string"]

if AIRFLOW_V_3_1_PLUS:
    from airflow.providers.standard.operators.hitl import HITLOperator

    with DAG("browser_check", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc)) as dag:
        HITLOperator.partial(
            task_id="ask",
            subject="Is it good?",
            options=["Yes", "No"],
            params={
                "version": Param(7, type="integer", const=7),
                "reason": Param(None, type=TEXT, maxLength=10),
                "lines": Param(None, type=["null", "array"], items={"type": "string"}),
                "count": Param(1, type="integer"),
                "keep": Param(False, type="boolean"),
            },
        ).expand(body=["{{ dag_run.conf['pictures'] }}", "{{ dag_run.conf['texts'] }}", "To be answered."])
