"""What all operators share: the connection, and what the UI shows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_layers.api.content import content_path
from airflow_provider_layers.links.content import CONTENT_URL, LayersContentLink
from airflow_provider_layers.task_context import lineage, publish_ui_data

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_provider_layers.hooks.layers import LayersHook

RESULTS = "results"
"""XCom key of the result of each item of a list, in order."""


class LayersOperator(BaseOperator):
    """
    An operator with a Layers connection.

    :param layers_conn_id: the Airflow connection, of type ``layers`` (templated)
    """

    template_fields: Sequence[str] = ("layers_conn_id",)
    ui_color = "#e8e4ff"
    makes_content = False

    def __init__(self, *, layers_conn_id: str = "layers_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layers_conn_id = layers_conn_id
        self._ui_data: dict[str, Any] = {}

    @cached_property
    def layers_hook(self) -> LayersHook:
        """The hook, created once the connection id is rendered. ``hook`` is a field of the API here."""
        # Every DAG file imports this module, and needs no HTTP client.
        from airflow_provider_layers.hooks.layers import LayersHook

        return LayersHook(self.layers_conn_id)

    def publish_ui_data(self, context: Context, **data: Any) -> None:
        """
        Publish what the Layers page in the Airflow UI shows.

        :param data: see :func:`airflow_provider_layers.task_context.publish_ui_data`
        """
        self._ui_data = data
        publish_ui_data(context, layers_conn_id=self.layers_conn_id, **data)

    def publish_content_link(self, context: Context, container_ids: Sequence[str]) -> None:
        """Publish the URL of the first container for the "Layers content" link."""
        if container_ids:
            url = f"{self.layers_hook.settings.api.base_url}{content_path(container_ids[0])}"
            context["ti"].xcom_push(key=CONTENT_URL, value=url)
            context["ti"].xcom_push(key=LayersContentLink().xcom_key, value=url)

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage[Any, Any]:
        """Return the content and posts that the task read and made."""
        content = [f"content/{item}" for item in self._ui_data.get("container_ids", ())]
        posts = [f"post/{item}" for item in self._ui_data.get("scheduled_post_ids", ())]
        inputs, outputs = (posts, content) if self.makes_content else (content, posts)
        return lineage(self.layers_hook.settings.api.base_url, inputs=inputs, outputs=outputs)
