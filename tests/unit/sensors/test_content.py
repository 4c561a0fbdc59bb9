"""Waiting for decisions on content, in a sensor."""

from __future__ import annotations

import time

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)

from airflow_provider_layers.exceptions import (
    LayersContentError,
    LayersReviewRejectedError,
    LayersTransportError,
)
from airflow_provider_layers.hooks.view import VIEW
from airflow_provider_layers.sensors.content import LayersContentApprovalSensor
from tests.unit.serving import Reply
from tests.unit.tasks import FOREIGN, context

MADE = "2026-04-18T12:00:00.000Z"
BUSY = Reply({}, 429, {"Retry-After": "3600"})
EACH_WAY = pytest.mark.parametrize("deferrable", [True, False])


def content(approval, status="completed", **fields):
    return Reply({"id": "cnt_1", "approvalStatus": approval, "status": status, **fields})


def sensor(container_id="cnt_1", **fields):
    return LayersContentApprovalSensor(
        task_id="task", container_id=container_id, **({"poke_interval": 0.01} | fields)
    )


def run(container_id="cnt_1", **fields):
    waiting = sensor(container_id, **fields)
    given = context(waiting)
    return waiting.execute(given), given["ti"].xcom


def resume(status, container_id="cnt_1", *, told=None, **fields):
    waiting = sensor(container_id, **fields)
    ids = [container_id] if isinstance(container_id, str) else container_id
    event = {"container_ids": ids, "status": status, "reason": "Why.", "deadline": 7.0} | (told or {})
    return waiting.execute_complete(context(waiting), event)


@pytest.fixture
def answers(connect, server):
    """Set what the API answers."""
    connect(host=server.url)

    def give(*replies):
        server.replies = list(replies)
        return server

    return give


@EACH_WAY
@pytest.mark.parametrize("approval", ["approved", "not_required"])
def test_one_id_of_approved_content_is_given_back(answers, approval, deferrable):
    server = answers(content(approval))
    value, xcom = run(deferrable=deferrable)
    assert value == "cnt_1"
    assert xcom["approvals"] == {"cnt_1": approval}
    assert [(one.method, one.path) for one in server.received] == [("GET", "/v1/content/cnt_1")]


@EACH_WAY
def test_of_a_list_a_list_is_given_back(answers, deferrable):
    server = answers(content("approved"), content("not_required"), content("approved"))
    value, xcom = run([["cnt_1"], ["cnt_2", "cnt_3"], "cnt_2"], deferrable=deferrable)
    assert value == ["cnt_1", "cnt_2", "cnt_3"]
    assert xcom["approvals"] == {"cnt_1": "approved", "cnt_2": "not_required", "cnt_3": "approved"}
    assert [one.path for one in server.received] == [f"/v1/content/cnt_{number}" for number in (1, 2, 3)]


def test_a_list_of_one_stays_a_list(answers):
    answers(content("approved"))
    assert run(["cnt_1"])[0] == ["cnt_1"]


@EACH_WAY
def test_no_content_is_nothing_to_wait_for(answers, deferrable):
    server = answers(content("pending"))
    value, xcom = run([], deferrable=deferrable)
    assert (value, xcom["approvals"], server.received) == ([], {}, [])


def test_a_worker_waits_until_all_are_decided(answers):
    pending, approved = content("pending"), content("approved")
    server = answers(pending, pending, approved, pending, BUSY, approved, approved)
    value, xcom = run(["cnt_1", "cnt_2"], deferrable=False)
    assert value == ["cnt_1", "cnt_2"]
    assert len(server.received) == 7
    assert set(xcom["approvals"].values()) == {"approved"}


@EACH_WAY
@pytest.mark.parametrize(
    ("reply", "kind", "text"),
    [
        (content("rejected"), LayersReviewRejectedError, "Rejected in Layers: content cnt_1"),
        (content("rejected", "canceled"), LayersReviewRejectedError, "Rejected in Layers: content cnt_1"),
        (content("pending", "failed", lastError={"code": "X"}), LayersContentError, "cnt_1 failed .*: X"),
        (content("pending", "canceled"), LayersContentError, "cnt_1 was canceled before anybody decided"),
        (Reply({"error": {"code": "NOT_FOUND"}}, 404), None, "404 NOT_FOUND"),
        (Reply({"error": {"code": "FORBIDDEN_SCOPE"}}, 403), None, "403 FORBIDDEN_SCOPE"),
    ],
)
def test_what_waiting_does_not_mend_stops_the_retries(answers, reply, kind, text, deferrable):
    answers(reply)
    with pytest.raises(AirflowFailException, match=text) as caught:
        run(deferrable=deferrable)
    assert kind is None or type(caught.value.__cause__) is kind
    with pytest.raises(AirflowSkipException):
        run(deferrable=deferrable, soft_fail=True)


@EACH_WAY
def test_one_rejection_fails_it_while_others_are_pending(answers, deferrable):
    answers(content("pending"), content("rejected"))
    waiting = sensor(["cnt_1", "cnt_2"], deferrable=deferrable)
    given = context(waiting)
    with pytest.raises(AirflowFailException, match=r"content cnt_2\.$"):
        waiting.execute(given)
    assert given["ti"].xcom["approvals"] == {"cnt_1": "pending", "cnt_2": "rejected"}


@EACH_WAY
def test_a_rejection_is_left_out_where_that_was_said(answers, deferrable):
    answers(content("approved"), content("rejected"))
    value, xcom = run(["cnt_1", "cnt_2"], fail_on_reject=False, deferrable=deferrable)
    assert value == ["cnt_1"]
    assert xcom["approvals"] == {"cnt_1": "approved", "cnt_2": "rejected"}


@pytest.mark.parametrize("container_id", ["cnt_1", ["cnt_1"]])
def test_where_all_are_rejected_nothing_is_left(answers, container_id):
    answers(content("rejected"))
    assert run(container_id, fail_on_reject=False)[0] == []


def test_without_it_a_rejection_leaves_the_others_to_wait_for(answers):
    answers(content("rejected"), content("pending"))
    with pytest.raises(TaskDeferred) as caught:
        run(["cnt_1", "cnt_2"], fail_on_reject=False, deferrable=True)
    assert caught.value.trigger.fail_on_reject is False


@EACH_WAY
def test_lost_content_fails_it_even_then(answers, deferrable):
    answers(content("pending", "failed"))
    with pytest.raises(AirflowFailException, match="cnt_1 failed"):
        run(fail_on_reject=False, deferrable=deferrable)


@EACH_WAY
@pytest.mark.parametrize("container_id", ["", None, 5, ["cnt_1", ""], [None]])
def test_a_wrong_id_stops_the_retries_before_anything_is_sent(answers, container_id, deferrable):
    server = answers(content("approved"))
    with pytest.raises(AirflowFailException, match="container_id = "):
        run(container_id, deferrable=deferrable)
    with pytest.raises(AirflowSkipException):
        run(container_id, deferrable=deferrable, soft_fail=True)
    assert server.received == []


@EACH_WAY
def test_it_shows_what_it_is_about_before_the_first_look(answers, deferrable):
    answers(Reply({"error": {"code": "UNAUTHENTICATED"}}, 401))
    waiting = sensor(["cnt_1", ["cnt_2"]], deferrable=deferrable)
    given = context(waiting)
    with pytest.raises(AirflowFailException):
        waiting.execute(given)
    shown = {"job_id": None, "container_ids": ["cnt_1", "cnt_2"], "scheduled_post_ids": []}
    assert given["ti"].xcom == {VIEW: {"layers_conn_id": "layers_default", **shown}}


def test_a_deferral_takes_ids_and_moments_along(answers):
    told = {"projectId": "prj_1", "createdAt": MADE}
    answers(content("approved", **told), content("pending", **told))
    before = time.time()
    with pytest.raises(TaskDeferred) as caught:
        run(["cnt_1", "cnt_2"], deferrable=True, timeout=600, poke_interval=4.0)
    _, arguments = caught.value.trigger.serialize()
    assert before + 600 <= arguments.pop("deadline") <= time.time() + 600
    assert arguments.pop("not_before") <= time.time() + 10
    assert arguments == {
        "container_ids": ["cnt_1", "cnt_2"],
        "layers_conn_id": "layers_default",
        "poll_interval": 4.0,
        "project_id": "prj_1",
        "created_at": MADE,
        "fail_on_reject": True,
    }
    assert caught.value.method_name == "execute_complete"


def test_a_project_that_content_does_not_tell_is_the_one_that_was_given(answers):
    answers(content("pending", createdAt=MADE))
    with pytest.raises(TaskDeferred) as caught:
        run(deferrable=True, project_id="prj_9")
    assert (caught.value.trigger.project_id, caught.value.trigger.created_at) == ("prj_9", MADE)


def test_content_that_could_not_be_seen_is_waited_for_all_the_same(answers):
    answers(BUSY)
    with pytest.raises(TaskDeferred) as caught:
        run(deferrable=True, project_id="prj_9")
    assert (caught.value.trigger.container_ids, caught.value.trigger.created_at) == (["cnt_1"], None)


@pytest.mark.parametrize("status", ["approved", "rejected", "timeout", "error"])
def test_whatever_the_event_says_the_content_itself_decides(answers, status):
    answers(content("approved"))
    assert resume(status) == "cnt_1"


def test_a_rejection_meanwhile_fails_it(answers):
    answers(content("rejected"))
    with pytest.raises(AirflowFailException, match="Rejected in Layers: content cnt_1"):
        resume("approved")


def test_content_that_has_to_be_approved_again_is_waited_for_until_the_same_deadline(answers):
    answers(content("pending", "processing"))
    with pytest.raises(TaskDeferred) as caught:
        resume("approved")
    assert caught.value.trigger.deadline == 7.0


def test_a_deadline_is_the_timeout_of_a_sensor(answers):
    answers(content("pending"))
    with pytest.raises(AirflowSensorTimeout, match="Why"):
        resume("timeout")
    with pytest.raises(AirflowSkipException):
        resume("timeout", soft_fail=True)


def test_a_wait_that_broke_can_be_retried(answers):
    answers(content("pending"))
    with pytest.raises(LayersTransportError, match="A decision on content cnt_1, cnt_2 could not be watched"):
        resume("error", ["cnt_1", "cnt_2"])


@pytest.mark.parametrize("told", [{"container_ids": ["cnt_2"]}, {"container_ids": ["cnt_1", "cnt_2"]}])
@pytest.mark.parametrize("status", ["approved", "timeout", "error"])
def test_the_event_of_other_content_ends_nothing(answers, status, told):
    answers(content("pending"))
    with pytest.raises(TaskDeferred) as caught:
        resume(status, told=told)
    assert caught.value.trigger.container_ids == ["cnt_1"]


@pytest.mark.parametrize("foreign", FOREIGN)
def test_the_event_of_any_other_trigger_ends_nothing(answers, foreign):
    answers(content("pending"))
    waiting = sensor()
    with pytest.raises(TaskDeferred):
        waiting.execute_complete(context(waiting), foreign)


def test_templates_are_rendered_before_any_check():
    waiting = sensor(["{{ params.one }}", "{{ params.two }}"], project_id="{{ params.project }}")
    waiting.render_template_fields({"params": {"one": "cnt_1", "two": "cnt_2", "project": "prj_1"}})
    assert (waiting._container_ids, waiting.project_id) == (["cnt_1", "cnt_2"], "prj_1")
