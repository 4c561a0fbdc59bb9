"""The network of a contract test: real sockets, on which a test can stop or change what passes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.pushed_clock import PushedClock


class Wire(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """
    Carries the requests of sync and async clients; in an event loop no time passes while one is in flight.

    :param clock: stands still meanwhile
    :ivar on_request: called with each request before it is sent; what it raises reaches the client
    :ivar on_response: called with each request and its response before the client sees it
    """

    def __init__(self, clock: PushedClock) -> None:
        self._clock = clock
        self._sync = httpx.HTTPTransport()
        self._async: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncHTTPTransport] = (
            WeakKeyDictionary()
        )
        self.on_request: Callable[[httpx.Request], Any] = lambda _: None
        self.on_response: Callable[[httpx.Request, httpx.Response], Any] = lambda *_: None
        self.opened = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.on_request(request)
        response = self._sync.handle_request(request)
        response.read()
        self.on_response(request, response)
        return response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        with self._clock.standing_still():
            self.on_request(request)
            response = await self._here().handle_async_request(request)
            await response.aread()
            self.on_response(request, response)
            return response

    def _here(self) -> httpx.AsyncHTTPTransport:
        loop = asyncio.get_running_loop()
        if loop not in self._async:
            self.opened += 1
            self._async[loop] = httpx.AsyncHTTPTransport()
        return self._async[loop]

    async def aclose(self) -> None:
        transport = self._async.pop(asyncio.get_running_loop(), None)
        if transport is not None:
            await transport.aclose()

    def close(self) -> None:
        """Keep the connections: the garbage collector closes clients while others are in use."""

    def disconnect(self) -> None:
        self._sync.close()
