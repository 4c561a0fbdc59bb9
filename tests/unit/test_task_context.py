"""The running task instance: its tries and clears, who ended it, and what it publishes."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlsplit

import pytest

from airflow_provider_layers.task_context import (
    CLEARED_STATE,
    MARKED_STATES,
    RETENTION,
    TRY_NUMBER_KEY,
    UI_DATA_KEY,
    TaskRun,
    attempt_count,
    clear_count,
    lineage,
    min_deferral_seconds,
    publish_ui_data,
    review_url,
)
from tests.unit.stores import AirflowStore
from tests.unit.tasks import context

# Tries and clears

# How Airflow counts over two retries and two clears of a task with two retries:
# (try_number, max_tries), the clear count, and the tries since the last clear.
TRIES = [((1, 2), 0, 1), ((2, 2), 0, 2), ((3, 2), 0, 3), ((4, 5), 3, 1), ((5, 5), 3, 2), ((6, 7), 5, 1)]


def counted(try_number, max_tries, retries=2):
    return context(SimpleNamespace(retries=retries), try_number=try_number, max_tries=max_tries)


def test_clears_are_counted_apart_from_retries():
    for counts, cleared, since_clear in TRIES:
        given = counted(*counts)
        assert clear_count(given) == cleared
        assert attempt_count(given, since_clear=True) == since_clear
        assert attempt_count(given, since_clear=False) == counts[0]


def test_a_task_without_retries_can_be_cleared_too():
    counts = [counted(1, 0, 0), counted(2, 1, 0), counted(2, 1, None)]
    assert [clear_count(given) for given in counts] == [0, 1, 1]
    assert [attempt_count(given, since_clear=True) for given in counts] == [1, 1, 1]


def test_there_is_always_one_try():
    for given in (counted(0, 0, 0), counted(1, 5, 0)):
        assert attempt_count(given, since_clear=True) == 1


@pytest.mark.parametrize(("heartbeat", "seconds"), [("5", 6.0), ("1", 2.0), ("0", 0.0)])
def test_no_trigger_fires_before_the_deferring_process_is_seen_to_end(monkeypatch, heartbeat, seconds):
    monkeypatch.setenv("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", heartbeat)
    assert min_deferral_seconds() == seconds


# Who ended it


class FailingStore(AirflowStore):
    """A store that Airflow does not respond for, when it is read or written."""

    def __init__(self, *methods):
        super().__init__()
        for method in methods:
            setattr(self, method, self.fail)

    def fail(self, *given, **options):
        raise RuntimeError("the task instance is unknown")


def task_run(*, store=None, **fields):
    given = context(None, **fields)
    return TaskRun(given if store is None else given | {"task_state_store": store})


@pytest.mark.parametrize("with_store", [True, False])
def test_a_mark_and_a_clear_are_a_users_and_every_other_state_is_airflows(with_store):
    states = ("running", "up_for_retry", "queued", "scheduled", "deferred", "removed", "", None)
    by_user = dict.fromkeys((*MARKED_STATES, CLEARED_STATE), True) | dict.fromkeys(states, False)
    for map_index in (-1, None, 0, 3):
        runs = {
            state: task_run(store=AirflowStore() if with_store else None, state=state, map_index=map_index)
            for state in by_user
        }
        assert {state: run.ended_by_user() for state, run in runs.items()} == by_user


@pytest.mark.parametrize(("map_index", "name"), [(-1, "task"), (0, "task_0"), (3, "task_3")])
def test_the_state_is_requested_for_this_task_instance_only(map_index, name):
    requested = {}
    given = context(None, map_index=map_index)
    given["ti"].get_task_states = lambda **fields: requested.update(fields) or {"run": {name: "failed"}}
    assert TaskRun(given).ended_by_user()
    assert requested == {"dag_id": "dag", "task_ids": ["task"], "run_ids": ["run"], "map_index": map_index}


def test_the_number_of_the_try_is_stored_when_it_starts():
    store = AirflowStore()
    task_run(store=store, try_number=2)
    assert (store.values, store.retention) == ({TRY_NUMBER_KEY: "2"}, RETENTION)


@pytest.mark.parametrize("state", MARKED_STATES)
def test_the_end_of_another_try_is_not_that_of_this_one(state):
    """Airflow took this process for dead, and another try has started and ended meanwhile."""
    store = AirflowStore()
    first = task_run(store=store, try_number=1, state=state)
    assert first.ended_by_user()
    task_run(store=store, try_number=2)
    assert not first.ended_by_user()


@pytest.mark.parametrize("store", [FailingStore("get"), FailingStore("get", "set")])
def test_a_clear_is_a_users_even_if_the_store_cannot_be_read(store):
    """Airflow itself never sets this state, and a clear sets it before another try starts."""
    assert task_run(store=store, state=CLEARED_STATE).ended_by_user()


@pytest.mark.parametrize("store", [FailingStore("get"), FailingStore("get", "set")])
def test_no_user_is_assumed_where_the_store_cannot_be_read(store, caplog):
    caplog.set_level(logging.WARNING)
    assert not task_run(store=store, state="failed").ended_by_user()
    assert "Could not read whether a user ended the task" in caplog.text


def test_a_store_that_cannot_be_written_does_not_fail_the_task_and_makes_no_user_of_it(caplog):
    run = task_run(store=FailingStore("set"), state="failed")
    assert "Could not record the try number" in caplog.text
    assert not run.ended_by_user()


@pytest.mark.parametrize("with_store", [True, False])
def test_no_user_is_assumed_where_airflow_cannot_be_reached(with_store, caplog):
    def unreachable(**fields):
        raise ConnectionError("no route")

    given = context(None) | ({"task_state_store": AirflowStore()} if with_store else {})
    given["ti"].get_task_states = unreachable
    assert not TaskRun(given).ended_by_user()
    assert "Could not read whether a user ended the task" in caplog.text


def test_no_user_is_assumed_where_airflow_does_not_know_the_task_instance():
    given = context(None)
    given["ti"].get_task_states = lambda **fields: {}
    assert not TaskRun(given).ended_by_user()


class TaskInstanceOf2:
    """A task instance of Airflow 2, which reads its own row again."""

    map_index = -1

    def __init__(self, state, *, try_number=1):
        self.try_number = 1
        self.state = "running"
        self._row = state, try_number

    def refresh_from_db(self):
        self.state, self.try_number = self._row


def test_airflow_2_is_read_through_the_row_of_the_task_instance():
    states = dict.fromkeys((CLEARED_STATE, *MARKED_STATES), True)
    states |= dict.fromkeys(("running", "up_for_retry", None), False)
    ended = {state: TaskRun({"ti": TaskInstanceOf2(state)}).ended_by_user() for state in states}
    assert ended == states
    later = [TaskInstanceOf2(state, try_number=2) for state in MARKED_STATES]
    assert not any(TaskRun({"ti": item}).ended_by_user() for item in later), "another try has ended"


def test_airflow_2_may_not_respond_either(caplog):
    instance = TaskInstanceOf2("failed")
    instance._row = None
    assert not TaskRun({"ti": instance}).ended_by_user()
    assert "Could not read whether a user ended the task" in caplog.text


# What it publishes


@pytest.mark.parametrize(
    ("data", "published"),
    [
        ({}, (None, [], [])),
        ({"job_id": "job_1", "container_ids": ("cnt_1", "cnt_2")}, ("job_1", ["cnt_1", "cnt_2"], [])),
        ({"scheduled_post_ids": ["sp_1"]}, (None, [], ["sp_1"])),
    ],
)
def test_ids_and_the_connection_are_published_and_nothing_else(data, published):
    given = context(None)
    publish_ui_data(given, layers_conn_id="other", job_id="an earlier one")
    publish_ui_data(given, layers_conn_id="other", **data)
    names = ("job_id", "container_ids", "scheduled_post_ids")
    value = {"layers_conn_id": "other", **dict(zip(names, published, strict=True))}
    assert json.loads(json.dumps(given["ti"].xcom)) == {UI_DATA_KEY: value}


def test_published_lists_do_not_change_with_those_they_came_from():
    given, posts = context(None), ["sp_1"]
    publish_ui_data(given, layers_conn_id="c", scheduled_post_ids=posts)
    posts.append("sp_2")
    assert given["ti"].xcom[UI_DATA_KEY]["scheduled_post_ids"] == ["sp_1"]


@pytest.mark.parametrize(
    ("base_url", "path"),
    [
        ("http://localhost:8080", "/layers/review/card"),
        ("http://localhost:8080/", "/layers/review/card"),
        ("https://airflow.test/team/a/", "/team/a/layers/review/card"),
        ("https://airflow.test/team", "/team/layers/review/card"),
        ("", "/layers/review/card"),
    ],
)
def test_a_review_is_below_the_path_of_the_airflow_site_without_its_host(monkeypatch, base_url, path):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    assert review_url(context(None), "card", version=1).startswith(f"{path}?")


def test_a_review_names_the_task_instance_whatever_it_is_called(monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "http://localhost:8080")
    names = {
        "dag_id": "my dag&x=1",
        "run_id": "manual__2026-04-18T00:00:00+00:00/../?#",
        "task_id": "group.review<>\"'\\)](",
        "map_index": 3,
    }
    url = review_url(context(None, **names), "7", version=2)
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.path, parts.fragment) == ("", "", "/layers/review/7", "")
    assert dict(parse_qsl(parts.query)) == {**names, "map_index": "3", "version": "2"}
    assert not set(url) & set(" <>\"'\\()[]\n;"), "nothing that Markdown reads as markup"


def test_lineage_has_a_dataset_for_each_name_in_the_namespace_of_the_host():
    pytest.importorskip("airflow.providers.openlineage.extractors")
    for base_url in ("https://api.layers.com", "https://api.layers.com/", "https://api.layers.com/proxy"):
        facets = lineage(base_url, inputs=["content/cnt_1"], outputs=["post/sp_1", "post/sp_2"])
        datasets = [
            [(item.namespace, item.name) for item in side] for side in (facets.inputs, facets.outputs)
        ]
        namespace = "layers://api.layers.com"
        assert datasets == [
            [(namespace, "content/cnt_1")],
            [(namespace, "post/sp_1"), (namespace, "post/sp_2")],
        ]
