"""Link from a task to its content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import TaskInstanceKey

CONTENT_URL = "content_url"


class LayersContentLink(BaseOperatorLink):
    """Opens the content that a task made or decides on; the first of several."""

    name = "Layers content"

    @property
    def xcom_key(self) -> str:
        """Where Airflow 3 reads the link."""
        return "_link_LayersContentLink"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:
        """Return the absolute URL of the content; empty while there is none."""
        return XCom.get_value(key=CONTENT_URL, ti_key=ti_key) or ""
