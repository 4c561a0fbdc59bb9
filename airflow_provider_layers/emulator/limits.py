"""Rate limits: three buckets per tier that fill again by the emulator's clock."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_layers.emulator.errors import rate_limited

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_layers.emulator.clock import Clock

READ, WRITE, START = "read-light", "write-light", "long-running"
REQUESTS_PER_MINUTE = {
    "standard": {READ: 120, WRITE: 60, START: 20},
    "pilot": {READ: 1_200, WRITE: 600, START: 60},
    "partner": {READ: 6_000, WRITE: 3_000, START: 300},
}
WRITES_PER_DAY = {"standard": 10_000, "pilot": 100_000, "partner": 500_000}


@dataclass
class _Bucket:
    size: int
    seconds: float
    left: float
    since: datetime

    def fill(self, now: datetime) -> None:
        gained = (now - self.since).total_seconds() * self.size / self.seconds
        self.left = min(float(self.size), self.left + gained)
        self.since = now

    def wait(self) -> float:
        return max(0.0, (1 - self.left) * self.seconds / self.size)


class Limits:
    """The buckets of the organization.

    :param clock: the clock by which they fill.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def take(self, tier: str, limit_class: str) -> None:
        """Take one request out of the buckets of *limit_class*, or refuse with ``Retry-After``."""
        if tier not in REQUESTS_PER_MINUTE:
            return
        buckets = [self._bucket(tier, limit_class, REQUESTS_PER_MINUTE[tier][limit_class], 60)]
        if limit_class == WRITE:
            buckets.append(self._bucket(tier, "write-light per day", WRITES_PER_DAY[tier], 86_400))
        wait = max(bucket.wait() for bucket in buckets)
        if wait > 0:
            raise rate_limited(self._explain(tier, limit_class), max(1, math.ceil(wait)))
        for bucket in buckets:
            bucket.left -= 1

    def _bucket(self, tier: str, name: str, size: int, seconds: float) -> _Bucket:
        now = self._clock.now()
        bucket = self._buckets.setdefault((tier, name), _Bucket(size, seconds, float(size), now))
        bucket.fill(now)
        return bucket

    def _explain(self, tier: str, limit_class: str) -> str:
        standing = (
            " The emulator's clock is frozen: the bucket fills when it is advanced."
            if self._clock.frozen
            else ""
        )
        return f"The {limit_class} bucket of tier {tier} is empty.{standing}"
