"""When a watcher reads a list instead of looking at one thing after another."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.agenda import BARRED, CHUNK, HASTE, OUTAGE, SLACK, TRUSTED, Agenda
from airflow_provider_layers.api.cadence import Cadence, Experience
from airflow_provider_layers.api.waits import Look, Sweep
from airflow_provider_layers.exceptions import (
    LayersPermissionError,
    LayersRateLimitError,
    LayersRequestError,
    LayersServerError,
    LayersTimeoutError,
)
from tests.unit.agendas import UNDER_WAY, begin, look, next_sweep, show, show_next, sweep
from tests.unit.watches import ENDED, NOW, RUNNING, roll, watch

REFUSED = LayersRequestError("list", status_code=422)
BARRING = LayersPermissionError("list", status_code=403)
FAILED = LayersServerError("list", status_code=500)


@pytest.fixture
def held():
    return Agenda(Experience(), chance=lambda: 0.0)


def test_what_is_due_by_itself_is_looked_at_by_itself(held):
    (wait,) = begin(held, 1)
    assert look(held).wait is wait


def test_two_that_are_due_together_are_read_of_in_their_list(held):
    waits = begin(held, 2)
    swept = sweep(held)
    assert (swept.waits, swept.roll) == (waits, roll())
    assert held.next_moment() is None, "while the list is being read, there is nothing to do"


def test_two_of_different_lists_are_not(held):
    begin(held, 1)
    begin(held, 1, roll=roll("prj_2"))
    assert {type(held.take(NOW)), type(held.take(NOW))} == {Look}


@pytest.mark.parametrize("fields", [{"roll": None}, {"rows": ()}])
def test_what_shows_in_no_list_is_looked_at_by_itself(held, fields):
    begin(held, 2, **fields)
    assert {type(held.take(NOW)), type(held.take(NOW))} == {Look}


@pytest.mark.parametrize(("due", "kind"), [(3, Look), (5, Look), (6, Sweep)])
def test_a_list_of_five_pages_is_read_for_more_than_five(held, due, kind):
    begin(held, due)
    show(held, due, pages=5)
    # Some begin to wait only now, so the list still has a length to be remembered.
    assert type(held.take(held.next_moment())) is kind


def test_those_that_a_list_is_not_read_for_are_still_due(held):
    begin(held, 3)
    show(held, 3, pages=5)
    now = held.next_moment()
    looks = [look(held, now) for _ in range(3)]
    assert [one.wait.watch.name for one in looks] == ["0", "1", "2"]
    assert held.take(now) is None


def test_what_is_due_soon_takes_part(held):
    begin(held, 1)
    later = begin(held, 1, now=NOW + SLACK * 10, name="later")
    too_late = begin(held, 1, now=NOW + SLACK * 10 + 0.01, name="too late")
    swept = sweep(held)
    assert swept.waits[1:] == later
    rows = {"0": UNDER_WAY, "later0": UNDER_WAY, "too late0": UNDER_WAY}
    list(held.swept(swept, rows, 1, now=NOW))
    assert later[0].due == NOW + 2.0 * HASTE
    assert too_late[0].due == NOW + SLACK * 10 + 0.01, "who took no part comes when it was to come"


def test_those_that_are_under_way_are_read_of_again_a_little_sooner(held):
    waits = begin(held, 2)
    show(held, 2)
    assert [wait.due for wait in waits] == [NOW + 2.0 * HASTE] * 2
    now = show_next(held, {"0": UNDER_WAY, "1": UNDER_WAY})
    assert [wait.due for wait in waits] == [now + 2.6 * HASTE] * 2


def test_a_list_that_was_read_rests_whoever_is_due_meanwhile(held):
    begin(held, 2, cadence=Cadence(longest=20.0))
    show(held, 2)
    late = begin(held, 3, now=NOW + 3, name="late", cadence=Cadence(longest=20.0))
    assert held.next_moment() == NOW + 20.0 * HASTE
    assert held.take(NOW + 20.0 * HASTE - 0.01) is None
    assert set(sweep(held, NOW + 20.0 * HASTE).waits) >= set(late), "one reading tells of all of them"


def test_a_list_rests_no_longer_than_until_the_next_deadline(held):
    begin(held, 2, deadline=NOW + 60.0, cadence=Cadence(longest=600.0))
    show(held, 2)
    assert held.next_moment() == NOW + 60.0
    assert look(held, NOW + 60.0).last


def test_a_deadline_is_kept_to_by_one_that_is_not_the_first_of_its_list(held):
    begin(held, 2, cadence=Cadence(longest=600.0))
    (short,) = begin(held, 1, name="short", deadline=NOW + 60.0, cadence=Cadence(longest=600.0))
    rows = dict.fromkeys(("0", "1", "short0"), UNDER_WAY)
    show(held, rows)
    assert show_next(held, rows) <= NOW + 60.0
    last = look(held, NOW + 60.0)
    assert (last.last, last.wait) == (True, short)


@pytest.mark.parametrize("after", [0.0, 3.0], ids=["there from the start", "joins meanwhile"])
@pytest.mark.parametrize(
    ("fields", "at_the_latest"),
    [({"deadline": NOW + 60.0}, NOW + 60.0), ({"cadence": Cadence(longest=10.0)}, NOW + 3.0 + 10.0 * HASTE)],
    ids=["deadline", "quick"],
)
def test_a_list_rests_no_longer_than_suits_each_of_its_waits(held, after, fields, at_the_latest):
    slow = {"cadence": Cadence(longest=600.0)}
    begin(held, 2, **slow)
    if after:
        show(held, 2)
    begin(held, 1, now=NOW + after, name="other", **(slow | fields))
    if not after:
        show(held, {"0": UNDER_WAY, "1": UNDER_WAY, "other0": UNDER_WAY})
    assert held.next_moment() <= at_the_latest


def test_another_list_does_not_rest_for_it(held):
    begin(held, 2)
    show(held, 2)
    others = begin(held, 2, roll=roll("prj_2"), now=NOW + 1)
    assert sweep(held, NOW + 1).waits == others


def test_a_refused_filter_is_dropped_first(held):
    begin(held, 2)
    first = sweep(held)
    assert first.group.filtered
    held.sweep_failed(first, REFUSED, now=NOW)
    assert not next_sweep(held)[0].group.filtered


@pytest.mark.parametrize("error", [BARRING, REFUSED], ids=[403, 422])
def test_what_a_refused_list_did_not_tell_is_asked_for_at_once(held, error):
    begin(held, 2)
    held.sweep_failed(sweep(held), error, now=NOW)
    assert held.next_moment() == NOW


def counted_looks(held):
    """Give a list that grows with every look."""
    looks, looked = [], held.looked
    held.looked = lambda *given, **fields: looks.append(given) or looked(*given, **fields)
    return looks


@pytest.mark.parametrize(
    ("errors", "rest"),
    [([BARRING], BARRED), ([REFUSED, REFUSED], BARRED), ([FAILED] * TRUSTED, OUTAGE)],
    ids=[403, 422, 500],
)
def test_a_list_that_cannot_be_read_is_left_alone_for_a_while(held, errors, rest):
    begin(held, 2)
    looks = counted_looks(held)
    for error in errors:
        swept, barred_at = next_sweep(held)
        held.sweep_failed(swept, error, now=barred_at)
    _, now = next_sweep(held)
    assert barred_at + rest <= now < barred_at + rest + 20.0
    assert len(looks) > 2 * rest / 12, "each of the two was looked at by itself meanwhile"


def test_a_list_that_fails_now_and_then_is_trusted(held):
    begin(held, 2)
    for _ in range(3):
        for _ in range(TRUSTED - 1):
            swept, now = next_sweep(held)
            held.sweep_failed(swept, FAILED, now=now)
        show_next(held, {"0": UNDER_WAY, "1": UNDER_WAY})
    assert next_sweep(held)[0].group.barred_until < NOW


@pytest.mark.parametrize(
    ("error", "pause"),
    [
        (FAILED, 10.0 * HASTE),
        (LayersRateLimitError("list", status_code=429, retry_after=30.0), 30.0),
    ],
)
def test_a_list_that_cannot_be_read_for_the_moment_is_read_later(held, error, pause):
    begin(held, 2)
    held.sweep_failed(sweep(held), error, now=NOW)
    assert held.next_moment() == NOW + pause
    assert sweep(held, NOW + pause).group.filtered


def test_the_deadline_is_a_look_also_for_those_in_a_list(held):
    late, other = begin(held, 2, deadline=NOW + 5)
    show(held, 2)
    now = held.next_moment()
    last = look(held, now)
    assert (last.last, last.wait) == (True, late)
    with pytest.raises(LayersTimeoutError):
        held.looked(last, RUNNING, now=now)
    assert look(held, now).wait is other


@pytest.mark.parametrize(("waits", "rests"), [(CHUNK - 1, 0), (CHUNK, 1), (4 * CHUNK + 1, 4)])
def test_others_get_a_turn_while_many_waits_are_gone_through(held, waits, rests):
    begin(held, waits)
    assert len(list(held.swept(sweep(held), {}, 1, now=NOW))) == rests


def test_five_thousand_waits_in_ten_lists_are_all_served(held):
    for number in range(5000):
        held.add(watch(str(number), roll=roll(f"prj_{number % 10}")), now=NOW)
    ended = set()
    now, reads = NOW, 0
    while len(held):
        now = max(now, held.next_moment())
        task = held.take(now)
        reads += 1
        if isinstance(task, Sweep):
            # A hundred of each list end between two of its sweeps.
            left = [wait.watch.name for wait in task.group.members][100:]
            list(held.swept(task, dict.fromkeys(left, UNDER_WAY), 1, now=now))
        elif held.looked(task, ENDED if task.wait.suspected is not None else RUNNING, now=now):
            held.drop(task.wait)
            ended.add(task.wait.watch.name)
    assert len(ended) == 5000
    assert reads < 5000 * 1.1, "one to confirm each, and few besides"
