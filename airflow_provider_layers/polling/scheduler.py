"""What to poll next: one thing, or a list that shows many. Pure decisions, on the times that it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import count
from math import ceil
from typing import Any

from airflow_provider_layers.api.endpoint import retry_after_of
from airflow_provider_layers.api.schemas import parse_timestamp
from airflow_provider_layers.exceptions import LayersError, LayersPermanentError, LayersRequestError
from airflow_provider_layers.polling.intervals import (
    INITIAL_INTERVAL,
    NOT_FOUND_GRACE,
    DurationEstimate,
    DurationHistory,
)
from airflow_provider_layers.polling.targets import (
    MAX_CONSECUTIVE_FAILURES,
    ErrorTolerance,
    ListSource,
    Observation,
    PollTarget,
    Row,
)

EARLY_SHARE = 0.2
"""Share of a pause by which a list is read early, and by which subscriptions take part before they are due: a
request that serves many may come sooner than one for each, so that ends are detected sooner as well."""

MAX_EARLY_PAGES = 10
"""Length of a list up to which it is read early. A longer one takes a visible share of the rate limit and of
the event loop, so it waits for its whole pause."""

LIST_TRUST_SECONDS = 1800.0
"""How long what is known of a list is relied on: that a row is unfinished although nothing confirms it, that
the API refuses the list, and how many pages it has. A row that is never updated so delays detection by half
an hour at most, and confirming costs each subscription two polls an hour."""

OUTAGE_SECONDS = 60.0
"""How long a read that polling can do without, a list or the tier, is not repeated after it failed."""

CHUNK = 250
"""Subscriptions that are updated from a list before other tasks of the event loop get a turn: a few
milliseconds. Airflow warns of a triggerer that is blocked for 200 ms."""


NOT_OBSERVED = Observation(finished=False)


@dataclass(eq=False, slots=True)
class Subscription:
    """
    A wait of one caller.

    :param polls: how often it was seen unfinished, on its own or in a list
    :param polled_at: when it was last polled on its own, or was added
    :param expected_end: when the API expects the end, in seconds since the epoch
    :param due: when it is to be polled next
    :param entry_id: its entry in a queue; ``None`` while it is polled on its own, and once it is removed
    :param rows_to_confirm: rows that look finished, until a poll of the target itself
    :param unconfirmed_rows: rows that looked finished when the target was not: until they change, the list
        says nothing about it
    :param listed_unfinished: whether a list has shown an unfinished row of it
    """

    target: PollTarget[Any]
    list_source: ListSource | None
    tolerance: ErrorTolerance
    polled_at: float
    result: Any = None
    observation: Observation = NOT_OBSERVED
    polls: int = 0
    expected_end: float | None = None
    due: float = 0.0
    entry_id: int | None = None
    rows_to_confirm: tuple[Row, ...] | None = None
    unconfirmed_rows: tuple[Row, ...] | None = None
    listed_unfinished: bool = False


@dataclass(eq=False)
class PollGroup:
    """
    Subscriptions that appear in one list.

    :param source: the list; ``None`` for those that are polled on their own
    :param queue: due moment, entry id and subscription; entries of earlier plans stay until they come first
    :param reading: whether the list is being read
    :param not_before: when it may be read again: one list read covers every subscription, including those
        that are due in between
    :param disabled_until: until when the list is not read, because the API refused it
    :param filtered: whether it is asked for unfinished rows only
    :param failures: failed reads in a row
    """

    source: ListSource | None
    filtered: bool = True
    members: dict[Subscription, None] = field(default_factory=dict)
    queue: list[tuple[float, int, Subscription]] = field(default_factory=list)
    reading: bool = False
    not_before: float = float("-inf")
    disabled_until: float = float("-inf")
    failures: int = 0
    pages: int = 1
    measured_at: float = float("-inf")

    def due(self) -> float:
        """Return when to do something for the first of them; infinity for not before something happens."""
        self.discard_stale()
        return max(self.queue[0][0], self.not_before) if self.queue and not self.reading else float("inf")

    def discard_stale(self) -> None:
        """Discard entries of subscriptions that were removed or planned again, up to a valid one."""
        while self.queue and self.queue[0][2].entry_id != self.queue[0][1]:
            heappop(self.queue)

    def pop_due(self, until: float) -> list[Subscription]:
        """Remove and return those that are due until a moment, the earliest first."""
        valid = [entry for entry in self.queue if entry[2].entry_id == entry[1]]
        self.queue = [entry for entry in valid if entry[0] > until]
        heapify(self.queue)
        # Entry ids are unique, so subscriptions themselves are never compared.
        return [subscription for _, _, subscription in sorted(entry for entry in valid if entry[0] <= until)]

    def advance(self, *moments: float) -> None:
        """Read the list at one of these moments already, for a subscription that has joined."""
        self.not_before = min(self.not_before, *moments)

    def expected_pages(self, now: float) -> int:
        """Return how many reads the list is expected to take."""
        own = ceil(len(self.members) / self.source.page_size) if self.source else 0
        return max(own, self.pages if now - self.measured_at < LIST_TRUST_SECONDS else 1)

    def next_read(self, now: float) -> float:
        """Return when to read the list again: in time for the shortest interval and for every deadline."""
        early = EARLY_SHARE if self.expected_pages(now) <= MAX_EARLY_PAGES else 0.0
        shortest = min(member.target.interval.max_interval for member in self.members)
        deadlines = (member.target.deadline for member in self.members if member.target.deadline > now)
        return min(now + (1 - early) * shortest, min(deadlines, default=float("inf")))


@dataclass(frozen=True)
class SinglePoll:
    """
    Poll one target.

    :param is_last: whether its deadline has passed
    """

    subscription: Subscription
    is_last: bool


@dataclass(frozen=True)
class ListPoll:
    """
    Read a list.

    :param due: the subscriptions that it is read for
    :param members: all of the group, without those that join while the list is read
    """

    group: PollGroup
    source: ListSource
    due: list[Subscription]
    members: list[Subscription]

    def row_ids(self) -> set[str]:
        """Return the ids of all rows that are looked for."""
        return {row_id for member in self.members for row_id in member.target.row_ids}

    def since(self) -> float | None:
        """Return when the oldest of these rows was created; ``None`` if that is unknown."""
        moments = [member.target.listed_since for member in self.members]
        known = [moment for moment in moments if moment is not None]
        return min(known) if known and len(known) == len(moments) else None

    def is_too_long(self, pages: int) -> bool:
        """
        Return whether reading on costs more than polling each.

        A filtered list is read to its end even if few are due, because every row that it lacks has to be
        confirmed on its own.
        """
        return pages >= len(self.members if self.group.filtered else self.due)


class PollScheduler:
    """
    Decides what is polled when, by what it costs.

    :param history: how long things took so far
    :param jitter: random numbers from 0 to 1
    """

    def __init__(self, history: DurationHistory, *, jitter: Callable[[], float]) -> None:
        self._history = history
        self._jitter = jitter
        self._entry_ids = count()
        self._subscriptions: dict[Subscription, None] = {}
        self._singles = PollGroup(None)
        self._groups: dict[ListSource, PollGroup] = {}

    def __len__(self) -> int:
        return len(self._subscriptions)

    def add(self, target: PollTarget[Any], *, now: float) -> Subscription:
        """Subscribe to a target. The first polls of many that are added at once are spread."""
        source = target.list_source if target.row_ids else None
        tolerance = ErrorTolerance(grace_ends=now + NOT_FOUND_GRACE)
        subscription = Subscription(target, source, tolerance, polled_at=now)
        self._subscriptions[subscription] = None
        if source is not None:
            group = self._groups.setdefault(source, PollGroup(source, filtered=source.filtered))
            group.members[subscription] = None
        try:
            max_interval = target.interval.max_interval
            self._plan(subscription, min(INITIAL_INTERVAL, max_interval) * self._jitter(), now=now)
            if source is not None:
                group.advance(now + (1 - EARLY_SHARE) * max_interval, target.deadline)
        except TypeError:
            # Arguments of a trigger come out of a database; a wrong one must not stop the others.
            self.remove(subscription)
            raise
        return subscription

    def remove(self, subscription: Subscription) -> None:
        """End a subscription, whatever its state."""
        subscription.entry_id = None
        self._subscriptions.pop(subscription, None)
        source = subscription.list_source
        group = self._groups.get(source) if source is not None else None
        if source is not None and group is not None:
            group.members.pop(subscription, None)
            if not group.members:
                del self._groups[source]

    def next_time(self) -> float | None:
        """Return when to poll next, in seconds since the epoch; ``None`` for not before something happens."""
        due = self._first_group().due()
        return due if due < float("inf") else None

    def next_poll(self, now: float) -> SinglePoll | ListPoll | None:
        """Return what to poll now; ``None`` if nothing is due."""
        group = self._first_group()
        if group.due() > now:
            return None
        first = group.queue[0][2]
        if group.source is None or now < group.disabled_until:
            heappop(group.queue)
            return self._single_poll(first, now)
        due = group.pop_due(now + EARLY_SHARE * first.target.interval.max_interval)
        if len(due) > group.expected_pages(now):
            group.reading = True
            group.not_before = group.next_read(now)
            return ListPoll(group, group.source, due, list(group.members))
        for subscription in due[1:]:
            self._enqueue(subscription)
        return self._single_poll(first, now)

    def single_succeeded(self, poll: SinglePoll, result: Any, *, now: float) -> bool:
        """
        Record the result of a poll.

        :param result: of the poll's endpoint
        :return: whether the target has finished
        :raises LayersError: its deadline has passed
        """
        subscription = poll.subscription
        if subscription not in self._subscriptions:
            return False
        target = subscription.target
        subscription.tolerance.reset()
        subscription.polls += 1
        subscription.polled_at = now
        if result is not None:
            subscription.result, subscription.observation = result, target.observe(result)
            subscription.expected_end = subscription.observation.expected_end
        observation = subscription.observation
        if observation.finished:
            if target.history_key and observation.duration is not None:
                self._history.add(target.history_key, observation.duration)
            return True
        if poll.is_last:
            raise target.timeout_error(subscription.result)
        if subscription.rows_to_confirm is not None:
            subscription.unconfirmed_rows, subscription.rows_to_confirm = subscription.rows_to_confirm, None
        self._plan(subscription, self._pause(subscription, now), now=now)
        return False

    def single_failed(self, poll: SinglePoll, error: LayersError, *, now: float) -> None:
        """
        Record the error of a poll.

        :raises LayersError: it is not tolerated, or the deadline has passed
        """
        subscription = poll.subscription
        if subscription not in self._subscriptions:
            return
        if not subscription.tolerance.tolerates(error, now=now):
            raise error
        if poll.is_last:
            raise subscription.target.timeout_error(subscription.result)
        subscription.polls += 1
        self._plan(subscription, max(self._pause(subscription, now), retry_after_of(error)), now=now)

    def list_succeeded(
        self, poll: ListPoll, rows: dict[str, Row], pages: int, *, now: float
    ) -> Iterator[None]:
        """
        Record a list, yielding in between so that other tasks get a turn.

        :param rows: by id
        :param pages: how many reads it took
        """
        group, due = poll.group, set(poll.due)
        # Of a list that was not read to its end, a row may be missing and unfinished.
        complete = not poll.is_too_long(pages)
        group.pages, group.measured_at, group.failures = pages, now, 0
        for number, subscription in enumerate(poll.members, start=1):
            # Without an entry it was removed, or is polled on its own, which says more than the list.
            if subscription.entry_id is not None and subscription.rows_to_confirm is None:
                self._apply_rows(
                    subscription, rows, poll.source, is_due=subscription in due, complete=complete, now=now
                )
            if number % CHUNK == 0:
                yield
        group.reading = False

    def list_failed(self, poll: ListPoll, error: LayersError, *, now: float) -> None:
        """Record that a list could not be read. If that is permanent, its targets are polled on their own."""
        group, permanent = poll.group, isinstance(error, LayersPermanentError)
        group.failures += 1
        # Revisions of the API differ in their words for unfinished, and may refuse another's.
        if group.filtered and isinstance(error, LayersRequestError):
            group.filtered = False
        elif permanent or group.failures >= MAX_CONSECUTIVE_FAILURES:
            group.disabled_until = now + (LIST_TRUST_SECONDS if permanent else OUTAGE_SECONDS)
        if permanent:
            group.not_before = now
        for subscription in poll.due:
            if subscription in self._subscriptions:
                pause = 0.0 if permanent else max(self._pause(subscription, now), retry_after_of(error))
                self._plan(subscription, pause, now=now)
        group.reading = False

    def _apply_rows(
        self,
        subscription: Subscription,
        rows: dict[str, Row],
        source: ListSource,
        *,
        is_due: bool,
        complete: bool,
        now: float,
    ) -> None:
        found = tuple(filter(None, map(rows.get, subscription.target.row_ids)))
        unfinished = next((row for row in found if row.status in source.unfinished), None)
        if unfinished is not None and unfinished.due_at:
            expected = parse_timestamp(unfinished.due_at)
            subscription.expected_end = expected.timestamp() if expected else subscription.expected_end
        trusted_until = max(subscription.polled_at + LIST_TRUST_SECONDS, subscription.expected_end or 0.0)
        is_news, on_listed_end = found != subscription.unconfirmed_rows, subscription.target.on_listed_end
        if unfinished and now < trusted_until:
            subscription.unconfirmed_rows, subscription.listed_unfinished = None, True
            if is_due:
                subscription.polls += 1
                self._plan(subscription, self._pause(subscription, now) * (1 - EARLY_SHARE), now=now)
        elif on_listed_end and is_news and complete and subscription.listed_unfinished and not unfinished:
            on_listed_end()
            self._plan(subscription, self._pause(subscription, now), now=now)
        elif is_due or is_news:
            subscription.rows_to_confirm = found
            self._plan(subscription, 0.0, now=now)

    def _single_poll(self, subscription: Subscription, now: float) -> SinglePoll:
        subscription.entry_id = None
        return SinglePoll(subscription, is_last=subscription.target.deadline <= now)

    def _pause(self, subscription: Subscription, now: float) -> float:
        interval, polls = subscription.target.interval, max(1, subscription.polls)
        return interval.pause(polls, jitter=self._jitter(), estimate=self._estimate(subscription, now))

    def _estimate(self, subscription: Subscription, now: float) -> DurationEstimate | None:
        """Return the best that is known: the API's own expectation, else similar targets, else progress."""
        expected, earliest = subscription.expected_end, subscription.observation.earliest_end
        if expected is not None:
            return DurationEstimate(expected - now, spread=0.0) if expected > now else None
        started = subscription.target.started_at
        if started is None or now <= started:
            return None
        estimate = self._history.estimate(subscription.target.history_key, now - started)
        if estimate is None and earliest is not None and earliest > now:
            return DurationEstimate(earliest - now, spread=0.0)
        return estimate

    def _plan(self, subscription: Subscription, pause: float, *, now: float) -> None:
        subscription.due = max(now, min(now + pause, subscription.target.deadline))
        subscription.entry_id = next(self._entry_ids)
        self._enqueue(subscription)

    def _enqueue(self, subscription: Subscription) -> None:
        assert subscription.entry_id is not None  # noqa: S101 - `_plan` has set it
        entry = (subscription.due, subscription.entry_id, subscription)
        heappush(self._group_of(subscription).queue, entry)

    def _group_of(self, subscription: Subscription) -> PollGroup:
        # The last poll comes at the deadline, whenever the list is read next.
        is_last = subscription.due >= subscription.target.deadline
        source = subscription.list_source
        if source is None or is_last or subscription.rows_to_confirm is not None:
            return self._singles
        return self._groups[source]

    def _first_group(self) -> PollGroup:
        return min((self._singles, *self._groups.values()), key=PollGroup.due)
