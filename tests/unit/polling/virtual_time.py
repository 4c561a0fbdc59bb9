"""An event loop in which hours pass at once, and an API to be asked in it."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.api.endpoint import Send
from tests.unit.driving import bad, good
from tests.unit.watches import watch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from airflow_provider_layers.api.endpoint import Answer, Endpoint, Flow, NoAnswer
    from airflow_provider_layers.hooks.watcher import Watcher

TURN = 0.001
"""Seconds that a turn of the loop takes, so that one that never rests comes to an end, too."""


class _Impatient(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    """Waits for nothing, and says how long it would have."""

    now = 1000.0

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "There is nothing left to wait for."
        self.now += max(timeout, TURN)
        return super().select(0)


class Hours(asyncio.SelectorEventLoop):
    """A loop whose clock is pushed by whoever waits."""

    def __init__(self) -> None:
        self._impatient = _Impatient()
        super().__init__(self._impatient)

    def time(self) -> float:
        return self._impatient.now

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run something to its end; fails when it leaves anything under way."""

        async def to_its_end() -> Any:
            result = await work
            left = asyncio.all_tasks() - {asyncio.current_task()}
            assert not left, f"Left under way: {left}"
            return result

        return self.run_until_complete(to_its_end())


class Api:
    """
    Plays the client to a watcher, and the API behind it.

    :param loop: in which time passes
    :param takes: seconds that a request takes
    """

    def __init__(self, loop: Hours, *, takes: float = 0.05) -> None:
        self.loop = loop
        self.takes = takes
        self.ends: dict[str, float] = {}
        self.answers: dict[str, Callable[[Endpoint[Any]], Answer | NoAnswer]] = {}
        self.sent: list[tuple[float, Endpoint[Any]]] = []
        self.under_way = self.most_at_once = 0
        self.seen = lambda: None

    async def run(self, flow: Flow[Any]) -> Any:
        """Drive a flow of one step, as ``ask`` makes it."""
        step = next(flow)
        assert isinstance(step, Send)
        self.sent.append((self.loop.time(), step.endpoint))
        self.seen()
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            await asyncio.sleep(self.takes)
        finally:
            self.under_way -= 1
        try:
            flow.send(self.answer(step.endpoint))
        except StopIteration as end:
            return end.value
        raise AssertionError("A watcher asks once.")

    def answer(self, endpoint: Endpoint[Any]) -> Answer | NoAnswer:
        """Answer as ``answers`` say for the path, and else by the moments in ``ends``."""
        special = self.answers.get(endpoint.path)
        if special is not None:
            return special(endpoint)
        *_, kind, name = endpoint.path.split("/")
        if kind == "things":
            return good({"status": self.status(name)}) if name in self.ends else bad(404)
        return self.page(endpoint)

    def status(self, name: str) -> str:
        """Say how a thing stands."""
        return "completed" if self.ends[name] <= self.loop.time() else "running"

    def page(self, endpoint: Endpoint[Any]) -> Answer:
        """Give a page of the list of all things that are under way, in the order of their names."""
        query = dict(endpoint.query)
        size, begin = int(query["limit"]), int(query.get("cursor", 0))
        rows = [{"id": name, "status": "running"} for name in self.ends if self.status(name) == "running"]
        more = begin + size < len(rows)
        return good({"items": rows[begin : begin + size], "nextCursor": str(begin + size) if more else None})

    def asked(self, part: str = "/") -> list[float]:
        """Give the moments of the requests whose path has a part."""
        return [moment for moment, endpoint in self.sent if part in endpoint.path]


def waits(watcher: Watcher, *names: str, **fields: Any) -> list[asyncio.Future[Any]]:
    """Begin to wait for things."""
    return [asyncio.ensure_future(watcher.wait(watch(name, **fields))) for name in names]


def everything(watcher: Watcher, names: list[str], **fields: Any) -> asyncio.Future[list[Any]]:
    """Wait for all of these things; those that fail give their errors."""
    return asyncio.gather(*waits(watcher, *names, **fields), return_exceptions=True)


def things(api: Api, count: int, *, every: float = 1.0, after: float = 1.0) -> list[str]:
    """Let so many things end, one after another; give their names."""
    names = [f"thing{number}" for number in range(count)]
    api.ends |= {name: api.loop.time() + after + number * every for number, name in enumerate(names)}
    return names


def run(api: Api, watcher: Watcher, work: Callable[[], Awaitable[Any]]) -> Any:
    """Do something in the loop and close the watcher."""

    async def whole() -> Any:
        try:
            return await work()
        finally:
            await watcher.close()

    return api.loop.run(whole())
