"""Doing what flows decide, over HTTP: once for workers, once for the triggerer's event loop."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

import httpx

from airflow_provider_layers import __version__
from airflow_provider_layers.api.endpoint import Answer, Endpoint, Flow, NoAnswer, Pause, Send

T = TypeVar("T")

CONNECT_TIMEOUT = 10.0


@dataclass(frozen=True)
class Access:
    """
    Where the API is and how to be let in.

    :param base_url: scheme and host, without a path
    :param api_key: the key; it has no ``repr``
    :param auth_scheme: ``bearer`` or ``x-api-key``
    :param organization: the child organization to act for, or ``None``
    :param timeout: seconds to wait for data, and to connect, which never takes more than 10
    """

    base_url: str
    api_key: str = field(repr=False)
    auth_scheme: str = "bearer"
    organization: str | None = None
    timeout: float = 30.0

    def headers(self) -> dict[str, str]:
        """Give the headers that every request carries."""
        own = {"User-Agent": f"airflow-provider-layers/{__version__}", "Accept": "application/json"}
        if self.auth_scheme == "x-api-key":
            own["X-Api-Key"] = self.api_key
        else:
            own["Authorization"] = f"Bearer {self.api_key}"
        if self.organization:
            own["X-Layers-Organization"] = self.organization
        return own


class _OneLineAWait(logging.Filter):
    """
    Keep httpx from logging every poll at INFO; its lines about other hosts pass.

    A thousand waits would otherwise write a hundred lines a second into the triggerer's log.
    """

    def __init__(self) -> None:
        super().__init__()
        self.hosts: set[bytes] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno > logging.INFO or not isinstance(record.args, tuple):
            return True
        return all(url.netloc not in self.hosts for url in record.args if isinstance(url, httpx.URL))


_quiet = _OneLineAWait()
logging.getLogger("httpx").addFilter(_quiet)


@cache
def _certificates() -> ssl.SSLContext:
    """Read the trusted certificates once for each process: it takes 26 ms, in the triggerer on its loop."""
    return httpx.create_ssl_context()


def _options(access: Access) -> dict[str, Any]:
    _quiet.hosts.add(httpx.URL(access.base_url).netloc)
    return {
        "base_url": access.base_url,
        "headers": access.headers(),
        "timeout": httpx.Timeout(access.timeout, connect=min(CONNECT_TIMEOUT, access.timeout)),
        "verify": _certificates(),
        # A redirect could carry the key to another host.
        "follow_redirects": False,
    }


def _request(endpoint: Endpoint[Any]) -> dict[str, Any]:
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


def _answer(response: httpx.Response) -> Answer:
    return Answer(response.status_code, response.headers, response.content)


def _no_answer(error: httpx.HTTPError | httpx.InvalidURL) -> NoAnswer:
    # A complaint about a header quotes the header.
    told = "" if isinstance(error, httpx.LocalProtocolError) else str(error)
    return NoAnswer(f"{type(error).__name__}: {told}" if told else type(error).__name__)


class LayersClient:
    """
    Drives flows from a worker, with blocking I/O.

    :param access: where the API is and how to be let in
    :param sleep: lets seconds pass
    """

    def __init__(self, access: Access, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._http = httpx.Client(**_options(access))
        self._sleep = sleep

    def run(self, flow: Flow[T]) -> T:
        """
        Drive a flow to its end.

        :param flow: see :mod:`airflow_provider_layers.api`
        :return: what the flow returns
        """
        try:
            step = next(flow)
            while True:
                step = flow.send(self._do(step))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    def _do(self, step: Send | Pause) -> Answer | NoAnswer | None:
        if isinstance(step, Pause):
            self._sleep(step.seconds)
            return None
        try:
            return _answer(self._http.request(**_request(step.endpoint)))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return _no_answer(error)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


class AsyncLayersClient:
    """
    Drives flows inside an event loop.

    :param access: where the API is and how to be let in
    :param sleep: lets seconds pass
    """

    def __init__(
        self,
        access: Access,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http = httpx.AsyncClient(**_options(access))
        self._sleep = sleep

    async def run(self, flow: Flow[T]) -> T:
        """
        Drive a flow to its end.

        :param flow: see :mod:`airflow_provider_layers.api`
        :return: what the flow returns
        """
        try:
            step = next(flow)
            while True:
                step = flow.send(await self._do(step))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    async def _do(self, step: Send | Pause) -> Answer | NoAnswer | None:
        if isinstance(step, Pause):
            await self._sleep(step.seconds)
            return None
        try:
            return _answer(await self._http.request(**_request(step.endpoint)))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return _no_answer(error)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()
