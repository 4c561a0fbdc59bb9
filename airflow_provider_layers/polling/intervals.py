"""When to poll next: by the vendor's guidance, or by how long similar jobs took. Pure arithmetic."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque
from dataclasses import dataclass

INITIAL_INTERVAL = 2.0
INTERVAL_GROWTH = 1.3
MAX_INTERVAL = 10.0
JITTER = 0.5
"""The vendor's guidance (``reference/jobs/get-job``): 2 s, times 1.3, at most 10 s, up to 0.5 s of jitter."""

NOT_FOUND_GRACE = 15.0
"""Seconds from the start of a wait in which a 404 may mean that a new job is not visible yet. The vendor
gives no number: 15 s outlast the lag of a read replica, and a wrong id is still reported soon."""

FAR_FACTOR = 3.0
"""While the end is known to be far, a pause may be this many times the longest one. It limits how late an
unusually early end is detected: fewer polls of long jobs would not be worth more than half a minute."""

HISTORY_SIZE = 128
"""Most durations kept for each key, and most keys: enough for stable quantiles, few enough to follow a change
in the vendor's speed, and a bound on memory whatever the API names as a kind."""

TAIL = 0.1
"""Share of the remembered durations that is ignored at either end: one in ten ends earlier or later than an
estimate assumes. A tenth says something from ten durations on, so with fewer there is no estimate."""


@dataclass(frozen=True)
class DurationEstimate:
    """
    When something is likely to end.

    :param remaining: seconds before which the end is unlikely
    :param spread: seconds over which most ends are spread; the smaller, the shorter the pauses
    """

    remaining: float
    spread: float


@dataclass(frozen=True)
class PollInterval:
    """
    How long to pause between two polls.

    :param max_interval: seconds up to which the pauses grow
    :param far_interval: longest pause while the end is known to be far; ``None`` for three times
        ``max_interval``
    """

    max_interval: float = MAX_INTERVAL
    far_interval: float | None = None

    def pause(self, polls: int, *, jitter: float, estimate: DurationEstimate | None = None) -> float:
        """
        Return the seconds until the next poll.

        :param polls: how many there were, from 1
        :param jitter: a random number from 0 to 1
        :param estimate: ``None`` where nothing is known
        """
        if estimate is None:
            # The 40th power passes any sensible maximum; a wait of days would overflow the float.
            grown = INITIAL_INTERVAL * INTERVAL_GROWTH ** min(polls - 1, 40)
            return min(self.max_interval, grown) + JITTER * jitter
        far = self.max_interval * FAR_FACTOR if self.far_interval is None else self.far_interval
        # Four polls over the time in which the end is likely.
        near = min(self.max_interval, max(INITIAL_INTERVAL, estimate.spread / 4))
        return min(max(near, estimate.remaining), max(near, far)) + JITTER * jitter


class DurationHistory:
    """How long finished things took, by key, such as jobs of one kind and format."""

    def __init__(self) -> None:
        # Of each key the durations in order of arrival and sorted; the key added to last is last.
        self._durations: dict[tuple[str, ...], tuple[deque[float], list[float]]] = {}

    def add(self, key: tuple[str, ...], seconds: float) -> None:
        """Remember a duration, instead of the oldest one if there are many."""
        arrived, ranked = self._durations.pop(key, (deque(), []))
        self._durations[key] = (arrived, ranked)
        if len(arrived) == HISTORY_SIZE:
            del ranked[bisect_right(ranked, arrived.popleft()) - 1]
        arrived.append(seconds)
        insort(ranked, seconds)
        if len(self._durations) > HISTORY_SIZE:
            del self._durations[next(iter(self._durations))]

    def estimate(self, key: tuple[str, ...], age: float) -> DurationEstimate | None:
        """
        Estimate when something will end, by those that took longer than it has taken so far.

        :param age: seconds since it started
        :return: ``None`` if too little is known, as for what takes longer than all before
        """
        _, ranked = self._durations.get(key, (None, []))
        shorter = bisect_right(ranked, age)
        longer = len(ranked) - shorter
        if len(ranked) * TAIL < 1 or not longer:
            return None
        low, high = (ranked[shorter + int(longer * share)] for share in (TAIL, 1 - TAIL))
        return DurationEstimate(remaining=low - age, spread=high - low)
