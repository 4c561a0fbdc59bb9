"""Waiting for decisions on content in the triggerer."""

from __future__ import annotations

import asyncio
import inspect
import json
import time

import pytest

from airflow_provider_layers.api.approval import approval_roll
from airflow_provider_layers.hooks import sharing
from airflow_provider_layers.triggers.content import LayersContentApprovalTrigger
from tests.unit.serving import Reply

MADE = "1970-01-01T00:10:00Z"


def content(approval, status="completed", **fields):
    return Reply({"id": "cnt_1", "approvalStatus": approval, "status": status, **fields})


def events(trigger):
    async def collect():
        return [event.payload async for event in trigger.run()]

    return asyncio.run(collect())


@pytest.fixture
def trigger(connect, server):
    """Make a trigger that looks at once; it looks once only where its deadline has passed, as by default."""
    connect(host=server.url)

    def make(*container_ids, deadline=None, **fields):
        deadline = time.time() if deadline is None else deadline
        given = {"deadline": deadline, "poll_interval": 0.01, **fields}
        return LayersContentApprovalTrigger(list(container_ids or ["cnt_1"]), **given)

    return make


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (content("approved"), "approved"),
        (content("not_required"), "approved"),
        (content("rejected"), "rejected"),
        (content("pending", "failed"), "failed"),
        (content("pending", "canceled"), "canceled"),
    ],
)
def test_a_decision_is_one_small_event(trigger, server, reply, status, key):
    reply.body.update(caption="a" * 5000, preview={"primaryUrl": "https://signed"})
    server.replies = [reply]
    waiting = trigger()
    (event,) = events(waiting)
    assert event == {
        "container_ids": ["cnt_1"],
        "status": status,
        "reason": "",
        "deadline": waiting.deadline,
    }
    assert key not in json.dumps(event)
    assert [one.path for one in server.received] == ["/v1/content/cnt_1"]


@pytest.mark.parametrize("ids", [["cnt_1"], ["cnt_1", "cnt_2", "cnt_3"]])
def test_the_deadline_is_an_event(trigger, server, ids):
    server.replies = [content("pending")]
    (event,) = events(trigger(*ids))
    assert (event["container_ids"], event["status"]) == (ids, "timeout")
    assert "was still pending at the deadline" in event["reason"]


def test_a_status_that_nobody_documented_does_not_end_a_wait_at_once(trigger, server):
    server.replies = [content("escalated")]
    (event,) = events(trigger())
    assert event["status"] == "timeout"
    assert "could not be read" in event["reason"]


@pytest.mark.parametrize("ids", [["cnt_1"], ["cnt_1", "cnt_2"]])
def test_an_error_that_waiting_does_not_mend_is_an_event(trigger, server, ids):
    server.replies = [Reply({"error": {"code": "FORBIDDEN_SCOPE"}}, 403)]
    (event,) = events(trigger(*ids))
    assert event["status"] == "error"
    assert "403 FORBIDDEN_SCOPE" in event["reason"]


def test_no_content_is_an_event(trigger):
    (event,) = events(LayersContentApprovalTrigger())
    assert event["status"] == "error"
    assert "container_id = []" in event["reason"]


@pytest.mark.parametrize("fail_on_reject", [True, False])
@pytest.mark.parametrize("rejected", [True, False])
def test_several_are_told_of_together(trigger, server, rejected, fail_on_reject):
    replies = [content("approved"), content("rejected" if rejected else "approved"), content("not_required")]
    server.replies = replies
    (event,) = events(trigger("cnt_1", "cnt_2", "cnt_3", fail_on_reject=fail_on_reject))
    assert event["container_ids"] == ["cnt_1", "cnt_2", "cnt_3"]
    assert event["status"] == ("rejected" if rejected else "approved")


@pytest.mark.parametrize("reply", [content("rejected"), content("pending", "failed")])
def test_one_that_settles_it_ends_the_wait_for_all(trigger, server, reply):
    # One of the two gets this answer, and the other is never decided.
    server.replies = [reply, content("pending")]
    waiting = trigger("cnt_1", "cnt_2", deadline=time.time() + 8)
    (event,) = events(waiting)
    assert event["status"] == ("rejected" if reply.body["approvalStatus"] == "rejected" else "failed")
    assert time.time() < waiting.deadline


def test_a_rejection_that_fails_nothing_does_not_end_it(trigger, server):
    server.replies = [content("rejected"), content("pending")]
    (event,) = events(trigger("cnt_1", "cnt_2", deadline=time.time() + 0.3, fail_on_reject=False))
    assert event["status"] == "timeout"


@pytest.mark.parametrize("ids", [["cnt_1"], ["cnt_1", "cnt_2", "cnt_3"]])
def test_a_trigger_that_is_canceled_leaves_nothing_under_way(trigger, server, ids):
    server.replies = [content("pending")]

    async def leave():
        waiting = asyncio.ensure_future(anext(trigger(*ids, deadline=time.time() + 600).run()))
        while len(server.received) < len(ids):  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)
        held = list(sharing._here().leases.values())
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        left = asyncio.all_tasks() - {asyncio.current_task()}
        return held[0].holders, left, dict(sharing._here().leases)

    assert asyncio.run(leave()) == (0, set(), {})


def test_content_of_a_known_project_shares_the_reads_of_others():
    trigger = LayersContentApprovalTrigger(["cnt_1"], project_id="prj_1", created_at=MADE, deadline=5.0)
    watch = trigger.watch()
    assert (watch.roll, watch.rows, watch.listed_since) == (approval_roll("prj_1"), ("1",), 600.0)
    assert (watch.deadline, watch.cadence.longest) == (5.0, 60.0)
    assert LayersContentApprovalTrigger(["cnt_1"]).watch().roll is None


def test_each_of_several_is_waited_for_in_the_same_way():
    given = {"project_id": "prj_1", "created_at": MADE, "deadline": 5.0, "poll_interval": 7.0}
    trigger = LayersContentApprovalTrigger(["cnt_1", "cnt_2"], layers_conn_id="other", **given)
    watch = trigger._alone("cnt_2").watch()
    assert (watch.roll, watch.rows, watch.listed_since) == (approval_roll("prj_1"), ("2",), 600.0)
    assert (watch.deadline, watch.cadence.longest) == (5.0, 7.0)
    assert trigger._alone("cnt_2").layers_conn_id == "other"


def test_what_is_stored_of_it_makes_the_same_trigger():
    given = {
        "container_ids": ["cnt_1", "cnt_2"],
        "layers_conn_id": "other",
        "deadline": 1.0,
        "poll_interval": 2.0,
        "not_before": 3.0,
        "project_id": "prj_1",
        "created_at": MADE,
        "fail_on_reject": False,
    }
    path, stored = json.loads(json.dumps(LayersContentApprovalTrigger(**given).serialize()))
    assert path == "airflow_provider_layers.triggers.content.LayersContentApprovalTrigger"
    assert stored == given
    assert LayersContentApprovalTrigger(**stored).serialize() == (path, given)


def test_every_argument_has_a_default_so_that_waits_survive_an_upgrade():
    parameters = list(inspect.signature(LayersContentApprovalTrigger).parameters.values())
    assert [one.name for one in parameters if one.default is inspect.Parameter.empty] == []
    assert LayersContentApprovalTrigger().serialize()[1]["container_ids"] == []
