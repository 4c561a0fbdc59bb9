"""One watcher for all waits of a connection in an event loop."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from contextvars import Context
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_layers.api.agenda import Agenda
from airflow_provider_layers.api.waits import Look, Sweep
from airflow_provider_layers.exceptions import (
    LayersError,
    LayersUnexpectedAnswerError,
)
from airflow_provider_layers.hooks.reader import Reader

if TYPE_CHECKING:
    from airflow_provider_layers.api.cadence import Experience
    from airflow_provider_layers.api.waits import Wait
    from airflow_provider_layers.api.watching import Watch
    from airflow_provider_layers.client import AsyncLayersClient

T = TypeVar("T")

log = logging.getLogger(__name__)

AT_ONCE = 16
"""How many reads may be under way."""

LATE = 2.0
"""A look that comes this many times the longest pause too late is worth a word in the log, once."""


class Watcher:
    """
    Waits for many things through one client and within one budget of reads.

    It works in a task of its own, from the first wait until it is closed.

    :param client: through which it asks
    :param experience: what is known of how long things take
    :param budget_rpm: most reads a minute; ``None`` for what the key's tier allows, less a share for others
    """

    def __init__(self, client: AsyncLayersClient, experience: Experience, budget_rpm: int | None) -> None:
        self._reader = Reader(client, budget_rpm)
        self._agenda = Agenda(experience)
        self._answers: dict[Wait, asyncio.Future[Any]] = {}
        self._news = asyncio.Event()
        self._runner: asyncio.Task[None] | None = None
        self._reads: set[asyncio.Task[None]] = set()
        self._told_late = False

    async def wait(self, watch: Watch[T]) -> T:
        """
        Wait until something has ended.

        :param watch: what to wait for
        :return: as it was seen last
        :raises LayersError: its deadline has passed, or waiting on is of no use
        """
        wait = self._agenda.add(watch, now=time.time())
        answer = self._answers[wait] = asyncio.get_running_loop().create_future()
        self._news.set()
        if self._runner is None:
            self._runner = _spawn(self._run())
        try:
            return await answer  # type: ignore[no-any-return]
        finally:
            del self._answers[wait]
            self._agenda.drop(wait)

    async def close(self) -> None:
        """Stop at once, whatever is under way."""
        tasks = [*self._reads, *([self._runner] if self._runner else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        try:
            while True:
                self._news.clear()
                await self._rest(self._begin_due())
        except Exception as error:
            log.exception("The watcher of Layers jobs failed.")
            self._runner = None
            for wait in self._answers:
                self._fail(wait, error)

    async def _rest(self, seconds: float | None) -> None:
        """Let time pass until there may be something to do."""
        if seconds is None:
            await self._news.wait()
            return
        alarm = asyncio.ensure_future(asyncio.sleep(seconds))
        alarm.add_done_callback(self._ring)
        try:
            await self._news.wait()
        finally:
            # Its end would be news otherwise, for ever.
            alarm.remove_done_callback(self._ring)
            alarm.cancel()

    def _ring(self, _: Any) -> None:
        self._news.set()

    def _begin_due(self) -> float | None:
        """Begin all that is due; give the seconds until more is, ``None`` for not before news."""
        while len(self._reads) < AT_ONCE:
            now, due = time.time(), self._agenda.next_moment()
            if due is None:
                return None
            if self._reader.budget.blocked(now):
                return self._outlast(now)
            delay = self._reader.budget.delay(now)
            if delay > 0 and due <= now and self._reader.wonders(now):
                self._do(self._reader.learn_tier(now))
            if max(delay, due - now) > 0:
                return max(delay, due - now)
            self._begin(self._agenda.take(now), now)
        return None

    def _outlast(self, now: float) -> float:
        """End the waits whose deadline comes first; their tasks look once more themselves."""
        rest = self._reader.budget.blocked(now)
        for wait in list(self._answers):
            left = wait.watch.deadline - now
            if left <= 0 and wait.ticket is not None:
                self._fail(wait, wait.watch.expired(wait.result))
            elif left > 0:
                rest = min(rest, left)
        return rest

    def _begin(self, task: Look | Sweep | None, now: float) -> None:
        if task is None:
            return
        self._reader.budget.take()
        self._note_lateness(task.wait if isinstance(task, Look) else task.waits[0], now)
        self._do(self._look(task) if isinstance(task, Look) else self._sweep(task))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = _spawn(work)
        self._reads.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._reads.discard(task)
        self._news.set()
        if not task.cancelled() and task.exception() is not None:
            # Nothing but the end of the process gets here, and whoever waits is to hear of it.
            for wait in list(self._answers):
                self._fail(wait, task.exception())

    async def _look(self, look: Look) -> None:
        wait = look.wait
        try:
            result = await self._reader.ask(wait.watch.look(wait.sight.etag))
            if wait in self._answers and self._agenda.looked(look, result, now=time.time()):
                self._answers[wait].set_result(wait.result)
        except LayersError as error:
            self._look_failed(look, error)
        except Exception as error:  # noqa: BLE001 - whoever waits is told of it
            self._fail(wait, error)

    def _look_failed(self, look: Look, error: LayersError) -> None:
        log.debug("%s", error)
        try:
            if look.wait in self._answers:
                self._agenda.failed(look, error, now=time.time())
        except LayersError as final:
            self._fail(look.wait, final)

    async def _sweep(self, sweep: Sweep) -> None:
        try:
            rows, pages = await self._reader.walk(sweep)
            for _ in self._agenda.swept(sweep, rows, pages, now=time.time()):
                await asyncio.sleep(0)
        except LayersError as error:
            log.log(logging.WARNING if error.permanent else logging.DEBUG, "%s", error)
            self._agenda.sweep_failed(sweep, error, now=time.time())
        except Exception:
            log.exception("Reading %s failed.", sweep.roll.path)
            unread = LayersUnexpectedAnswerError(f"{sweep.roll.path} could not be read.")
            self._agenda.sweep_failed(sweep, unread, now=time.time())

    def _fail(self, wait: Wait, error: BaseException | None) -> None:
        answer = self._answers.get(wait)
        if error is not None and answer is not None and not answer.done():
            answer.set_exception(error)

    def _note_lateness(self, wait: Wait, now: float) -> None:
        late = now - wait.due
        if self._told_late or late < LATE * wait.watch.cadence.longest:
            return
        self._told_late = True
        log.warning(
            "%d waits ask for more than the %d reads a minute that this key has for them: ends are noticed "
            "%.0f s late, all alike. A larger tier, or poll_budget_rpm in the connection, allows more.",
            len(self._agenda),
            self._reader.budget.per_minute,
            late,
        )


def _spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Begin a task that does not log in the name of whoever happened to be the first to wait."""
    return Context().run(asyncio.get_running_loop().create_task, work)
