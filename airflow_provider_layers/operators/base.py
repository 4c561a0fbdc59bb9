"""What all operators share: the connection, what the UI shows, and one container or several."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_layers.api.content import as_ids, content_path
from airflow_provider_layers.hooks.layers import LayersHook
from airflow_provider_layers.idempotency import IdempotencyScope, idempotency_scope
from airflow_provider_layers.links.content import CONTENT_URL, LayersContentLink
from airflow_provider_layers.task_context import lineage, publish_ui_data

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_provider_layers.api.endpoint import Endpoint


class LayersOperator(BaseOperator):
    """
    An operator with a Layers connection.

    :param layers_conn_id: the Airflow connection, of type ``layers`` (templated)
    """

    template_fields: Sequence[str] = ("layers_conn_id",)
    ui_color = "#e8e4ff"
    makes_content = False

    def __init__(self, *, layers_conn_id: str = LayersHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layers_conn_id = layers_conn_id
        self._ui_data: dict[str, Any] = {}

    @cached_property
    def layers_hook(self) -> LayersHook:
        """The hook, created once the connection id is rendered. ``hook`` is a field of the API here."""
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


class LayersContainerOperator(LayersOperator):
    """
    Send a request for one container, or one for each of several.

    :param container_id: a container or a list of them (templated)
    """

    template_fields: Sequence[str] = (*LayersOperator.template_fields, "container_id")
    operator_extra_links = (LayersContentLink(),)

    def __init__(self, *, container_id: str | list[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.container_id = container_id

    @abstractmethod
    def build_request(self, container_id: str, scope: IdempotencyScope) -> Endpoint[Any]:
        """
        Return the request for one container.

        :param scope: of the task instance, for idempotency keys
        """

    def send_request(self, context: Context, endpoint: Endpoint[Any]) -> Any:
        """Send the request for one container and return its result as an XCom."""
        return self.layers_hook.run(endpoint)

    def execute(self, context: Context) -> Any:
        """Return one result for one id, and a list of results for a list of ids."""
        container_ids = as_ids(self.container_id)
        scope = idempotency_scope(context)
        # All requests are built before the first is sent, so that a wrong parameter stops them all.
        requests = [self.build_request(container_id, scope) for container_id in container_ids]
        self.publish_content_link(context, container_ids)
        self.publish_ui_data(context, container_ids=container_ids)
        results = [self.send_request(context, endpoint) for endpoint in requests]
        return results[0] if isinstance(self.container_id, str) else results
