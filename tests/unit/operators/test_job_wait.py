"""Waiting for the job of a task: what goes along, what is made of the event, what the log says."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred
from airflow.triggers.base import BaseTrigger

from airflow_provider_layers.api.jobs import Job
from airflow_provider_layers.exceptions import LayersTransportError
from airflow_provider_layers.operators.content import (
    LayersGenerateContentOperator,
    LayersRegenerateContentOperator,
)
from tests.unit.serving import Reply
from tests.unit.tasks import FOREIGN, context

JOB = Job("job_1", "content_regenerate", "running", started_at="2026-04-18T12:00:00.000Z")


def job(status, **fields):
    return Reply({"jobId": "job_1", "kind": "content_regenerate", "status": status, **fields})


def event(status="completed", **fields):
    return {"job_id": "job_1", "status": status, "reason": "Why.", "container_ids": ["cnt_1"]} | fields


@pytest.fixture
def operator():
    return LayersRegenerateContentOperator(task_id="task", container_id="cnt_1", deferrable=True)


@pytest.fixture
def given(operator):
    """The context of a task that has started its job."""
    made = context(operator)
    made["ti"].xcom |= {"job_id": "job_1", "container_ids": ["cnt_1"]}
    return made


@pytest.fixture
def answers(connect, server):
    """Set what the API answers."""
    connect(host=server.url)

    def give(*replies):
        server.replies = list(replies)
        return server

    return give


def deferral(work, *arguments):
    with pytest.raises(TaskDeferred) as caught:
        work(*arguments)
    return caught.value.trigger


@pytest.mark.parametrize("status", ["completed", "error", "timeout"])
def test_whatever_the_event_says_the_job_itself_decides(operator, given, answers, status):
    answers(job("completed"))
    assert operator.execute_complete(given, event(status)) == ["cnt_1"]
    assert given["ti"].xcom["job"]["status"] == "completed"


def test_a_timeout_stops_the_retries(operator, given, answers):
    answers(job("running"))
    reason = "Layers job job_1 was still running."
    with pytest.raises(AirflowFailException, match=f"^{reason}$"):
        operator.execute_complete(given, event("timeout", reason=reason))


def test_a_wait_that_broke_can_be_retried(operator, given, answers):
    answers(job("running"))
    with pytest.raises(LayersTransportError, match=r"job_1 is running, and could not be watched: Why\."):
        operator.execute_complete(given, event("error"))


@pytest.mark.parametrize("status", ["completed", "failed", "timeout", "error"])
def test_the_event_of_another_job_ends_nothing(operator, given, answers, status):
    server = answers(job("running", startedAt="2026-04-18T12:00:00.000Z", projectId="prj_1"))
    operator.completion_timeout = 60
    foreign = event(status, job_id="job_2", container_ids=["cnt_2"])
    trigger = deferral(operator.execute_complete, given, foreign)
    assert (trigger.job_id, trigger.container_ids, trigger.project_id) == ("job_1", ["cnt_1"], "prj_1")
    assert trigger.deadline == 1776513660.0, "still counted from the submission"
    assert {one.path for one in server.received} == {"/v1/jobs/job_1"}


@pytest.mark.parametrize("foreign", FOREIGN)
def test_the_event_of_any_other_trigger_ends_nothing(operator, given, answers, foreign):
    answers(job("running"))
    trigger = deferral(operator.execute_complete, given, foreign)
    assert (trigger.job_id, trigger.container_ids) == ("job_1", ["cnt_1"])


def test_the_event_of_another_job_does_not_hide_the_end_of_this_one(operator, given, answers):
    answers(job("completed"))
    foreign = event("failed", job_id="job_2", container_ids=["cnt_2"])
    assert operator.execute_complete(given, foreign) == ["cnt_1"]


def test_the_event_of_another_job_cancels_nothing(operator, given, answers):
    server = answers(job("running"))
    operator.cancel_on_timeout = True
    deferral(operator.execute_complete, given, event("timeout", job_id="job_2"))
    assert {one.method for one in server.received} == {"GET"}


def test_where_the_submission_was_not_noted_the_event_is_taken_at_its_word(operator, answers):
    answers(job("completed"))
    assert operator.execute_complete(context(operator), event()) == ["cnt_1"]


@pytest.mark.parametrize("map_index", [-1, 3])
def test_a_mapped_task_asks_for_the_job_of_its_own(operator, answers, map_index):
    answers(job("running"))
    given = context(operator, map_index=map_index)
    given["ti"].xcom |= {"job_id": "job_1", "container_ids": ["cnt_1"]}
    trigger = deferral(operator.execute_complete, given, event(job_id="job_2"))
    assert trigger.job_id == "job_1"


@pytest.mark.parametrize(("cancel_on_timeout", "methods"), [(True, ["GET", "POST"]), (False, ["GET"])])
def test_a_timeout_cancels_the_job_only_where_that_was_asked_for(
    operator, given, answers, cancel_on_timeout, methods
):
    server = answers(job("running"), Reply({"accepted": True}, 202))
    operator.cancel_on_timeout = cancel_on_timeout
    with pytest.raises(AirflowFailException):
        operator.execute_complete(given, event("timeout"))
    assert [one.method for one in server.received] == methods


@pytest.mark.parametrize(("state", "cancels"), [("failed", True), ("restarting", True), ("running", False)])
def test_a_kill_after_the_wait_cancels_the_job_of_this_task_if_a_person_did_it(
    operator, given, answers, state, cancels
):
    server = answers(job("running"), Reply({"accepted": True}, 202))
    given["ti"].state = state
    deferral(operator.execute_complete, given, event(job_id="job_2"))
    operator.on_kill()
    assert ("/v1/jobs/job_1/cancel" in [one.path for one in server.received]) is cancels


def test_a_deferral_tells_what_is_known_of_the_job(operator):
    known = Job("job_1", "content_regenerate", "running", project_id="prj_1", started_at="2026-04-18")
    trigger = deferral(operator._defer, known, ["cnt_1"], 5.0)
    assert (trigger.project_id, trigger.kind, trigger.started_at) == (
        "prj_1",
        "content_regenerate",
        "2026-04-18",
    )
    assert (trigger.container_ids, trigger.deadline) == (["cnt_1"], 5.0)


def test_an_operator_knows_the_project_and_format_that_a_job_may_not_tell():
    operator = LayersGenerateContentOperator(task_id="task", project_id="prj_1", format="video")
    trigger = deferral(operator._defer, JOB, ["cnt_1"], 5.0)
    assert (trigger.project_id, trigger.content_format) == ("prj_1", "video")


def logged(caplog, capfd) -> str:
    # Airflow 3 writes to the standard output, Airflow 2 to the logging of Python.
    return caplog.text + "".join(capfd.readouterr())


def test_a_wait_that_airflow_ended_names_its_job(operator, given, caplog, capfd):
    with pytest.raises(Exception, match="Trigger"):
        operator.resume_execution("__fail__", {"error": "Trigger timeout"}, given)
    assert "job_1. The job itself goes on" in logged(caplog, capfd)


@pytest.mark.parametrize("cancel_on_kill", [True, False])
def test_a_deferred_wait_that_no_kill_reaches_names_its_job(
    operator, caplog, capfd, cancel_on_kill, monkeypatch
):
    monkeypatch.delattr(BaseTrigger, "on_kill", raising=False)
    operator.cancel_on_kill = cancel_on_kill
    deferral(operator._defer, JOB, ["cnt_1"], 0.0)
    assert ("job_1 goes on" in logged(caplog, capfd)) is cancel_on_kill


def test_an_event_of_another_job_is_told_of(operator, given, answers, caplog, capfd):
    answers(job("running"))
    deferral(operator.execute_complete, given, event(job_id="job_2"))
    told = logged(caplog, capfd)
    assert "An event of another task was delivered to this one" in told
    assert "job_2" in told
