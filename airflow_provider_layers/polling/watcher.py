"""
Polling in an event loop: one client, one rate limit and one scheduler for all waits of a connection.

:class:`Watcher` carries out what the scheduler decides; :func:`shared_client` gives the same watcher to all
tasks of an event loop that use the same connection.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from contextvars import Context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

from airflow_provider_layers.api.account import whoami
from airflow_provider_layers.api.endpoint import retry_after_of
from airflow_provider_layers.exceptions import (
    LayersError,
    LayersParameterError,
    LayersPermanentError,
    LayersRateLimitError,
    LayersUnexpectedResponseError,
)
from airflow_provider_layers.polling.intervals import DurationHistory
from airflow_provider_layers.polling.rate_limits import SMALLEST_TIER, TokenBucket, polling_limit
from airflow_provider_layers.polling.scheduler import (
    OUTAGE_SECONDS,
    ListPoll,
    PollScheduler,
    SinglePoll,
    Subscription,
)
from airflow_provider_layers.polling.turns import TurnQueue

if TYPE_CHECKING:
    from airflow_provider_layers.api.endpoint import Endpoint
    from airflow_provider_layers.client import ApiConfig, AsyncLayersClient
    from airflow_provider_layers.polling.targets import PollTarget, Row

T = TypeVar("T")
S = TypeVar("S")

log = logging.getLogger(__name__)

MAX_CONCURRENT_READS = 16
"""Requests in flight at once. At 100 ms each they reach the limit of the largest tier; more would only hold
more connections open."""

SETTINGS_CACHE_SECONDS = 30.0
"""How long a connection is not looked up again: a thousand triggers may start together after a restart. A
changed key is used by triggers that start later than that."""


class Watcher:
    """
    Waits for many targets through one client, within one limit of reads a minute.

    It runs in a separate task from the first wait until it is closed.

    :param client: also provides the time
    :param history: how long things took so far
    :param poll_budget_rpm: most reads a minute; ``None`` for what the key's tier allows, less a share for
        other users of the key
    """

    def __init__(
        self, client: AsyncLayersClient, history: DurationHistory, poll_budget_rpm: int | None
    ) -> None:
        self._client = client
        self._clock = client.clock
        self._scheduler = PollScheduler(history, jitter=client.jitter)
        limit = polling_limit(SMALLEST_TIER) if poll_budget_rpm is None else poll_budget_rpm
        self._bucket = TokenBucket(limit, now=self._clock.time())
        # The tier matters only once the limit of the smallest does not suffice; with a budget, never.
        self._limit_reached = False
        self._next_tier_refresh = float("-inf") if poll_budget_rpm is None else float("inf")
        self._futures: dict[Subscription, asyncio.Future[Any]] = {}
        self._wakeup = asyncio.Event()
        self._runner: asyncio.Task[None] | None = None
        self._reads: set[asyncio.Task[None]] = set()
        self._turns: dict[str, TurnQueue] = {}
        self._lateness_logged = False

    async def wait(self, target: PollTarget[T]) -> T:
        """
        Wait until a target has finished, and return its last result.

        :raises LayersError: its deadline has passed, or its state cannot be read
        """
        subscription = self._scheduler.add(target, now=self._clock.time())
        future = self._futures[subscription] = asyncio.get_running_loop().create_future()
        self._wake()
        if self._runner is None:
            self._runner = _spawn(self._run())
        try:
            return await future  # type: ignore[no-any-return]
        finally:
            del self._futures[subscription]
            self._scheduler.remove(subscription)

    def turns(self, route_class: str) -> TurnQueue:
        """
        Return the queue of the tasks that wait to send a request of a class.

        :param route_class: see :mod:`airflow_provider_layers.polling.rate_limits`
        """
        if route_class not in self._turns:
            self._turns[route_class] = TurnQueue(self._client, route_class)
        return self._turns[route_class]

    async def close(self) -> None:
        """Stop immediately, including requests in flight."""
        for queue in self._turns.values():
            queue.close()
        tasks = [*self._reads, *([self._runner] if self._runner else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # The loop

    async def _run(self) -> None:
        try:
            while True:
                self._wakeup.clear()
                await self._sleep(self._start_due())
        except Exception as error:
            log.exception("The watcher of Layers jobs failed.")
            self._runner = None
            self._fail_all(error)

    async def _sleep(self, seconds: float | None) -> None:
        """Wait for a wake-up, or for so many seconds."""
        if seconds is None:
            await self._wakeup.wait()
            return
        timer = asyncio.ensure_future(self._clock.asleep(seconds))
        timer.add_done_callback(self._wake)
        try:
            await self._wakeup.wait()
        finally:
            # The end of a canceled timer would be a wake-up as well, and the loop would never rest.
            timer.remove_done_callback(self._wake)
            timer.cancel()

    def _wake(self, _: Any = None) -> None:
        self._wakeup.set()

    def _start_due(self) -> float | None:
        """Start all reads that are due; return the seconds until the next, ``None`` for until a wake-up."""
        while len(self._reads) < MAX_CONCURRENT_READS:
            now, due = self._clock.time(), self._scheduler.next_time()
            if due is None:
                return None
            if self._bucket.blocked_for(now):
                return self._expire_while_blocked(now)
            if due > now:
                return due - now
            if not self._bucket.try_take(now):
                self._limit_reached = True
                return self._bucket.delay(now)
            if self._should_refresh_tier(now):
                self._start(self._refresh_tier(now))
                continue
            poll = self._scheduler.next_poll(now)
            if poll is not None:
                self._log_lateness(poll, now - due)
                self._start(self._poll(poll) if isinstance(poll, SinglePoll) else self._poll_list(poll))
        return None

    def _expire_while_blocked(self, now: float) -> float:
        """Fail waits whose deadline passes while nothing may be sent; their tasks read the state again."""
        rest = self._bucket.blocked_for(now)
        for subscription in list(self._futures):
            target, left = subscription.target, subscription.target.deadline - now
            # Without an entry it is being polled, and the response may still be the end.
            if left <= 0 and subscription.entry_id is not None:
                self._fail(subscription, target.timeout_error(subscription.result))
            elif left > 0:
                rest = min(rest, left)
        return rest

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = _spawn(work)
        self._reads.add(task)
        task.add_done_callback(self._read_done)

    def _read_done(self, task: asyncio.Task[None]) -> None:
        self._reads.discard(task)
        self._wake()
        if not task.cancelled() and task.exception() is not None:
            # Errors of requests do not reach this. Whatever does would leave its waits without an answer.
            self._fail_all(task.exception())

    def _finish(self, subscription: Subscription) -> None:
        future = self._futures.get(subscription)
        if future is not None and not future.done():
            future.set_result(subscription.result)

    def _fail_all(self, error: BaseException | None) -> None:
        for subscription in list(self._futures):
            self._fail(subscription, error)

    def _fail(self, subscription: Subscription, error: BaseException | None) -> None:
        future = self._futures.get(subscription)
        if error is not None and future is not None and not future.done():
            future.set_exception(error)

    # Reads

    async def _send(self, endpoint: Endpoint[T]) -> T:
        try:
            return await self._client.send(endpoint)
        except LayersRateLimitError as error:
            self._bucket.refused(retry_after_of(error), now=self._clock.time())
            raise

    async def _poll(self, poll: SinglePoll) -> None:
        subscription = poll.subscription
        try:
            if await self._is_finished(poll):
                self._finish(subscription)
        except Exception as error:  # noqa: BLE001 - it is raised where the target is waited for
            self._fail(subscription, error)

    async def _is_finished(self, poll: SinglePoll) -> bool:
        subscription = poll.subscription
        try:
            result = await self._send(subscription.target.poll(subscription.observation.etag))
        except LayersError as error:
            log.debug("%s", error)
            self._scheduler.single_failed(poll, error, now=self._clock.time())
            return False
        return self._scheduler.single_succeeded(poll, result, now=self._clock.time())

    async def _poll_list(self, poll: ListPoll) -> None:
        try:
            rows, pages = await self._read_list(poll)
            for _ in self._scheduler.list_succeeded(poll, rows, pages, now=self._clock.time()):
                await asyncio.sleep(0)
        except LayersError as error:
            level = logging.WARNING if isinstance(error, LayersPermanentError) else logging.DEBUG
            log.log(level, "%s", error)
            self._scheduler.list_failed(poll, error, now=self._clock.time())
        except Exception:
            log.exception("Could not read the list %s.", poll.source.path)
            unread = LayersUnexpectedResponseError(f"The list {poll.source.path} could not be read.")
            self._scheduler.list_failed(poll, unread, now=self._clock.time())

    async def _read_list(self, poll: ListPoll) -> tuple[dict[str, Row], int]:
        """
        Read a list as far as there are rows to find; each page but the first waits for the rate limit.

        :return: its rows by id, and how many pages were read
        :raises LayersError: it could not be read
        """
        rows: dict[str, Row] = {}
        missing, since = poll.row_ids(), poll.since()
        if since is None and not poll.group.filtered:
            raise LayersParameterError(f"{poll.source.path} would have to be read from its beginning.")
        cursor: str | None = None
        seen: set[str] = set()
        pages = 0
        while True:
            page = await self._send(poll.source.page(since, cursor, poll.group.filtered))
            pages += 1
            found = poll.source.read_rows(page)
            rows |= found
            missing.difference_update(found)
            cursor = page.get("nextCursor")
            if not cursor or not missing or poll.is_too_long(pages):
                return rows, pages
            if cursor in seen:
                raise LayersUnexpectedResponseError(f"The list {poll.source.path} does not end.")
            seen.add(cursor)
            while not self._bucket.try_take(self._clock.time()):
                await self._clock.asleep(self._bucket.delay(self._clock.time()))

    def _should_refresh_tier(self, now: float) -> bool:
        return self._limit_reached and now >= self._next_tier_refresh

    async def _refresh_tier(self, now: float) -> None:
        """Use the limit of the key's own tier from now on."""
        self._next_tier_refresh = now + OUTAGE_SECONDS
        try:
            account = await self._send(whoami())
        except Exception as error:  # noqa: BLE001 - whatever it is, the limit of the smallest tier is safe
            log.debug("%s", error)
            return
        self._next_tier_refresh = float("inf")
        self._bucket.set_limit(polling_limit(account.rate_limit_tier))

    def _log_lateness(self, poll: SinglePoll | ListPoll, late: float) -> None:
        first = poll.subscription if isinstance(poll, SinglePoll) else poll.due[0]
        if self._lateness_logged or late < first.target.interval.max_interval:
            return
        self._lateness_logged = True
        log.warning(
            "Polling is rate limited; completions are detected about %.0f s late. %d waits share %d reads a "
            "minute of this key. A larger tier, or poll_budget_rpm in the connection, allows more.",
            late,
            len(self._scheduler),
            self._bucket.per_minute,
        )


def _spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    # In an empty context: Airflow would attribute its log lines to the trigger that was the first to wait.
    return Context().run(asyncio.get_running_loop().create_task, work)


# Sharing


class WatcherSettings(Protocol):
    """The part of a connection's settings that a watcher depends on."""

    @property
    def api(self) -> ApiConfig:
        """Base URL and credentials."""

    @property
    def poll_budget_rpm(self) -> int | None:
        """Most reads a minute, or ``None``."""


@dataclass
class SharedClient:
    """
    The client and the watcher of a connection in this event loop.

    :param holders: how many tasks use it
    """

    client: AsyncLayersClient
    watcher: Watcher
    holders: int = 0


@dataclass
class _LoopState:
    # By settings and not by connection id, so that a changed key gets another client.
    clients: dict[WatcherSettings, SharedClient] = field(default_factory=dict)
    histories: dict[str, DurationHistory] = field(default_factory=dict)
    settings: dict[str, tuple[float, Any]] = field(default_factory=dict)
    lookups: dict[str, asyncio.Future[Any]] = field(default_factory=dict)


# A connection pool belongs to the event loop that opened it.
_loop_states: WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopState] = WeakKeyDictionary()


def _loop_state() -> _LoopState:
    return _loop_states.setdefault(asyncio.get_running_loop(), _LoopState())


@asynccontextmanager
async def shared_client(
    settings: WatcherSettings, make_client: Callable[[], AsyncLayersClient]
) -> AsyncIterator[SharedClient]:
    """
    Provide the client and the watcher of these settings; the last of its holders closes them.

    :param settings: hashable
    :param make_client: called if there is no client of these settings yet
    """
    state = _loop_state()
    shared = state.clients.get(settings)
    if shared is None:
        client = make_client()
        history = state.histories.setdefault(settings.api.base_url, DurationHistory())
        shared = SharedClient(client, Watcher(client, history, settings.poll_budget_rpm))
        state.clients[settings] = shared
    shared.holders += 1
    try:
        yield shared
    finally:
        shared.holders -= 1
        if not shared.holders:
            del state.clients[settings]
            try:
                await shared.watcher.close()
            finally:
                await shared.client.aclose()


async def cached_settings(conn_id: str, look_up: Callable[[], Awaitable[S]]) -> S:
    """Return the settings of a connection, looked up once for all that ask within half a minute."""
    state, now = _loop_state(), asyncio.get_running_loop().time()
    looked_up_at, settings = state.settings.get(conn_id, (0.0, None))
    if settings is not None and now - looked_up_at < SETTINGS_CACHE_SECONDS:
        return settings  # type: ignore[no-any-return]
    lookup = state.lookups.get(conn_id)
    if lookup is None:
        lookup = state.lookups[conn_id] = asyncio.ensure_future(look_up())
        lookup.add_done_callback(lambda _: state.lookups.pop(conn_id, None))
    # A caller that is canceled does not cancel the look-up of the others.
    settings = await asyncio.shield(lookup)
    # The result is kept and not the future, which would keep its loop alive.
    state.settings[conn_id] = (now, settings)
    return settings  # type: ignore[no-any-return]
