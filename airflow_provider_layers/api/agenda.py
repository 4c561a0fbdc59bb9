"""What a watcher does next: look at one thing, or at a list that shows many. Pure decisions."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Any

from airflow_provider_layers.api.cadence import FIRST_PAUSE, Experience, Outlook
from airflow_provider_layers.api.request import moment
from airflow_provider_layers.api.retry import asked_wait
from airflow_provider_layers.api.waits import Group, Look, Sweep, Wait
from airflow_provider_layers.api.watching import NOT_FOUND_GRACE, Patience, Roll, Row, Watch
from airflow_provider_layers.exceptions import LayersError, LayersRequestError

SLACK = 0.25
"""Of the longest pause: what is due so soon takes part in a sweep now."""

HASTE = 0.8
"""Of a pause: a sweep is shared by so many that it comes so much sooner, and the next one no sooner."""

SHORT = 10
"""Pages of a list that is read with such haste; a longer one has its whole pause."""

TRUSTED = 5
"""How often in a row a list may fail before it is left alone for a while."""

BELIEVED = 1800.0
"""Seconds for which a list may tell that something is under way that could have ended; then it is looked at
by itself."""

CHUNK = 250
"""How many waits are gone through before others get a turn: a few milliseconds."""

BARRED = 900.0
"""Seconds for which a list that was refused for good is not asked for."""

OUTAGE = 60.0
"""Seconds for which a list that fails again and again is not asked for: outages pass, single looks cost."""

TELLING = 0.1
"""The progress from which the rest of a job can be guessed."""


class Agenda:
    """
    Decides, by what it costs, what is read next.

    :param experience: how long things took so far
    :param chance: source of jitter, numbers from 0 to 1
    """

    def __init__(self, experience: Experience, *, chance: Callable[[], float] = random.random) -> None:
        self._experience = experience
        self._chance = chance
        self._numbers = count()
        self._alone = Group(None)
        self._groups: dict[Roll, Group] = {}
        self._heads: list[tuple[float, int, Group]] = []
        self._waits: dict[Wait, None] = {}

    def __len__(self) -> int:
        return len(self._waits)

    def add(self, watch: Watch[Any], *, now: float) -> Wait:
        """Begin to wait; the first looks of many that begin at once are spread."""
        roll = watch.roll if watch.rows else None
        wait = Wait(watch, roll, Patience(grace_ends=now + NOT_FOUND_GRACE), looked_at=now)
        self._waits[wait] = None
        if roll is not None:
            self._groups.setdefault(roll, Group(roll, filtered=roll.filtered)).members[wait] = None
        try:
            self._plan(wait, min(FIRST_PAUSE, watch.cadence.longest) * self._chance(), now=now)
            if roll is not None:
                self._groups[roll].hurry(now + HASTE * watch.cadence.longest, watch.deadline)
                self._push(self._groups[roll])
        except TypeError:
            self.drop(wait)
            raise
        return wait

    def drop(self, wait: Wait) -> None:
        """End a wait, whatever became of it."""
        wait.ticket = None
        self._waits.pop(wait, None)
        group = self._groups.get(wait.roll) if wait.roll is not None else None
        if wait.roll is not None and group is not None:
            group.members.pop(wait, None)
            if not group.members:
                del self._groups[wait.roll]

    def next_moment(self) -> float | None:
        """Give when something is to be done, in seconds since the epoch; ``None`` for not before news."""
        group = self._first()
        return group.due() if group else None

    def take(self, now: float) -> Look | Sweep | None:
        """Give what is to be done now, if anything is."""
        group = self._first()
        if group is None or group.due() > now:
            return None
        _, _, first = group.queue[0]
        if group.roll is None or now < group.barred_until or first.watch.deadline <= now:
            heappop(group.queue)
            return self._look(group, first, now)
        waits = group.gather(now + SLACK * first.watch.cadence.longest)
        if len(waits) > group.cost(now):
            group.swept = True
            group.rested_at = group.rest_until(now, HASTE if group.cost(now) <= SHORT else 1.0)
            return Sweep(group, group.roll, waits, list(group.members))
        for wait in waits[1:]:
            self._enqueue(wait)
        return self._look(group, first, now)

    def looked(self, look: Look, result: Any, *, now: float) -> bool:
        """
        Take in what a look showed.

        :param result: what the look's endpoint gave
        :return: whether it has ended
        :raises LayersError: the deadline has passed
        """
        wait = look.wait
        wait.patience.unexpected = 0
        wait.looks += 1
        wait.looked_at = now
        if result is not None:
            wait.result, wait.sight = result, wait.watch.sight(result)
            wait.likely_end = wait.sight.likely_end
        if wait.sight.ended:
            if wait.watch.species and wait.sight.lasted is not None:
                self._experience.add(wait.watch.species, wait.sight.lasted)
            return True
        if look.last:
            raise wait.watch.expired(wait.result)
        if wait.suspected is not None:
            wait.doubted, wait.suspected = wait.suspected, None
        self._plan(wait, self._pause(wait, now), now=now)
        return False

    def failed(self, look: Look, error: LayersError, *, now: float) -> None:
        """
        Take in that a look failed.

        :raises LayersError: waiting on is of no use
        """
        wait = look.wait
        if not wait.patience.outlives(error, now=now):
            raise error
        if look.last:
            raise wait.watch.expired(wait.result)
        wait.looks += 1
        self._plan(wait, max(self._pause(wait, now), asked_wait(error)), now=now)

    def swept(self, sweep: Sweep, rows: dict[str, Row], pages: int, *, now: float) -> Iterator[None]:
        """
        Take in what a sweep showed, with rests in between.

        :param rows: by id; nothing but what is under way has to be among them
        :param pages: how many there were
        """
        group, due = sweep.group, set(sweep.waits)
        group.pages, group.measured_at, group.failures = pages, now, 0
        for number, wait in enumerate(sweep.members, start=1):
            # One without a ticket is being looked at by itself, or is waited for no more.
            if wait.ticket is not None and wait.suspected is None:
                self._seen(wait, rows, sweep.roll.running, due=wait in due, now=now)
            if number % CHUNK == 0:
                yield
        self._rest(group)

    def sweep_failed(self, sweep: Sweep, error: LayersError, *, now: float) -> None:
        """Take in that a list could not be read; one that is refused for good is left alone for a while."""
        group = sweep.group
        # Releases of the API differ in their words for what is under way, and may refuse another's.
        group.failures += 1
        if group.filtered and isinstance(error, LayersRequestError):
            group.filtered = False
        elif error.permanent or group.failures >= TRUSTED:
            group.barred_until = now + (BARRED if error.permanent else OUTAGE)
        if error.permanent:
            group.rested_at = now
        for wait in sweep.waits:
            if wait in self._waits:
                pause = 0.0 if error.permanent else max(self._pause(wait, now), asked_wait(error))
                self._plan(wait, pause, now=now)
        self._rest(group)

    def _seen(
        self, wait: Wait, rows: dict[str, Row], running: frozenset[str], *, due: bool, now: float
    ) -> None:
        found = tuple(filter(None, map(rows.get, wait.watch.rows)))
        under_way = next((row for row in found if row.status in running), None)
        if under_way is not None and under_way.due:
            expected = moment(under_way.due)
            wait.likely_end = expected.timestamp() if expected else wait.likely_end
        if under_way and (now - wait.looked_at < BELIEVED or now < (wait.likely_end or 0.0)):
            wait.doubted = None
            if due:
                wait.looks += 1
                self._plan(wait, self._pause(wait, now) * HASTE, now=now)
        elif due or found != wait.doubted:
            wait.suspected = found
            self._plan(wait, 0.0, now=now)

    def _look(self, group: Group, wait: Wait, now: float) -> Look:
        wait.ticket = None
        self._push(group)
        return Look(wait, last=wait.watch.deadline <= now)

    def _pause(self, wait: Wait, now: float) -> float:
        cadence, outlook = wait.watch.cadence, self._outlook(wait, now)
        return cadence.pause(max(1, wait.looks), chance=self._chance(), outlook=outlook)

    def _outlook(self, wait: Wait, now: float) -> Outlook | None:
        began, sight = wait.watch.began, wait.sight
        if wait.likely_end is not None:
            return Outlook(wait.likely_end - now, spread=0.0) if wait.likely_end > now else None
        if began is None or now <= began:
            return None
        known = self._experience.outlook(wait.watch.species, now - began)
        if known is None and sight.progress is not None and TELLING < sight.progress < 1:
            rest = (now - began) / sight.progress - (now - began)
            return Outlook(rest / 2, spread=rest)
        return known

    def _plan(self, wait: Wait, pause: float, *, now: float) -> None:
        wait.due = max(now, min(now + pause, wait.watch.deadline))
        wait.ticket = next(self._numbers)
        self._enqueue(wait)

    def _enqueue(self, wait: Wait) -> None:
        # A last look is taken at the deadline, whenever the list is read next.
        listed = wait.roll is not None and wait.suspected is None and wait.due < wait.watch.deadline
        group = self._groups[wait.roll] if listed and wait.roll else self._alone
        assert wait.ticket is not None  # noqa: S101 - `_plan` has just given one
        heappush(group.queue, (wait.due, wait.ticket, wait))
        if group.queue[0][2] is wait:
            self._push(group)

    def _rest(self, group: Group) -> None:
        group.swept = False
        self._push(group)

    def _push(self, group: Group) -> None:
        group.trim()
        if group.queue and not group.swept:
            group.head = next(self._numbers)
            heappush(self._heads, (group.due(), group.head, group))

    def _first(self) -> Group | None:
        """Give the group with the earliest wait; what is on top may be out of date."""
        while self._heads:
            due, number, group = self._heads[0]
            group.trim()
            current = bool(group.queue) and not group.swept and number == group.head
            if current and group.due() == due:
                return group
            heappop(self._heads)
            if current:
                self._push(group)
        return None
