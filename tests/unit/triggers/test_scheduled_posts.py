"""Waiting for a scheduled post in the triggerer."""

from __future__ import annotations

import json

import pytest

from airflow_provider_layers.polling.targets import scheduled_post_source
from airflow_provider_layers.triggers.scheduled_posts import LayersScheduledPostTrigger
from tests.limits import POST_STATUSES
from tests.unit.scripted import ok

UNFINISHED = ("queued", "publishing")


@pytest.mark.parametrize("status", POST_STATUSES)
def test_the_status_of_the_post_is_one_small_event(triggerer, status, key):
    body = {"caption": "a" * 5000, "externalUrl": "https://signed", "lastError": {"code": "X"}}
    trigger = LayersScheduledPostTrigger("sp_1", deadline=triggerer.now())
    event = triggerer.fire(trigger, ok({"id": "sp_1", "status": status, **body}))
    assert event.pop("deadline") == trigger.deadline
    if status in UNFINISHED:
        assert f"sp_1 was still {status} at the deadline" in event.pop("reason")
        assert event == {"scheduled_post_id": "sp_1", "status": "timeout"}
    else:
        assert event == {"scheduled_post_id": "sp_1", "status": status, "reason": ""}
    assert key not in json.dumps(event)
    assert triggerer.requests == ["GET /v1/scheduled-posts/sp_1"]


def test_an_undocumented_status_does_not_end_a_wait_at_once(triggerer):
    trigger = LayersScheduledPostTrigger("sp_1", deadline=triggerer.now())
    event = triggerer.fire(trigger, ok({"id": "sp_1", "status": "paused"}))
    assert event["status"] == "timeout"
    assert "could not be read" in event["reason"]


def test_a_post_of_a_known_project_shares_list_reads():
    target = LayersScheduledPostTrigger("sp_1", project_id="prj_1", deadline=5.0).poll_target()
    assert (target.list_source, target.row_ids) == (scheduled_post_source("prj_1"), ("sp_1",))
    assert (target.deadline, target.interval.max_interval) == (5.0, 30.0)
    assert LayersScheduledPostTrigger("sp_1").poll_target().list_source is None


def test_a_post_without_an_id_is_an_event(triggerer):
    event = triggerer.fire(LayersScheduledPostTrigger())
    assert event["status"] == "error"
    assert "scheduled_post_id = ''" in event["reason"]
