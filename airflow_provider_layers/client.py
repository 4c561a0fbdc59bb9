"""HTTP clients: sync for workers, async for the triggerer. The only module that knows httpx."""

from __future__ import annotations

import logging
import random
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import Any, TypeVar

import httpx

from airflow_provider_layers import __version__
from airflow_provider_layers.api.endpoint import ConflictResolution, Endpoint, Response, retry_delay
from airflow_provider_layers.api.errors import error_from_response
from airflow_provider_layers.clock import SYSTEM_CLOCK, Clock
from airflow_provider_layers.exceptions import (
    LayersConflictError,
    LayersError,
    LayersTransportError,
    LayersUnexpectedResponseError,
)
from airflow_provider_layers.redaction import KeyRedactor

T = TypeVar("T")

CONNECT_TIMEOUT = 10.0
"""Seconds. A host that takes longer to accept a connection is down; a slow response is something else."""


@dataclass(frozen=True)
class ApiConfig:
    """
    API base URL and credentials.

    :param base_url: scheme and host, without a path
    :param api_key: the key; it has no ``repr``
    :param auth_scheme: ``bearer`` or ``x-api-key``
    :param organization: the child organization to act for, or ``None``
    :param timeout: seconds to wait for data; also for a connection, up to 10
    """

    base_url: str
    api_key: str = field(repr=False)
    auth_scheme: str = "bearer"
    organization: str | None = None
    timeout: float = 30.0

    def headers(self) -> dict[str, str]:
        """Return the headers of every request."""
        headers = {"User-Agent": f"airflow-provider-layers/{__version__}", "Accept": "application/json"}
        if self.auth_scheme == "x-api-key":
            headers["X-Api-Key"] = self.api_key
        else:
            headers["Authorization"] = f"Bearer {self.api_key}"
        if self.organization:
            headers["X-Layers-Organization"] = self.organization
        return headers

    def redactor(self) -> KeyRedactor:
        """Return a redactor of the key, which from now on also filters the logs of the HTTP libraries."""
        return _key_log_filter.redactors.setdefault(self.api_key, KeyRedactor(self.api_key))


class _RequestLogFilter(logging.Filter):
    """
    Drop httpx's INFO line for each request to the API; its lines about other hosts pass.

    A thousand waits would otherwise write a hundred lines a second into the triggerer's log.
    """

    def __init__(self) -> None:
        super().__init__()
        self.hosts: set[bytes] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno > logging.INFO or not isinstance(record.args, tuple):
            return True
        return all(url.netloc not in self.hosts for url in record.args if isinstance(url, httpx.URL))


class _KeyLogFilter(logging.Filter):
    """
    Remove API keys from the log records of the HTTP libraries.

    At DEBUG httpcore logs the headers of each response, and urllib3 the path of each redirect that the HTTP
    operator follows; a server may repeat the key in them.
    """

    loggers = (
        *(f"httpcore.{name}" for name in ("connection", "http11", "http2", "proxy", "socks")),
        *(f"urllib3.{name}" for name in ("connectionpool", "connection", "util.retry")),
    )

    def __init__(self) -> None:
        super().__init__()
        self.redactors: dict[str, KeyRedactor] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        message = redacted = record.getMessage()
        for redactor in tuple(self.redactors.values()):
            redacted = redactor.text(redacted)
            if record.exc_info and record.exc_info[1] and redactor.is_in(record.exc_info[1]):
                record.exc_info = None
        if redacted != message:
            record.msg, record.args = redacted, ()
        return True


_request_log_filter = _RequestLogFilter()
logging.getLogger("httpx").addFilter(_request_log_filter)
_key_log_filter = _KeyLogFilter()
for _name in ("httpx", *_KeyLogFilter.loggers):
    logging.getLogger(_name).addFilter(_key_log_filter)


@cache
def _ssl_context() -> ssl.SSLContext:
    # Reading the trusted certificates takes 26 ms, in the triggerer on its event loop: once for each process.
    return httpx.create_ssl_context()


def _client_options(config: ApiConfig) -> dict[str, Any]:
    _request_log_filter.hosts.add(httpx.URL(config.base_url).netloc)
    return {
        "base_url": config.base_url,
        "headers": config.headers(),
        "timeout": httpx.Timeout(config.timeout, connect=min(CONNECT_TIMEOUT, config.timeout)),
        "verify": _ssl_context(),
        # A redirect could carry the key to another host.
        "follow_redirects": False,
    }


def _request_options(endpoint: Endpoint[Any]) -> dict[str, Any]:
    headers = {}
    if endpoint.idempotency_key:
        headers["Idempotency-Key"] = endpoint.idempotency_key
    if endpoint.etag:
        headers["If-None-Match"] = endpoint.etag
    return {
        "method": endpoint.method,
        "url": endpoint.path,
        "params": endpoint.query or None,
        "json": endpoint.body,
        "headers": headers,
    }


def _read(endpoint: Endpoint[T], received: httpx.Response, redactor: KeyRedactor) -> T:
    # Here and nowhere else: whatever is raised, logged or stored is read from this response.
    headers = httpx.Headers(
        [(redactor.raw(name), redactor.raw(value)) for name, value in received.headers.raw]
    )
    response = Response(received.status_code, headers, redactor.body(received.content))
    error = error_from_response(endpoint, response)
    if error is not None:
        raise error
    return endpoint.read(response)


def _transport_error(
    endpoint: Endpoint[Any], error: httpx.HTTPError | httpx.InvalidURL, redactor: KeyRedactor
) -> LayersTransportError:
    if isinstance(error, httpx.LocalProtocolError):
        # httpx quotes the header that it refuses, which may be the one with the key: no text and no cause.
        return LayersTransportError(f"Could not {endpoint.description}: the request is not valid HTTP.")
    reason = redactor.text(": ".join(filter(None, [type(error).__name__, str(error)])))
    failure = LayersTransportError(f"Could not {endpoint.description}: no response from the API ({reason}).")
    # A traceback shows the texts of all causes, such as a malformed header line.
    failure.__cause__ = None if redactor.is_in(error) else error
    return failure


class LayersClient:
    """
    Client for workers, with blocking I/O.

    :param clock: time between attempts
    :param jitter: random numbers from 0 to 1
    :param transport: where requests go instead of the network, for tests
    """

    def __init__(
        self,
        config: ApiConfig,
        *,
        clock: Clock = SYSTEM_CLOCK,
        jitter: Callable[[], float] = random.random,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._redactor = config.redactor()
        self._http = httpx.Client(**_client_options(config), transport=transport)
        self.clock = clock
        self.jitter = jitter

    def send(self, endpoint: Endpoint[T]) -> T:
        """
        Send a request once and return its result.

        :raises LayersError: there was no response, or it was an error
        """
        try:
            received = self._http.request(**_request_options(endpoint))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            failure = _transport_error(endpoint, error, self._redactor)
        else:
            return _read(endpoint, received, self._redactor)
        # Outside the handler, so that it has the cause that it was given and no other.
        raise failure

    def send_with_retries(
        self,
        endpoint: Endpoint[T],
        *,
        on_failure: Callable[[int, LayersError], None] | None = None,
        before_retry: Callable[[], None] | None = None,
    ) -> T:
        """
        Send a request, up to five times where that is safe, and return its result.

        :param on_failure: called with the number of each failed attempt, from 1, and its error; what it
            raises ends the call
        :param before_retry: called before each attempt but the first; what it raises ends the call
        :raises LayersError: of the last attempt
        """
        for attempt in count(1):
            try:
                return self.send(endpoint)
            except LayersError as error:
                if on_failure:
                    on_failure(attempt, error)
                if isinstance(error, LayersConflictError) and endpoint.on_conflict:
                    return self._resolve(endpoint.on_conflict, error)
                delay = retry_delay(attempt, error, jitter=self.jitter()) if endpoint.retryable else None
                if delay is None:
                    raise
            self.clock.sleep(delay)
            if before_retry:
                before_retry()
        raise AssertionError("unreachable")

    def _resolve(self, resolution: ConflictResolution[T], conflict: LayersConflictError) -> T:
        try:
            return self.send_with_retries(resolution.reading(conflict))
        except LayersError as error:
            if error is conflict:
                raise
            return resolution.without_state(conflict, error)

    def paginate(
        self,
        page: Callable[[int, str | None], Endpoint[dict[str, Any]]],
        *,
        limit: int | None,
        page_size: int,
    ) -> list[dict[str, Any]]:
        """
        Read a list to its end or to a limit (``getting-started/common-patterns``).

        :param page: returns the endpoint of a page by its size and cursor
        :param limit: most rows to return; ``None`` for all
        :param page_size: most rows that the API returns at once
        :raises LayersUnexpectedResponseError: a cursor was returned twice, so the list would not end
        """
        rows: list[dict[str, Any]] = []
        cursor: str | None = None
        seen: set[str] = set()
        while True:
            size = page_size if limit is None else min(page_size, limit - len(rows))
            endpoint = page(size, cursor)
            body = self.send_with_retries(endpoint)
            rows += body.get("items") or []
            cursor = body.get("nextCursor")
            if not cursor or (limit is not None and len(rows) >= limit):
                return rows[:limit]
            if cursor in seen:
                raise LayersUnexpectedResponseError(
                    f"Could not {endpoint.description}: the same page was returned twice."
                )
            seen.add(cursor)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


class AsyncLayersClient:
    """
    Client for an event loop.

    :param clock: time between attempts
    :param jitter: random numbers from 0 to 1
    :param transport: where requests go instead of the network, for tests
    """

    def __init__(
        self,
        config: ApiConfig,
        *,
        clock: Clock = SYSTEM_CLOCK,
        jitter: Callable[[], float] = random.random,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._redactor = config.redactor()
        self._http = httpx.AsyncClient(**_client_options(config), transport=transport)
        self.clock = clock
        self.jitter = jitter

    async def send(self, endpoint: Endpoint[T]) -> T:
        """
        Send a request once and return its result.

        :raises LayersError: there was no response, or it was an error
        """
        try:
            received = await self._http.request(**_request_options(endpoint))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            failure = _transport_error(endpoint, error, self._redactor)
        else:
            return _read(endpoint, received, self._redactor)
        # Outside the handler, so that it has the cause that it was given and no other.
        raise failure

    async def send_with_retries(self, endpoint: Endpoint[T]) -> T:
        """
        Send a request, up to five times where that is safe, and return its result.

        :raises LayersError: of the last attempt
        """
        for attempt in count(1):
            try:
                return await self.send(endpoint)
            except LayersError as error:
                if isinstance(error, LayersConflictError) and endpoint.on_conflict:
                    return await self._resolve(endpoint.on_conflict, error)
                delay = retry_delay(attempt, error, jitter=self.jitter()) if endpoint.retryable else None
                if delay is None:
                    raise
            await self.clock.asleep(delay)
        raise AssertionError("unreachable")

    async def _resolve(self, resolution: ConflictResolution[T], conflict: LayersConflictError) -> T:
        try:
            return await self.send_with_retries(resolution.reading(conflict))
        except LayersError as error:
            if error is conflict:
                raise
            return resolution.without_state(conflict, error)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()
