"""The HTTP provider's hook over a Layers connection, for routes that have no operator yet."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from airflow.providers.http.hooks.http import HttpHook
from requests import PreparedRequest, Response, Session

from airflow_provider_layers.exceptions import LayersParameterError
from airflow_provider_layers.hooks.layers import LayersHook


class _OneOrigin(Session):
    """A session that sends its headers, and so the key, to one origin only."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self.base_url = base_url

    def send(self, request: PreparedRequest, **kwargs: Any) -> Response:
        if urlsplit(request.url or "")[:2] != urlsplit(self.base_url)[:2]:
            raise LayersParameterError(
                f"The request would leave {self.base_url}: its path or a redirect names another host, "
                "which must not see the API key."
            )
        return super().send(request, **kwargs)


class LayersHttpHook(HttpHook):
    """
    ``HttpHook`` with the base URL, key and timeout of a Layers connection.

    :param method: HTTP method
    :param layers_conn_id: the Airflow connection, of type ``layers``
    :param kwargs: see :class:`~airflow.providers.http.hooks.http.HttpHook`
    """

    conn_name_attr = LayersHook.conn_name_attr
    default_conn_name = LayersHook.default_conn_name
    conn_type = LayersHook.conn_type
    hook_name = LayersHook.hook_name

    def __init__(
        self, method: str = "GET", layers_conn_id: str = LayersHook.default_conn_name, **kwargs: Any
    ) -> None:
        super().__init__(method=method, http_conn_id=layers_conn_id, **kwargs)
        self.layers_conn_id = layers_conn_id

    def get_conn(
        self, headers: dict[Any, Any] | None = None, extra_options: dict[str, Any] | None = None
    ) -> Session:
        """
        Open a session that carries the key.

        :param headers: further headers
        :param extra_options: options of ``HttpHook.run``; the connection's timeout is the default
        """
        access = LayersHook(self.layers_conn_id).settings.access
        self.base_url = access.base_url
        self._base_url_initialized = True
        options = self.merged_extra = {"timeout": access.timeout, **(extra_options or {})}
        session = _OneOrigin(access.base_url)
        for name in ("cert", "max_redirects", "proxies", "stream", "verify"):
            setattr(session, name, options.get(name, getattr(session, name)))
        if adapter := self.adapter or self.keep_alive_adapter:
            session.mount(access.base_url, adapter)
        session.headers.update({**access.headers(), **(headers or {})})
        return session
