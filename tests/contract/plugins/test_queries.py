"""What the database says of runs and their XComs."""

from __future__ import annotations

import json

import pytest

from tests.contract.plugins.conftest import tell

pytestmark = pytest.mark.airflow3


@pytest.mark.parametrize(("state", "again"), [("running", 10.0), ("success", None)])
@pytest.mark.parametrize("page_name", ["task-instance", "dag-run"])
def test_nothing_yet_and_nothing_ever(page_name, state, again, get, run):
    there = run(state=state)
    there.push(None, state=state)
    shown = get(page_name, **there.query, task_id="make").json()
    assert (shown["jobs"], shown["containers"], shown["posts"]) == ([], [], [])
    assert shown["again_in"] == again


def test_a_run_that_is_not_there(get, run):
    run()
    shown = get("dag-run", dag_id="made", run_id="elsewhere").json()
    assert (shown["containers"], shown["again_in"]) == ([], None)


@pytest.mark.parametrize(
    "value",
    [
        "text",
        ["cnt_1"],
        {},
        {"layers_conn_id": 1},
        {"layers_conn_id": "a b\n"},
        {"layers_conn_id": "layers_default", "container_ids": "cnt_1", "job_id": {"a": 1}},
        {"layers_conn_id": "layers_default", "container_ids": [1, None, "", "é", "a" * 201, ["cnt_1"]]},
        {"__classname__": "builtins.tuple", "__version__": 1, "__data__": ["a"]},
        '{"__classname__": "subprocess.Popen", "__version__": 1, "__data__": {"args": "true"}}',
        "{",
    ],
)
def test_an_xcom_of_another_shape_is_nothing(value, get, run, reads):
    there = run()
    there.push(value)
    reads()
    shown = get("dag-run", **there.query).json()
    assert (shown["containers"], reads()) == ([], [])


def test_an_xcom_that_airflow_wrote_as_text_is_read_too(get, run, content):
    there = run()
    (container,) = content()["containerIds"]
    there.push(json.dumps(tell(container)))
    assert [one["id"] for one in get("dag-run", **there.query).json()["containers"]] == [container]


def test_another_key_is_nothing(get, run, reads):
    there = run()
    there.push(tell("cnt_1"), key="return_value")
    reads()
    assert (get("dag-run", **there.query).json()["containers"], reads()) == ([], [])


def test_more_task_instances_than_are_looked_at(get, run, monkeypatch):
    from airflow_provider_layers.plugins import queries

    monkeypatch.setattr(queries, "MOST_RECORDS", 3)
    there = run()
    for index in range(4):
        there.push(tell(f"cnt_{index}"), "mapped", index)
    shown = get("dag-run", **there.query).json()
    assert (len(shown["containers"]), shown["cut"]) == (3, True)
