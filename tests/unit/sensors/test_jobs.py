"""Waiting for a job in a sensor."""

from __future__ import annotations

import time

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)

from airflow_provider_layers.exceptions import LayersTransportError
from airflow_provider_layers.sensors.jobs import LayersJobSensor
from tests.unit.serving import Reply
from tests.unit.tasks import context


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
@pytest.mark.parametrize("soft", ["soft_fail", "never_fail"])
def test_a_failed_job_skips_where_that_was_asked_for(answers, deferrable, soft):
    answers(job("failed"))
    with pytest.raises(AirflowSkipException):
        sensor(deferrable=deferrable, **{soft: True}).execute(context(sensor()))


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize("job_id", ["", None, ["job_1"]])
def test_a_wrong_job_id_stops_the_retries_before_anything_is_sent(answers, deferrable, job_id):
    server = answers(COMPLETED)
    with pytest.raises(AirflowFailException, match="job_id = "):
        sensor(job_id=job_id, deferrable=deferrable).execute(context(sensor()))
    assert server.received == []


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_connection_that_cannot_be_used_stops_the_retries(connect, deferrable):
    connect(password="")
    with pytest.raises(AirflowFailException, match="password field"):
        sensor(deferrable=deferrable).execute(context(sensor()))


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
    assert given["ti"].xcom == {"job_id": "job_1", "job_url": url, "_link_LayersJobLink": url}


def test_a_deferral_takes_ids_and_moments_along(answers):
    answers(job("running"))
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
        "container_ids": [],
        "cancel_on_kill": False,
    }
    assert caught.value.method_name == "execute_complete"
    assert caught.value.timeout is None


@pytest.mark.parametrize("status", ["completed", "timeout", "error"])
def test_whatever_the_event_says_the_job_itself_decides(answers, status):
    answers(COMPLETED)
    event = {"job_id": "job_1", "status": status, "reason": ""}
    assert sensor().execute_complete(context(sensor()), event) == ["cnt_1", "cnt_2"]


def test_a_deadline_is_the_timeout_of_a_sensor(answers):
    answers(job("running"))
    event = {"job_id": "job_1", "status": "timeout", "reason": "was still running."}
    with pytest.raises(AirflowSensorTimeout, match="Layers job job_1 was still running"):
        sensor().execute_complete(context(sensor()), event)


def test_a_wait_that_broke_can_be_retried(answers):
    answers(job("running"))
    event = {"job_id": "job_1", "status": "error", "reason": "No connection."}
    with pytest.raises(LayersTransportError, match="could not be watched: No connection"):
        sensor().execute_complete(context(sensor()), event)


def test_a_sensor_never_cancels(answers):
    server = answers(job("running"))
    waiting = sensor(deferrable=True)
    with pytest.raises(TaskDeferred):
        waiting.execute(context(waiting))
    waiting.on_kill()
    assert [one.method for one in server.received] == ["GET"]


def test_templates_are_rendered_before_any_check():
    waiting = sensor(job_id="{{ params.job }}", layers_conn_id="{{ params.conn }}")
    waiting.render_template_fields({"params": {"job": "job_1", "conn": "layers_acme"}})
    assert (waiting.job_id, waiting.layers_hook.layers_conn_id) == ("job_1", "layers_acme")
