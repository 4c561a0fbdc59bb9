"""What a watcher does next, and what it makes of what it sees."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.agenda import Agenda
from airflow_provider_layers.api.cadence import ENOUGH, FIRST_PAUSE, Cadence, Experience
from airflow_provider_layers.api.waits import Look
from airflow_provider_layers.api.watching import NOT_FOUND_GRACE, UNEXPECTED_IN_A_ROW
from airflow_provider_layers.exceptions import (
    LayersAuthenticationError,
    LayersNotFoundError,
    LayersRateLimitError,
    LayersTimeoutError,
    LayersTransportError,
    LayersUnexpectedAnswerError,
)
from tests.unit.watches import ENDED, NOW, RUNNING, watch

UNKNOWN = LayersNotFoundError("read it", status_code=404)
STRANGE = LayersUnexpectedAnswerError("<html>")


def agenda(experience=None, *, chance=0.0):
    return Agenda(experience or Experience(), chance=lambda: chance)


def take(held, now=NOW):
    task = held.take(now)
    assert isinstance(task, Look)
    return task


def pauses(held, seen=RUNNING, *, looks, now=NOW):
    """Look again and again; give the seconds in between."""
    given = []
    for _ in range(looks):
        held.looked(take(held, now), seen, now=now)
        given.append(round(held.next_moment() - now, 2))
        now = held.next_moment()
    return given


def test_an_empty_agenda_waits_for_news():
    held = agenda()
    assert (len(held), held.next_moment(), held.take(NOW)) == (0, None, None)


def test_a_single_wait_is_looked_at_by_itself():
    held = agenda()
    wait = held.add(watch(), now=NOW)
    assert (len(held), held.next_moment()) == (1, NOW)
    assert take(held).wait is wait
    assert held.next_moment() is None, "while it is being looked at, there is nothing to do"


def test_nothing_is_done_before_its_moment():
    held = agenda(chance=0.5)
    held.add(watch(), now=NOW)
    assert held.next_moment() == NOW + FIRST_PAUSE / 2
    assert held.take(NOW + FIRST_PAUSE / 2 - 0.01) is None
    assert held.take(NOW + FIRST_PAUSE / 2) is not None


def test_the_first_looks_of_many_that_begin_at_once_are_spread():
    held = Agenda(Experience(), chance=iter([number / 100 for number in range(100)]).__next__)
    moments = [held.add(watch(str(number)), now=NOW).due for number in range(100)]
    assert max(moments) - min(moments) == pytest.approx(FIRST_PAUSE, rel=0.02)


def test_the_first_look_comes_no_later_than_a_short_pause():
    assert agenda(chance=1.0).add(watch(longest=0.5), now=NOW).due == NOW + 0.5


def test_without_knowledge_the_pauses_are_those_of_the_vendor():
    held = agenda()
    held.add(watch(), now=NOW)
    assert pauses(held, looks=9) == [2.0, 2.6, 3.38, 4.39, 5.71, 7.43, 9.65, 10.0, 10.0]


def test_an_end_is_an_end():
    held = agenda()
    wait = held.add(watch(), now=NOW)
    assert held.looked(take(held), ENDED, now=NOW) is True
    assert wait.result == ENDED


def test_no_news_is_still_under_way():
    held = agenda()
    wait = held.add(watch(), now=NOW)
    held.looked(take(held), RUNNING | {"etag": '"1"'}, now=NOW)
    assert held.looked(take(held, NOW + 2), None, now=NOW + 2) is False
    assert (wait.result, wait.sight.etag) == (RUNNING | {"etag": '"1"'}, '"1"')


def test_the_end_that_the_api_expects_decides_the_pauses():
    held = agenda()
    held.add(watch(), now=NOW)
    seen = RUNNING | {"likely_end": NOW + 65.0}
    assert pauses(held, seen, looks=5) == [30.0, 30.0, 5.0, 4.39, 5.71], (
        "and after it those without knowledge"
    )


def test_progress_tells_the_rest():
    """A tenth of it may be noise; half in 100 s leaves 100 s, give or take."""
    held = agenda()
    held.add(watch(began=NOW - 100), now=NOW)
    assert pauses(held, RUNNING | {"progress": 0.1}, looks=1) == [2.0]
    assert pauses(held, RUNNING | {"progress": 0.5}, looks=1, now=NOW + 2) == [30.0]


@pytest.mark.parametrize("progress", [0.0, 1.0, 2.0])
def test_progress_that_tells_nothing_is_not_listened_to(progress):
    held = agenda()
    held.add(watch(began=NOW - 100), now=NOW)
    assert pauses(held, RUNNING | {"progress": progress}, looks=1) == [2.0]


def test_endings_are_learned_from_and_known_to_the_next_of_the_species():
    experience = Experience()
    held = agenda(experience)
    for number in range(ENOUGH):
        held.add(watch(str(number), species=("job",)), now=NOW)
        held.looked(take(held), ENDED | {"lasted": 100.0}, now=NOW)
    held = agenda(experience)
    held.add(watch(species=("job",), began=NOW), now=NOW)
    assert pauses(held, looks=6) == [2.0, 30.0, 30.0, 30.0, 8.0, 7.43]
    held = agenda(experience)
    held.add(watch(species=("post",), began=NOW), now=NOW)
    assert pauses(held, looks=2) == [2.0, 2.6]


@pytest.mark.parametrize("fields", [{"species": ()}, {"species": ("job",), "lasted": None}])
def test_what_has_no_species_or_no_duration_teaches_nothing(fields):
    experience = Experience()
    held = agenda(experience)
    lasted = fields.pop("lasted", 100.0)
    held.add(watch(**fields), now=NOW)
    held.looked(take(held), ENDED | {"lasted": lasted}, now=NOW)
    assert not experience._lasted


def test_one_last_look_is_taken_at_the_deadline():
    held = agenda()
    wait = held.add(watch(deadline=NOW + 1.5), now=NOW)
    first = take(held)
    assert not first.last
    held.looked(first, RUNNING, now=NOW)
    assert held.next_moment() == NOW + 1.5
    last = take(held, NOW + 1.5)
    assert last.last
    assert held.looked(last, ENDED, now=NOW + 1.5) is True
    assert wait.result == ENDED


def test_what_has_not_come_by_then_has_expired():
    held = agenda()
    held.add(watch(deadline=NOW), now=NOW)
    with pytest.raises(LayersTimeoutError, match="a was running at the deadline"):
        held.looked(take(held), RUNNING, now=NOW)


def test_the_last_look_at_what_has_not_changed_tells_what_was_seen_before():
    held = agenda()
    held.add(watch(deadline=NOW + 1), now=NOW)
    held.looked(take(held), RUNNING, now=NOW)
    with pytest.raises(LayersTimeoutError, match="a was running"):
        held.looked(take(held, NOW + 1), None, now=NOW + 1)


def test_a_last_look_that_fails_has_expired_too():
    held = agenda()
    held.add(watch(deadline=NOW), now=NOW)
    with pytest.raises(LayersTimeoutError, match="never seen"):
        held.failed(take(held), LayersTransportError("lost"), now=NOW)


def test_the_deadline_gives_way_to_an_error_that_tells_more():
    held = agenda()
    held.add(watch(deadline=NOW), now=NOW)
    with pytest.raises(LayersAuthenticationError):
        held.failed(take(held), LayersAuthenticationError("read it", status_code=401), now=NOW)


def test_what_is_unknown_has_a_grace_from_the_start_of_the_wait():
    held = agenda()
    held.add(watch(), now=NOW)
    held.failed(take(held), UNKNOWN, now=NOW)
    held.failed(take(held, NOW + 2), UNKNOWN, now=NOW + 2)
    later = NOW + NOT_FOUND_GRACE
    with pytest.raises(LayersNotFoundError):
        held.failed(take(held, later), UNKNOWN, now=later)


def test_failures_that_pass_make_the_pauses_grow():
    held, now, given = agenda(), NOW, []
    held.add(watch(), now=NOW)
    for _ in range(9):
        held.failed(take(held, now), LayersTransportError("lost"), now=now)
        given.append(round(held.next_moment() - now, 2))
        now = held.next_moment()
    assert given == [2.0, 2.6, 3.38, 4.39, 5.71, 7.43, 9.65, 10.0, 10.0]


@pytest.mark.parametrize(("asked", "pause"), [(1.0, 2.0), (30.0, 30.0)])
def test_retry_after_is_the_floor_of_the_pause(asked, pause):
    held = agenda()
    held.add(watch(), now=NOW)
    held.failed(take(held), LayersRateLimitError("x", status_code=429, retry_after=asked), now=NOW)
    assert held.next_moment() == NOW + pause


def test_no_retry_after_reaches_past_the_deadline():
    held = agenda()
    held.add(watch(deadline=NOW + 5), now=NOW)
    held.failed(take(held), LayersRateLimitError("x", status_code=429, retry_after=3600), now=NOW)
    assert held.next_moment() == NOW + 5


@pytest.mark.parametrize("news", [RUNNING, None])
def test_a_good_answer_starts_the_count_of_strange_ones_anew(news):
    held = agenda()
    held.add(watch(cadence=Cadence(longest=1.0)), now=NOW)
    for _ in range(3):
        for _ in range(UNEXPECTED_IN_A_ROW - 1):
            held.failed(take(held, NOW + 1e6), STRANGE, now=NOW)
        held.looked(take(held, NOW + 1e6), news, now=NOW)
    for _ in range(UNEXPECTED_IN_A_ROW - 1):
        held.failed(take(held, NOW + 1e6), STRANGE, now=NOW)
    with pytest.raises(LayersUnexpectedAnswerError):
        held.failed(take(held, NOW + 1e6), STRANGE, now=NOW)


def test_a_wait_that_is_given_up_is_forgotten():
    held = agenda()
    one, other = held.add(watch("a"), now=NOW), held.add(watch("b"), now=NOW)
    held.drop(one)
    assert len(held) == 1
    assert take(held).wait is other
    assert held.next_moment() is None
    held.drop(other)
    held.drop(other)
    assert len(held) == 0


def test_with_fewer_reads_than_waits_all_are_looked_at_alike():
    """200 waits that ask for 1,200 reads a minute, and 30 are to be had."""
    held = agenda()
    for number in range(200):
        held.add(watch(str(number)), now=NOW)
    looks, gaps, seen = {}, [], {}
    for tick in range(30 * 60):
        now = NOW + tick * 2.0
        wait = take(held, now).wait
        looks[wait] = looks.get(wait, 0) + 1
        gaps.append(now - seen.get(wait, NOW))
        seen[wait] = now
        held.looked(Look(wait, last=False), RUNNING, now=now)
    assert len(looks) == 200
    assert max(looks.values()) - min(looks.values()) <= 1
    assert max(gaps[200:]) <= 1.1 * min(gaps[200:]), "nobody waits longer than the others"
