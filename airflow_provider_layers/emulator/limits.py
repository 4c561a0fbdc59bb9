"""Rate limits and credits: how much a key may request, and what a job costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_layers.emulator.errors import ApiError, rate_limited

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_layers.emulator.state import EmulatorClock, State

READ, WRITE, START = "read-light", "write-light", "long-running"
REQUESTS_PER_MINUTE = {
    "standard": {READ: 120, WRITE: 60, START: 20},
    "pilot": {READ: 1_200, WRITE: 600, START: 60},
    "partner": {READ: 6_000, WRITE: 3_000, START: 300},
}
WRITES_PER_DAY = {"standard": 10_000, "pilot": 100_000, "partner": 500_000}
COSTS = {"video_remix": 120, "slideshow_remix": 50, "ugc_remix": 120, "auto": 120, "slideshow_builder": 50}


@dataclass
class _RateBucket:
    size: int
    seconds: float
    left: float
    filled_at: datetime

    def fill(self, now: datetime) -> None:
        gained = (now - self.filled_at).total_seconds() * self.size / self.seconds
        self.left = min(float(self.size), self.left + gained)
        self.filled_at = now

    def wait(self) -> float:
        return max(0.0, (1 - self.left) * self.seconds / self.size)


class RateLimits:
    """The token buckets of the organization.

    :param clock: clock by which the buckets fill
    """

    def __init__(self, clock: EmulatorClock) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str], _RateBucket] = {}

    def consume(self, tier: str, limit_class: str) -> None:
        """Count a request in the buckets of *limit_class*, or raise 429 with ``Retry-After``."""
        if tier not in REQUESTS_PER_MINUTE:
            return
        buckets = [self._bucket(tier, limit_class, REQUESTS_PER_MINUTE[tier][limit_class], 60)]
        if limit_class == WRITE:
            buckets.append(self._bucket(tier, "write-light per day", WRITES_PER_DAY[tier], 86_400))
        wait = max(bucket.wait() for bucket in buckets)
        if wait > 0:
            frozen = (
                " The emulator's clock is frozen: advance it to fill the bucket."
                if self._clock.frozen
                else ""
            )
            raise rate_limited(
                f"The {limit_class} bucket of tier {tier} is empty.{frozen}", max(1, math.ceil(wait))
            )
        for bucket in buckets:
            bucket.left -= 1

    def _bucket(self, tier: str, name: str, size: int, seconds: float) -> _RateBucket:
        now = self._clock.now()
        bucket = self._buckets.setdefault((tier, name), _RateBucket(size, seconds, float(size), now))
        bucket.fill(now)
        return bucket


def cost_of(format_name: str) -> int:
    """Return the cost of a container in that format, in either spelling."""
    return COSTS[format_name.replace("-", "_")]


def reserved_credits(state: State) -> int:
    """Return the credits that running jobs reserve."""
    return sum(job.cost for job in state.running_jobs())


def require_credits(state: State, cost: int, budget: int | None = None) -> None:
    """Raise 402 for a job of that *cost* when *budget* or the available credits are lower."""
    # Assumption: the pages name no response to a budget that is too low; it gets that of too few credits.
    if budget is not None and cost > budget:
        message = f"This costs {cost} credits; budget.maxCredits is {budget}."
        details = {"required": cost, "available": budget, "maxCredits": budget}
        raise ApiError(402, "BILLING_EXHAUSTED", message, details)
    available = state.settings.credits - reserved_credits(state)
    if cost > available:
        details = {"required": cost, "available": available}
        raise ApiError(402, "BILLING_EXHAUSTED", "Insufficient content-generation credits.", details)
