"""An event loop in which hours pass in milliseconds, and an API to be polled in it."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any

import httpx

from airflow_provider_layers.client import AsyncLayersClient
from airflow_provider_layers.clock import Clock
from tests.unit.polling.things import target
from tests.unit.scripted import CONFIG, error, ok

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from airflow_provider_layers.polling.watcher import Watcher
    from tests.unit.scripted import Reply

TURN = 0.001
"""Seconds that a turn of the loop takes, so that a loop that never rests comes to an end as well."""


class _VirtualSelector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    """Never blocks, and advances the time by as long as it would have."""

    now = 1000.0

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "There is nothing left to wait for."
        self.now += max(timeout, TURN)
        return super().select(0)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop whose time passes only by waiting, and then at once."""

    def __init__(self) -> None:
        self._virtual = _VirtualSelector()
        super().__init__(self._virtual)
        self.clock = _LoopClock(self)

    def time(self) -> float:
        return self._virtual.now

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine; fails if it leaves a task running."""

        async def whole() -> Any:
            result = await work
            left = asyncio.all_tasks() - {asyncio.current_task()}
            assert not left, f"Left running: {left}"
            return result

        return self.run_until_complete(whole())


class _LoopClock(Clock):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        self._loop = loop
        # What a clock that is set back shows less than it should.
        self.set_back = 0.0

    def time(self) -> float:
        return self._loop.time() - self.set_back


class FakeApi(httpx.AsyncBaseTransport):
    """
    The API behind a real client: things that finish at given moments, and the list of those that have not.

    :param takes: seconds that a request takes
    :ivar ends: when each thing finishes
    :ivar replies: by path, what to return instead
    :ivar requests: what it received, each with its moment
    """

    def __init__(self, loop: VirtualTimeLoop, *, takes: float = 0.05) -> None:
        self.loop = loop
        self.takes = takes
        self.ends: dict[str, float] = {}
        self.replies: dict[str, Callable[[httpx.Request], Reply | Exception]] = {}
        self.requests: list[tuple[float, httpx.Request]] = []
        self.in_flight = self.most_in_flight = 0
        self.on_request: Callable[[], None] = lambda: None

    def client(self) -> AsyncLayersClient:
        """Return a client of it."""
        jitter = iter([number * 0.618 % 1 for number in range(100_000)])
        return AsyncLayersClient(CONFIG, clock=self.loop.clock, jitter=jitter.__next__, transport=self)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append((self.loop.time(), request))
        self.on_request()
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(self.takes)
        finally:
            self.in_flight -= 1
        reply = self.reply(request)
        if isinstance(reply, Exception):
            raise reply
        return reply.over_http()

    def reply(self, request: httpx.Request) -> Reply | Exception:
        """Reply as ``replies`` say for the path, and else by the moments in ``ends``."""
        special = self.replies.get(request.url.path)
        if special is not None:
            return special(request)
        *_, kind, name = request.url.path.split("/")
        if kind == "things":
            return ok({"status": self.status(name)}) if name in self.ends else error(404)
        return self.page(request)

    def status(self, name: str) -> str:
        return "completed" if self.ends[name] <= self.loop.time() else "running"

    def page(self, request: httpx.Request) -> Reply:
        """Return a page of the list of all things that have not finished, in the order of their names."""
        query = request.url.params
        size, start = int(query["limit"]), int(query.get("cursor", 0))
        rows = [{"id": name, "status": "running"} for name in self.ends if self.status(name) == "running"]
        more = start + size < len(rows)
        return ok({"items": rows[start : start + size], "nextCursor": str(start + size) if more else None})

    def moments(self, part: str = "/") -> list[float]:
        """Return the moments of the requests whose path contains a part."""
        return [moment for moment, request in self.requests if part in request.url.path]

    async def reached(self, part: str) -> None:
        """Wait for a request whose path contains a part."""
        while not self.moments(part):  # noqa: ASYNC110 - time is virtual
            await asyncio.sleep(0.01)

    def queries(self, path: str) -> list[dict[str, str]]:
        """Return the queries of the requests to a path."""
        return [dict(request.url.params) for _, request in self.requests if request.url.path == path]

    def things(self, count: int, *, every: float = 1.0, after: float = 1.0) -> list[str]:
        """Let so many things finish, one after another; return their names."""
        names = [f"thing{number}" for number in range(count)]
        self.ends |= {name: self.loop.time() + after + number * every for number, name in enumerate(names)}
        return names


def waits(watcher: Watcher, *names: str, **fields: Any) -> list[asyncio.Future[Any]]:
    """Start to wait for things."""
    return [asyncio.ensure_future(watcher.wait(target(name, **fields))) for name in names]


def wait_for_all(watcher: Watcher, names: list[str], **fields: Any) -> asyncio.Future[list[Any]]:
    """Wait for things; those that fail return their errors."""
    return asyncio.gather(*waits(watcher, *names, **fields), return_exceptions=True)


def run(api: FakeApi, watcher: Watcher, work: Callable[[], Awaitable[Any]]) -> Any:
    """Do something in the loop and close the watcher."""

    async def whole() -> Any:
        try:
            return await work()
        finally:
            await watcher.close()

    return api.loop.run(whole())
