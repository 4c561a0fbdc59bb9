"""What a watcher holds."""

from __future__ import annotations

from heapq import heappush

import pytest

from airflow_provider_layers.api.waits import PAGES_LAST, Group, Sweep, Wait
from airflow_provider_layers.api.watching import Patience
from tests.unit.watches import NOW, roll, watch


def waiting(name="a", *, due=NOW, ticket=1, **fields):
    given = watch(name, **fields)
    return Wait(watch=given, roll=given.roll, patience=Patience(grace_ends=NOW), due=due, ticket=ticket)


def swept(*waits):
    """Read a list for all of these."""
    return Sweep(group(), roll(), list(waits), list(waits))


def group(*waits, page_size=200):
    made = Group(roll(page_size=page_size))
    for wait in waits:
        made.members[wait] = None
        heappush(made.queue, (wait.due, wait.ticket, wait))
    return made


@pytest.mark.parametrize(("members", "cost"), [(0, 1), (1, 1), (200, 1), (201, 2), (1000, 5)])
def test_a_list_costs_a_read_for_each_page_that_its_waits_fill(members, cost):
    assert group(*(waiting(str(number), ticket=number) for number in range(members))).cost(NOW) == cost


def test_a_list_that_was_longer_than_its_waits_is_remembered_to_be_for_a_while():
    measured = group(waiting())
    measured.pages, measured.measured_at = 5, NOW
    assert measured.cost(NOW + PAGES_LAST - 1) == 5
    assert measured.cost(NOW + PAGES_LAST) == 1


def test_a_list_that_was_shorter_than_its_waits_costs_what_they_fill():
    measured = group(*(waiting(str(number), ticket=number) for number in range(3)), page_size=1)
    measured.pages, measured.measured_at = 1, NOW
    assert measured.cost(NOW) == 3


def test_the_rows_of_a_group_are_those_of_all_its_waits():
    assert swept(waiting("a", rows=("1", "2")), waiting("b", rows=("2", "3"))).rows() == {"1", "2", "3"}


def test_who_joins_a_list_while_it_is_read_is_not_looked_for():
    reading = swept(waiting("a"))
    reading.group.members[waiting("b")] = None
    assert reading.rows() == {"a"}


def test_a_list_is_read_from_the_oldest_of_its_waits_on():
    assert swept(waiting(listed_since=NOW - 5), waiting("b", listed_since=NOW - 9)).since() == NOW - 9


def test_it_is_read_from_the_beginning_where_one_start_is_unknown():
    assert swept(waiting(listed_since=NOW - 5), waiting("b", listed_since=None)).since() is None
    assert swept().since() is None


def test_when_a_thing_began_says_nothing_of_when_its_rows_were_made():
    assert swept(waiting(began=NOW - 5)).since() is None


def test_what_was_made_at_the_beginning_of_time_was_made():
    assert swept(waiting(listed_since=0.0), waiting("b", listed_since=NOW)).since() == 0.0


@pytest.mark.parametrize(("pages", "too_far"), [(1, False), (2, True), (3, True)])
def test_reading_on_is_too_far_once_it_costs_what_looks_would(pages, too_far):
    """Those that are not due would not be looked at."""
    due, later = [waiting("a"), waiting("b")], [waiting("c"), waiting("d")]
    unfiltered = Group(roll(), filtered=False)
    assert Sweep(unfiltered, roll(), due, [*due, *later]).too_far(pages) is too_far
    assert not Sweep(group(), roll(), due, [*due, *later]).too_far(pages)


def test_what_is_not_waited_for_any_more_is_dropped_from_the_front():
    gone, moved, here = waiting(ticket=1), waiting(ticket=2), waiting(ticket=3, due=NOW + 5)
    queued = group(gone, moved, here)
    gone.ticket, moved.ticket = None, 9
    queued.trim()
    assert [wait for *_, wait in queued.queue] == [here]


def test_a_queue_of_nothing_but_the_gone_is_empty():
    gone = waiting()
    queued = group(gone)
    gone.ticket = None
    queued.trim()
    assert queued.queue == []


def test_those_that_are_due_are_taken_out_the_earliest_first():
    waits = [waiting(str(number), due=NOW + number % 4, ticket=number) for number in range(8)]
    queued = group(*waits)
    assert queued.gather(NOW + 1) == [waits[0], waits[4], waits[1], waits[5]]
    assert sorted(wait.watch.name for *_, wait in queued.queue) == ["2", "3", "6", "7"]
    assert queued.queue[0][0] == NOW + 2, "and the rest is still in order"


def test_those_that_are_gone_are_not_taken_out():
    gone, here = waiting(ticket=1), waiting(ticket=2)
    queued = group(gone, here)
    gone.ticket = None
    assert queued.gather(NOW) == [here]
    assert queued.queue == []


def test_waits_of_the_same_thing_are_told_apart():
    assert len({waiting(): None, waiting(): None}) == 2
