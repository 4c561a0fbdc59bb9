"""Link from a task to its job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import TaskInstanceKey

JOB_URL = "job_url"


class LayersJobLink(BaseOperatorLink):
    """Opens the job that a task started or waits for."""

    name = "Layers job"

    @property
    def xcom_key(self) -> str:
        """Where Airflow 3 reads the link; operators push it as soon as the job is known."""
        return "_link_LayersJobLink"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:
        """Return the absolute URL of the job; empty while there is none."""
        return XCom.get_value(key=JOB_URL, ti_key=ti_key) or ""
