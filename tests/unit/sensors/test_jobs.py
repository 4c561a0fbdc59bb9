"""Waiting for a job in a sensor."""

from __future__ import annotations

import time

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    TaskDeferred,
)

from airflow_provider_layers.exceptions import LayersTransportError
from airflow_provider_layers.hooks.view import VIEW
from airflow_provider_layers.sensors.jobs import LayersJobSensor
from tests.unit.serving import Reply
from tests.unit.tasks import FOREIGN, context


def job(status, **fields):
    return Reply({"jobId": "job_1", "kind": "content_generate", "status": status, **fields})


COMPLETED = job("completed", containerIds=["cnt_1", "cnt_2"])


def sensor(**fields):
    return LayersJobSensor(task_id="task", **({"job_id": "job_1"} | fields))


@pytest.fixture
def answers(connect, server):
    """Set what the API answers."""
    connect(host=server.url)

    def give(*replies):
        server.replies = list(replies)
        return server

    return give


def test_an_end_ends_the_poking_with_the_containers(answers):
    answers(COMPLETED)
    given = context(sensor())
    seen = sensor().poke(given)
    assert (seen.is_done, seen.xcom_value) == (True, ["cnt_1", "cnt_2"])
    assert given["ti"].xcom["container_id"] == "cnt_1"
    assert given["ti"].xcom["container_ids"] == ["cnt_1", "cnt_2"]
    assert given["ti"].xcom["job"]["job_id"] == "job_1"


def test_a_job_without_containers_ends_it_with_none(answers):
    answers(job("completed"))
    given = context(sensor())
    assert sensor().poke(given).xcom_value == []
    assert given["ti"].xcom["container_id"] is None


@pytest.mark.parametrize("reply", [job("running"), Reply({"error": {}}, 429, {"Retry-After": "3600"})])
def test_a_running_job_and_a_failure_that_passes_go_on(answers, reply):
    answers(reply)
    assert sensor().poke(context(sensor())).is_done is False


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (job("failed", error={"message": "No app."}), "failed: No app"),
        (job("canceled"), "was canceled"),
        (Reply({"error": {"code": "UNAUTHENTICATED"}}, 401), "401 UNAUTHENTICATED"),
        (Reply({"error": {"code": "FORBIDDEN_SCOPE"}}, 403), "403 FORBIDDEN_SCOPE"),
    ],
)
@pytest.mark.parametrize("deferrable", [True, False])
def test_what_waiting_does_not_mend_stops_the_retries(answers, reply, text, deferrable):
    answers(reply)
    with pytest.raises(AirflowFailException, match=text):
        sensor(deferrable=deferrable).execute(context(sensor()))


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize("job_id", ["", None, ["job_1"]])
def test_a_wrong_job_id_stops_the_retries_before_anything_is_sent(answers, deferrable, job_id):
    server = answers(COMPLETED)
    with pytest.raises(AirflowFailException, match="job_id = "):
        sensor(job_id=job_id, deferrable=deferrable).execute(context(sensor()))
    assert server.received == []


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_job_that_is_over_is_not_waited_for(answers, deferrable):
    answers(COMPLETED)
    given = context(sensor())
    assert sensor(deferrable=deferrable).execute(given) == ["cnt_1", "cnt_2"]


def test_the_job_is_linked_before_the_wait(answers):
    server = answers(job("running"))
    given = context(sensor())
    with pytest.raises(TaskDeferred):
        sensor(deferrable=True).execute(given)
    url = f"{server.url}/v1/jobs/job_1"
    shown = {"job_id": "job_1", "container_ids": [], "scheduled_post_ids": []}
    assert given["ti"].xcom == {
        "job_id": "job_1",
        "job_url": url,
        "_link_LayersJobLink": url,
        VIEW: {"layers_conn_id": "layers_default", **shown},
    }


def test_a_deferral_takes_ids_and_moments_along(answers):
    answers(job("running", projectId="prj_1", containerIds=["cnt_1"], startedAt="2026-04-18T12:00:00Z"))
    waiting = sensor(deferrable=True, timeout=600, poke_interval=4.0)
    before = time.time()
    with pytest.raises(TaskDeferred) as caught:
        waiting.execute(context(waiting))
    _, arguments = caught.value.trigger.serialize()
    assert before + 600 <= arguments.pop("deadline") <= time.time() + 600
    assert arguments.pop("not_before") <= time.time() + 10
    assert arguments == {
        "job_id": "job_1",
        "layers_conn_id": "layers_default",
        "poll_interval": 4.0,
        "container_ids": ["cnt_1"],
        "cancel_on_kill": False,
        "project_id": "prj_1",
        "kind": "content_generate",
        "content_format": None,
        "started_at": "2026-04-18T12:00:00Z",
    }
    assert caught.value.method_name == "execute_complete"
    assert caught.value.timeout is None


def test_a_job_that_could_not_be_seen_is_waited_for_all_the_same(answers):
    answers(Reply({}, 429, {"Retry-After": "3600"}))
    waiting = sensor(deferrable=True)
    with pytest.raises(TaskDeferred) as caught:
        waiting.execute(context(waiting))
    assert (caught.value.trigger.container_ids, caught.value.trigger.project_id) == ([], None)


def deferred(**fields):
    waiting = sensor(deferrable=True, **fields)
    with pytest.raises(TaskDeferred) as caught:
        waiting.execute(context(waiting))
    return caught.value.trigger


@pytest.mark.parametrize("given", ["cnt_1", ["cnt_1"], [["cnt_1"]]])
@pytest.mark.parametrize("reply", [job("running"), Reply({}, 429, {"Retry-After": "3600"})])
def test_what_the_submission_told_serves_where_the_job_tells_nothing(answers, reply, given):
    answers(reply)
    trigger = deferred(container_ids=given, project_id="prj_1")
    assert (trigger.container_ids, trigger.project_id) == (["cnt_1"], "prj_1")


def test_what_the_job_tells_wins(answers):
    answers(job("running", projectId="prj_1", containerIds=["cnt_1"]))
    trigger = deferred(container_ids=["cnt_9"], project_id="prj_9")
    assert (trigger.container_ids, trigger.project_id) == (["cnt_1"], "prj_1")


def test_the_containers_that_are_returned_are_those_of_the_job(answers):
    answers(COMPLETED)
    assert sensor(container_ids=["cnt_9"]).execute(context(sensor())) == ["cnt_1", "cnt_2"]


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize("container_ids", [7, {"cnt_1": 1}, ["cnt_1", ""], [None]])
def test_wrong_containers_stop_the_retries_before_anything_is_sent(answers, deferrable, container_ids):
    server = answers(COMPLETED)
    waiting = sensor(container_ids=container_ids, deferrable=deferrable)
    with pytest.raises(AirflowFailException, match="container_id = "):
        waiting.execute(context(waiting))
    assert server.received == []


def event(status, **fields):
    return {"job_id": "job_1", "container_ids": [], "status": status, "reason": "", "deadline": 0.0} | fields


@pytest.mark.parametrize("status", ["completed", "timeout", "error"])
def test_whatever_the_event_says_the_job_itself_decides(answers, status):
    answers(COMPLETED)
    given = context(sensor())
    assert sensor().execute_complete(given, event(status)) == ["cnt_1", "cnt_2"]
    assert given["ti"].xcom["job"]["status"] == "completed"


def test_a_deadline_is_the_timeout_of_a_sensor(answers):
    answers(job("running"))
    reason = "Layers job job_1 was still running at the deadline."
    with pytest.raises(AirflowSensorTimeout, match=f"^{reason}$"):
        sensor().execute_complete(context(sensor()), event("timeout", reason=reason))


def test_a_job_that_names_its_containers_only_later_still_times_out(answers):
    answers(job("running", containerIds=["cnt_1"]))
    with pytest.raises(AirflowSensorTimeout):
        sensor().execute_complete(context(sensor()), event("timeout", container_ids=[]))


def test_a_wait_that_broke_can_be_retried(answers):
    answers(job("running"))
    with pytest.raises(LayersTransportError, match="job_1 could not be watched: No connection"):
        sensor().execute_complete(context(sensor()), event("error", reason="No connection."))


@pytest.mark.parametrize("status", ["completed", "timeout", "error"])
def test_the_event_of_another_job_ends_nothing(answers, status):
    server = answers(job("running"))
    waiting = sensor(timeout=600)
    before = time.time()
    with pytest.raises(TaskDeferred) as caught:
        waiting.execute_complete(context(waiting), event(status, job_id="job_2", container_ids=["cnt_9"]))
    assert caught.value.trigger.job_id == "job_1"
    assert caught.value.trigger.deadline >= before + 600
    assert {one.path for one in server.received} == {"/v1/jobs/job_1"}


@pytest.mark.parametrize("foreign", FOREIGN)
def test_the_event_of_any_other_trigger_ends_nothing(answers, foreign):
    answers(job("running"))
    waiting = sensor()
    with pytest.raises(TaskDeferred) as caught:
        waiting.execute_complete(context(waiting), foreign)
    assert caught.value.trigger.job_id == "job_1"


def test_the_event_of_another_job_does_not_hide_the_end_of_this_one(answers):
    answers(COMPLETED)
    foreign = event("completed", job_id="job_2", container_ids=["cnt_9"])
    assert sensor().execute_complete(context(sensor()), foreign) == ["cnt_1", "cnt_2"]


def test_a_sensor_never_cancels(answers):
    server = answers(job("running"))
    waiting = sensor(deferrable=True)
    with pytest.raises(TaskDeferred):
        waiting.execute(context(waiting))
    waiting.on_kill()
    assert [one.method for one in server.received] == ["GET"]


def test_templates_are_rendered_before_any_check():
    known = {"container_ids": ["{{ params.container }}"], "project_id": "{{ params.project }}"}
    waiting = sensor(job_id="{{ params.job }}", layers_conn_id="{{ params.conn }}", **known)
    params = {"job": "job_1", "conn": "layers_acme", "container": "cnt_1", "project": "prj_1"}
    waiting.render_template_fields({"params": params})
    assert (waiting.job_id, waiting.layers_hook.layers_conn_id) == ("job_1", "layers_acme")
    assert (waiting.container_ids, waiting.project_id) == (["cnt_1"], "prj_1")
