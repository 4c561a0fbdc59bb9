"""The end of a sensor's wait by time, and that nothing transient ends it before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, AirflowTaskTimeout, TaskDeferred

from airflow_provider_layers.operators.content import (
    LayersApproveContentOperator,
    LayersScheduleContentOperator,
)
from airflow_provider_layers.sensors.content import LayersContentApprovalSensor
from airflow_provider_layers.sensors.jobs import LayersJobSensor
from airflow_provider_layers.sensors.scheduled_posts import LayersScheduledPostSensor
from airflow_provider_layers.sensors.top_performers import LayersTopPerformersSensor
from airflow_provider_layers.task_context import RESUME_SECONDS
from tests.contract.conftest import AIRFLOW

DAY = 86400.0
FOREIGN = {"job_id": "job_1", "status": "timeout", "reason": "x", "deadline": 0.0, "container_ids": []}
# Below Airflow 3, Airflow itself ends what resumes after its execution_timeout.
EARLIER = 0.0 if AIRFLOW >= (3, 0) else RESUME_SECONDS


def job_sensor(api: Any, airflow: Any, crowd: Any, made: Any, **arguments: Any) -> Any:
    (job,) = crowd.start(1, seconds=DAY)
    return LayersJobSensor(task_id="wait", job_id=job.job_id, **arguments)


def approval_sensor(api: Any, airflow: Any, crowd: Any, made: Any, **arguments: Any) -> Any:
    return LayersContentApprovalSensor(task_id="wait", container_id=[made(), made()], **arguments)


def scheduled_post_sensor(api: Any, airflow: Any, crowd: Any, made: Any, **arguments: Any) -> Any:
    container_id = made()
    airflow.value(LayersApproveContentOperator(task_id="approve", container_id=container_id))
    schedule = LayersScheduleContentOperator(
        task_id="schedule",
        container_id=container_id,
        scheduled_for=datetime.now(timezone.utc) + timedelta(days=30),
        targets=[{"social_account_id": api.social_account_ids[0], "mode": "publish"}],
    )
    (post,) = airflow.value(schedule)["scheduled_post_ids"]
    return LayersScheduledPostSensor(task_id="wait", scheduled_post_id=post, **arguments)


def top_performers_sensor(api: Any, airflow: Any, crowd: Any, made: Any, **arguments: Any) -> Any:
    return LayersTopPerformersSensor(
        task_id="wait", project_id=api.project_id, metric="views", threshold=10**15, **arguments
    )


@pytest.fixture(params=[job_sensor, approval_sensor, scheduled_post_sensor, top_performers_sensor])
def waiting(request: Any, api: Any, airflow: Any, crowd: Any, made: Any) -> Callable[..., Any]:
    """Make a sensor of a kind that waits for days."""

    def make(**arguments: Any) -> Any:
        arguments = {"deferrable": True, "retries": 2, **arguments}
        return request.param(api, airflow, crowd, made, **arguments)

    return make


@pytest.mark.parametrize(
    ("limits", "error", "seconds"),
    [
        ({"execution_timeout": timedelta(seconds=300)}, AirflowTaskTimeout, 300 - EARLIER),
        ({"execution_timeout": timedelta(days=1), "timeout": 300}, AirflowSensorTimeout, 300),
    ],
    ids=["execution_timeout", "timeout"],
)
def test_a_deferred_wait_ends_at_its_time_after_a_last_read(
    limits: dict[str, Any],
    error: type[BaseException],
    seconds: float,
    waiting: Any,
    airflow: Any,
    api: Any,
    clock: Any,
) -> None:
    sensor = waiting(**limits)
    before = clock.elapsed
    context = airflow.context(sensor)
    with pytest.raises(TaskDeferred) as caught:
        airflow.execute(sensor, context)
    assert seconds < caught.value.timeout.total_seconds() < seconds + 90, "where no triggerer reports"
    event = airflow.fire(caught.value.trigger.serialize())
    assert seconds <= clock.elapsed - before < seconds + 1
    reads = len(api.requests(method="GET"))
    arguments = {**caught.value.kwargs, "event": event}
    with pytest.raises(error):
        airflow.prepared(sensor, context).resume_execution("execute_complete", arguments, context)
    assert len(api.requests(method="GET")) > reads


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "lost as in dag.test"])
def test_an_event_of_another_task_does_not_move_the_deadline(
    kept: bool, waiting: Any, airflow: Any, clock: Any
) -> None:
    sensor = waiting(timeout=600)
    context = airflow.context(sensor)
    deadline = clock.time() + 600
    with pytest.raises(TaskDeferred) as caught:
        airflow.execute(sensor, context)
    for _ in range(2):
        clock.sleep(200)
        arguments = {**(caught.value.kwargs if kept else {}), "event": FOREIGN}
        with pytest.raises(TaskDeferred) as caught:
            airflow.prepared(sensor, context).resume_execution("execute_complete", arguments, context)
        assert caught.value.trigger.deadline == pytest.approx(deadline, rel=0, abs=0.01)


@pytest.mark.parametrize(
    "fault",
    [{"kind": "fail_before"}, {"kind": "disconnect_before"}, {"kind": "rate_limit", "retry_after": 300}],
    ids=["503", "disconnect", "429"],
)
def test_a_transient_error_after_the_deferral_does_not_end_it(
    fault: dict[str, Any], airflow: Any, api: Any, crowd: Any, clock: Any
) -> None:
    (job,) = crowd.start(1)
    sensor = LayersJobSensor(task_id="wait", job_id=job.job_id, deferrable=True, timeout=600)
    context = airflow.context(sensor)
    deadline = clock.time() + 600
    with pytest.raises(TaskDeferred) as caught:
        airflow.execute(sensor, context)
    event = airflow.fire(caught.value.trigger.serialize())
    api.fault(method="GET", path="/v1/jobs/*", times=None, **fault)
    arguments = {**caught.value.kwargs, "event": event}
    with pytest.raises(TaskDeferred) as caught:
        airflow.prepared(sensor, context).resume_execution("execute_complete", arguments, context)
    assert caught.value.trigger.deadline == pytest.approx(deadline, rel=0, abs=0.01)
    api.clear_faults()
    event = airflow.fire(caught.value.trigger.serialize())
    arguments = {**caught.value.kwargs, "event": event}
    value = airflow.prepared(sensor, context).resume_execution("execute_complete", arguments, context)
    assert value == job.container_ids


def test_undocumented_responses_that_have_passed_do_not_end_it(
    airflow: Any, api: Any, crowd: Any, clock: Any
) -> None:
    (job,) = crowd.start(1, seconds=600)
    sensor = LayersJobSensor(task_id="wait", job_id=job.job_id, deferrable=True)
    api.fault("garbage", method="GET", path="/v1/jobs/*", times=10, skip=1)
    result = airflow.run(sensor)
    assert (result.events[0]["status"], result.events[0]["is_transient"]) == ("error", True)
    assert (len(result.triggers), result.value) == (2, job.container_ids)


def test_a_worker_reads_once_more_when_its_execution_timeout_interrupts_a_pause(
    airflow: Any, crowd: Any, clock: Any
) -> None:
    def interrupt() -> None:
        clock.on_sleep = lambda: None
        raise AirflowTaskTimeout("Timeout")

    short, long = crowd.start(1, seconds=30)[0], crowd.start(1, seconds=DAY)[0]
    sensor = LayersJobSensor(task_id="wait", job_id=short.job_id, poke_interval=60)
    clock.on_sleep = interrupt
    assert airflow.value(sensor) == short.container_ids
    sensor = LayersJobSensor(task_id="wait", job_id=long.job_id, poke_interval=60)
    clock.on_sleep = interrupt
    with pytest.raises(AirflowTaskTimeout):
        airflow.value(sensor)
