"""Who ended a task decides whether its job is canceled: a user, a restart, or a deadline."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from airflow_provider_layers.exceptions import LayersJobTimeoutError
from airflow_provider_layers.operators.content import LayersGenerateContentOperator
from airflow_provider_layers.sensors.jobs import LayersJobSensor
from airflow_provider_layers.triggers.jobs import LayersJobTrigger

WAYS = {"worker": False, "triggerer": True}
CANCELS = {"method": "POST", "path": "/v1/jobs/*/cancel"}
NEVER_SECONDS = 60.0
"""Seconds of real time after which something is taken never to happen, however slow the machine is."""


class TerminatedError(BaseException):
    """Ends the task, as Airflow does after ``on_kill``."""


@pytest.fixture
def logged(caplog: Any, capfd: Any) -> Callable[[str], bool]:
    """
    Return whether a text is logged, now or soon: a cancel may still run in its thread.

    Airflow 3 logs to the standard output, Airflow 2 with the standard library.
    """
    caplog.set_level("INFO")
    seen: list[str] = []

    def found(text: str) -> bool:
        deadline = time.monotonic() + NEVER_SECONDS
        while text not in "".join([*seen, caplog.text]) and time.monotonic() < deadline:
            seen.extend(capfd.readouterr())
            time.sleep(0.01)
        return text in "".join([*seen, caplog.text])

    return found


@pytest.fixture
def make(api: Any) -> Callable[..., LayersGenerateContentOperator]:
    def operator(**arguments: Any) -> LayersGenerateContentOperator:
        arguments = {"task_id": "make", "retries": 2, "brief": {"topic": "x"}, **arguments}
        return LayersGenerateContentOperator(project_id=api.project_id, **arguments)

    return operator


@pytest.fixture
def killed(airflow: Any, clock: Any) -> Callable[..., None]:
    """
    Kill a task in a worker: in the middle of its wait, or at its end where it does not wait.

    ``state`` is its state in Airflow's database by then.
    """

    def kill(operator: Any, state: str | None, **of_ti: Any) -> None:
        context = airflow.context(operator, state_in_database="running", **of_ti)
        prepared = airflow.prepared(operator, context)

        def on_signal(_: Any = None) -> None:
            clock.on_sleep = lambda: None
            context["ti"].state_in_database = state
            prepared.on_kill()
            raise TerminatedError

        clock.on_sleep = on_signal
        with pytest.raises(TerminatedError):
            on_signal(prepared.execute(context))

    return kill


@pytest.mark.parametrize("waits", [False, True], ids=["at the end", "while it waits"])
@pytest.mark.parametrize("state", ["failed", "success", "skipped", "restarting"])
def test_a_user_who_ends_the_task_cancels_the_job(
    state: str, waits: bool, make: Any, killed: Any, api: Any
) -> None:
    killed(make(wait_for_completion=waits), state)
    assert [job.cancel_requested for job in api.jobs()] == [True]


@pytest.mark.parametrize("map_index", [-1, 0, 3])
@pytest.mark.parametrize("state", ["running", None])
def test_a_restart_of_the_worker_leaves_the_job_to_the_retry(
    state: str | None, map_index: int, make: Any, killed: Any, airflow: Any, api: Any, logged: Any
) -> None:
    killed(make(wait_for_completion=True), state, map_index=map_index)
    (job,) = api.jobs()
    assert not job.cancel_requested
    assert logged(f"Layers job {job.job_id} continues")
    retried = airflow.value(make(wait_for_completion=True), map_index=map_index, try_number=2)
    assert retried == job.container_ids
    assert len(api.jobs()) == 1


@pytest.mark.parametrize("map_index", [0, 3])
def test_a_mapped_task_is_not_taken_for_its_siblings(
    map_index: int, make: Any, killed: Any, api: Any
) -> None:
    killed(make(), "failed", map_index=map_index)
    assert api.jobs()[0].cancel_requested


@pytest.mark.parametrize("state", ["up_for_retry", "queued", "scheduled"])
def test_a_task_that_airflow_took_for_dead_cancels_nothing(
    state: str, make: Any, killed: Any, api: Any
) -> None:
    """A worker that was unreachable for longer than its heartbeat allows returns, and is stopped."""
    killed(make(wait_for_completion=True), state)
    assert not api.jobs()[0].cancel_requested


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """What a request hangs on; set at the end of the test."""
    event = threading.Event()
    yield event
    event.set()


@pytest.mark.parametrize("how", ["fails", "hangs"])
def test_nothing_is_canceled_if_airflow_cannot_say_who_ended_the_task(
    how: str, make: Any, airflow: Any, api: Any, logged: Any, released: threading.Event
) -> None:
    context = airflow.context(make(), state_in_database="failed")
    prepared = airflow.prepared(make(), context)
    prepared.execute(context)
    unblocked: list[bool] = []

    def read_state(*_: Any, **__: Any) -> Any:
        if how == "hangs":
            unblocked.append(released.wait(NEVER_SECONDS))
        raise OSError("The channel is closed.")

    name = "get_task_states" if hasattr(context["ti"], "get_task_states") else "refresh_from_db"
    setattr(context["ti"], name, read_state)
    prepared.on_kill()
    assert unblocked == [], "the signal handler returns although Airflow does not respond"
    released.set()
    assert logged("Could not read whether a user ended the task")
    assert not api.jobs()[0].cancel_requested


def test_a_killed_worker_does_not_wait_for_an_api_that_hangs(
    make: Any, airflow: Any, wire: Any, logged: Any, released: threading.Event
) -> None:
    """Airflow kills the process 5 s after the signal, so the handler returns in the middle of the request."""
    context = airflow.context(make(), state_in_database="failed")
    prepared = airflow.prepared(make(), context)
    job_id = prepared.execute(context)
    timeouts: list[float] = []
    unblocked: list[bool] = []

    def hang(request: httpx.Request) -> None:
        timeouts.append(request.extensions["timeout"]["read"])
        unblocked.append(released.wait(NEVER_SECONDS))
        raise httpx.ReadTimeout("released")

    wire.on_request = hang
    prepared.on_kill()
    assert (len(timeouts), unblocked) == (1, [])
    assert timeouts[0] < 5, "one attempt fits, whatever timeout the connection has"
    released.set()
    assert logged(f"Layers job {job_id} may still be running")
    assert len(timeouts) == 2


def test_the_job_continues_where_cancel_on_kill_is_off(make: Any, killed: Any, api: Any, logged: Any) -> None:
    killed(make(cancel_on_kill=False), "failed")
    (job,) = api.jobs()
    assert not job.cancel_requested
    assert logged(f"Layers job {job.job_id} continues: cancel_on_kill is off.")


def test_a_resumed_task_that_is_killed_cancels_its_job(make: Any, airflow: Any, api: Any, wire: Any) -> None:
    job_id = airflow.value(make())
    context = airflow.context(make(), state_in_database="failed")
    prepared = airflow.prepared(make(), context)

    def on_signal(*_: Any) -> None:
        wire.on_response = lambda *_: None
        prepared.on_kill()

    wire.on_response = on_signal
    api.advance(60)
    event = {"job_id": job_id, "status": "completed", "reason": "", "container_ids": []}
    prepared.resume_execution("execute_complete", {"event": event}, context)
    assert [request.path for request in api.requests(**CANCELS)] == [f"/v1/jobs/{job_id}/cancel"]


# The response to a cancel: seconds into the job, and what is logged.
RESPONSES = {
    "accepted": (10, "cancel accepted=True"),
    "not in this stage": (56, "cancel accepted=False JOB_CANCEL_UNAVAILABLE"),
    "too late": (60, "cancel accepted=False ALREADY_COMPLETED"),
}


@pytest.mark.parametrize(("seconds", "text"), RESPONSES.values(), ids=RESPONSES)
def test_a_killed_worker_logs_every_response(
    seconds: float, text: str, make: Any, airflow: Any, api: Any, logged: Any
) -> None:
    context = airflow.context(make(), state_in_database="failed")
    prepared = airflow.prepared(make(), context)
    job_id = prepared.execute(context)
    api.advance(seconds)
    prepared.on_kill()
    assert logged(f"Layers job {job_id}: {text}")


@pytest.fixture
def trigger(make: Any, airflow: Any) -> LayersJobTrigger:
    return airflow.connected(LayersJobTrigger(job_id=airflow.value(make()), cancel_on_kill=True))


@pytest.mark.parametrize(("seconds", "text"), RESPONSES.values(), ids=RESPONSES)
def test_a_killed_trigger_logs_every_response(
    seconds: float, text: str, trigger: LayersJobTrigger, api: Any, logged: Any
) -> None:
    api.advance(seconds)
    asyncio.run(trigger.on_kill())
    assert logged(f"Layers job {trigger.job_id}: {text}")
    assert len(api.requests(**CANCELS)) == 1


def test_a_killed_trigger_cancels_only_where_that_was_requested(trigger: LayersJobTrigger, api: Any) -> None:
    trigger.cancel_on_kill = False
    asyncio.run(trigger.on_kill())
    assert api.requests(**CANCELS) == []


@pytest.mark.parametrize("cancels", [True, False])
def test_a_deferral_passes_cancel_on_kill_to_its_trigger(cancels: bool, make: Any, airflow: Any) -> None:
    result = airflow.run(make(wait_for_completion=True, deferrable=True, cancel_on_kill=cancels))
    assert result.triggers[0][1]["cancel_on_kill"] is cancels


def test_a_sensor_never_cancels(make: Any, airflow: Any, api: Any) -> None:
    sensor = LayersJobSensor(task_id="wait", job_id=airflow.value(make()), deferrable=True)
    result = airflow.run(sensor)
    trigger = airflow.trigger(result.triggers[0])
    asyncio.run(trigger.on_kill())
    context = airflow.context(sensor, state_in_database="failed")
    airflow.prepared(sensor, context).on_kill()
    assert api.requests(**CANCELS) == []


FAULTS: dict[str, dict[str, Any]] = {
    "503": {"kind": "fail_before"},
    "disconnect": {"kind": "disconnect_before"},
    "garbage": {"kind": "garbage"},
    "401": {"kind": "fail_before", "status": 401, "code": "UNAUTHENTICATED"},
    "404": {"kind": "fail_before", "status": 404, "code": "NOT_FOUND"},
    "another conflict": {"kind": "fail_before", "status": 409, "code": "CONFLICT"},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("where", WAYS)
def test_a_cancel_that_fails_leaves_the_job_in_the_log_and_raises_nothing(
    where: str,
    fault: Any,
    make: Any,
    killed: Any,
    trigger: LayersJobTrigger,
    api: Any,
    clock: Any,
    logged: Any,
) -> None:
    api.fault(**CANCELS, times=None, **fault)
    if where == "worker":
        killed(make(), "failed", run_id="killed")
        assert clock.elapsed <= 2
    else:
        asyncio.run(trigger.on_kill())
        assert clock.elapsed <= 20
    job = api.jobs()[-1]
    assert logged(f"Layers job {job.job_id} may still be running: it could not be canceled.")


@pytest.mark.parametrize("fault", ["fail_after", "disconnect_after"])
def test_a_cancel_whose_response_was_lost_is_sent_once_more(
    fault: str, make: Any, killed: Any, api: Any
) -> None:
    api.fault(fault, **CANCELS)
    killed(make(), "failed")
    assert len(api.requests(**CANCELS)) == 2
    assert api.jobs()[0].cancel_requested


def test_a_kill_during_the_start_logs_the_key_of_a_job_that_may_be_running(
    make: Any, airflow: Any, api: Any, logged: Any, wire: Any
) -> None:
    context = airflow.context(make(), state_in_database="failed")
    prepared = airflow.prepared(make(), context)

    def on_signal(*_: Any) -> Any:
        prepared.on_kill()
        raise TerminatedError

    wire.on_response = on_signal
    with pytest.raises(TerminatedError):
        prepared.execute(context)
    (start,) = api.requests(method="POST")
    key = start.idempotency_key
    assert logged(
        f"A Layers job may be running: the task was killed while it started one. Idempotency-Key: {key}."
    )


@pytest.mark.parametrize("deferrable", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("cancels", [True, False])
def test_a_deadline_cancels_the_job_only_where_that_was_requested(
    cancels: bool, deferrable: bool, make: Any, airflow: Any, api: Any, failure: Any
) -> None:
    waits = {"wait_for_completion": True, "deferrable": deferrable, "completion_timeout": 30}
    result = airflow.run(make(cancel_on_timeout=cancels, **waits))
    error = failure(result, LayersJobTimeoutError)
    (job,) = api.jobs()
    assert error.job_id == job.job_id
    assert job.cancel_requested is cancels
    assert job.status == "running"


@pytest.mark.parametrize("deferrable", WAYS.values(), ids=WAYS)
def test_a_job_that_completes_by_the_last_poll_is_not_canceled(
    deferrable: bool, make: Any, airflow: Any, api: Any
) -> None:
    api.outcome("completed", job_seconds=29.99)
    waits = {"wait_for_completion": True, "deferrable": deferrable, "completion_timeout": 30}
    assert airflow.value(make(cancel_on_timeout=True, **waits)) == api.jobs()[0].container_ids
    assert api.requests(**CANCELS) == []


@pytest.mark.parametrize("deferrable", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("fault", ["fail_before", "disconnect_before"])
def test_a_deadline_stays_the_error_if_the_job_cannot_be_canceled(
    fault: str, deferrable: bool, make: Any, airflow: Any, api: Any, failure: Any, logged: Any
) -> None:
    api.fault(fault, **CANCELS, times=None)
    waits = {"wait_for_completion": True, "deferrable": deferrable, "completion_timeout": 30}
    error = failure(airflow.run(make(cancel_on_timeout=True, **waits)), LayersJobTimeoutError)
    assert logged(f"Layers job {error.job_id} may still be running")
