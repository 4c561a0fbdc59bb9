"""Where the emulator's redirects lead: a port at which nobody should ever call."""

from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class Trap(ThreadingHTTPServer):
    """Counts the requests that followed a redirect."""

    daemon_threads = True

    def __init__(self) -> None:
        self.caught = 0
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Trap

    def parse_request(self) -> bool:
        self.server.caught += 1
        return super().parse_request()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's word
        """Say nothing."""


@contextlib.contextmanager
def trap() -> Iterator[Trap]:
    """Listen until the end of the statement."""
    with Trap() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
