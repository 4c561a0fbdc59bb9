"""What a watcher believes of a list, and what it makes sure of."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from airflow_provider_layers.api.agenda import BELIEVED, CHUNK, HASTE, Agenda
from airflow_provider_layers.api.cadence import Cadence, Experience
from airflow_provider_layers.api.waits import Look, Sweep
from airflow_provider_layers.exceptions import LayersPermissionError, LayersTransportError
from tests.unit.agendas import OVER, UNDER_WAY, begin, look, next_sweep, show, show_next, sweep
from tests.unit.watches import ENDED, NOW, RUNNING

BARRING = LayersPermissionError("list", status_code=403)


@pytest.fixture
def held():
    return Agenda(Experience(), chance=lambda: 0.0)


@pytest.mark.parametrize("rows", [{"0": UNDER_WAY}, {"0": UNDER_WAY, "1": OVER}])
def test_what_has_left_the_list_or_ended_in_it_is_confirmed_by_a_look(held, rows):
    _, gone = begin(held, 2)
    show(held, rows)
    assert held.next_moment() == NOW
    found = look(held)
    assert found.wait is gone
    assert held.looked(found, ENDED, now=NOW) is True


def test_a_list_alone_ends_nothing(held):
    begin(held, 2)
    show(held, {"0": OVER, "1": OVER})
    assert len(held) == 2


def test_of_several_rows_one_that_is_under_way_is_enough(held):
    begin(held, 2, rows=("0", "1"))
    show(held, {"0": OVER, "1": UNDER_WAY})
    assert held.next_moment() > NOW


def test_what_ends_before_it_is_due_is_seen_by_a_sweep_for_others(held):
    begin(held, 2)
    (early,) = begin(held, 1, now=NOW + 5, name="early")
    show(held, 2)
    assert look(held, NOW).wait is early


@pytest.mark.parametrize("last_life", [{"0": OVER}, {}], ids=["over", "too old for the list"])
def test_a_regenerate_that_looks_ended_from_its_last_life_is_doubted_until_its_row_changes(held, last_life):
    again, _ = begin(held, 2)
    rows = {"1": UNDER_WAY} | last_life
    show(held, rows)
    first = look(held)
    assert first.wait is again
    assert held.looked(first, RUNNING, now=NOW) is False, "the job itself runs"
    now, polled = NOW, 0
    # From now on the list says the same, and is not believed: the job is polled by itself.
    while now < NOW + 60:
        now = held.next_moment()
        task = held.take(now)
        if isinstance(task, Look) and task.wait is again:
            polled += 1
            assert held.looked(task, RUNNING, now=now) is False
        elif isinstance(task, Sweep):
            list(held.swept(task, rows, 1, now=now))
        else:
            held.looked(task, RUNNING, now=now)
    assert polled < 12, "and not more often than if it were alone"
    # The new life begins to show, so the list tells of it again.
    show_next(held, {"0": UNDER_WAY, "1": UNDER_WAY})
    assert again.doubted is None
    assert again in next_sweep(held)[0].waits


@pytest.fixture
def doubted(held):
    """A wait that looked ended in its list, was not, and is not due for half a minute."""
    again, *_ = begin(held, 3)
    show(held, {"0": OVER, "1": UNDER_WAY, "2": UNDER_WAY})
    held.looked(look(held), RUNNING | {"likely_end": NOW + 100.0}, now=NOW)
    assert (again.doubted, again.due) == ((OVER,), NOW + 30.0)
    return again


@pytest.mark.parametrize(
    "change", [{"completed": "2026-04-19T12:00:00Z"}, {"status": "failed"}, {"due": "2026-04-19T12:00:00Z"}]
)
def test_a_row_that_was_doubted_and_changes_is_confirmed_at_once(held, doubted, change):
    moment = doubted.due
    now = show_next(held, {"0": OVER._replace(**change), "1": UNDER_WAY, "2": UNDER_WAY})
    assert now < moment
    confirming = look(held, now)
    assert confirming.wait is doubted
    assert held.looked(confirming, ENDED, now=now) is True


def test_a_row_that_is_doubted_and_stays_as_it_is_tells_nothing_before_its_time(held, doubted):
    now = show_next(held, {"0": OVER, "1": UNDER_WAY, "2": UNDER_WAY})
    assert held.next_moment() > now
    assert (doubted.suspected, doubted.due) == (None, NOW + 30.0)


def test_a_doubted_wait_that_is_due_is_looked_at_after_the_sweep_for_all(held):
    again, _ = begin(held, 2)
    rows = {"0": OVER, "1": UNDER_WAY}
    show(held, rows)
    held.looked(look(held), RUNNING, now=NOW)
    swept, now = next_sweep(held)
    assert again in swept.waits, "it is still one of those in the list"
    list(held.swept(swept, rows, 1, now=now))
    assert look(held, now).wait is again


def test_a_look_that_fails_leaves_the_suspicion_to_the_next(held):
    _, gone = begin(held, 2)
    show(held, {"0": UNDER_WAY})
    held.failed(look(held), LayersTransportError("lost"), now=NOW)
    assert gone.suspected == ()
    task = held.take(NOW + 2)
    assert isinstance(task, Look)
    assert held.looked(Look(gone, last=False), ENDED, now=NOW + 2) is True


def test_a_wait_that_is_given_up_during_a_sweep_stays_so(held):
    gone, *_ = begin(held, 3)
    under_way = sweep(held)
    held.drop(gone)
    list(held.swept(under_way, {"1": UNDER_WAY, "2": UNDER_WAY}, 1, now=NOW))
    assert gone.ticket is None
    following, _ = next_sweep(held)
    assert gone not in following.waits + following.members


def test_a_wait_that_is_given_up_during_a_sweep_that_fails_stays_so(held):
    gone, *_ = begin(held, 3)
    under_way = sweep(held)
    held.drop(gone)
    held.sweep_failed(under_way, BARRING, now=NOW)
    now = held.next_moment()
    assert {look(held, now).wait.watch.name for _ in range(2)} == {"1", "2"}
    assert held.next_moment() is None


def test_a_wait_that_is_given_up_while_others_are_gone_through_stays_so(held):
    waits = begin(held, CHUNK + 10)
    for _ in held.swept(sweep(held), {}, 1, now=NOW):
        held.drop(waits[-1])
    assert (waits[-1].ticket, len(held)) == (None, CHUNK + 9)


def test_a_list_that_nobody_waits_in_any_more_is_forgotten(held):
    waits = begin(held, 3)
    under_way = sweep(held)
    for wait in waits:
        held.drop(wait)
    list(held.swept(under_way, {}, 1, now=NOW))
    assert (len(held), held._groups, held.next_moment()) == (0, {}, None)


def test_a_wait_that_is_being_looked_at_is_left_to_that(held):
    (looked_at,) = begin(held, 1)
    found = look(held)
    begin(held, 2, name="other")
    show(held, {"other0": UNDER_WAY, "other1": UNDER_WAY})
    assert looked_at.suspected is None
    assert held.looked(found, ENDED, now=NOW) is True


def test_who_begins_to_wait_during_a_sweep_gets_its_turn(held):
    begin(held, 2)
    under_way = sweep(held)
    (late,) = begin(held, 1, now=NOW + 1, name="late")
    assert held.next_moment() is None
    list(held.swept(under_way, {"0": UNDER_WAY, "1": UNDER_WAY}, 1, now=NOW + 1))
    assert late.suspected is None, "what was read before it began tells nothing of it"
    assert late in next_sweep(held)[0].waits


def test_a_list_may_tell_of_a_wait_only_for_so_long(held):
    """A thing that has ended may show as under way for ever, if the API leaves its row behind."""
    stuck, other = begin(held, 2)
    rows = {"0": UNDER_WAY, "1": UNDER_WAY}
    while (now := show_next(held, rows)) < NOW + BELIEVED:
        assert (stuck.suspected, other.suspected) == (None, None)
    assert now < NOW + BELIEVED + 10.0
    for wait in (stuck, other):
        found = look(held, now)
        assert found.wait is wait
        assert held.looked(found, RUNNING, now=now) is False
    # What was seen with own eyes makes the list worth believing again.
    while show_next(held, rows) < now + BELIEVED:
        assert (stuck.suspected, other.suspected) == (None, None)
    assert stuck.suspected == (UNDER_WAY,)


def test_a_row_tells_when_it_is_due_and_the_pauses_keep_to_that(held):
    post, _ = begin(held, 2, cadence=Cadence(longest=10.0, farthest=300.0))
    in_a_minute = datetime.fromtimestamp(NOW + 60.0, timezone.utc).isoformat()
    show(held, {"0": UNDER_WAY._replace(due=in_a_minute), "1": UNDER_WAY})
    assert (post.likely_end, post.due) == (NOW + 60.0, NOW + 60.0 * HASTE)


@pytest.mark.parametrize("due", [None, "soon", 17, {}])
def test_a_row_without_such_a_moment_leaves_what_was_known(held, due):
    post, _ = begin(held, 2)
    post.likely_end = NOW + 5.0
    show(held, {"0": UNDER_WAY._replace(due=due), "1": UNDER_WAY})
    assert post.likely_end == NOW + 5.0


def test_a_row_that_says_when_it_is_due_is_believed_until_then(held):
    waits = begin(held, 2, cadence=Cadence(longest=600.0))
    due = NOW + 2 * BELIEVED
    rows = dict.fromkeys("01", UNDER_WAY._replace(due=datetime.fromtimestamp(due, timezone.utc).isoformat()))
    while (now := show_next(held, rows)) < due:
        assert [wait.suspected for wait in waits] == [None, None]
    assert now < due + 600.0
    assert waits[0].suspected == (rows["0"],)
