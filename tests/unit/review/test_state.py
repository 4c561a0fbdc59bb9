"""How far a review has come, over its questions, its tries and its clears."""

from __future__ import annotations

import json
from datetime import timedelta
from types import SimpleNamespace

import pytest

from airflow_provider_layers.api.review import REGENERATE, Answer
from airflow_provider_layers.hooks.takes import REVIEW, ROOM, STORED, Standing, Takes
from tests.unit.tasks import context

ANSWER = Answer(
    REGENERATE,
    {"cnt_1": "f2"},
    take=2,
    user="Ada",
    at="2026-04-18T12:30:00+00:00",
    text="Slower.",
    brief={"topic": "Walk.", "value_propositions": ["Free."]},
    preserve_assets=True,
)
FAR = Standing(take=2, shown={"cnt_1": "f2"}, notice="Once more.", made=1, answer=ANSWER, making=True)
# As Airflow counts, with two retries.
FIRST = {"try_number": 1, "max_tries": 2}
RETRIED = {"try_number": 2, "max_tries": 2}
CLEARED = {"try_number": 3, "max_tries": 4}
CLEARED_AND_RETRIED = {"try_number": 4, "max_tries": 4}


class Store(dict):
    """Airflow's task state store, as far as it is used: JSON values by key."""

    def get(self, key, default=None):
        return json.loads(self[key]) if key in self else default

    def set(self, key, value, *, retention=None):
        self[key] = json.dumps(value)
        self.retention = retention


@pytest.fixture(params=["store", "no store"])
def store(request):
    return Store() if request.param == "store" else None


def of(store, counts=FIRST, **fields):
    of_task = context(SimpleNamespace(retries=2), **counts, **fields)
    return of_task if store is None else {**of_task, "task_state_store": store}


def test_a_review_begins_with_nothing(store):
    assert Takes(of(store)).load() == Standing()


@pytest.mark.parametrize("standing", [FAR, Standing(), Standing(take=7, shown={"a": "1", "b": "2"})])
def test_what_was_kept_is_there_when_the_try_resumes(store, standing):
    of_task = of(store)
    Takes(of_task).save(standing)
    assert Takes(of_task).load() == standing


def test_what_was_kept_last_holds(store):
    takes = Takes(of(store))
    takes.save(FAR)
    takes.save(Standing(take=3))
    assert takes.load() == Standing(take=3)


def test_whoever_shows_the_review_reads_the_same_from_xcom(store):
    of_task = of(store)
    Takes(of_task).save(FAR)
    told = json.loads(json.dumps(of_task["ti"].xcom[REVIEW]))
    assert told.items() >= {"take": 2, "notice": "Once more.", "shown": {"cnt_1": "f2"}}.items()


def test_the_store_keeps_it_over_a_retry():
    store = Store()
    Takes(of(store)).save(FAR)
    assert Takes(of(store, RETRIED)).load() == FAR
    assert list(store) == [STORED]
    assert store.retention > timedelta(days=30), "longer than Airflow's default"


def test_without_a_store_a_retry_knows_nothing_and_numbers_its_takes_apart():
    Takes(of(None)).save(FAR)
    assert Takes(of(None, RETRIED)).load() == Standing(take=ROOM)
    assert Takes(of(None, CLEARED)).load() == Standing(take=2 * ROOM)


def test_a_clear_leaves_only_the_number_and_what_it_was_for():
    """So that an answer from before the clear is not taken for one to what is asked after it."""
    store = Store()
    Takes(of(store)).save(FAR)
    cleared = Takes(of(store, CLEARED))
    assert cleared.load() == Standing(take=2, shown={"cnt_1": "f2"})
    cleared.save(Standing(take=3, made=1))
    assert Takes(of(store, CLEARED_AND_RETRIED)).load() == Standing(take=3, made=1)


def test_a_changed_number_of_retries_loses_no_answer_for_good():
    """Airflow tells a clear by it, too; the worst is that it is asked again."""
    store = Store()
    Takes(of(store)).save(FAR)
    task = SimpleNamespace(retries=5)
    changed = {**context(task, **RETRIED), "task_state_store": store}
    assert Takes(changed).load() == Standing(take=2, shown={"cnt_1": "f2"})


@pytest.mark.parametrize("map_index", [-1, 0, 3])
def test_a_mapped_task_reads_its_own(map_index):
    of_task = of(None, map_index=map_index)
    Takes(of_task).save(FAR)
    assert Takes(of_task).load() == FAR


@pytest.mark.parametrize("answer", [None, ANSWER, Answer("Approve", {}, user=None)])
def test_an_answer_comes_back_as_it_was(store, answer):
    of_task = of(store)
    Takes(of_task).save(Standing(take=1, answer=answer))
    loaded = Takes(of_task).load().answer
    assert loaded == answer
    assert loaded is None or loaded.who == answer.who
