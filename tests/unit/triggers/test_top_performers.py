"""Waiting for winning posts in the triggerer."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from airflow_provider_layers.triggers.top_performers import LayersTopPerformersTrigger
from tests.unit.serving import Reply

RANKING = {"metric": "views", "window": "7d", "source_type": None, "platform": ["tiktok"], "limit": None}


def rows(*values):
    return Reply({"items": [{"rank": rank, "metricValue": value} for rank, value in enumerate(values)]})


def events(trigger):
    async def collect():
        return [event.payload async for event in trigger.run()]

    return asyncio.run(collect())


@pytest.fixture
def trigger(connect, server):
    """A trigger whose deadline has passed: it looks once."""
    connect(host=server.url)
    return LayersTopPerformersTrigger("prj_1", RANKING, threshold=5.0, min_rows=2, deadline=time.time())


def test_enough_rows_are_one_small_event(trigger, server, key):
    server.replies = [rows(9, 5)]
    (event,) = events(trigger)
    assert event == {
        "project_id": "prj_1",
        "ranking": RANKING,
        "status": "found",
        "reason": "",
        "deadline": trigger.deadline,
    }
    assert key not in json.dumps(event)
    assert (
        server.received[0].path == "/v1/projects/prj_1/top-performers?metric=views&window=7d&platform=tiktok"
    )


@pytest.mark.parametrize("values", [(), (9,), (9, 4.9), (9, None)])
def test_too_few_rows_are_waited_for_until_the_deadline(trigger, server, values):
    server.replies = [rows(*values)]
    (event,) = events(trigger)
    assert event["status"] == "timeout"
    assert "2 were wanted with views of 5.0 or more" in event["reason"]


def test_an_error_that_waiting_does_not_mend_is_an_event(trigger, server):
    server.replies = [Reply({"error": {"code": "FORBIDDEN_SCOPE"}}, 403)]
    (event,) = events(trigger)
    assert event["status"] == "error"
    assert "403 FORBIDDEN_SCOPE" in event["reason"]


def test_a_wrong_ranking_is_an_event_and_asks_nothing(trigger, server):
    trigger.ranking = {"metric": "likes"}
    (event,) = events(trigger)
    assert event["status"] == "error"
    assert "metric = 'likes'" in event["reason"]
    assert server.received == []


def test_a_ranking_is_looked_at_as_often_as_was_asked_for():
    watch = LayersTopPerformersTrigger("prj_1", RANKING, poll_interval=60.0, deadline=5.0).watch()
    assert (watch.cadence.longest, watch.deadline, watch.roll) == (60.0, 5.0, None)
