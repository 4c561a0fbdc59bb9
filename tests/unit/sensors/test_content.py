"""Waiting for decisions on content, in a sensor."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, TaskDeferred

from airflow_provider_layers.exceptions import (
    LayersAuthenticationError,
    LayersContentError,
    LayersNotFoundError,
    LayersParameterError,
    LayersPermissionError,
    LayersReviewRejectedError,
    LayersTransportError,
)
from airflow_provider_layers.sensors.content import LayersContentApprovalSensor
from tests.unit.scripted import NOW, error, ok
from tests.unit.tasks import connected, context

CREATED = "2026-04-18T12:00:00.000Z"
BUSY = error(429, retry_after="3600")
BOTH_WAYS = pytest.mark.parametrize("deferrable", [True, False], ids=["deferred", "worker"])


def content(approval_status, status="completed", **fields):
    return ok({"id": "cnt_1", "approvalStatus": approval_status, "status": status, **fields})


PENDING, APPROVED, REJECTED = content("pending"), content("approved"), content("rejected")


@pytest.fixture
def sense(script):
    """Run a sensor against these replies; return its result and its XComs, or raise."""

    def run(*replies, ids="cnt_1", status=None, event=None, xcom=None, **fields):
        fields = {"poke_interval": 0.01, "deferrable": True} | fields
        task = connected(
            LayersContentApprovalSensor(task_id="task", container_id=ids, **fields), script(*replies)
        )
        running = context(task, xcom={} if xcom is None else xcom)
        if status is not None:
            named = [ids] if isinstance(ids, str) else ids
            event = {"container_ids": named, "status": status, "reason": "Why.", "deadline": 7.0}
        value = task.execute(running) if event is None else task.execute_complete(running, event)
        return value, running["ti"].xcom

    return run


@pytest.fixture
def deferred(sense):
    """Return the trigger of a sensor that defers."""

    def run(*replies, **fields):
        with pytest.raises(TaskDeferred) as caught:
            sense(*replies, **fields)
        return caught.value.trigger

    return run


@BOTH_WAYS
@pytest.mark.parametrize("approval_status", ["approved", "not_required"])
def test_one_id_of_approved_content_is_returned(sense, approval_status, deferrable):
    value, xcom = sense(content(approval_status), deferrable=deferrable)
    assert (value, xcom["approvals"]) == ("cnt_1", {"cnt_1": approval_status})


@BOTH_WAYS
def test_of_a_list_a_list_is_returned(sense, deferrable):
    replies = [APPROVED, content("not_required"), APPROVED]
    value, xcom = sense(*replies, ids=[["cnt_1"], ["cnt_2", "cnt_3"], "cnt_2"], deferrable=deferrable)
    assert value == ["cnt_1", "cnt_2", "cnt_3"]
    assert xcom["approvals"] == {"cnt_1": "approved", "cnt_2": "not_required", "cnt_3": "approved"}
    assert sense(APPROVED, ids=["cnt_1"], deferrable=deferrable)[0] == ["cnt_1"]
    assert sense(ids=[], deferrable=deferrable)[0] == []


def test_a_worker_waits_until_all_are_decided(sense):
    replies = [PENDING, PENDING, APPROVED, PENDING, BUSY, APPROVED, APPROVED]
    value, xcom = sense(*replies, ids=["cnt_1", "cnt_2"], deferrable=False)
    assert value == ["cnt_1", "cnt_2"]
    assert set(xcom["approvals"].values()) == {"approved"}


@BOTH_WAYS
@pytest.mark.parametrize(
    ("reply", "kind", "text"),
    [
        (REJECTED, LayersReviewRejectedError, "Rejected in Layers: content cnt_1"),
        (content("rejected", "canceled"), LayersReviewRejectedError, "Rejected in Layers: content cnt_1"),
        (content("pending", "failed", lastError={"code": "X"}), LayersContentError, "cnt_1 failed .*: X"),
        (content("pending", "canceled"), LayersContentError, "cnt_1 was canceled before"),
        (error(404, "NOT_FOUND"), LayersNotFoundError, "404 NOT_FOUND"),
        (error(403, "FORBIDDEN_SCOPE"), LayersPermissionError, "403 FORBIDDEN_SCOPE"),
    ],
)
def test_what_cannot_be_approved_any_more_is_an_error(sense, reply, kind, text, deferrable):
    with pytest.raises(kind, match=text):
        sense(reply, deferrable=deferrable)


@BOTH_WAYS
def test_one_rejection_fails_it_while_others_are_pending(sense, deferrable):
    xcom = {}
    with pytest.raises(LayersReviewRejectedError, match=r"content cnt_2\.$"):
        sense(PENDING, REJECTED, ids=["cnt_1", "cnt_2"], deferrable=deferrable, xcom=xcom)
    assert xcom["approvals"] == {"cnt_1": "pending", "cnt_2": "rejected"}


@BOTH_WAYS
def test_rejected_content_is_left_out_if_it_fails_nothing(sense, deferrable):
    tolerant = {"fail_on_reject": False, "deferrable": deferrable}
    value, xcom = sense(APPROVED, REJECTED, ids=["cnt_1", "cnt_2"], **tolerant)
    assert (value, xcom["approvals"]) == (["cnt_1"], {"cnt_1": "approved", "cnt_2": "rejected"})
    assert sense(REJECTED, ids="cnt_1", **tolerant)[0] == []
    assert sense(REJECTED, ids=["cnt_1"], **tolerant)[0] == []
    with pytest.raises(LayersContentError, match="cnt_1 failed"):
        sense(content("pending", "failed"), **tolerant)


def test_then_the_others_are_waited_for(deferred):
    assert deferred(REJECTED, PENDING, ids=["cnt_1", "cnt_2"], fail_on_reject=False).fail_on_reject is False


@BOTH_WAYS
@pytest.mark.parametrize("container_id", ["", None, 5, ["cnt_1", ""], [None]])
def test_a_wrong_id_is_refused_before_anything_is_sent(sense, container_id, deferrable):
    with pytest.raises(LayersParameterError, match="container_id = "):
        sense(ids=container_id, deferrable=deferrable)


def test_the_content_is_published_before_the_first_poll(sense):
    xcom = {}
    with pytest.raises(LayersAuthenticationError):
        sense(error(401), ids=["cnt_1", ["cnt_2"]], xcom=xcom)
    ui_data = {"job_id": None, "container_ids": ["cnt_1", "cnt_2"], "scheduled_post_ids": []}
    assert xcom == {"layers": {"layers_conn_id": "layers_default", **ui_data}}


def test_a_deferral_carries_what_is_known_of_the_content(deferred, earliest):
    known = {"projectId": "prj_1", "createdAt": CREATED}
    trigger = deferred(
        content("approved", **known),
        content("pending", **known),
        ids=["cnt_1", "cnt_2"],
        project_id="prj_9",
        timeout=600,
        poke_interval=4.0,
    )
    assert trigger.serialize()[1] == {
        "container_ids": ["cnt_1", "cnt_2"],
        "layers_conn_id": "layers_default",
        "deadline": NOW + 600,
        "poll_interval": 4.0,
        "not_before": earliest,
        "project_id": "prj_1",
        "created_at": CREATED,
        "fail_on_reject": True,
    }


def test_the_given_project_is_used_where_the_content_names_none(deferred):
    trigger = deferred(content("pending", createdAt=CREATED), project_id="prj_9")
    assert (trigger.project_id, trigger.created_at) == ("prj_9", CREATED)
    unread = deferred(BUSY, project_id="prj_9")
    assert (unread.container_ids, unread.project_id, unread.created_at) == (["cnt_1"], "prj_9", None)


@pytest.mark.parametrize("status", ["approved", "rejected", "timeout", "error"])
def test_on_resumption_the_content_decides_and_not_the_event(sense, status):
    assert sense(APPROVED, status=status)[0] == "cnt_1"
    with pytest.raises(LayersReviewRejectedError):
        sense(REJECTED, status=status)


def test_content_that_has_to_be_approved_again_is_waited_for_until_the_same_deadline(deferred):
    assert deferred(content("pending", "processing"), status="approved").deadline == 7.0


def test_a_wait_without_a_decision_is_an_error(sense):
    with pytest.raises(AirflowSensorTimeout, match="Why"):
        sense(PENDING, status="timeout")
    with pytest.raises(LayersTransportError, match="A decision on content cnt_1, cnt_2 could not be polled"):
        sense(PENDING, PENDING, ids=["cnt_1", "cnt_2"], status="error")


@pytest.mark.parametrize("container_ids", [["cnt_2"], ["cnt_1", "cnt_2"]])
def test_an_event_of_other_content_is_ignored(deferred, container_ids):
    event = {"container_ids": container_ids, "status": "timeout", "reason": "Why.", "deadline": 7.0}
    assert deferred(PENDING, event=event).container_ids == ["cnt_1"]


def test_templates_are_rendered_before_any_check():
    ids = ["{{ params.one }}", "{{ params.two }}"]
    task = LayersContentApprovalSensor(task_id="task", container_id=ids, project_id="{{ params.project }}")
    task.render_template_fields({"params": {"one": "cnt_1", "two": "cnt_2", "project": "prj_1"}})
    assert (task.container_id, task.project_id) == (["cnt_1", "cnt_2"], "prj_1")
