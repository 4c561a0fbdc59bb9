"""Waiting in the triggerer: what is stored, what is told, what is canceled."""

from __future__ import annotations

import asyncio
import json
import socket
import time

import pytest

from airflow_provider_layers.api.content import content_roll
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
    "project_id": "prj_1",
    "kind": "content_generate",
    "content_format": "video",
    "started_at": "2026-04-18T12:00:00Z",
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


def test_what_is_stored_of_an_older_release_is_enough():
    older = {name: ARGUMENTS[name] for name in ("job_id", "layers_conn_id", "deadline", "poll_interval")}
    trigger = LayersJobTrigger(**older)
    assert trigger.container_ids == []
    assert trigger.watch().roll is None
    assert trigger.watch().species == ()


def test_what_it_was_told_of_the_job_lets_it_share_the_reads_of_others():
    watch = LayersJobTrigger(**ARGUMENTS).watch()
    assert (watch.name, watch.deadline, watch.cadence.longest) == ("job job_1", 1_900_000_000.5, 3.0)
    assert (watch.roll, watch.rows) == (content_roll("prj_1"), ("1",))
    assert watch.species == ("job", "content_generate", "video")
    assert watch.began == 1776513600.0


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
    assert event["reason"].startswith(
        "Layers job job_1 was still running in stage assembling at the deadline"
    )


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
