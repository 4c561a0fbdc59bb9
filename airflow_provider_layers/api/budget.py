"""How many reads a minute a watcher allows itself. Pure arithmetic."""

from __future__ import annotations

READS_PER_MINUTE = {"standard": 120, "pilot": 1_200, "partner": 6_000}
"""What the API allows a key of each tier (``operational/rate-limits``, the ``read-light`` class)."""

SHARE = 0.8
"""Of a tier's reads, what waiting may use; the rest is for the key's other users, such as the workers."""

BURST = 0.1
"""Of a minute's reads, how many may be sent at once after a quiet time."""

RETREAT = 0.7
RETREAT_SECONDS = 10.0
LEAST = 0.05
RECOVERY = 0.05
"""
After a refusal the rate falls to 0.7 of what it was, at most once in ten seconds and never below a twentieth
of the ceiling. It recovers by a twentieth of the ceiling a minute. Several watchers on one key, each falling
by a factor and rising by the same step, come to share it evenly.
"""


def ceiling_of(tier: str) -> float:
    """
    Give the reads a minute that waiting may use.

    :param tier: as ``whoami`` names it; an unknown one is taken for the smallest
    """
    return SHARE * READS_PER_MINUTE.get(tier, READS_PER_MINUTE["standard"])


class Budget:
    """
    A token bucket that a refusal makes smaller for a while.

    :param ceiling: most reads a minute
    :param now: seconds since the epoch, as for every other moment
    """

    def __init__(self, ceiling: float, *, now: float) -> None:
        self.ceiling = ceiling
        self.per_minute = ceiling
        self._tokens = self._capacity
        self._filled_at = now
        self._blocked_until = float("-inf")
        self._firm_until = float("-inf")

    @property
    def _capacity(self) -> float:
        return max(1.0, self.per_minute * BURST)

    def raise_to(self, ceiling: float) -> None:
        """Work under another ceiling from now on."""
        self.per_minute *= ceiling / self.ceiling
        self.ceiling = ceiling

    def delay(self, now: float) -> float:
        """Give the seconds until a read may be sent."""
        self._fill(now)
        missing = max(0.0, 1.0 - self._tokens) * 60.0 / self.per_minute
        return max(missing, self._blocked_until - now, 0.0)

    def blocked(self, now: float) -> float:
        """Give the seconds for which the API asked to be left alone."""
        self._fill(now)
        return max(0.0, self._blocked_until - now)

    def take(self) -> None:
        """Use up one read, also where it was not there to be had: others wait the longer."""
        self._tokens -= 1.0

    def refused(self, retry_after: float, *, now: float) -> None:
        """
        Stand back after a 429.

        :param retry_after: seconds that the API asked to wait
        """
        self._fill(now)
        self._tokens = min(self._tokens, 0.0)
        self._blocked_until = max(self._blocked_until, now + retry_after)
        if now >= self._firm_until:
            self.per_minute = max(self.ceiling * LEAST, self.per_minute * RETREAT)
            self._firm_until = now + max(retry_after, RETREAT_SECONDS)

    def _fill(self, now: float) -> None:
        if now < self._filled_at:
            # The clock was set back.
            self._blocked_until -= self._filled_at - now
            self._firm_until -= self._filled_at - now
        minutes = max(0.0, now - self._filled_at) / 60.0
        self._filled_at = now
        self._tokens = min(self._capacity, self._tokens + minutes * self.per_minute)
        if now >= self._firm_until:
            self.per_minute = min(self.ceiling, self.per_minute + minutes * RECOVERY * self.ceiling)
