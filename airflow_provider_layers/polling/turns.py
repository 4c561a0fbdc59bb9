"""
Waiting for a turn: the tasks that want to send a request of a limited class, in order of arrival.

A task that the API refuses with a 429 gives its worker back and waits here for the moment at which a request
of its class will be accepted. The triggerer sends nothing itself: it wakes the task.
"""

from __future__ import annotations

import asyncio
import logging
from contextvars import Context
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

from airflow_provider_layers.api.account import whoami
from airflow_provider_layers.exceptions import LayersError, LayersTimeoutError
from airflow_provider_layers.polling.rate_limits import (
    SMALLEST_TIER,
    TURN_RECOVERY_SHARE,
    TokenBucket,
    turn_limit,
)

if TYPE_CHECKING:
    from airflow_provider_layers.client import AsyncLayersClient

log = logging.getLogger(__name__)

REFUSAL_SECONDS = 60.0
"""Seconds after which a refusal says nothing about the present rate: a triggerer that takes over the waits of
another receives old ones."""

TIER_SECONDS = 60.0
"""Seconds after which a tier that could not be read is requested again."""


@dataclass(frozen=True)
class Refusal:
    """
    A 429 that made a task wait.

    :param at: when it came, in seconds since the epoch
    :param retry_after: seconds that the API asked to wait
    :param after_turn: whether the request had waited for its turn, so that turns come too fast
    """

    at: float
    retry_after: float
    after_turn: bool


class TurnQueue:
    """
    Gives waiting tasks their turns, at the rate that the key's tier allows for a class of routes.

    Several triggerers with one key share it by its refusals: each slows down when a request that had waited
    for its turn is refused, and recovers slowly.

    :param client: also provides the time
    :param route_class: see :mod:`airflow_provider_layers.polling.rate_limits`
    """

    def __init__(self, client: AsyncLayersClient, route_class: str) -> None:
        self._client = client
        self._clock = client.clock
        self._route_class = route_class
        # Hardly a burst: before anyone waits here, workers have used what the API allows at once.
        self._bucket = TokenBucket(
            turn_limit(SMALLEST_TIER, route_class),
            burst=1,
            recovery_share=TURN_RECOVERY_SHARE,
            now=self._clock.time(),
        )
        self._next_tier_refresh = float("-inf")
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._runner: asyncio.Task[None] | None = None

    @property
    def per_minute(self) -> int:
        """How many turns there are in a minute now; at least one."""
        return max(1, int(self._bucket.per_minute))

    def slow_down(self, refusal: Refusal) -> None:
        """Slow down after a refusal."""
        now = self._clock.time()
        if now - refusal.at > REFUSAL_SECONDS:
            return
        rest = max(0.0, refusal.at + refusal.retry_after - now)
        if refusal.after_turn:
            self._bucket.refused(rest, now=now)
        else:
            self._bucket.block(rest, now=now)

    def ahead_of(self, arrived_at: float) -> int:
        """Return how many wait that arrived before a moment."""
        return sum(1 for arrived, _, turn in self._waiting if arrived < arrived_at and not turn.done())

    async def wait(self, *, arrived_at: float, deadline: float) -> None:
        """
        Wait for a turn.

        :param arrived_at: when the task first wanted to send, in seconds since the epoch: its place
        :param deadline: seconds since the epoch
        :raises LayersTimeoutError: the deadline has passed
        """
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (arrived_at, next(self._numbers), turn))
        if self._runner is None or self._runner.done():
            # In an empty context: Airflow would attribute its log lines to the trigger that was the first.
            self._runner = Context().run(asyncio.get_running_loop().create_task, self._run())
        timer = asyncio.ensure_future(self._clock.asleep(max(0.0, deadline - self._clock.time())))
        try:
            await asyncio.wait({turn, timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            is_turn = turn.done() and not turn.cancelled()
            turn.cancel()
        if not is_turn:
            raise LayersTimeoutError("Its turn did not come before the deadline.")

    def close(self) -> None:
        """Stop."""
        if self._runner is not None:
            self._runner.cancel()

    async def _run(self) -> None:
        while self._is_anyone_waiting():
            await self._refresh_tier()
            now = self._clock.time()
            if not self._bucket.try_take(now):
                await self._clock.asleep(self._bucket.delay(now))
            elif self._is_anyone_waiting():
                heappop(self._waiting)[2].set_result(None)

    def _is_anyone_waiting(self) -> bool:
        while self._waiting and self._waiting[0][2].done():
            heappop(self._waiting)
        return bool(self._waiting)

    async def _refresh_tier(self) -> None:
        now = self._clock.time()
        if now < self._next_tier_refresh:
            return
        try:
            account = await self._client.send(whoami())
        except LayersError as error:
            log.debug("%s", error)
            self._next_tier_refresh = now + TIER_SECONDS
            return
        self._next_tier_refresh = float("inf")
        self._bucket.set_limit(turn_limit(account.rate_limit_tier, self._route_class))
