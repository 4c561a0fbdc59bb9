"""The link from a task to its content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import TaskInstanceKey

CONTENT_URL = "content_url"


class LayersContentLink(BaseOperatorLink):
    """Opens the content that a task made or decides on; the first, where there are several."""

    name = "Layers content"

    @property
    def xcom_key(self) -> str:
        """Where Airflow 3 looks the link up."""
        return "_link_LayersContentLink"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:
        """
        Give the URL of the content.

        :param operator: the operator
        :param ti_key: the task instance
        :return: an absolute URL; empty while there is no content
        """
        return XCom.get_value(key=CONTENT_URL, ti_key=ti_key) or ""
