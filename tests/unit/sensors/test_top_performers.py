"""Waiting until posts perform well enough, in a sensor."""

from __future__ import annotations

import json

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, TaskDeferred

from airflow_provider_layers.exceptions import LayersParameterError, LayersPermissionError
from airflow_provider_layers.sensors.top_performers import LayersTopPerformersSensor
from tests.unit.scripted import NOW, error, ok
from tests.unit.tasks import connected, context

BOTH_WAYS = pytest.mark.parametrize("deferrable", [True, False], ids=["deferred", "worker"])
RANKING = {"metric": "views", "window": None, "source_type": None, "platform": None, "limit": None}


def rows(*values):
    return [
        {"rank": rank, "metricValue": value, "platformPostId": f"pp_{rank}"}
        for rank, value in enumerate(values)
    ]


def ranking(*values):
    return ok({"items": rows(*values)})


def sensor(**fields):
    defaults = {"project_id": "prj_1", "metric": "views", "threshold": 5, "poke_interval": 0.01}
    return LayersTopPerformersSensor(task_id="task", **(defaults | {"deferrable": True} | fields))


@pytest.fixture
def sense(script):
    """Run a sensor against these replies and return its result."""

    def run(*replies, status=None, event=None, **fields):
        task = connected(sensor(**fields), script(*replies))
        if status is None:
            return task.execute(context(task))
        known = {"project_id": "prj_1", "ranking": RANKING, "reason": "Why.", "deadline": 7.0}
        return task.execute_complete(context(task), known | {"status": status} | (event or {}))

    return run


@BOTH_WAYS
def test_the_rows_that_reach_the_threshold_are_returned(sense, script, deferrable):
    api = script(ranking(9, 5, 4))
    task = connected(sensor(deferrable=deferrable, window="7d", platform="tiktok", limit=10), api)
    assert task.execute(context(task)) == rows(9, 5)
    query = "metric=views&window=7d&platform=tiktok&limit=10"
    assert api.paths == [f"GET /v1/projects/prj_1/top-performers?{query}"]


def test_a_worker_waits_until_there_are_enough(sense):
    replies = [ranking(), ranking(9), ranking(9, 4), ranking(9, 5)]
    assert sense(*replies, deferrable=False, min_rows=2) == rows(9, 5)


@pytest.mark.parametrize("min_rows", [0, -1])
def test_to_wait_for_no_rows_is_refused(min_rows):
    with pytest.raises(ValueError, match="min_rows"):
        sensor(min_rows=min_rows)


@pytest.mark.parametrize("threshold", ["5", 5.0, " 5 "])
def test_a_threshold_may_come_from_a_template(sense, threshold):
    assert sense(ranking(9, 4), threshold=threshold) == rows(9)


@BOTH_WAYS
@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"threshold": "many"}, "threshold = 'many': should be a number"),
        ({"threshold": None}, "threshold = None"),
        ({"metric": "likes"}, "metric = 'likes'"),
        ({"limit": 1000}, "limit = 1000"),
        ({"project_id": ""}, "project_id = ''"),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_is_sent(sense, fields, text, deferrable):
    with pytest.raises(LayersParameterError, match=text):
        sense(**fields, deferrable=deferrable)


@BOTH_WAYS
def test_what_the_api_refuses_is_an_error(sense, deferrable):
    with pytest.raises(LayersPermissionError, match="403 FORBIDDEN_SCOPE"):
        sense(error(403, "FORBIDDEN_SCOPE"), deferrable=deferrable)


def test_a_deferral_carries_the_ranking(sense, earliest):
    with pytest.raises(TaskDeferred) as caught:
        sense(ranking(4), threshold="5", min_rows=3, timeout=600, source_type=["manual"])
    assert caught.value.trigger.serialize()[1] == {
        "project_id": "prj_1",
        "ranking": RANKING | {"source_type": ["manual"]},
        "threshold": 5.0,
        "min_rows": 3,
        "layers_conn_id": "layers_default",
        "deadline": NOW + 600,
        "poll_interval": 0.01,
        "not_before": earliest,
    }


@pytest.mark.parametrize("status", ["found", "timeout", "error"])
def test_on_resumption_the_ranking_decides_and_not_the_event(sense, status):
    assert sense(ranking(9), status=status) == rows(9)


def test_a_wait_that_passed_its_deadline_is_a_timeout(sense):
    with pytest.raises(AirflowSensorTimeout, match="Why"):
        sense(ranking(4), status="timeout")


@pytest.mark.parametrize("event", [{"project_id": "prj_2"}, {"ranking": {"metric": "conversions"}}])
def test_an_event_of_another_ranking_is_ignored(sense, event):
    with pytest.raises(TaskDeferred) as caught:
        sense(ranking(4), status="timeout", event=event)
    assert caught.value.trigger.project_id == "prj_1"


def test_a_tuple_is_recognized_in_the_list_that_comes_back(sense):
    """The arguments of a trigger and its event are stored as JSON."""
    subject = sensor(platform=("tiktok", "youtube")).trigger(deadline=0.0, not_before=0.0).subject()
    with pytest.raises(AirflowSensorTimeout):
        sense(
            ranking(4),
            status="timeout",
            event=json.loads(json.dumps(subject)),
            platform=("tiktok", "youtube"),
        )


def test_a_ranking_that_has_fallen_back_is_waited_for_until_the_same_deadline(sense):
    with pytest.raises(TaskDeferred) as caught:
        sense(ranking(4), status="found", event={"deadline": 1_900_000_000.0})
    assert caught.value.trigger.deadline == 1_900_000_000.0


def test_templates_are_rendered_before_any_check():
    fields = {name: f"{{{{ params.{name} }}}}" for name in ("project_id", "metric", "window", "threshold")}
    task = sensor(**fields)
    rendered = {"project_id": "prj_1", "metric": "views", "window": "7d", "threshold": 5}
    task.render_template_fields({"params": rendered})
    assert {name: getattr(task, name) for name in fields} == rendered | {"threshold": "5"}
