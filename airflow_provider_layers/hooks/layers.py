"""The hook: an Airflow connection, and the API behind it."""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_layers.exceptions import (
    LayersAuthenticationError,
    LayersError,
    LayersSuspendedError,
)
from airflow_provider_layers.get_provider_info import CONNECTION_FIELDS, UI_FIELD_BEHAVIOUR

if TYPE_CHECKING:
    from airflow_provider_layers.api.endpoint import Endpoint, Flow
    from airflow_provider_layers.client import LayersClient
    from airflow_provider_layers.hooks.http import LayersHttpHook
    from airflow_provider_layers.hooks.settings import Settings
    from airflow_provider_layers.hooks.sharing import Lease

T = TypeVar("T")


class LayersHook(BaseHook):
    """
    Talk to the Layers Partner API.

    An endpoint of :mod:`airflow_provider_layers.api` is a value, and the hook runs it::

        from airflow_provider_layers.api.projects import get_project

        project = LayersHook().run(get_project("prj_..."))

    :param layers_conn_id: the Airflow connection, of type ``layers``
    :param settings: what the connection says, when that is known already
    """

    conn_name_attr = "layers_conn_id"
    default_conn_name = "layers_default"
    conn_type = "layers"
    hook_name = "Layers"

    def __init__(
        self, layers_conn_id: str = default_conn_name, *, settings: Settings | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.layers_conn_id = layers_conn_id
        self._settings = settings

    @cached_property
    def settings(self) -> Settings:
        """
        What the connection says, looked up once.

        :raises LayersConnectionError: it cannot be used as it is filled in
        """
        from airflow_provider_layers.hooks.settings import read_settings

        return self._settings or read_settings(self.get_connection(self.layers_conn_id))

    @cached_property
    def _client(self) -> LayersClient:
        from airflow_provider_layers.client import LayersClient

        client = LayersClient(self.settings.access)
        weakref.finalize(self, client.close)
        return client

    def get_conn(self) -> LayersClient:
        """Give the client, one for each hook."""
        return self._client

    def run(self, wanted: Endpoint[T] | Flow[T]) -> T:
        """
        Run an endpoint or a flow of the API and wait for its result.

        :param wanted: what to do; an endpoint is retried while that can help and cannot do anything twice
        :raises LayersError: see :mod:`airflow_provider_layers.exceptions`
        """
        from airflow_provider_layers.api.endpoint import Endpoint
        from airflow_provider_layers.api.flow import call

        return self.get_conn().run(call(wanted) if isinstance(wanted, Endpoint) else wanted)

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[Lease]:
        """
        Lend what everybody in this event loop shares for this connection: a client, and a watcher.

        :raises LayersConnectionError: the connection cannot be used as it is filled in
        """
        from airflow_provider_layers.hooks.sharing import lease, looked_up

        async with lease(await looked_up(self.layers_conn_id, self._settings_in_loop)) as shared:
            yield shared

    async def _settings_in_loop(self) -> Settings:
        from airflow_provider_layers.hooks.settings import read_settings

        return read_settings(await self._connection_in_loop())

    async def _connection_in_loop(self) -> Any:
        if hasattr(BaseHook, "aget_connection"):
            return await BaseHook.aget_connection(self.layers_conn_id)
        from asgiref.sync import sync_to_async

        return await sync_to_async(BaseHook.get_connection)(self.layers_conn_id)

    def http_hook(self, method: str = "GET") -> LayersHttpHook:
        """
        Give a hook of the HTTP provider that uses this connection, for routes without an operator.

        :param method: HTTP method
        """
        from airflow_provider_layers.hooks.http import LayersHttpHook

        return LayersHttpHook(method=method, layers_conn_id=self.layers_conn_id)

    def test_connection(self) -> tuple[bool, str]:
        """Check the key with ``GET /v1/whoami``, which costs nothing."""
        from airflow_provider_layers.api.account import whoami
        from airflow_provider_layers.api.flow import ask

        try:
            account = self.get_conn().run(ask(whoami()))
        except LayersAuthenticationError as error:
            return False, f"The API refused the key as wrong, revoked or of another environment. {error}"
        except LayersSuspendedError as error:
            return False, f"The key is right, and suspended. {error}"
        except LayersError as error:
            return False, str(error)
        if account.blocked:
            return False, f"The key is right, and cannot be used: {account.blocked}."
        return True, f"Connected to {account.organization} (rate limit tier {account.rate_limit_tier})."

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Describe the standard fields of the form, for Airflow below 3.2."""
        return {name.replace("-", "_"): value for name, value in UI_FIELD_BEHAVIOUR.items()}

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Describe the extra fields of the form, for Airflow below 3.2."""
        from airflow_provider_layers.hooks.form import widget

        return {name: widget(field) for name, field in CONNECTION_FIELDS.items()}
