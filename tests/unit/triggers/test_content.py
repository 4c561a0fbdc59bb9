"""Waiting in the triggerer until content is approved or rejected."""

from __future__ import annotations

import asyncio
import json

import pytest

from airflow_provider_layers.polling.targets import approval_source
from airflow_provider_layers.triggers.content import LayersContentApprovalTrigger
from tests.unit.scripted import ScriptedApi, error, ok


def content(approval_status, status="completed", **fields):
    return ok({"id": "cnt_1", "approvalStatus": approval_status, "status": status, **fields})


PENDING, APPROVED, REJECTED = content("pending"), content("approved"), content("rejected")
LOST = content("pending", "failed")


@pytest.fixture
def fire(triggerer):
    """Fire a trigger of some containers that are each polled once, unless there is a deadline."""

    def run(*replies, ids=("cnt_1",), seconds=0.0, then=None, **fields):
        deadline = triggerer.now() + seconds
        trigger = LayersContentApprovalTrigger(list(ids), deadline=deadline, **fields)
        return triggerer.fire(trigger, *replies, then=then)

    return run


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (APPROVED, "approved"),
        (content("not_required"), "approved"),
        (REJECTED, "rejected"),
        (LOST, "failed"),
        (content("pending", "canceled"), "canceled"),
    ],
)
def test_a_decision_is_one_small_event(triggerer, fire, reply, status, key):
    reply.body.update(caption="a" * 5000, preview={"primaryUrl": "https://signed"})
    event = fire(reply)
    assert event == {"container_ids": ["cnt_1"], "status": status, "reason": "", "deadline": 1000.0}
    assert key not in json.dumps(event)
    assert triggerer.requests == ["GET /v1/content/cnt_1"]


@pytest.mark.parametrize("ids", [["cnt_1"], ["cnt_1", "cnt_2", "cnt_3"]])
def test_the_deadline_is_an_event(fire, ids):
    event = fire(ids=ids, then=PENDING)
    assert (event["container_ids"], event["status"]) == (ids, "timeout")
    assert "was still pending at the deadline" in event["reason"]


def test_an_undocumented_status_does_not_end_a_wait_at_once(fire):
    event = fire(content("escalated"))
    assert event["status"] == "timeout"
    assert "could not be read" in event["reason"]


@pytest.mark.parametrize("ids", [["cnt_1"], ["cnt_1", "cnt_2"]])
def test_a_permanent_error_is_an_event(fire, ids):
    event = fire(ids=ids, then=error(403, "FORBIDDEN_SCOPE"), seconds=600)
    assert event["status"] == "error"
    assert "403 FORBIDDEN_SCOPE" in event["reason"]


def test_no_content_is_an_event(fire):
    event = fire(ids=[])
    assert event["status"] == "error"
    assert "container_id = []" in event["reason"]


@pytest.mark.parametrize("fail_on_reject", [True, False])
@pytest.mark.parametrize("decision", ["approved", "rejected"])
def test_several_have_one_event_together(fire, decision, fail_on_reject):
    ids = ["cnt_1", "cnt_2", "cnt_3"]
    replies = [APPROVED, content(decision), content("not_required")]
    event = fire(*replies, ids=ids, fail_on_reject=fail_on_reject)
    assert (event["container_ids"], event["status"]) == (ids, decision)


@pytest.mark.parametrize(
    ("settling", "fail_on_reject", "status"),
    [
        (REJECTED, True, "rejected"),
        (REJECTED, False, "timeout"),
        (LOST, True, "failed"),
        (LOST, False, "failed"),
    ],
)
def test_a_state_that_settles_the_wait_ends_it_for_all(triggerer, fire, settling, fail_on_reject, status):
    # One of the two gets this reply, and the other is never decided on.
    event = fire(settling, ids=["cnt_1", "cnt_2"], then=PENDING, seconds=3600, fail_on_reject=fail_on_reject)
    assert event["status"] == status
    assert (triggerer.now() < event["deadline"]) is (status != "timeout")


def test_a_trigger_that_is_canceled_leaves_nothing_running(triggerer):
    api = ScriptedApi(then=PENDING)

    async def cancel():
        trigger = LayersContentApprovalTrigger(["cnt_1", "cnt_2", "cnt_3"], deadline=triggerer.now() + 600)
        await triggerer.connect(trigger, api)
        waiting = asyncio.ensure_future(anext(trigger.run()))
        await asyncio.sleep(60)
        assert len(set(api.paths)) == 3
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert asyncio.all_tasks() == {asyncio.current_task()}

    triggerer.loop.run(cancel())


def test_content_of_a_known_project_and_age_shares_list_reads(triggerer):
    known = {"project_id": "prj_1", "created_at": "1970-01-01T00:10:00Z", "deadline": triggerer.now() + 100}
    single = LayersContentApprovalTrigger(["cnt_1"], **known).poll_target()
    assert (single.list_source, single.row_ids) == (approval_source("prj_1"), ("1",))
    assert (single.listed_since, single.interval.max_interval) == (600.0, 60.0)
    assert LayersContentApprovalTrigger(["cnt_1"]).poll_target().list_source is None
    rows = [{"id": name, "approvalStatus": "pending"} for name in ("cnt_1", "cnt_2")]
    several = LayersContentApprovalTrigger(["cnt_1", "cnt_2"], **known)
    event = triggerer.fire(several, then=content("pending", items=rows))
    assert event["status"] == "timeout"
    listed = "GET /v1/projects/prj_1/content?since=1970-01-01T00%3A00%3A00.000Z&limit=200"
    assert set(triggerer.requests) == {listed, "GET /v1/content/cnt_1", "GET /v1/content/cnt_2"}
    assert triggerer.requests[0] == listed
