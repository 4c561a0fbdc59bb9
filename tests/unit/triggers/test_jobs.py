"""Waiting for a job in the triggerer, and canceling it when a user ends the task."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from airflow_provider_layers.polling.targets import content_source
from airflow_provider_layers.triggers.jobs import CANCEL_SECONDS, LayersJobTrigger
from tests.unit.scripted import ScriptedApi, error, ok

CANCEL = "POST /v1/jobs/job_1/cancel"
ACCEPTED = ok({"jobId": "job_1", "accepted": True}, 202)


def job(status, **fields):
    return ok({"jobId": "job_1", "kind": "content_generate", "status": status, **fields})


@pytest.mark.parametrize("status", ["completed", "failed", "canceled"])
def test_a_finished_job_is_one_small_event(triggerer, status, key):
    trigger = LayersJobTrigger("job_1", deadline=triggerer.now(), container_ids=["cnt_1"])
    body = {"result": {"assets": [{"url": "https://signed"}]}, "error": {"code": "X"}}
    event = triggerer.fire(trigger, job(status, **body))
    assert event == {
        "job_id": "job_1",
        "status": status,
        "reason": "",
        "deadline": trigger.deadline,
        "container_ids": ["cnt_1"],
    }
    assert key not in json.dumps(event)


def test_the_deadline_is_an_event_that_names_the_stage(triggerer):
    trigger = LayersJobTrigger("job_1", deadline=triggerer.now())
    event = triggerer.fire(trigger, job("running", stage="assembling"))
    assert event["status"] == "timeout"
    assert event["reason"].startswith(
        "Layers job job_1 was still running in stage assembling at the deadline"
    )


def test_what_is_known_of_the_job_lets_it_share_list_reads():
    trigger = LayersJobTrigger(
        "job_1",
        deadline=1_900_000_000.5,
        poll_interval=3.0,
        container_ids=["cnt_1"],
        project_id="prj_1",
        kind="content_generate",
        content_format="video",
        started_at="2026-04-18T12:00:00Z",
    )
    target = trigger.poll_target()
    assert (target.name, target.deadline, target.interval.max_interval) == ("job job_1", 1_900_000_000.5, 3.0)
    assert (target.list_source, target.row_ids) == (content_source("prj_1"), ("1",))
    assert (target.history_key, target.started_at) == (("job", "content_generate", "video"), 1776513600.0)
    older = LayersJobTrigger("job_1").poll_target()
    assert (older.list_source, older.row_ids, older.history_key) == (None, (), ())


def test_the_api_s_estimate_is_counted_from_the_time_of_the_hook(triggerer):
    trigger = LayersJobTrigger("job_1", deadline=triggerer.now() + 600, poll_interval=100.0)
    triggerer.fire(trigger, job("running", etaSeconds=200), job("completed"))
    assert 1200 <= triggerer.now() < 1203


# Kills


@pytest.fixture
def logged(caplog, capsys):
    """Return what was logged: Airflow 3 logs to standard output where it has not set logging up."""
    caplog.set_level(logging.INFO)
    return lambda: caplog.text + "".join(capsys.readouterr())


class SlowApi(ScriptedApi):
    """Responds after so many seconds."""

    def __init__(self, *replies, takes):
        super().__init__(*replies)
        self.takes = takes

    async def handle_async_request(self, request):
        await asyncio.sleep(self.takes)
        return await super().handle_async_request(request)


def kill(triggerer, api, *, cancel_on_kill=True, interruptions=0):
    """End the task of a trigger as a user does; Airflow cancels the trigger every second meanwhile."""
    trigger = LayersJobTrigger("job_1", cancel_on_kill=cancel_on_kill)

    async def end():
        await triggerer.connect(trigger, api)
        killing = asyncio.ensure_future(trigger.on_kill())
        for _ in range(interruptions):
            await asyncio.sleep(1.0)
            killing.cancel()
        await killing

    triggerer.loop.run(end())


def test_a_kill_cancels_the_job_if_it_may(triggerer, script):
    api = script(ACCEPTED)
    kill(triggerer, api)
    assert api.paths == [CANCEL]
    kill(triggerer, script(), cancel_on_kill=False)


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (error(409, "CONFLICT", details={"subcode": "JOB_CANCEL_UNAVAILABLE"}), "JOB_CANCEL_UNAVAILABLE"),
        (ok({"accepted": False, "reason": "ALREADY_COMPLETED"}), "accepted=False ALREADY_COMPLETED"),
        (error(404, "NOT_FOUND"), "job_1 may still be running: it could not be canceled"),
        (error(409, "CONFLICT"), "job_1 may still be running: it could not be canceled"),
    ],
    ids=["stage", "completed", "404", "409"],
)
def test_a_kill_logs_what_became_of_the_job_and_never_fails(triggerer, script, logged, reply, text):
    kill(triggerer, script(reply))
    lines = logged()
    assert "Layers job job_1" in lines
    assert text in lines


@pytest.mark.parametrize("interruptions", [1, 4])
def test_an_interrupted_cancel_is_carried_through_and_the_interruption_raised(
    triggerer, logged, interruptions
):
    api = SlowApi(ACCEPTED, takes=5.0)
    with pytest.raises(asyncio.CancelledError):
        kill(triggerer, api, interruptions=interruptions)
    assert api.paths == [CANCEL]
    assert "accepted=True" in logged()


@pytest.mark.parametrize("interruptions", [0, 3])
def test_a_cancel_is_given_up_before_airflow_abandons_it(triggerer, logged, interruptions):
    api, started = SlowApi(ACCEPTED, takes=3600.0), triggerer.now()
    if interruptions:
        with pytest.raises(asyncio.CancelledError):
            kill(triggerer, api, interruptions=interruptions)
    else:
        kill(triggerer, api)
    assert CANCEL_SECONDS <= triggerer.now() - started < 30
    assert "job_1 may still be running: it could not be canceled" in logged()


def test_a_kill_without_a_connection_is_logged(logged):
    trigger = LayersJobTrigger("job_1", layers_conn_id="nowhere", cancel_on_kill=True)
    asyncio.run(trigger.on_kill())
    assert "job_1 may still be running" in logged()
