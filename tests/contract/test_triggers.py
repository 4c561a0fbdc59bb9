"""The trigger: what is stored of it, what it tells, and how it goes on elsewhere."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_layers.api.keys import Origin
from airflow_provider_layers.exceptions import LayersJobTimeoutError, LayersTransportError
from airflow_provider_layers.hooks import sharing
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
    ("fault", "status", "said"),
    [
        ({"kind": "fail_before", "status": 401, "code": "UNAUTHENTICATED"}, "error", "401 UNAUTHENTICATED"),
        ({"kind": "fail_before", "status": 403, "code": "FORBIDDEN_SCOPE"}, "error", "403 FORBIDDEN_SCOPE"),
        ({"kind": "fail_before"}, "timeout", "could not be read"),
        ({"kind": "rate_limit"}, "timeout", "could not be read"),
    ],
    ids=["401", "403", "503", "429"],
)
def test_the_event_of_a_wait_that_came_to_nothing(
    fault: dict[str, Any], status: str, said: str, airflow: Any, api: Any, trigger: LayersJobTrigger
) -> None:
    api.fault(method="GET", times=None, **fault)
    event = airflow.fire(trigger.serialize())
    assert (event["status"], api.api_key in json.dumps(event)) == (status, False)
    assert said in event["reason"]


def test_an_error_of_ours_is_told_by_an_event(
    airflow: Any, trigger: LayersJobTrigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_layers.api.waiting.Cadence.pause", None)
    event = airflow.fire(trigger.serialize())
    assert event["status"] == "error"
    assert "TypeError" in event["reason"]


def test_a_connection_that_is_gone_is_told_by_an_event(
    airflow: Any, trigger: LayersJobTrigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    trigger.layers_conn_id = "layers_gone"
    monkeypatch.setenv("AIRFLOW_CONN_LAYERS_GONE", json.dumps({"conn_type": "layers"}))
    event = airflow.fire(trigger.serialize())
    assert event["status"] == "error"
    assert "layers_gone" in event["reason"]


def test_arguments_survive_being_stored(airflow: Any, api: Any, trigger: LayersJobTrigger) -> None:
    stored = trigger.serialize()
    assert stored[0] == "airflow_provider_layers.triggers.jobs.LayersJobTrigger"
    assert airflow.trigger(stored).serialize() == stored
    assert set(stored[1]) == set(LayersJobTrigger.__init__.__annotations__) - {"return"}
    assert api.api_key not in json.dumps(stored)


def test_every_argument_has_a_default_so_that_waits_survive_an_upgrade() -> None:
    assert LayersJobTrigger().serialize()[1]["container_ids"] == []


def test_it_does_not_fire_before_its_time(
    airflow: Any, api: Any, trigger: LayersJobTrigger, clock: Any
) -> None:
    api.advance(60)
    trigger.not_before = clock.time() + 6
    event = airflow.fire(trigger.serialize())
    assert event["status"] == "completed"
    assert clock.elapsed == pytest.approx(6, abs=0.01)


def test_a_deferral_gives_the_trigger_the_heartbeat_of_airflow(airflow: Any, api: Any, clock: Any) -> None:
    from airflow.providers.common.compat.sdk import conf

    heartbeat = conf.getfloat("workers", "min_heartbeat_interval", fallback=0.0)
    operator = LayersGenerateContentOperator(
        task_id="g",
        project_id=api.project_id,
        brief={},
        wait_for_completion=True,
        deferrable=True,
        completion_timeout=600,
    )
    result = airflow.run(operator)
    arguments = result.triggers[0][1]
    assert arguments["not_before"] == pytest.approx(clock.start + (heartbeat + 1 if heartbeat else 0))
    assert arguments["deadline"] == pytest.approx(clock.start + 600)
    assert arguments["cancel_on_kill"] is True


def test_another_triggerer_goes_on_where_the_first_one_stopped(
    airflow: Any, api: Any, trigger: LayersJobTrigger, clock: Any
) -> None:
    async def killed_after_ten_seconds() -> None:
        waiting = asyncio.ensure_future(airflow.event_of(trigger))
        clock.on_sleep = lambda: clock.elapsed < 10 or waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(killed_after_ten_seconds())
    clock.on_sleep = lambda: None
    assert [one.method for one in api.requests()[1:]] == ["GET"] * (len(api.requests()) - 1)
    assert airflow.fire(trigger.serialize())["status"] == "completed"
    assert not api.jobs()[0].cancel_requested


def test_the_deadline_survives_a_move(airflow: Any, api: Any, trigger: LayersJobTrigger, clock: Any) -> None:
    trigger.deadline = clock.time() + 20
    api.configure(job_seconds=60)
    clock.sleep(25)
    event = airflow.fire(trigger.serialize())
    assert event["status"] == "timeout"
    assert clock.elapsed == 25, "one last look, and no further waiting"


def test_triggers_of_one_loop_share_one_client(
    airflow: Any, api: Any, trigger: LayersJobTrigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []
    closed: list[Any] = []

    class Counted(sharing.AsyncLayersClient):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            opened.append(self)

        async def aclose(self) -> None:
            closed.append(self)
            await super().aclose()

    monkeypatch.setattr(sharing, "AsyncLayersClient", Counted)

    async def both() -> list[Any]:
        return await asyncio.gather(
            *[airflow.event_of(airflow.trigger(trigger.serialize())) for _ in range(5)]
        )

    assert [event["status"] for event in asyncio.run(both())] == ["completed"] * 5
    assert len(opened) == 1
    assert closed == opened
    asyncio.run(both())
    assert len(opened) == 2, "a client belongs to its loop"


def test_a_poll_budget_spaces_the_looks(
    airflow: Any, api: Any, trigger: LayersJobTrigger, connect: Any, clock: Any
) -> None:
    connect(poll_budget_rpm=1)
    before = len(api.requests())
    airflow.fire(trigger.serialize())
    moments = [
        datetime.fromisoformat(one.at.replace("Z", "+00:00")).timestamp() for one in api.requests()[before:]
    ]
    apart = [later - sooner for sooner, later in pairwise(moments)]
    assert apart
    assert min(apart) >= 59.9
    assert clock.elapsed < 60 + 61


@pytest.mark.parametrize("how", ["operator", "sensor"])
def test_the_task_looks_at_the_job_itself_when_it_resumes(
    how: str, airflow: Any, api: Any, job_id: str
) -> None:
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
def test_an_event_of_another_task_makes_it_wait_on(how: str, airflow: Any, api: Any, clock: Any) -> None:
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
    assert (arguments["job_id"], arguments["deadline"]) == (job_id, pytest.approx(clock.start + 600, abs=1))


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


def test_keys_of_a_task_instance_tell_apart_what_it_makes() -> None:
    origin = Origin("dag", "run", "task", -1, 0)
    assert len({origin.key("clone", 0), origin.key("container", 0), origin.key("clone", 1)}) == 3
