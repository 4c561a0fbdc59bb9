"""Waiting for a scheduled post in the triggerer."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from airflow_provider_layers.api.publication import ENDED, UNDER_WAY, post_roll
from airflow_provider_layers.triggers.scheduled_posts import LayersScheduledPostTrigger
from tests.unit.serving import Reply


def post(status, **fields):
    return Reply({"id": "sp_1", "status": status, **fields})


def events(trigger):
    async def collect():
        return [event.payload async for event in trigger.run()]

    return asyncio.run(collect())


@pytest.fixture
def trigger(connect, server):
    """A trigger whose deadline has passed: it looks once."""
    connect(host=server.url)
    return LayersScheduledPostTrigger(scheduled_post_id="sp_1", deadline=time.time())


@pytest.mark.parametrize("status", ENDED)
def test_a_post_that_has_ended_is_one_small_event(trigger, server, status, key):
    server.replies = [post(status, caption="a" * 5000, externalUrl="https://signed", lastError={"code": "X"})]
    (event,) = events(trigger)
    assert event == {
        "scheduled_post_id": "sp_1",
        "status": status,
        "reason": "",
        "deadline": trigger.deadline,
    }
    assert key not in json.dumps(event)
    assert [one.path for one in server.received] == ["/v1/scheduled-posts/sp_1"]


@pytest.mark.parametrize("status", UNDER_WAY)
def test_the_deadline_is_an_event(trigger, server, status):
    server.replies = [post(status)]
    (event,) = events(trigger)
    assert event["status"] == "timeout"
    assert f"sp_1 was still {status} at the deadline" in event["reason"]


def test_a_status_that_nobody_documented_does_not_end_a_wait_at_once(trigger, server):
    server.replies = [post("paused")]
    (event,) = events(trigger)
    assert event["status"] == "timeout"
    assert "could not be read" in event["reason"]


def test_an_error_that_waiting_does_not_mend_is_an_event(trigger, server):
    server.replies = [Reply({"error": {"code": "FORBIDDEN_SCOPE"}}, 403)]
    (event,) = events(trigger)
    assert event["status"] == "error"
    assert "403 FORBIDDEN_SCOPE" in event["reason"]


def test_a_post_of_a_known_project_shares_the_reads_of_others():
    trigger = LayersScheduledPostTrigger(scheduled_post_id="sp_1", project_id="prj_1", deadline=5.0)
    assert (trigger.watch().roll, trigger.watch().rows) == (post_roll("prj_1"), ("sp_1",))
    assert (trigger.watch().deadline, trigger.watch().cadence.longest) == (5.0, 30.0)
    assert LayersScheduledPostTrigger(scheduled_post_id="sp_1").watch().roll is None


def test_a_post_without_an_id_is_an_event(connect):
    connect()
    (event,) = events(LayersScheduledPostTrigger())
    assert event["status"] == "error"
    assert "scheduled_post_id = ''" in event["reason"]
