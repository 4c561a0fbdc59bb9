"""The trigger of a job: what is stored of it, its event, and how another triggerer continues."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_layers.exceptions import LayersJobTimeoutError, LayersTransportError
from airflow_provider_layers.operators.content import LayersGenerateContentOperator
from airflow_provider_layers.sensors.jobs import LayersJobSensor
from airflow_provider_layers.triggers.jobs import LayersJobTrigger


@pytest.fixture
def job_id(airflow: Any, api: Any) -> str:
    operator = LayersGenerateContentOperator(task_id="g", project_id=api.project_id, brief={"topic": "x"})
    return airflow.value(operator)


@pytest.fixture
def trigger(job_id: str, clock: Any) -> LayersJobTrigger:
    return LayersJobTrigger(job_id=job_id, deadline=clock.time() + 600, container_ids=["cnt_1"])


def test_the_event_is_small_and_says_what_happened(
    airflow: Any, api: Any, job_id: str, trigger: LayersJobTrigger
) -> None:
    event = airflow.fire(trigger.serialize())
    assert event == {
        "job_id": job_id,
        "status": "completed",
        "reason": "",
        "deadline": trigger.deadline,
        "container_ids": ["cnt_1"],
    }
    assert len(json.dumps(event)) < 300


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        ({"kind": "fail_before", "status": 401, "code": "UNAUTHENTICATED"}, "error", "401 UNAUTHENTICATED"),
        ({"kind": "fail_before", "status": 403, "code": "FORBIDDEN_SCOPE"}, "error", "403 FORBIDDEN_SCOPE"),
        ({"kind": "fail_before"}, "timeout", "could not be read"),
        ({"kind": "rate_limit"}, "timeout", "could not be read"),
    ],
    ids=["401", "403", "503", "429"],
)
def test_the_event_of_a_wait_without_success(
    fault: dict[str, Any], status: str, text: str, airflow: Any, api: Any, trigger: LayersJobTrigger
) -> None:
    api.fault(method="GET", times=None, **fault)
    event = airflow.fire(trigger.serialize())
    assert (event["status"], api.api_key in json.dumps(event)) == (status, False)
    assert text in event["reason"]


def test_a_connection_that_is_not_usable_is_an_event(
    airflow: Any, trigger: LayersJobTrigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    trigger.layers_conn_id = "layers_gone"
    monkeypatch.setenv("AIRFLOW_CONN_LAYERS_GONE", json.dumps({"conn_type": "layers"}))
    event = airflow.fire(trigger.serialize())
    assert event["status"] == "error"
    assert "layers_gone" in event["reason"]


def test_arguments_survive_being_stored(airflow: Any, api: Any, trigger: LayersJobTrigger) -> None:
    stored = trigger.serialize()
    assert airflow.trigger(stored).serialize() == stored
    assert api.api_key not in json.dumps(stored)


def test_it_does_not_fire_before_its_time(
    airflow: Any, api: Any, trigger: LayersJobTrigger, clock: Any
) -> None:
    api.advance(60)
    trigger.not_before = clock.time() + 6
    event = airflow.fire(trigger.serialize())
    assert event["status"] == "completed"
    assert clock.elapsed == pytest.approx(6, abs=0.01)


@pytest.mark.parametrize("heartbeat", [5.0, 1.0])
def test_a_deferral_respects_the_heartbeat_of_airflow(
    heartbeat: float, airflow: Any, api: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", str(heartbeat))
    operator = LayersGenerateContentOperator(
        task_id="g",
        project_id=api.project_id,
        brief={},
        wait_for_completion=True,
        deferrable=True,
        completion_timeout=600,
    )
    ((_, arguments),) = airflow.run(operator).triggers
    # To the second: a moment in seconds since the epoch is about 1.8e9, and a relative tolerance of pytest
    # would accept any.
    assert arguments["not_before"] == pytest.approx(clock.start + heartbeat + 1, rel=0, abs=0.01)
    assert arguments["deadline"] == pytest.approx(clock.start + 600, rel=0, abs=0.01)
    assert arguments["cancel_on_kill"] is True


def test_another_triggerer_continues_where_the_first_stopped(
    airflow: Any, api: Any, trigger: LayersJobTrigger, clock: Any
) -> None:
    async def killed_after_ten_seconds() -> None:
        waiting = asyncio.ensure_future(airflow.event_of(trigger))
        clock.on_sleep = lambda: clock.elapsed < 10 or waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(killed_after_ten_seconds())
    clock.on_sleep = lambda: None
    assert {request.method for request in api.requests()[1:]} == {"GET"}
    assert airflow.fire(trigger.serialize())["status"] == "completed"
    assert not api.jobs()[0].cancel_requested


def test_the_deadline_survives_a_move(airflow: Any, api: Any, trigger: LayersJobTrigger, clock: Any) -> None:
    trigger.deadline = clock.time() + 20
    api.configure(job_seconds=60)
    clock.sleep(25)
    event = airflow.fire(trigger.serialize())
    assert event["status"] == "timeout"
    assert clock.elapsed == 25, "one last poll, and no further waiting"


def test_triggers_of_one_event_loop_share_one_client(
    airflow: Any, trigger: LayersJobTrigger, wire: Any
) -> None:
    async def fire_all() -> list[Any]:
        return await asyncio.gather(
            *[airflow.event_of(airflow.trigger(trigger.serialize())) for _ in range(5)]
        )

    assert [event["status"] for event in asyncio.run(fire_all())] == ["completed"] * 5
    assert wire.opened == 1
    asyncio.run(fire_all())
    assert wire.opened == 2, "a client belongs to its event loop"


def test_a_poll_budget_spaces_the_polls(
    airflow: Any, api: Any, trigger: LayersJobTrigger, connect: Any, clock: Any
) -> None:
    connect(poll_budget_rpm=1)
    before = len(api.requests())
    airflow.fire(trigger.serialize())
    moments = [
        datetime.fromisoformat(request.at.replace("Z", "+00:00")).timestamp()
        for request in api.requests()[before:]
    ]
    apart = [later - sooner for sooner, later in pairwise(moments)]
    assert apart
    assert min(apart) >= 59.9
    assert clock.elapsed < 60 + 61


@pytest.mark.parametrize("how", ["operator", "sensor"])
def test_the_task_reads_the_job_when_it_resumes(how: str, airflow: Any, api: Any, job_id: str) -> None:
    operator = (
        LayersGenerateContentOperator(task_id="g", project_id=api.project_id, brief={})
        if how == "operator"
        else LayersJobSensor(task_id="g", job_id=job_id)
    )
    event = {"job_id": job_id, "status": "completed", "reason": "", "deadline": 0.0, "container_ids": []}

    def resume(**changes: Any) -> Any:
        context = airflow.context(operator)
        prepared = airflow.prepared(operator, context)
        return prepared.resume_execution("execute_complete", {"event": {**event, **changes}}, context)

    # The event lies, or is old: the job still runs.
    with pytest.raises(TaskDeferred if how == "sensor" else LayersTransportError):
        resume()
    with pytest.raises(LayersTransportError, match="some reason"):
        resume(status="error", reason="some reason")
    api.advance(60)
    # The event says timeout, and the job has completed meanwhile.
    assert resume(status="timeout", reason="late") == api.jobs()[0].container_ids
    assert resume(status="error", reason="401") == api.jobs()[0].container_ids


@pytest.mark.parametrize("how", ["operator", "sensor"])
def test_an_event_of_another_task_is_ignored(how: str, airflow: Any, api: Any, clock: Any) -> None:
    more = {"completion_timeout": 600} if how == "operator" else {"timeout": 600}
    generate = LayersGenerateContentOperator(
        task_id="make",
        project_id=api.project_id,
        brief={},
        wait_for_completion=True,
        deferrable=True,
        **(more if how == "operator" else {}),
    )
    context = airflow.context(generate)
    with pytest.raises(TaskDeferred):
        airflow.execute(generate, context)
    job_id = api.jobs()[0].job_id
    operator = (
        generate
        if how == "operator"
        else LayersJobSensor(task_id="make", job_id=job_id, deferrable=True, **more)
    )
    foreign = {"job_id": "job_1", "status": "timeout", "reason": "x", "deadline": 0.0, "container_ids": []}
    prepared = airflow.prepared(operator, context)
    with pytest.raises(TaskDeferred) as deferral:
        prepared.resume_execution("execute_complete", {"event": foreign}, context)
    arguments = deferral.value.trigger.serialize()[1]
    deadline = pytest.approx(clock.start + 600, rel=0, abs=1)
    assert (arguments["job_id"], arguments["deadline"]) == (job_id, deadline)


def test_a_timeout_is_typed(airflow: Any, api: Any, job_id: str, failure: Any, clock: Any) -> None:
    operator = LayersGenerateContentOperator(
        task_id="g",
        project_id=api.project_id,
        brief={},
        wait_for_completion=True,
        deferrable=True,
        completion_timeout=10,
    )
    error = failure(airflow.run(operator, run_id="timeout"), LayersJobTimeoutError)
    assert error.job_id == api.jobs()[-1].job_id
