"""Reading within one budget."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_layers.api.account import whoami
from airflow_provider_layers.api.budget import Budget, ceiling_of
from airflow_provider_layers.api.flow import ask
from airflow_provider_layers.api.retry import asked_wait
from airflow_provider_layers.exceptions import (
    LayersParameterError,
    LayersRateLimitError,
    LayersUnexpectedAnswerError,
)

if TYPE_CHECKING:
    from airflow_provider_layers.api.endpoint import Endpoint
    from airflow_provider_layers.api.waits import Sweep
    from airflow_provider_layers.api.watching import Row
    from airflow_provider_layers.client import AsyncLayersClient

T = TypeVar("T")

log = logging.getLogger(__name__)

SMALLEST_TIER = "standard"
TIER_RETRY = 60.0
"""Seconds until the tier is asked for again after that has failed."""

MOST_PAGES = 500
"""A list that is longer than this has a cursor that leads nowhere."""


class Reader:
    """
    Reads through one client, and stands back when the API says so.

    :param client: through which it asks
    :param budget_rpm: most reads a minute; ``None`` for what the key's tier allows, less a share for others
    """

    def __init__(self, client: AsyncLayersClient, budget_rpm: int | None) -> None:
        self._client = client
        self.budget = Budget(budget_rpm or ceiling_of(SMALLEST_TIER), now=time.time())
        self._tier_asked_at = float("-inf") if budget_rpm is None else float("inf")

    async def ask(self, endpoint: Endpoint[T]) -> T:
        """
        Ask once.

        :raises LayersError: whatever became of it
        """
        try:
            return await self._client.run(ask(endpoint))
        except LayersRateLimitError as error:
            self.budget.refused(asked_wait(error), now=time.time())
            raise

    async def walk(self, sweep: Sweep) -> tuple[dict[str, Row], int]:
        """
        Walk a list as far as there are waits to be found; each page but the first waits for the budget.

        :return: its rows by id, and how many pages they were on
        :raises LayersError: it could not be read
        """
        rows: dict[str, Row] = {}
        sought, since = sweep.rows(), sweep.since()
        if since is None and not sweep.group.filtered:
            raise LayersParameterError(f"{sweep.roll.path} would have to be read from its beginning.")
        cursor: str | None = None
        seen: set[str] = set()
        for pages in range(1, MOST_PAGES):
            page = await self.ask(sweep.roll.page(since, cursor, sweep.group.filtered))
            found = sweep.roll.read(page)
            rows |= found
            sought.difference_update(found)
            cursor = page.get("nextCursor")
            if not cursor or not sought or sweep.too_far(pages):
                return rows, pages
            if cursor in seen:
                break
            seen.add(cursor)
            await self._affordable()
        raise LayersUnexpectedAnswerError(f"{sweep.roll.path} does not come to an end.")

    def wonders(self, now: float) -> bool:
        """Say whether the tier is worth asking for: it matters only once the smallest does not suffice."""
        return now - self._tier_asked_at >= TIER_RETRY

    async def learn_tier(self, now: float) -> None:
        """Work within the budget of the key's own tier from now on."""
        self._tier_asked_at = now
        self.budget.take()
        try:
            account = await self.ask(whoami())
        except Exception as error:  # noqa: BLE001 - whatever it is, the smallest budget does
            log.debug("%s", error)
            return
        self._tier_asked_at = float("inf")
        self.budget.raise_to(ceiling_of(account.rate_limit_tier))

    async def _affordable(self) -> None:
        delay = self.budget.delay(time.time())
        while delay > 0:
            await asyncio.sleep(delay)
            delay = self.budget.delay(time.time())
        self.budget.take()
