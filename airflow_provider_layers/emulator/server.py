"""The emulator in this process: an HTTP server on a socket, in a thread."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from airflow_provider_layers.emulator.app import create_app
from airflow_provider_layers.emulator.control_client import EmulatorControl
from airflow_provider_layers.emulator.state import State, StateOptions

if TYPE_CHECKING:
    from datetime import datetime
    from types import TracebackType

    from typing_extensions import Self


class _Protocol(H11Protocol):
    """HTTP with the transport in the state of each request, so that a fault can close it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # uvicorn decides this by the logging configuration of the process, not by its option.
        self.access_log = False
        self.app_state = {**self.app_state, "transport": transport}


class _Server(uvicorn.Server):
    """A server that ends hanging requests when it stops.

    :param config: configuration of uvicorn
    :param stopping: event for which hanging requests wait
    """

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping.set()
        await super().shutdown(sockets)


def create_server(options: StateOptions, host: str, port: int) -> _Server:
    """Return a server with a new state.

    :param options: options from which the state starts
    :param host: address to listen on
    :param port: port to listen on
    """
    stopping = asyncio.Event()
    config = uvicorn.Config(
        create_app(State(options), stopping),
        host=host,
        port=port,
        http=_Protocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    return _Server(config, stopping)


class Emulator(EmulatorControl):
    """The Layers Partner API, emulated in this process.

    ::

        with Emulator(clock="frozen", job_seconds=60) as api:
            httpx.get(f"{api.url}/v1/whoami", headers={"Authorization": f"Bearer {api.api_key}"})

    :param seed: seed of ids and random numbers
    :param clock: ``real``, or ``frozen`` for time that passes through :meth:`advance` only
    :param host: address to listen on
    :param port: port to listen on; 0, the default, takes a free one
    :param start: initial time of a frozen clock; the real time by default
    :param api_key: text of the default API key; drawn from the seed by default
    :param settings: settings that differ from their defaults, such as ``job_seconds`` and ``tier``
    """

    def __init__(
        self,
        seed: int = 1,
        clock: str = "real",
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        start: datetime | None = None,
        api_key: str | None = None,
        **settings: Any,
    ) -> None:
        if clock not in ("real", "frozen"):
            raise ValueError(f"clock must be 'real' or 'frozen', not {clock!r}")
        super().__init__("")
        self._host, self._port = host, port
        self._options = StateOptions(seed, clock == "frozen", start, api_key, settings)
        self._server: _Server | None = None

    def start(self) -> Self:
        """Start to listen; an emulator that has stopped cannot start again."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        # With the protocol named asyncio sets TCP_NODELAY; without, every response would take 40 ms.
        self._socket = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._server = create_server(self._options, self._host, self._port)
            self._socket.bind((self._host, self._port))
        except BaseException:
            self._socket.close()
            raise
        address = f"[{self._host}]" if family == socket.AF_INET6 else self._host
        self.url = f"http://{address}:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="layers-emulator", daemon=True
        )
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.002)
        return self

    def stop(self) -> None:
        """Stop listening; hanging requests are cut off."""
        if self._server is None:
            return
        self.close()
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()
        self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
