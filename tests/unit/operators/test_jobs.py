"""Starting a job once, waiting for it, and ending."""

from __future__ import annotations

import logging
import time
from datetime import timedelta

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_provider_layers.operators.content import LayersRegenerateContentOperator
from tests.unit.serving import Reply
from tests.unit.tasks import context

STARTED = Reply(
    {
        "jobId": "job_1",
        "kind": "content_regenerate",
        "status": "running",
        "containerId": "cnt_1",
        "locationUrl": "/v1/jobs/job_1",
    },
    202,
)


def job(status, **fields):
    return Reply({"jobId": "job_1", "kind": "content_regenerate", "status": status, **fields})


def task(**fields):
    return LayersRegenerateContentOperator(task_id="task", container_id="cnt_1", **fields)


@pytest.fixture
def answers(connect, server):
    """Set what the API answers."""
    connect(host=server.url)

    def give(*replies):
        server.replies = list(replies)
        return server

    return give


def test_a_task_that_does_not_wait_returns_the_job(answers):
    server = answers(STARTED)
    assert task().execute(context(task())) == "job_1"
    assert [one.method for one in server.received] == ["POST", "GET"], "started, and looked at once"


def test_the_job_is_told_right_after_the_submission(answers):
    server = answers(STARTED)
    given = context(task())
    task().execute(given)
    job_url, content_url = f"{server.url}/v1/jobs/job_1", f"{server.url}/v1/content/cnt_1"
    assert given["ti"].xcom == {
        "job_id": "job_1",
        "container_ids": ["cnt_1"],
        "container_id": "cnt_1",
        "job_url": job_url,
        "_link_LayersJobLink": job_url,
        "content_url": content_url,
        "_link_LayersContentLink": content_url,
        "layers": {
            "layers_conn_id": "layers_default",
            "job_id": "job_1",
            "container_ids": ["cnt_1"],
            "scheduled_post_ids": [],
        },
    }


@pytest.mark.parametrize("location", ["https://[not-an-address/", "https://evil.example/", 7])
def test_no_location_keeps_the_job_from_being_told(answers, location):
    server = answers(Reply({**STARTED.body, "locationUrl": location}, 202))
    given = context(task())
    assert task().execute(given) == "job_1"
    assert given["ti"].xcom["job_url"] == f"{server.url}/v1/jobs/job_1"


def test_a_wait_that_is_over_at_the_first_look_returns_the_containers(answers):
    answers(STARTED, job("completed", result={"containerId": "cnt_1"}))
    given = context(task())
    assert task(wait_for_completion=True, deferrable=True).execute(given) == ["cnt_1"]
    assert given["ti"].xcom["job"] == {
        "job_id": "job_1",
        "kind": "content_regenerate",
        "status": "completed",
        "container_ids": ["cnt_1"],
        "result": {"containerId": "cnt_1"},
    }


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize(
    ("end", "text"), [(job("failed", error={"code": "X"}), "failed: X"), (job("canceled"), "was canceled")]
)
def test_a_job_without_content_stops_the_retries(answers, deferrable, end, text):
    answers(STARTED, end)
    with pytest.raises(AirflowFailException, match=text):
        task(wait_for_completion=True, deferrable=deferrable).execute(context(task()))


def deferral(operator, given):
    with pytest.raises(TaskDeferred) as caught:
        operator.execute(given)
    return caught.value


def test_a_deferral_takes_ids_and_moments_along(answers):
    answers(STARTED, job("running"))
    operator = task(
        wait_for_completion=True,
        deferrable=True,
        poll_interval=4.0,
        completion_timeout=timedelta(minutes=10),
        cancel_on_kill=False,
    )
    before = time.time()
    deferred = deferral(operator, context(operator))
    assert deferred.method_name == "execute_complete"
    assert deferred.timeout is None
    _, arguments = deferred.trigger.serialize()
    assert before + 600 <= arguments.pop("deadline") <= time.time() + 600
    assert arguments.pop("not_before") <= time.time() + 10
    assert arguments == {
        "job_id": "job_1",
        "layers_conn_id": "layers_default",
        "poll_interval": 4.0,
        "container_ids": ["cnt_1"],
        "cancel_on_kill": False,
        "project_id": None,
        "kind": "content_regenerate",
        "content_format": None,
        "started_at": None,
    }


def test_the_deadline_of_a_retry_is_anchored_on_the_submission(answers):
    answers(STARTED, job("running", startedAt="2026-04-18T12:00:00.000Z"))
    operator = task(wait_for_completion=True, deferrable=True, completion_timeout=60)
    deferred = deferral(operator, context(operator, try_number=2, max_tries=0))
    assert deferred.trigger.deadline == 1776513660.0


@pytest.mark.parametrize("started_at", [None, "", "yesterday", 7])
def test_a_start_that_cannot_be_read_anchors_nothing(answers, started_at):
    answers(STARTED, job("running", startedAt=started_at))
    operator = task(wait_for_completion=True, deferrable=True, completion_timeout=60)
    before = time.time()
    assert deferral(operator, context(operator, try_number=2, max_tries=0)).trigger.deadline >= before + 60


@pytest.mark.parametrize("state", ["failed", "success", "restarting"])
def test_a_kill_by_a_person_cancels_the_job_that_was_started(answers, state):
    server = answers(STARTED, job("running"), Reply({"accepted": True}, 202))
    operator = task()
    operator.execute(context(operator, state=state))
    operator.on_kill()
    assert server.received[-1].path == "/v1/jobs/job_1/cancel"


@pytest.mark.parametrize("map_index", [-1, 3])
def test_a_restart_of_the_worker_cancels_nothing(answers, map_index):
    server = answers(STARTED)
    operator = task()
    operator.execute(context(operator, state="running", map_index=map_index))
    operator.on_kill()
    assert [one.method for one in server.received] == ["POST", "GET"]


def test_a_kill_whose_reason_nobody_tells_cancels_nothing(answers):
    server = answers(STARTED)
    operator = task()
    operator.execute(context(operator, state=None))
    operator.on_kill()
    assert [one.method for one in server.received] == ["POST", "GET"]


def test_a_kill_before_the_submission_cancels_nothing(answers):
    server = answers(STARTED)
    task().on_kill()
    assert server.received == []


def test_a_kill_cancels_nothing_where_that_is_switched_off(answers):
    server = answers(STARTED)
    operator = task(cancel_on_kill=False)
    operator.execute(context(operator, state="failed"))
    operator.on_kill()
    assert [one.method for one in server.received] == ["POST", "GET"]


@pytest.mark.parametrize("status", [401, 403, 404, 409])
def test_a_kill_never_fails(answers, status):
    server = answers(STARTED, job("running"), Reply({"error": {"code": "ANY"}}, status))
    operator = task()
    operator.execute(context(operator, state="failed"))
    operator.on_kill()
    assert server.received[2].path == "/v1/jobs/job_1/cancel"


@pytest.mark.parametrize("on_clear", ["Resubmit", "", None])
def test_on_clear_is_one_of_two_words(on_clear):
    with pytest.raises(ValueError, match=r"on_clear = .*: should be 'resubmit' or 'reattach'"):
        task(on_clear=on_clear)


@pytest.mark.parametrize("poll_interval", [0, -1])
def test_a_poll_interval_is_more_than_nothing(poll_interval):
    with pytest.raises(ValueError, match="poll_interval"):
        task(poll_interval=poll_interval)


def keys(answers, operator, **counts):
    server = answers(STARTED, job("running"))
    server.received.clear()
    operator.execute(context(operator, **counts))
    return {one.headers["idempotency-key"] for one in server.received if one.method == "POST"}


def test_a_retry_asks_under_the_same_key(answers):
    operator = task(retries=1)
    first = keys(answers, operator, try_number=1, max_tries=1)
    assert keys(answers, operator, try_number=2, max_tries=1) == first


@pytest.mark.parametrize(("on_clear", "same"), [("resubmit", False), ("reattach", True)])
def test_a_clear_asks_for_a_new_job_or_for_the_old_one(answers, on_clear, same):
    operator = task(on_clear=on_clear, retries=1)
    first = keys(answers, operator, try_number=1, max_tries=1)
    cleared = keys(answers, operator, try_number=2, max_tries=2)
    assert (cleared == first) is same


class Refusing(dict):
    """A state store whose task was cleared while its request was under way: Airflow takes the intent only."""

    def set(self, key, value, *, retention=None):
        if value["answer"] is not None:
            raise RuntimeError("Airflow knows no such task instance any more")


def test_a_job_is_named_even_where_airflow_takes_no_more_word_of_it(answers, caplog, capfd):
    caplog.set_level(logging.INFO)
    answers(STARTED)
    operator = task()
    with pytest.raises(RuntimeError):
        operator.execute(context(operator) | {"task_state_store": Refusing()})
    # Airflow 3 writes to the standard output, Airflow 2 to the logging of Python.
    assert "Layers job job_1" in caplog.text + "".join(capfd.readouterr())
