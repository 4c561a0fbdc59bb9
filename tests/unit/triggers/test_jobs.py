"""Waiting in the triggerer: what is stored, what is told, what is canceled."""

from __future__ import annotations

import asyncio
import inspect
import json
import socket
import time

import pytest

from airflow_provider_layers.triggers.jobs import LayersJobTrigger
from tests.unit.serving import Reply

ARGUMENTS = {
    "job_id": "job_1",
    "layers_conn_id": "layers_acme",
    "deadline": 1_900_000_000.5,
    "poll_interval": 3.0,
    "not_before": 1_800_000_000.5,
    "container_ids": ["cnt_1"],
    "cancel_on_kill": True,
}


def job(status, **fields):
    return Reply({"jobId": "job_1", "kind": "content_generate", "status": status, **fields})


def refusal(status, code, **details):
    return Reply(
        {"error": {"code": code, "message": "No.", "requestId": "req_1", "details": details}}, status
    )


def events(trigger):
    async def collect():
        return [event.payload async for event in trigger.run()]

    return asyncio.run(collect())


@pytest.fixture
def trigger(connect, server):
    """A trigger whose deadline has passed: it looks once."""
    connect(host=server.url)
    return LayersJobTrigger(job_id="job_1", deadline=time.time(), container_ids=["cnt_1"])


def test_another_triggerer_gets_all_it_needs():
    path, arguments = LayersJobTrigger(**ARGUMENTS).serialize()
    assert path == "airflow_provider_layers.triggers.jobs.LayersJobTrigger"
    assert arguments == ARGUMENTS
    assert json.loads(json.dumps(arguments)) == arguments
    assert LayersJobTrigger(**arguments).serialize() == (path, arguments)


def test_a_deferred_task_survives_an_upgrade():
    """Arguments stored by an older release are fewer, so each has a default."""
    parameters = inspect.signature(LayersJobTrigger).parameters.values()
    assert [one.name for one in parameters if one.default is inspect.Parameter.empty] == []
    assert {one.name for one in parameters} == set(ARGUMENTS)


def test_the_stored_arguments_hold_no_key(connect, key):
    connect()
    assert key not in json.dumps(LayersJobTrigger(job_id="job_1").serialize())


@pytest.mark.parametrize("status", ["completed", "failed", "canceled"])
def test_a_job_that_has_ended_is_one_small_event(trigger, server, status):
    server.replies = [job(status, result={"assets": [{"url": "https://signed"}]}, error={"code": "X"})]
    (event,) = events(trigger)
    assert event == {
        "job_id": "job_1",
        "status": status,
        "reason": "",
        "deadline": trigger.deadline,
        "container_ids": ["cnt_1"],
    }


def test_the_deadline_is_an_event(trigger, server):
    server.replies = [job("running", stage="assembling")]
    (event,) = events(trigger)
    assert event["status"] == "timeout"
    assert "still running in stage assembling at the deadline" in event["reason"]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (refusal(401, "UNAUTHENTICATED"), "401 UNAUTHENTICATED"),
        (refusal(503, "KILL_SWITCH"), "503 KILL_SWITCH"),
        (refusal(403, "FORBIDDEN_SCOPE"), "403 FORBIDDEN_SCOPE"),
    ],
)
def test_an_error_that_waiting_does_not_mend_is_an_event(trigger, server, key, reply, reason):
    server.replies = [reply]
    (event,) = events(trigger)
    assert event["status"] == "error"
    assert reason in event["reason"]
    assert key not in json.dumps(event)


def test_a_connection_that_cannot_be_used_is_an_event(connect):
    connect(password="")
    (event,) = events(LayersJobTrigger(job_id="job_1"))
    assert event["status"] == "error"
    assert "layers_default" in event["reason"]


def test_a_connection_that_is_not_there_is_an_event():
    (event,) = events(LayersJobTrigger(job_id="job_1", layers_conn_id="nowhere"))
    assert event["status"] == "error"
    assert "in the triggerer; its log has the traceback" in event["reason"]


def test_no_event_comes_too_early(trigger, server):
    server.replies = [job("completed")]
    trigger.not_before = time.time() + 0.2
    events(trigger)
    assert time.time() >= trigger.not_before


def test_a_canceled_wait_is_no_event_and_cancels_nothing(connect):
    async def cancel_while_looking(trigger):
        looking = asyncio.ensure_future(anext(trigger.run()))
        await asyncio.sleep(0.1)
        looking.cancel()
        await looking

    with socket.create_server(("127.0.0.1", 0)) as silent:
        connect(host=f"http://127.0.0.1:{silent.getsockname()[1]}")
        trigger = LayersJobTrigger(job_id="job_1", deadline=time.time() + 60, cancel_on_kill=True)
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(cancel_while_looking(trigger))


def test_the_end_of_a_trigger_cancels_nothing(trigger, server):
    trigger.cancel_on_kill = True
    asyncio.run(trigger.cleanup())
    assert server.received == []


def test_a_kill_cancels_the_job(trigger, server):
    trigger.cancel_on_kill = True
    server.replies = [Reply({"jobId": "job_1", "accepted": True}, 202)]
    asyncio.run(trigger.on_kill())
    assert [(one.method, one.path) for one in server.received] == [("POST", "/v1/jobs/job_1/cancel")]


def test_a_kill_cancels_nothing_where_that_is_switched_off(trigger, server):
    asyncio.run(trigger.on_kill())
    assert server.received == []


@pytest.mark.parametrize(
    "reply",
    [
        refusal(409, "CONFLICT", subcode="JOB_CANCEL_UNAVAILABLE"),
        Reply({"accepted": False, "reason": "ALREADY_COMPLETED"}),
        refusal(404, "NOT_FOUND"),
    ],
)
def test_a_kill_never_fails(trigger, server, reply):
    trigger.cancel_on_kill = True
    server.replies = [reply]
    asyncio.run(trigger.on_kill())
    assert len(server.received) == 1


def test_a_kill_never_fails_for_want_of_a_connection():
    trigger = LayersJobTrigger(job_id="job_1", layers_conn_id="nowhere", cancel_on_kill=True)
    asyncio.run(trigger.on_kill())
