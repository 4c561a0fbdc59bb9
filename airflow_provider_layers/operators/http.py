"""Any route of the API, over the HTTP provider's operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.http.operators.http import HttpOperator

from airflow_provider_layers.hooks.http import LayersHttpHook
from airflow_provider_layers.hooks.layers import LayersHook
from airflow_provider_layers.hooks.task import stops_retries

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class LayersHttpOperator(HttpOperator):
    """
    Call a route of the API that has no operator yet.

    It is :class:`~airflow.providers.http.operators.http.HttpOperator` on a Layers connection, with that
    operator's pagination, response check and response filter. The key goes to the connection's own host only.
    Requests that start a job are better sent by the job operators, which send them once.

    :param endpoint: the route, such as ``v1/credits`` (templated)
    :param method: HTTP method
    :param layers_conn_id: the Airflow connection, of type ``layers`` (templated)
    :param kwargs: see ``HttpOperator``; it runs in the worker, since its trigger knows no Layers connection
    """

    template_fields: Sequence[str] = ("endpoint", "data", "headers", "layers_conn_id")
    conn_id_field = "layers_conn_id"

    def __init__(
        self,
        *,
        endpoint: str,
        method: str = "GET",
        layers_conn_id: str = LayersHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(endpoint=endpoint, method=method, deferrable=False, **kwargs)
        self.layers_conn_id = layers_conn_id

    @stops_retries
    def execute(self, context: Context) -> Any:
        """Call the route; a connection that cannot be used is not tried again."""
        return super().execute(context)

    @property
    def hook(self) -> LayersHttpHook:
        """The HTTP provider's hook with this connection's base URL, key and timeout."""
        return LayersHttpHook(
            method=self.method,
            layers_conn_id=self.layers_conn_id,
            tcp_keep_alive=self.tcp_keep_alive,
            tcp_keep_alive_idle=self.tcp_keep_alive_idle,
            tcp_keep_alive_count=self.tcp_keep_alive_count,
            tcp_keep_alive_interval=self.tcp_keep_alive_interval,
        )
