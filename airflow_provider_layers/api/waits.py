"""What a watcher holds: its waits, those that show in one list together, and what it can do for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heapify, heappop
from math import ceil
from typing import Any

from airflow_provider_layers.api.watching import Patience, Roll, Row, Sight, Watch

NOTHING_YET = Sight(ended=False)

PAGES_LAST = 600.0
"""Seconds for which the length of a list is remembered."""


@dataclass(eq=False)
class Wait:
    """
    A thing that is being waited for.

    :param watch: what it is
    :param roll: the list in which it shows, where one is known
    :param patience: what it outlives
    :param result: what was seen last
    :param sight: what that tells
    :param looks: how often it was seen to be under way, by itself or in a list
    :param looked_at: when it was looked at by itself, or began to be waited for
    :param likely_end: the moment at which the API itself expects the end, in seconds since the epoch
    :param due: when it is to be looked at next, in seconds since the epoch
    :param ticket: its place in a queue; ``None`` while it is being looked at, and when nobody waits any more
    :param suspected: its rows in a list that looked ended, until a look at the thing itself tells
    :param doubted: its rows as they were when they looked ended and it was not: until they change, the list
        tells nothing about it
    """

    watch: Watch[Any]
    roll: Roll | None
    patience: Patience
    result: Any = None
    sight: Sight = NOTHING_YET
    looks: int = 0
    looked_at: float = 0.0
    likely_end: float | None = None
    due: float = 0.0
    ticket: int | None = None
    suspected: tuple[Row, ...] | None = None
    doubted: tuple[Row, ...] | None = None


@dataclass(eq=False)
class Group:
    """
    Waits that show in one list.

    :param roll: the list; ``None`` for those that show in none
    :param barred_until: until when the list is not asked for, since the API refused it
    :param filtered: whether the list is asked for what is under way only
    :param swept: whether it is being read just now
    :param failures: how often in a row it could not be understood
    :param rested_at: when it may be read again: one reading tells of all, also of those that are due between
    :param head: the number of its entry among the heads of the agenda
    :param pages: how long it was when it was read last
    """

    roll: Roll | None
    members: dict[Wait, None] = field(default_factory=dict)
    queue: list[tuple[float, int, Wait]] = field(default_factory=list)
    barred_until: float = float("-inf")
    filtered: bool = True
    swept: bool = False
    failures: int = 0
    rested_at: float = float("-inf")
    head: int = -1
    pages: int = 1
    measured_at: float = float("-inf")

    def due(self) -> float:
        """Give when something is to be done for the first of them."""
        return max(self.queue[0][0], self.rested_at)

    def cost(self, now: float) -> int:
        """Give how many reads a sweep is expected to take."""
        own = ceil(len(self.members) / self.roll.page_size) if self.roll else 0
        return max(own, self.pages if now - self.measured_at < PAGES_LAST else 1)

    def hurry(self, *moments: float) -> None:
        """Read the list at one of these moments already, for somebody who has joined."""
        self.rested_at = min(self.rested_at, *moments)

    def rest_until(self, now: float, part: float) -> float:
        """
        Give when the list is to be read again: soon enough for the quickest of them and for every deadline.

        :param part: of the shortest of their longest pauses
        """
        quickest = min(one.watch.cadence.longest for one in self.members)
        deadlines = (one.watch.deadline for one in self.members if one.watch.deadline > now)
        return min(now + part * quickest, min(deadlines, default=float("inf")))

    def trim(self) -> None:
        """Drop from the front what is not waited for any more, or elsewhere."""
        while self.queue and self.queue[0][2].ticket != self.queue[0][1]:
            heappop(self.queue)

    def gather(self, until: float) -> list[Wait]:
        """Take out all that are due until a moment."""
        held = [entry for entry in self.queue if entry[2].ticket == entry[1]]
        self.queue = [entry for entry in held if entry[0] > until]
        heapify(self.queue)
        # No two have one ticket, so that waits themselves are never compared.
        return [wait for _, _, wait in sorted(entry for entry in held if entry[0] <= until)]


@dataclass(frozen=True)
class Look:
    """
    Look at one thing by itself.

    :param last: whether its deadline has passed
    """

    wait: Wait
    last: bool


@dataclass(frozen=True)
class Sweep:
    """
    Read a list.

    :param waits: those of the group that are due
    :param members: all of the group; who joins meanwhile was not looked for
    """

    group: Group
    roll: Roll
    waits: list[Wait]
    members: list[Wait]

    def rows(self) -> set[str]:
        """Give the ids of all their rows."""
        return {row for one in self.members for row in one.watch.rows}

    def too_far(self, pages: int) -> bool:
        """
        Say whether reading on costs more than looking at all that are due.

        A list of what is under way only is short, and is read to its end.

        :param pages: how many were read
        """
        return not self.group.filtered and pages >= len(self.waits)

    def since(self) -> float | None:
        """Give the moment at which the oldest rows were made; ``None`` where that of one is unknown."""
        moments = [one.watch.listed_since for one in self.members]
        return None if None in moments else min((one for one in moments if one is not None), default=None)
