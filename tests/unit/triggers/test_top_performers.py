"""Waiting in the triggerer until posts perform well enough."""

from __future__ import annotations

import json

import pytest

from airflow_provider_layers.triggers.top_performers import LayersTopPerformersTrigger
from tests.unit.scripted import ok

RANKING = {"metric": "views", "window": "7d", "source_type": None, "platform": ["tiktok"], "limit": None}


def rows(*values):
    return ok({"items": [{"rank": rank, "metricValue": value} for rank, value in enumerate(values)]})


@pytest.fixture
def trigger(triggerer):
    return LayersTopPerformersTrigger("prj_1", RANKING, threshold=5.0, min_rows=2, deadline=triggerer.now())


def test_enough_rows_are_one_small_event(triggerer, trigger, key):
    event = triggerer.fire(trigger, rows(9, 5))
    assert event == {
        "project_id": "prj_1",
        "ranking": RANKING,
        "status": "found",
        "reason": "",
        "deadline": trigger.deadline,
    }
    assert key not in json.dumps(event)
    query = "metric=views&window=7d&platform=tiktok"
    assert triggerer.requests == [f"GET /v1/projects/prj_1/top-performers?{query}"]


@pytest.mark.parametrize("values", [(), (9,), (9, 4.9), (9, None)])
def test_too_few_rows_are_waited_for_until_the_deadline(triggerer, trigger, values):
    event = triggerer.fire(trigger, rows(*values))
    assert event["status"] == "timeout"
    assert "2 were wanted with views of 5.0 or more" in event["reason"]


def test_a_wrong_ranking_is_an_event_and_sends_nothing(triggerer):
    event = triggerer.fire(LayersTopPerformersTrigger("prj_1", {"metric": "likes"}))
    assert event["status"] == "error"
    assert "metric = 'likes'" in event["reason"]


def test_a_ranking_is_polled_as_often_as_was_asked_for():
    target = LayersTopPerformersTrigger("prj_1", RANKING, poll_interval=60.0, deadline=5.0).poll_target()
    assert (target.interval.max_interval, target.deadline, target.list_source) == (60.0, 5.0, None)
