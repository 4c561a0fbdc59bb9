"""What the server counts for a key, second by second, and the rate limit of the key."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

READS_A_MINUTE = {"standard": 120, "pilot": 1_200, "partner": 6_000}
"""The ``read-light`` class of the vendor's tiers."""


@dataclass
class Tally:
    """
    Counts by whole seconds since the epoch of a run; what is outside of its time falls into the last one.

    :param seconds: how many there are
    """

    seconds: int
    requests: list[int] = field(init=False)
    throttled: list[int] = field(init=False)
    opened: list[int] = field(init=False)
    sent_bytes: list[int] = field(init=False)
    routes: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("requests", "throttled", "opened", "sent_bytes"):
            setattr(self, name, [0] * (self.seconds + 1))

    def place(self, second: float) -> int:
        """Give the index for a moment in seconds since the epoch."""
        return int(second) if 0 <= second < self.seconds else self.seconds


class Bucket:
    """
    A bucket that holds a minute's reads and fills again evenly.

    :param tier: of the key
    :param now: seconds since the Unix epoch
    """

    def __init__(self, tier: str, now: float) -> None:
        self._size = float(READS_A_MINUTE[tier])
        self._left, self._since = self._size, now

    def take(self, now: float) -> int:
        """
        Take one read.

        :param now: seconds since the Unix epoch
        :return: the ``Retry-After`` in seconds, 0 when there was one left
        """
        self._left = min(self._size, self._left + (now - self._since) * self._size / 60)
        self._since = now
        if self._left < 1:
            return max(1, math.ceil((1 - self._left) * 60 / self._size))
        self._left -= 1
        return 0
