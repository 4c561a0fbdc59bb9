"""What all operators share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_layers.hooks.layers import LayersHook

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class LayersOperator(BaseOperator):
    """
    An operator with a Layers connection.

    :param layers_conn_id: the Airflow connection, of type ``layers`` (templated)
    """

    template_fields: Sequence[str] = ("layers_conn_id",)
    ui_color = "#e8e4ff"

    def __init__(self, *, layers_conn_id: str = LayersHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layers_conn_id = layers_conn_id

    @cached_property
    def layers_hook(self) -> LayersHook:
        """The hook, made once the connection id is rendered. ``hook`` is a word of the API here."""
        return LayersHook(self.layers_conn_id)

    def show_content(self, context: Context, container_ids: Sequence[str]) -> None:
        """Publish the address of the first container for the "Layers content" link."""
        from airflow_provider_layers.links.content import CONTENT_URL, LayersContentLink

        if container_ids:
            url = f"{self.layers_hook.settings.access.base_url}/v1/content/{container_ids[0]}"
            context["ti"].xcom_push(key=CONTENT_URL, value=url)
            context["ti"].xcom_push(key=LayersContentLink().xcom_key, value=url)
