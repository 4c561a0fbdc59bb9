"""Many jobs: sensors that find what their submissions left, and one sensor that waits for a list."""

from __future__ import annotations

import asyncio
from statistics import quantiles
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowSensorTimeout, AirflowSkipException, TaskDeferred

from airflow_provider_layers.exceptions import (
    LayersAuthenticationError,
    LayersJobCanceledError,
    LayersJobFailedError,
    LayersNotFoundError,
    LayersPartialPermanentError,
)
from airflow_provider_layers.operators.content import LayersGenerateContentOperator
from airflow_provider_layers.sensors.jobs import LayersJobSensor
from airflow_provider_layers.task_context import UI_DATA_KEY
from airflow_provider_layers.triggers.jobs import CANCEL_SECONDS, LayersJobsTrigger

UNKNOWN = "job_01HX9Y6K7EJ4T2ABCDEF01234"
WAYS: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True},
}


def left_by(job: Any, **changes: Any) -> dict[str, Any]:
    """The XComs that the submission of a job leaves, as far as a sensor reads them."""
    data = {"layers_conn_id": "layers_default", "job_id": job.job_id, "container_ids": job.container_ids}
    return {UI_DATA_KEY: {**data, "scheduled_post_ids": []}, "project_id": job.project_id, **changes}


@pytest.fixture
def downstream(api: Any) -> Any:
    """Make a sensor that follows the task ``start``."""

    def make(**arguments: Any) -> LayersJobSensor:
        with DAG("chain", schedule=None):
            start = LayersGenerateContentOperator(task_id="start", project_id=api.project_id, brief={})
            sensor = LayersJobSensor(task_id="wait", deferrable=True, **arguments)
            start >> sensor
        return sensor

    return make


@pytest.fixture
def deferred(airflow: Any) -> Any:
    """Run a sensor up to its deferral, and return the deferral."""

    def run(sensor: Any, **of_ti: Any) -> TaskDeferred:
        with pytest.raises(TaskDeferred) as caught:
            airflow.execute(sensor, **of_ti)
        return caught.value

    return run


# What the submission left


def test_150_sensors_of_a_standard_key_share_list_reads(
    crowd: Any, api: Any, airflow: Any, downstream: Any, deferred: Any, clock: Any
) -> None:
    jobs = crowd.start(150, seconds=[60, 400])
    api.configure(tier="standard")
    upstream = {("start", index): left_by(job) for index, job in enumerate(jobs)}
    sensors = [downstream(job_id=job.job_id) for job in jobs]
    triggers = [
        deferred(sensor, map_index=index, upstream=upstream).trigger for index, sensor in enumerate(sensors)
    ]
    assert api.requests(method="GET") == [], "nothing is read of a job that was just started"
    events = crowd.wait(airflow.trigger(trigger.serialize()) for trigger in triggers)
    late = [event["after"] - job.job_seconds for event, job in zip(events, jobs, strict=True)]
    api.configure(tier="unlimited")
    for index, (sensor, event, job) in enumerate(zip(sensors, events, jobs, strict=True)):
        context = airflow.context(sensor, map_index=index, upstream=upstream)
        value = airflow.prepared(sensor, context).execute_complete(context, event)
        assert value == job.container_ids
    assert quantiles(late, n=20)[-1] <= 10
    assert min(late) >= -0.01
    assert len(api.requests(method="GET")) <= 250


@pytest.mark.parametrize("map_index", [-1, 1], ids=["unmapped", "mapped"])
def test_it_finds_containers_and_project_of_its_job(
    map_index: int, crowd: Any, downstream: Any, deferred: Any
) -> None:
    jobs = crowd.start(3)
    upstream = {("start", -1): left_by(jobs[1])}
    if map_index >= 0:
        upstream = {("start", index): left_by(job) for index, job in enumerate(jobs)}
    job = jobs[1]
    trigger = deferred(downstream(job_id=job.job_id), map_index=map_index, upstream=upstream).trigger
    assert (trigger.container_ids, trigger.project_id) == (job.container_ids, job.project_id)
    given = downstream(job_id=job.job_id, container_ids="cnt_9", project_id="prj_9")
    trigger = deferred(given, map_index=map_index, upstream=upstream).trigger
    assert (trigger.container_ids, trigger.project_id) == (["cnt_9"], job.project_id), "the job names that"


def test_it_reads_first_where_the_end_may_have_come(
    crowd: Any, api: Any, airflow: Any, downstream: Any
) -> None:
    (job,) = crowd.start(1)
    api.advance(60)
    for left, of_ti in [
        (left_by(job), {"try_number": 2}),
        (left_by(job, project_id=None), {}),
        ({}, {}),
    ]:
        result = airflow.run(downstream(job_id=job.job_id), upstream={("start", -1): left}, **of_ti)
        assert (result.value, result.triggers) == (job.container_ids, [])


def test_a_list_that_shows_an_end_too_early_ends_no_wait(
    crowd: Any, api: Any, airflow: Any, downstream: Any, deferred: Any, clock: Any
) -> None:
    jobs = crowd.start(12)
    triggers = [crowd.trigger(job, confirm=False) for job in jobs]
    path = "/v1/projects/*/content"
    api.fault(
        "garbage", method="GET", path=path, body='{"items": [], "nextCursor": null}', times=None, skip=2
    )
    events = crowd.wait(triggers)
    assert {event["status"] for event in events} == {"ended"}
    assert max(event["after"] for event in events) < 40
    # Such a row proves nothing to the next wait, which polls its job.
    sensor = LayersJobSensor(task_id="wait", job_id=jobs[0].job_id, deferrable=True)
    context = airflow.context(sensor)
    with pytest.raises(TaskDeferred):
        airflow.prepared(sensor, context).execute_complete(context, events[0])
    again = crowd.wait(crowd.trigger(job, confirm=False) for job in jobs)
    assert {event["status"] for event in again} == {"completed"}
    assert all(60 <= event["after"] <= 75 for event in again)


# A list


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def sense(request: Any, sensing: Any) -> Any:
    """Run a sensor in one of the ways."""

    def run(job_ids: list[str], **arguments: Any) -> Any:
        arguments = {"poke_interval": 5, "timeout": 600, **request.param, **arguments}
        return sensing(LayersJobSensor(task_id="wait", job_id=job_ids, retries=2, **arguments))

    return run


def test_a_list_is_waited_for_in_one_deferral_at_most(sense: Any, crowd: Any, clock: Any) -> None:
    jobs = crowd.start(6, seconds=[20, 120], variantCount=2)
    job_ids = [job.job_id for job in reversed(jobs)]
    result = sense(job_ids)
    assert result.error is None
    assert result.value == [item for job in reversed(jobs) for item in job.container_ids]
    assert len(result.triggers) <= 1
    longest = max(job.job_seconds for job in jobs)
    assert longest <= clock.elapsed <= longest + 12
    xcoms = result.xcoms
    assert (xcoms["job_id"], xcoms["container_ids"]) == (job_ids, result.value)
    assert xcoms["results"] == [
        {"job_id": job.job_id, "status": "completed", "container_ids": job.container_ids, "error": None}
        for job in reversed(jobs)
    ]


def test_an_empty_list_has_ended(sense: Any) -> None:
    result = sense([])
    assert (result.value, result.triggers, result.reschedules) == ([], [], 0)


@pytest.mark.parametrize(
    ("ended", "error"), [("failed", LayersJobFailedError), ("canceled", LayersJobCanceledError)]
)
def test_one_job_that_did_not_complete_fails_it_once_the_others_have(
    ended: str, error: type[Exception], sense: Any, crowd: Any, api: Any, failure: Any, clock: Any
) -> None:
    (good,) = crowd.start(1, seconds=60)
    api.outcome(ended)
    (bad,) = crowd.start(1, seconds=10)
    result = sense([bad.job_id, good.job_id])
    assert failure(result, error).job_id == bad.job_id
    assert clock.elapsed >= 60
    assert [row["status"] for row in result.xcoms["results"]] == [ended, "completed"]


def test_an_unknown_job_in_the_middle_is_named_once_the_others_have_completed(
    sense: Any, crowd: Any, failure: Any, clock: Any
) -> None:
    first, last = crowd.start(2, seconds=60)
    result = sense([first.job_id, UNKNOWN, last.job_id])
    assert UNKNOWN in str(failure(result, LayersNotFoundError))
    assert 60 <= clock.elapsed < 100
    assert [row["status"] for row in result.xcoms["results"]] == ["completed", "error", "completed"]


def test_many_unknown_jobs_take_no_longer_than_one(sense: Any, failure: Any, clock: Any) -> None:
    error = failure(sense([f"{UNKNOWN[:-1]}{number}" for number in range(9)]), LayersPartialPermanentError)
    assert len(error.errors) == 9
    assert clock.elapsed < 45


def test_several_failures_are_one_error_that_names_them(
    sense: Any, crowd: Any, api: Any, failure: Any
) -> None:
    api.outcome("failed", code="RENDER_FAILED")
    jobs = crowd.start(2)
    error = failure(sense([jobs[0].job_id, UNKNOWN, jobs[1].job_id]), LayersPartialPermanentError)
    assert list(error.errors) == [jobs[0].job_id, UNKNOWN]
    assert "2 of 3 Layers jobs" in str(error)
    assert jobs[0].job_id in str(error)
    assert UNKNOWN in str(error)


def test_soft_fail_and_timeout_of_a_list(sense: Any, crowd: Any) -> None:
    job_ids = [job.job_id for job in crowd.start(2)]
    assert type(sense(job_ids, timeout=20).error) is AirflowSensorTimeout
    assert type(sense([UNKNOWN, *job_ids], soft_fail=True).error) is AirflowSkipException


def test_a_refused_key_ends_the_wait_for_a_list_at_once(
    crowd: Any, sensing: Any, api: Any, failure: Any, clock: Any
) -> None:
    job_ids = [job.job_id for job in crowd.start(20)]
    api.fault("fail_before", method="GET", status=401, code="UNAUTHENTICATED", times=None, skip=1)
    sensor = LayersJobSensor(task_id="wait", job_id=job_ids, deferrable=True)
    failure(sensing(sensor), LayersAuthenticationError)
    assert clock.elapsed < 15


def test_what_the_trigger_has_read_is_not_read_again(crowd: Any, api: Any, sensing: Any) -> None:
    jobs = crowd.start(40)
    with DAG("chain", schedule=None):
        start = LayersGenerateContentOperator(task_id="start", project_id=api.project_id, brief={})
        sensor = LayersJobSensor(task_id="wait", job_id=[job.job_id for job in jobs], deferrable=True)
        start >> sensor
    result = sensing(sensor, upstream={("start", index): left_by(job) for index, job in enumerate(jobs)})
    assert result.value == [job.container_ids[0] for job in jobs]
    assert len(crowd.job_reads()) <= 44
    assert 3 <= len(crowd.list_reads()) <= 30


def test_500_jobs_in_one_trigger(crowd: Any, clock: Any) -> None:
    jobs = crowd.start(500, seconds=[60, 300])
    known = [
        {"job_id": job.job_id, "container_ids": job.container_ids, "project_id": job.project_id}
        for job in jobs
    ]
    (event,) = crowd.wait([LayersJobsTrigger(known, deadline=clock.time() + 3600)])
    assert event["status"] == "completed"
    assert event["statuses"] == {job.job_id: "completed" for job in jobs}
    assert event["after"] <= 315
    assert len(crowd.job_reads()) <= 550


def test_the_event_of_a_list_names_what_has_not_finished(crowd: Any, airflow: Any, clock: Any) -> None:
    (short,) = crowd.start(1, seconds=10)
    (long,) = crowd.start(1, seconds=60)
    trigger = LayersJobsTrigger(
        [{"job_id": short.job_id}, {"job_id": long.job_id}], deadline=clock.time() + 30, cancel_on_kill=True
    )
    event = airflow.fire(trigger.serialize())
    assert event["job_ids"] == [short.job_id, long.job_id]
    assert event["statuses"] == {short.job_id: "completed", long.job_id: "timeout"}
    assert event["status"] == "timeout"
    assert long.job_id in event["reason"]
    assert event["deadline"] == trigger.deadline


# Kills


def test_a_kill_cancels_the_unfinished_jobs_of_a_list(crowd: Any, api: Any, airflow: Any, clock: Any) -> None:
    short, *long = crowd.start(1, seconds=10) + crowd.start(20, seconds=600)
    jobs = [{"job_id": job.job_id} for job in [short, *long]]
    trigger = airflow.connected(LayersJobsTrigger(jobs, deadline=clock.time() + 900, cancel_on_kill=True))

    async def killed_after_30_seconds() -> None:
        waiting = asyncio.ensure_future(airflow.event_of(trigger))
        clock.on_sleep = lambda: clock.elapsed < 30 or waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        clock.on_sleep = lambda: None
        await trigger.on_kill()

    asyncio.run(killed_after_30_seconds())
    canceled = {
        request.path.split("/")[3] for request in api.requests(method="POST", path="/v1/jobs/*/cancel")
    }
    assert canceled == {job.job_id for job in long}
    assert clock.elapsed < 30 + CANCEL_SECONDS


def test_a_kill_of_a_sensor_cancels_nothing(crowd: Any, api: Any, deferred: Any, airflow: Any) -> None:
    job_ids = [job.job_id for job in crowd.start(2)]
    sensor = LayersJobSensor(task_id="wait", job_id=job_ids, deferrable=True)
    asyncio.run(airflow.connected(deferred(sensor).trigger).on_kill())
    assert api.requests(method="POST", path="/v1/jobs/*/cancel") == []
