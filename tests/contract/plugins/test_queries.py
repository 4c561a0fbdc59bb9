"""What is read from Airflow's database."""

from __future__ import annotations

import json

import pytest

from airflow_provider_layers.triggers.jobs import LayersJobTrigger
from airflow_provider_layers.triggers.turns import LayersTurnTrigger
from tests.contract.plugins.conftest import ui_data

pytestmark = pytest.mark.airflow3


@pytest.mark.parametrize(("state", "refresh_after"), [("running", 10.0), ("success", None)])
@pytest.mark.parametrize("page", ["task-instance", "dag-run"])
def test_without_content_the_page_asks_again_only_while_tasks_are_unfinished(
    page, state, refresh_after, get, run
):
    added = run(state=state)
    added.add_task(None, state=state)
    shown = get(page, **added.query, task_id="make").json()
    assert (shown["jobs"], shown["containers"], shown["posts"]) == ([], [], [])
    assert shown["refresh_after"] == refresh_after


def test_a_finished_task_of_a_running_run(get, run):
    added = run(state="running")
    added.add_task(None, "finished")
    added.add_task(None, "unfinished", state="deferred")
    found = [
        get("task-instance", **added.query, task_id=task_id).json()["refresh_after"]
        for task_id in ("finished", "unfinished")
    ]
    assert found == [None, 10.0]


def test_tasks_that_wait_for_their_turn_are_told_with_their_place(get, run):
    other = run("other", state="running")
    added = run(state="running")
    other.add_waiting_task(LayersTurnTrigger(), 0)
    added.add_waiting_task(LayersJobTrigger(), 7)
    added.add_waiting_task(LayersTurnTrigger(), 1)
    added.add_waiting_task(LayersTurnTrigger(), 2)
    shown = get("dag-run", **added.query).json()["waiting"]
    assert shown == [{"task_id": "wait", "map_index": index, "ahead": index} for index in (1, 2)]
    one = get("task-instance", **added.query, task_id="wait", map_index=2).json()["waiting"]
    assert one == [{"task_id": "wait", "map_index": 2, "ahead": 2}]


def test_a_run_that_does_not_exist(get, run):
    run()
    shown = get("dag-run", dag_id="made", run_id="other").json()
    assert (shown["containers"], shown["refresh_after"]) == ([], None)


@pytest.mark.parametrize(
    "value",
    [
        "text",
        ["cnt_1"],
        {},
        {"layers_conn_id": "a b\n"},
        {"layers_conn_id": "layers_default", "container_ids": [1, None, "", "é", "a" * 201, ["cnt_1"]]},
        {"__classname__": "builtins.tuple", "__version__": 1, "__data__": ["a"]},
        '{"__classname__": "subprocess.Popen", "__version__": 1, "__data__": {"args": "true"}}',
        "{",
    ],
)
def test_an_xcom_of_another_shape_is_ignored(value, get, run, reads):
    added = run()
    added.add_task(value)
    reads()
    shown = get("dag-run", **added.query).json()
    assert (shown["containers"], reads()) == ([], [])


def test_an_xcom_that_airflow_stored_as_text(get, run, content):
    added = run()
    (container,) = content()["containerIds"]
    added.add_task(json.dumps(ui_data(container)))
    assert [entry["id"] for entry in get("dag-run", **added.query).json()["containers"]] == [container]


def test_an_xcom_of_another_key_is_ignored(get, run, reads):
    added = run()
    added.add_task(ui_data("cnt_1"), key="return_value")
    reads()
    assert (get("dag-run", **added.query).json()["containers"], reads()) == ([], [])


def test_the_number_of_task_instances_is_limited(run):
    from airflow_provider_layers.plugins.queries import run_references

    added = run()
    for index in range(4):
        added.add_task(ui_data(f"cnt_{index}"), "mapped", index)
    found = [run_references(**added.query, limit=limit) for limit in (3, 4)]
    assert [(len(one.tasks), one.truncated) for one in found] == [(3, True), (4, False)]
