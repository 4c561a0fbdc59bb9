"""What all operators share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_layers.hooks.layers import LayersHook
from airflow_provider_layers.hooks.task import origin, stops_retries
from airflow_provider_layers.hooks.view import show
from airflow_provider_layers.links.content import CONTENT_URL, LayersContentLink

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_provider_layers.api.endpoint import Endpoint, Flow
    from airflow_provider_layers.api.keys import Origin


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
        self._shown: dict[str, Any] = {}

    @cached_property
    def layers_hook(self) -> LayersHook:
        """The hook, made once the connection id is rendered. ``hook`` is a word of the API here."""
        return LayersHook(self.layers_conn_id)

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage[Any, Any]:
        """
        Tell OpenLineage what the task read and made.

        :param task_instance: of the task
        """
        from airflow_provider_layers.hooks.lineage import lineage

        content = [f"content/{one}" for one in self._shown.get("container_ids", ())]
        posts = [f"post/{one}" for one in self._shown.get("scheduled_post_ids", ())]
        read, made = (posts, content) if self.makes_content else (content, posts)
        return lineage(self.layers_hook.settings.access.base_url, read=read, made=made)

    def show(self, context: Context, **what: Any) -> None:
        """
        Tell the page in the Airflow UI what the task instance is about.

        :param what: see :func:`airflow_provider_layers.hooks.view.show`
        """
        self._shown = what
        show(context, layers_conn_id=self.layers_conn_id, **what)

    def show_content(self, context: Context, container_ids: Sequence[str]) -> None:
        """Publish the address of the first container for the "Layers content" link."""
        from airflow_provider_layers.api.content import content_path

        if container_ids:
            url = f"{self.layers_hook.settings.access.base_url}{content_path(container_ids[0])}"
            context["ti"].xcom_push(key=CONTENT_URL, value=url)
            context["ti"].xcom_push(key=LayersContentLink().xcom_key, value=url)


class LayersEachContainerOperator(LayersOperator):
    """
    Do the same with one container or several.

    :param container_id: a container or a list of them (templated)
    """

    template_fields: Sequence[str] = (*LayersOperator.template_fields, "container_id")
    operator_extra_links = (LayersContentLink(),)

    def __init__(self, *, container_id: str | list[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.container_id = container_id

    @abstractmethod
    def one(self, container_id: str, source: Origin) -> Endpoint[Any] | Flow[Any]:
        """
        Say what to do with one container; each operator has its own.

        :param container_id: the container
        :param source: names this task instance over all its tries
        """

    def carry_out(self, context: Context, wanted: Any) -> Any:
        """
        Do it.

        :param context: of the task
        :param wanted: what :meth:`one` gave
        :return: the XCom of one container
        """
        return self.layers_hook.run(wanted)

    @stops_retries
    def execute(self, context: Context) -> Any:
        """Give one result for one id, and a list of results for a list of ids."""
        from airflow_provider_layers.api.content import each

        container_ids = each(self.container_id)
        source = origin(context)
        # All requests are made before the first is sent, so that a wrong parameter stops them all.
        wanted = [self.one(container_id, source) for container_id in container_ids]
        self.show_content(context, container_ids)
        self.show(context, container_ids=container_ids)
        results = [self.carry_out(context, one) for one in wanted]
        return results[0] if isinstance(self.container_id, str) else results
