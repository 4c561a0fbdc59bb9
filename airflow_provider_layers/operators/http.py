"""Any route of the API, through the HTTP provider's operator and hook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.providers.http.hooks.http import HttpHook
from airflow.providers.http.operators.http import HttpOperator
from requests import PreparedRequest, RequestException, Response, Session

from airflow_provider_layers.exceptions import LayersParameterError
from airflow_provider_layers.hooks.layers import LayersHook

if TYPE_CHECKING:
    from airflow_provider_layers.client import ApiConfig


class _SingleOriginSession(Session):
    """A session that sends the key to one origin only, and removes it from what that origin returns."""

    def __init__(self, api: ApiConfig) -> None:
        super().__init__()
        self.base_url = api.base_url
        self._redactor = api.redactor()

    def send(self, request: PreparedRequest, **kwargs: Any) -> Response:
        if urlsplit(request.url or "")[:2] != urlsplit(self.base_url)[:2]:
            raise LayersParameterError(
                f"The request would leave {self.base_url}: its path or a redirect names another host, "
                "which must not see the API key."
            )
        try:
            response = super().send(request, **kwargs)
        except RequestException as error:
            if not self._redactor.is_in(error):
                raise
            failure = type(error)(self._redactor.text(str(error)))
        else:
            return self._redacted(response)
        # Outside the handler: its context would show the key.
        raise failure

    def _redacted(self, response: Response) -> Response:
        text = self._redactor.text
        # requests has no other way to replace a body.
        response._content = self._redactor.body(response.content)  # noqa: SLF001
        response.headers = type(response.headers)(
            (text(name), text(value)) for name, value in response.headers.items()
        )
        response.reason, response.url = text(response.reason or ""), text(response.url)
        return response


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
        Return a session that sends the key.

        :param headers: further headers
        :param extra_options: options of ``HttpHook.run``; the connection's timeout is the default
        """
        api = LayersHook(self.layers_conn_id).settings.api
        self.base_url = api.base_url
        self._base_url_initialized = True
        options = self.merged_extra = {"timeout": api.timeout, **(extra_options or {})}
        session = _SingleOriginSession(api)
        for name in ("cert", "max_redirects", "proxies", "stream", "verify"):
            setattr(session, name, options.get(name, getattr(session, name)))
        if adapter := self.adapter or self.keep_alive_adapter:
            session.mount(api.base_url, adapter)
        session.headers.update({**api.headers(), **(headers or {})})
        return session


class LayersHttpOperator(HttpOperator):
    """
    Call a route of the API that has no operator yet.

    It is :class:`~airflow.providers.http.operators.http.HttpOperator` on a Layers connection, with that
    operator's pagination, response check and response filter. The key is sent to the connection's host only.
    Start jobs with the job operators instead, which start them exactly once.

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
