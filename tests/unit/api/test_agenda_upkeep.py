"""What an agenda keeps of the waits that come and go: no more than there is to do."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.agenda import Agenda
from airflow_provider_layers.api.cadence import Experience
from airflow_provider_layers.api.waits import Sweep
from tests.unit.agendas import UNDER_WAY, begin
from tests.unit.watches import ENDED, FOREVER, NOW, RUNNING, roll, watch


@pytest.fixture
def held():
    return Agenda(Experience(), chance=lambda: 0.0)


def work(held, reads):
    """Let so many reads show that all is under way."""
    now = NOW
    for _ in range(reads):
        now = max(now, held.next_moment())
        task = held.take(now)
        if isinstance(task, Sweep):
            rows = {wait.watch.name: UNDER_WAY for wait in task.members}
            list(held.swept(task, rows, 1, now=now))
        else:
            held.looked(task, RUNNING, now=now)


@pytest.mark.parametrize("fields", [{"roll": None}, {}], ids=["alone", "in a list"])
def test_an_agenda_does_not_grow_with_its_reads(held, fields):
    begin(held, 10, **fields)
    work(held, 500)
    assert len(held._heads) < 50
    assert sum(len(group.queue) for group in (held._alone, *held._groups.values())) < 50


def test_nor_with_the_waits_that_have_ended(held):
    for number in range(500):
        wait = held.add(watch(str(number), roll=roll(f"prj_{number % 5}")), now=NOW)
        assert held.looked(held.take(NOW), ENDED, now=NOW) is True
        held.drop(wait)
    assert (len(held), held._groups, held.next_moment()) == (0, {}, None)
    assert held._heads == []


@pytest.mark.parametrize("given", [{"roll": roll()}, {"roll": None}], ids=["in a list", "alone"])
def test_a_wait_that_cannot_even_be_planned_leaves_nothing_behind(held, given):
    with pytest.raises(TypeError):
        held.add(watch(deadline="soon", **given), now=NOW)
    assert (len(held), held._groups, held.next_moment()) == (0, {}, None)


def test_a_wait_that_cannot_be_planned_leaves_those_of_its_list_alone(held):
    (wait,) = begin(held, 1, deadline=FOREVER)
    with pytest.raises(TypeError):
        begin(held, 1, name="other", deadline="soon")
    assert list(held._groups[roll()].members) == [wait]
    assert held.take(NOW).wait is wait
