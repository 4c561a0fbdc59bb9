"""When to look again: by the vendor's guidance, or by what was learned. Pure arithmetic."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import OrderedDict, deque
from dataclasses import dataclass

FIRST_PAUSE = 2.0
GROWTH = 1.3
LONGEST_PAUSE = 10.0
JITTER = 0.5
"""The vendor's guidance (``reference/jobs/get-job``): 2 s, times 1.3, at most 10 s, up to 0.5 s of jitter."""

EARLY = 3.0
"""While the end is known to be far, a pause may be this many times the longest one."""

SAMPLES = 128
SPECIES = 64
ENOUGH = 12
"""How many endings are remembered of a species, of how many species, and how many make it predictable."""

UNLIKELY = 0.1
"""An end that comes before this share of the remembered ones is not waited for closely."""


@dataclass(frozen=True)
class Outlook:
    """
    When a thing is likely to end.

    :param left: seconds before which the end is unlikely
    :param spread: seconds over which most ends are spread; looks come the closer the smaller it is
    """

    left: float
    spread: float


@dataclass(frozen=True)
class Cadence:
    """
    How long to pause between two looks.

    :param longest: seconds; the pauses grow up to it
    :param farthest: seconds; the pauses while the end is known to be far
    """

    longest: float = LONGEST_PAUSE
    farthest: float | None = None

    def pause(self, looks: int, *, chance: float, outlook: Outlook | None = None) -> float:
        """
        Give the seconds before the next look.

        :param looks: how many there were, from 1
        :param chance: a random number from 0 to 1
        :param outlook: when the end is likely; ``None`` where nothing is known
        """
        if outlook is None:
            # 2 s times 1.3 passes any sensible maximum long before its 40th power.
            grown = FIRST_PAUSE * GROWTH ** min(looks - 1, 40)
            return min(self.longest, grown) + JITTER * chance
        farthest = self.longest * EARLY if self.farthest is None else self.farthest
        near = min(self.longest, max(FIRST_PAUSE, outlook.spread / 4))
        return min(max(near, outlook.left), max(near, farthest)) + JITTER * chance


class Experience:
    """How long things of a species took, such as jobs of one kind and format, in bounded memory."""

    def __init__(self) -> None:
        self._lasted: OrderedDict[tuple[str, ...], tuple[deque[float], list[float]]] = OrderedDict()

    def add(self, species: tuple[str, ...], seconds: float) -> None:
        """
        Remember an ending; the oldest is forgotten for it.

        :param species: what ended
        :param seconds: how long it took
        """
        order, ranked = self._lasted.setdefault(species, (deque(), []))
        self._lasted.move_to_end(species)
        if len(order) == SAMPLES:
            del ranked[bisect_right(ranked, order.popleft()) - 1]
        order.append(seconds)
        insort(ranked, seconds)
        if len(self._lasted) > SPECIES:
            self._lasted.popitem(last=False)

    def outlook(self, species: tuple[str, ...], age: float) -> Outlook | None:
        """
        Say when a thing is likely to end.

        :param species: what it is
        :param age: how long it has taken so far, in seconds
        :return: ``None`` where too little is known, as of things that take longer than any before
        """
        ranked = self._lasted.get(species, (None, ()))[1]
        if len(ranked) < ENOUGH:
            return None
        shorter = bisect_right(ranked, age)
        longer = len(ranked) - shorter
        if not longer:
            return None
        low, high = (ranked[shorter + int(longer * share)] for share in (UNLIKELY, 1 - UNLIKELY))
        return Outlook(left=low - age, spread=high - low)
