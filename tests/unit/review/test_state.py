"""How far a review has come, over its questions, its tries and its clears."""

from __future__ import annotations

import json
from datetime import timedelta
from types import SimpleNamespace

import pytest

from airflow_provider_layers.review.question import REGENERATE, ReviewAnswer
from airflow_provider_layers.review.state import (
    REVIEW_KEY,
    STORE_KEY,
    VERSIONS_PER_TRY,
    ReviewState,
    ReviewStateStore,
)
from tests.unit.tasks import context

ANSWER = ReviewAnswer(
    REGENERATE,
    {"cnt_1": "f2"},
    version=2,
    user="Ada",
    at="2026-04-18T12:30:00+00:00",
    text="Slower.",
    brief={"topic": "Walk.", "value_propositions": ["Free."]},
    preserve_assets=True,
)
REGENERATING = ReviewState(
    version=2,
    shown={"cnt_1": "f2"},
    notice="Once more.",
    regeneration_count=1,
    approved={"cnt_0": "f1"},
    answer=ANSWER,
    regenerating=True,
)
# As Airflow counts, with two retries.
FIRST = {"try_number": 1, "max_tries": 2}
RETRIED = {"try_number": 2, "max_tries": 2}
CLEARED = {"try_number": 3, "max_tries": 4}
CLEARED_AND_RETRIED = {"try_number": 4, "max_tries": 4}


class TaskStateStore(dict):
    """The part of Airflow's task state store that is used: JSON values by key."""

    def get(self, key, default=None):
        return json.loads(self[key]) if key in self else default

    def set(self, key, value, *, retention=None):
        self[key] = json.dumps(value)
        self.retention = retention


@pytest.fixture(params=["store", "no store"])
def store(request):
    return TaskStateStore() if request.param == "store" else None


def task(store, counts=FIRST, *, retries=2, **fields):
    made = context(SimpleNamespace(retries=retries), **counts, **fields)
    return made if store is None else {**made, "task_state_store": store}


def test_a_review_starts_with_an_empty_state(store):
    assert ReviewStateStore(task(store)).load() == ReviewState()


@pytest.mark.parametrize(
    "state",
    [
        REGENERATING,
        ReviewState(),
        ReviewState(version=7, shown={"a": "1", "b": "2"}),
        ReviewState(version=1, answer=ReviewAnswer("Approve", {}, user=None)),
    ],
)
def test_a_state_is_loaded_as_it_was_saved(store, state):
    running = task(store)
    ReviewStateStore(running).save(state)
    assert ReviewStateStore(running).load() == state


def test_the_last_save_holds(store):
    states = ReviewStateStore(task(store))
    states.save(REGENERATING)
    states.save(ReviewState(version=3))
    assert states.load() == ReviewState(version=3)


def test_the_plugin_reads_the_state_from_xcom(store):
    running = task(store)
    ReviewStateStore(running).save(REGENERATING)
    value = json.loads(json.dumps(running["ti"].xcom[REVIEW_KEY]))
    assert value.items() >= {"version": 2, "notice": "Once more.", "shown": {"cnt_1": "f2"}}.items()


def test_the_store_keeps_the_state_over_a_retry():
    store = TaskStateStore()
    ReviewStateStore(task(store)).save(REGENERATING)
    assert ReviewStateStore(task(store, RETRIED)).load() == REGENERATING
    assert list(store) == [STORE_KEY]
    assert store.retention > timedelta(days=30), "longer than Airflow's default"


def test_without_a_store_a_retry_numbers_its_versions_separately():
    ReviewStateStore(task(None)).save(REGENERATING)
    assert ReviewStateStore(task(None, RETRIED)).load() == ReviewState(version=VERSIONS_PER_TRY)
    assert ReviewStateStore(task(None, CLEARED)).load() == ReviewState(version=2 * VERSIONS_PER_TRY)


def test_a_clear_keeps_only_the_version_what_it_was_for_and_what_is_approved():
    """An answer from before the clear then never counts for what is asked after it."""
    store = TaskStateStore()
    ReviewStateStore(task(store)).save(REGENERATING)
    cleared = ReviewStateStore(task(store, CLEARED))
    assert cleared.load() == ReviewState(version=2, shown={"cnt_1": "f2"}, approved={"cnt_0": "f1"})
    cleared.save(ReviewState(version=3, regeneration_count=1))
    later = ReviewStateStore(task(store, CLEARED_AND_RETRIED)).load()
    assert later == ReviewState(version=3, regeneration_count=1)


def test_a_changed_number_of_retries_counts_as_a_clear():
    """Airflow's numbers are the same for both. At worst the task asks again."""
    store = TaskStateStore()
    ReviewStateStore(task(store)).save(REGENERATING)
    changed = ReviewStateStore(task(store, RETRIED, retries=5))
    assert changed.load() == ReviewState(version=2, shown={"cnt_1": "f2"}, approved={"cnt_0": "f1"})


@pytest.mark.parametrize("map_index", [-1, 0, 3])
def test_a_mapped_task_instance_reads_its_own_state(map_index):
    running = task(None, map_index=map_index)
    ReviewStateStore(running).save(REGENERATING)
    assert ReviewStateStore(running).load() == REGENERATING
