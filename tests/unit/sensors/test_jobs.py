"""Waiting for a job in a sensor."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, TaskDeferred

from airflow_provider_layers.exceptions import (
    LayersAuthenticationError,
    LayersJobCanceledError,
    LayersJobFailedError,
    LayersParameterError,
    LayersPermissionError,
)
from airflow_provider_layers.sensors.jobs import LayersJobSensor
from tests.unit.scripted import BASE_URL, NOW, error, ok
from tests.unit.tasks import connected, context

BOTH_WAYS = pytest.mark.parametrize("deferrable", [True, False], ids=["deferred", "worker"])
BUSY = error(429, retry_after="3600")


def job(status, **fields):
    return ok({"jobId": "job_1", "kind": "content_generate", "status": status, **fields})


COMPLETED = job("completed", containerIds=["cnt_1", "cnt_2"])


@pytest.fixture
def sense(script):
    """Run a sensor against these replies; return its result and its XComs, or raise."""

    def run(*replies, event=None, xcom=None, **fields):
        fields = {"job_id": "job_1", "deferrable": True} | fields
        task = connected(LayersJobSensor(task_id="task", **fields), script(*replies))
        running = context(task, xcom={} if xcom is None else xcom)
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
def test_a_completed_job_returns_and_pushes_its_containers(sense, deferrable):
    value, xcom = sense(COMPLETED, deferrable=deferrable, container_ids=["cnt_9"])
    assert value == ["cnt_1", "cnt_2"], "of the job, whatever the submission named"
    assert (xcom["container_id"], xcom["container_ids"]) == ("cnt_1", ["cnt_1", "cnt_2"])
    assert (xcom["job"]["job_id"], xcom["job"]["status"]) == ("job_1", "completed")
    assert xcom["layers"]["container_ids"] == ["cnt_1", "cnt_2"]


def test_a_completed_job_may_have_no_containers(sense):
    value, xcom = sense(job("completed"))
    assert (value, xcom["container_id"]) == ([], None)


@BOTH_WAYS
@pytest.mark.parametrize(
    ("reply", "kind", "text"),
    [
        (job("failed", error={"message": "No app."}), LayersJobFailedError, "failed: No app"),
        (job("canceled"), LayersJobCanceledError, "was canceled"),
        (error(401, "UNAUTHENTICATED"), LayersAuthenticationError, "401 UNAUTHENTICATED"),
        (error(403, "FORBIDDEN_SCOPE"), LayersPermissionError, "403 FORBIDDEN_SCOPE"),
    ],
    ids=["failed", "canceled", "401", "403"],
)
def test_a_job_that_did_not_complete_is_an_error(sense, reply, kind, text, deferrable):
    with pytest.raises(kind, match=text):
        sense(reply, deferrable=deferrable)


@BOTH_WAYS
@pytest.mark.parametrize(
    ("fields", "text"),
    [({"job_id": job_id}, "job_id = ") for job_id in ("", None, 7, ["job_1", ""])]
    + [({"container_ids": ids}, "container_id = ") for ids in (7, {"cnt_1": 1}, ["cnt_1", ""], [None])],
    ids=str,
)
def test_wrong_ids_are_refused_before_anything_is_sent(sense, fields, text, deferrable):
    with pytest.raises(LayersParameterError, match=text):
        sense(**fields, deferrable=deferrable)


def test_the_job_is_linked_before_the_first_poll(sense):
    url = f"{BASE_URL}/v1/jobs/job_1"
    ui_data = {"job_id": "job_1", "container_ids": ["cnt_1"], "scheduled_post_ids": []}
    xcom = {}
    with pytest.raises(LayersAuthenticationError):
        sense(error(401), container_ids="cnt_1", xcom=xcom)
    assert xcom == {
        "job_id": "job_1",
        "job_url": url,
        "_link_LayersJobLink": url,
        "layers": {"layers_conn_id": "layers_default", **ui_data},
    }


def test_a_deferral_carries_what_is_known_of_the_job(deferred, earliest):
    reply = job("running", projectId="prj_1", containerIds=["cnt_1"], startedAt="2026-04-18T12:00:00Z")
    fields = {"container_ids": ["cnt_9"], "project_id": "prj_9", "timeout": 600, "poke_interval": 4.0}
    _, arguments = deferred(reply, **fields).serialize()
    assert arguments == {
        "job_id": "job_1",
        "layers_conn_id": "layers_default",
        "deadline": NOW + 600,
        "poll_interval": 4.0,
        "not_before": earliest,
        "container_ids": ["cnt_1"],
        "cancel_on_kill": False,
        "project_id": "prj_1",
        "kind": "content_generate",
        "content_format": None,
        "started_at": "2026-04-18T12:00:00Z",
        "confirm": False,
    }


@pytest.mark.parametrize("container_ids", ["cnt_1", ["cnt_1"], [["cnt_1"]]])
@pytest.mark.parametrize("reply", [job("running"), BUSY], ids=["running", "429"])
def test_what_the_submission_named_is_used_where_the_job_names_nothing(deferred, reply, container_ids):
    trigger = deferred(reply, container_ids=container_ids, project_id="prj_1")
    assert (trigger.container_ids, trigger.project_id) == (["cnt_1"], "prj_1")


def test_a_job_of_which_nothing_is_known_is_waited_for_as_well(deferred):
    trigger = deferred(BUSY)
    assert (trigger.job_id, trigger.container_ids, trigger.project_id) == ("job_1", [], None)


def test_a_job_that_names_its_containers_only_later_still_times_out(sense):
    event = {"job_id": "job_1", "container_ids": [], "status": "timeout", "reason": "Why.", "deadline": 0.0}
    with pytest.raises(AirflowSensorTimeout):
        sense(job("running", containerIds=["cnt_1"]), event=event)


def test_an_event_of_another_job_does_not_hide_the_end_of_this_one(sense, deferred):
    event = {
        "job_id": "job_2",
        "container_ids": ["cnt_9"],
        "status": "timeout",
        "reason": "",
        "deadline": 0.0,
    }
    assert sense(COMPLETED, event=event)[0] == ["cnt_1", "cnt_2"]
    assert deferred(job("running"), event=event).job_id == "job_1"


def test_a_sensor_never_cancels(script):
    task = connected(LayersJobSensor(task_id="task", job_id="job_1", deferrable=True), script(job("running")))
    with pytest.raises(TaskDeferred):
        task.execute(context(task))
    task.on_kill()
    assert task.trigger(deadline=0.0, not_before=0.0).cancel_on_kill is False


def test_templates_are_rendered_before_any_check():
    fields = {"container_ids": ["{{ params.container }}"], "project_id": "{{ params.project }}"}
    task = LayersJobSensor(
        task_id="task", job_id="{{ params.job }}", layers_conn_id="{{ params.conn }}", **fields
    )
    params = {"job": "job_1", "conn": "layers_acme", "container": "cnt_1", "project": "prj_1"}
    task.render_template_fields({"params": params})
    assert (task.job_id, task.layers_hook.layers_conn_id) == ("job_1", "layers_acme")
    assert (task.container_ids, task.project_id) == (["cnt_1"], "prj_1")
