"""Who ended a task: a person, or Airflow itself."""

from __future__ import annotations

import logging

import pytest

from airflow_provider_layers.hooks.memory import RETENTION
from airflow_provider_layers.hooks.tenure import CLEARED, MARKED, TRY, Tenure
from tests.unit.tasks import context


class Store(dict):
    """Airflow's task state store, which a later try writes to as well."""

    def set(self, key, value, *, retention=None):
        self[key] = value
        self.retention = retention


class Broken(Store):
    """A store that Airflow does not answer for."""

    def get(self, key, default=None):
        raise RuntimeError("Airflow knows no such task instance any more")


class Deaf(Broken):
    """A store that takes nothing, either."""

    set = Broken.get


class OlderTaskInstance:
    """A task instance of Airflow 2, which reads itself anew."""

    map_index = -1

    def __init__(self, now, *, try_number_now=1):
        self.try_number = 1
        self.state = "running"
        self._now = now, try_number_now

    def refresh_from_db(self):
        self.state, self.try_number = self._now


def tenure(*, store=None, **fields):
    given = context(None, **fields)
    return Tenure(given if store is None else given | {"task_state_store": store})


@pytest.mark.parametrize("state", ["failed", "success", "skipped", "restarting"])
@pytest.mark.parametrize("map_index", [-1, None, 3])
@pytest.mark.parametrize("with_store", [True, False])
def test_a_mark_or_a_clear_is_that_of_a_person(state, map_index, with_store):
    store = Store() if with_store else None
    assert tenure(store=store, state=state, map_index=map_index).ended_by_person()


@pytest.mark.parametrize(
    "state", ["running", "up_for_retry", "queued", "scheduled", "deferred", "removed", "", None]
)
@pytest.mark.parametrize("with_store", [True, False])
def test_every_other_state_is_that_of_airflow(state, with_store):
    assert not tenure(store=Store() if with_store else None, state=state).ended_by_person()


def test_the_number_of_the_try_is_noted_when_it_begins():
    store = Store()
    tenure(store=store, try_number=2)
    assert store == {TRY: 2}
    assert store.retention == RETENTION


@pytest.mark.parametrize("state", MARKED)
def test_the_end_of_another_try_is_not_that_of_this_one(state):
    """Airflow took this process for dead, and another try has begun and ended meanwhile."""
    store = Store()
    this = tenure(store=store, try_number=1, state=state)
    assert this.ended_by_person()
    tenure(store=store, try_number=2)
    assert not this.ended_by_person()


@pytest.mark.parametrize("store", [Broken(), Deaf()])
def test_a_clear_is_that_of_a_person_whatever_the_store_says(store):
    """Airflow itself never sets a task to this state, and it does so before another try begins."""
    assert tenure(store=store, state=CLEARED).ended_by_person()


@pytest.mark.parametrize("store", [Broken(), Deaf()])
def test_nobody_is_assumed_to_have_ended_it_where_the_store_cannot_be_read(store, caplog):
    caplog.set_level(logging.WARNING)
    assert not tenure(store=store, state="failed").ended_by_person()
    assert "did not tell whether a person ended the task" in caplog.text


def test_a_store_that_takes_no_note_does_not_fail_the_task(caplog):
    tenure(store=Deaf())
    assert "did not take note of this try" in caplog.text


def test_a_note_that_was_lost_makes_nobody_the_one_who_ended_it():
    class Forgetful(Store):
        def set(self, key, value, *, retention=None):
            raise RuntimeError("the API server is restarting")

    assert not tenure(store=Forgetful(), state="failed").ended_by_person()


@pytest.mark.parametrize("with_store", [True, False])
def test_nobody_is_assumed_to_have_ended_it_where_airflow_cannot_be_read(with_store, caplog):
    def unreachable(**given):
        raise ConnectionError("Airflow is not there")

    given = context(None) | ({"task_state_store": Store()} if with_store else {})
    given["ti"].get_task_states = unreachable
    assert not Tenure(given).ended_by_person()
    assert "did not tell whether a person ended the task" in caplog.text


def test_a_task_instance_that_airflow_does_not_know_was_ended_by_nobody():
    given = context(None)
    given["ti"].get_task_states = lambda **asked: {}
    assert not Tenure(given).ended_by_person()


def test_the_state_is_asked_for_of_this_instance_alone():
    asked = {}
    given = context(None, map_index=3)
    given["ti"].get_task_states = lambda **fields: asked.update(fields) or {"run": {"task_3": "failed"}}
    assert Tenure(given).ended_by_person()
    assert asked == {"dag_id": "dag", "task_ids": ["task"], "run_ids": ["run"], "map_index": 3}


@pytest.mark.parametrize(
    ("now", "person"),
    [
        *((state, True) for state in (CLEARED, *MARKED)),
        ("running", False),
        ("up_for_retry", False),
        (None, False),
    ],
)
def test_airflow_2_is_asked_by_reading_the_task_instance_anew(now, person):
    assert Tenure({"ti": OlderTaskInstance(now)}).ended_by_person() is person


@pytest.mark.parametrize("now", MARKED)
def test_airflow_2_counts_another_try(now):
    assert not Tenure({"ti": OlderTaskInstance(now, try_number_now=2)}).ended_by_person()


def test_airflow_2_may_not_answer_either(caplog):
    instance = OlderTaskInstance("failed")
    instance._now = None
    assert not Tenure({"ti": instance}).ended_by_person()
    assert "did not tell whether a person ended the task" in caplog.text
