"""Where a task instance remembers what it sent."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from airflow_provider_layers.api.once import Record
from airflow_provider_layers.hooks.memory import memory_of
from tests.unit.tasks import context


class Store:
    """Airflow's task state store, as far as it is used: JSON values by key."""

    def __init__(self):
        self.kept: dict[str, str] = {}
        self.retention: timedelta | None = None

    def get(self, key, default=None):
        return json.loads(self.kept[key]) if key in self.kept else default

    def set(self, key, value, *, retention=None):
        self.kept[key] = json.dumps(value)
        self.retention = retention

    def delete(self, key):
        del self.kept[key]


RECORDS = [
    Record("start it", 1.5, {"brief": "ab"}),
    Record("start it", 1.5, {"brief": "ab"}, {"jobId": "job_1"}),
]


@pytest.mark.parametrize("record", RECORDS, ids=["sent", "answered"])
def test_the_state_store_gives_back_what_was_kept(record):
    store = Store()
    memory_of(context(None) | {"task_state_store": store}, tries=1).save("k", record)
    memory = memory_of(context(None) | {"task_state_store": store}, tries=2)
    assert memory.load("k") == record
    assert memory.load("other") is None
    assert memory.unremembered_since is None
    assert store.retention > timedelta(days=30), "longer than Airflow's default"


def test_the_state_store_forgets_what_it_is_told_to():
    store = Store()
    memory = memory_of(context(None) | {"task_state_store": store}, tries=1)
    memory.save("k", RECORDS[0])
    memory.save("other", RECORDS[1])
    memory.forget("k")
    assert memory.load("k") is None
    assert memory.load("other") == RECORDS[1]


def test_without_a_store_a_first_try_has_nothing_to_remember():
    assert memory_of(context(None), tries=1).unremembered_since is None


def test_without_a_store_a_retry_is_as_old_as_its_run():
    of_task = context(None)
    memory = memory_of(of_task, tries=2)
    memory.save("k", RECORDS[1])
    memory.forget("k")
    assert memory.load("k") is None
    assert memory.unremembered_since == of_task["dag_run"].start_date.timestamp()
