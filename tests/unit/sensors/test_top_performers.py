"""Waiting for winning posts in a sensor."""

from __future__ import annotations

import json
import time

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSensorTimeout, TaskDeferred

from airflow_provider_layers.sensors.top_performers import LayersTopPerformersSensor
from tests.unit.serving import Reply
from tests.unit.tasks import context


def rows(*values):
    return [
        {"rank": rank, "metricValue": value, "platformPostId": f"pp_{rank}"}
        for rank, value in enumerate(values)
    ]


def ranking(*values):
    return Reply({"items": rows(*values)})


def sensor(**fields):
    usual = {"project_id": "prj_1", "metric": "views", "threshold": 5, "poke_interval": 0.01}
    return LayersTopPerformersSensor(task_id="task", **(usual | fields))


def execute(**fields):
    waiting = sensor(**fields)
    return waiting.execute(context(waiting))


def resume(status, **fields):
    waiting = sensor()
    event = {
        "project_id": "prj_1",
        "ranking": dict.fromkeys(LayersTopPerformersSensor.ranking) | {"metric": "views"},
        "status": status,
        "reason": "Why.",
        "deadline": 0.0,
    }
    return waiting.execute_complete(context(waiting), event | fields)


@pytest.fixture
def answers(connect, server):
    """Set what the API answers."""
    connect(host=server.url)

    def give(*replies):
        server.replies = list(replies)
        return server

    return give


@pytest.mark.parametrize("deferrable", [True, False])
def test_the_rows_that_have_reached_the_threshold_are_given_back(answers, deferrable):
    server = answers(ranking(9, 5, 4))
    assert execute(deferrable=deferrable, window="7d", platform="tiktok", limit=10) == rows(9, 5)
    (asked,) = server.received
    assert asked.path == ("/v1/projects/prj_1/top-performers?metric=views&window=7d&platform=tiktok&limit=10")


def test_a_worker_waits_until_there_are_enough(answers):
    answers(ranking(), ranking(9), ranking(9, 4), ranking(9, 5))
    assert execute(deferrable=False, min_rows=2) == rows(9, 5)


@pytest.mark.parametrize("min_rows", [0, -1])
def test_to_wait_for_no_rows_is_refused(min_rows):
    with pytest.raises(ValueError, match="min_rows"):
        sensor(min_rows=min_rows)


@pytest.mark.parametrize("threshold", ["5", "5.0", 5.0, " 5 "])
def test_a_threshold_may_come_from_a_template(answers, threshold):
    answers(ranking(9, 4))
    assert execute(threshold=threshold) == rows(9)


@pytest.mark.parametrize("deferrable", [True, False])
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
def test_a_wrong_parameter_stops_the_retries(answers, fields, text, deferrable):
    answers(ranking())
    with pytest.raises(AirflowFailException, match=text):
        execute(**fields, deferrable=deferrable)


@pytest.mark.parametrize("deferrable", [True, False])
def test_what_the_api_refuses_stops_the_retries(answers, deferrable):
    answers(Reply({"error": {"code": "FORBIDDEN_SCOPE"}}, 403))
    with pytest.raises(AirflowFailException, match="403 FORBIDDEN_SCOPE"):
        execute(deferrable=deferrable)


def test_a_deferral_takes_the_ranking_along(answers):
    answers(ranking(4))
    before = time.time()
    with pytest.raises(TaskDeferred) as caught:
        execute(deferrable=True, threshold="5", min_rows=3, timeout=600, source_type=["manual"])
    _, arguments = caught.value.trigger.serialize()
    assert before + 600 <= arguments.pop("deadline") <= time.time() + 600
    assert arguments.pop("not_before") <= time.time() + 10
    assert arguments == {
        "project_id": "prj_1",
        "ranking": {
            "metric": "views",
            "window": None,
            "source_type": ["manual"],
            "platform": None,
            "limit": None,
        },
        "threshold": 5.0,
        "min_rows": 3,
        "layers_conn_id": "layers_default",
        "poll_interval": 0.01,
    }


@pytest.mark.parametrize("status", ["found", "timeout", "error"])
def test_whatever_the_event_says_the_ranking_itself_decides(answers, status):
    answers(ranking(9))
    assert resume(status) == rows(9)


def test_a_deadline_is_the_timeout_of_a_sensor(answers):
    answers(ranking(4))
    with pytest.raises(AirflowSensorTimeout, match="Why"):
        resume("timeout")


@pytest.mark.parametrize("foreign", [{"project_id": "prj_2"}, {"ranking": {"metric": "conversions"}}])
@pytest.mark.parametrize("status", ["found", "timeout", "error"])
def test_the_event_of_another_ranking_ends_nothing(answers, foreign, status):
    answers(ranking(4))
    with pytest.raises(TaskDeferred) as caught:
        resume(status, **foreign)
    assert caught.value.trigger.project_id == "prj_1"


def test_a_tuple_of_platforms_is_recognized_in_the_list_that_comes_back(answers):
    """The arguments of a trigger and its event go through JSON."""
    answers(ranking(4))
    waiting = sensor(platform=("tiktok", "youtube"))
    event = waiting.trigger(deadline=0.0, not_before=0.0).subject()
    event = json.loads(json.dumps(event | {"status": "timeout", "reason": "Why.", "deadline": 0.0}))
    with pytest.raises(AirflowSensorTimeout):
        waiting.execute_complete(context(waiting), event)


def test_a_ranking_that_fell_back_between_the_event_and_the_look_is_waited_for(answers):
    answers(ranking(4))
    with pytest.raises(TaskDeferred) as caught:
        resume("found", deadline=1_900_000_000.0)
    assert caught.value.trigger.deadline == 1_900_000_000.0, "and no longer than before"


def test_templates_are_rendered_before_any_check():
    given = {name: f"{{{{ params.{name} }}}}" for name in ("project_id", "metric", "window", "threshold")}
    waiting = sensor(**given)
    rendered = {"project_id": "prj_1", "metric": "views", "window": "7d", "threshold": 5}
    waiting.render_template_fields({"params": rendered})
    assert {name: getattr(waiting, name) for name in given} == rendered | {"threshold": "5"}
