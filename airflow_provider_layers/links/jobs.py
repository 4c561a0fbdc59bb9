"""The link from a task to its job."""

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
        """Where Airflow 3 looks the link up; operators fill it as soon as the job is known."""
        return "_link_LayersJobLink"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:
        """
        Give the URL of the job.

        :param operator: the operator
        :param ti_key: the task instance
        :return: an absolute URL; empty while there is no job
        """
        return XCom.get_value(key=JOB_URL, ti_key=ti_key) or ""
