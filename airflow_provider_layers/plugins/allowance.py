"""How many reads the page allows itself, so that people who look never keep tasks from working."""

from __future__ import annotations

BURST = 30.0
PER_MINUTE = 60.0
"""Half of the reads that the smallest tier allows a key (``operational/rate-limits``)."""


class Allowance:
    """
    A token bucket for one key, in one process of the API server.

    :param per_minute: reads a minute, after the burst
    :param now: seconds, of any beginning
    """

    def __init__(self, per_minute: float = PER_MINUTE, *, now: float) -> None:
        self._per_minute = per_minute
        self._most = min(BURST, per_minute)
        self._left = self._most
        self._filled_at = now
        self._blocked_until = now

    def take(self, now: float) -> bool:
        """Use up one read; say whether there was one to be had."""
        self._left = min(self._most, self._left + (now - self._filled_at) * self._per_minute / 60.0)
        self._filled_at = now
        if self._left < 1.0 or now < self._blocked_until:
            return False
        self._left -= 1.0
        return True

    def refused(self, retry_after: float, *, now: float) -> None:
        """
        Stand back after a 429.

        :param retry_after: seconds that the API asked to wait
        """
        self._blocked_until = max(self._blocked_until, now + retry_after)
