"""Who ends a task decides what becomes of its job: a person, a restart, or the clock."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_layers import client
from airflow_provider_layers.exceptions import LayersJobTimeoutError
from airflow_provider_layers.operators.content import LayersGenerateContentOperator
from airflow_provider_layers.sensors.jobs import LayersJobSensor
from airflow_provider_layers.triggers.jobs import LayersJobTrigger

WAYS = {"worker": False, "triggerer": True}
CANCELS = {"method": "POST", "path": "/v1/jobs/*/cancel"}


class TerminatedError(BaseException):
    """Ends the task, as Airflow does after ``on_kill``."""


@pytest.fixture
def said(caplog: Any, capfd: Any) -> Callable[[], str]:
    """Give the log; Airflow 3 writes to the output, Airflow 2 to the library."""
    caplog.set_level("INFO")
    return lambda: caplog.text + "".join(capfd.readouterr())


@pytest.fixture
def make(api: Any) -> Callable[..., LayersGenerateContentOperator]:
    def of(**arguments: Any) -> LayersGenerateContentOperator:
        arguments = {"task_id": "make", "retries": 2, "brief": {"topic": "x"}, **arguments}
        return LayersGenerateContentOperator(project_id=api.project_id, **arguments)

    return of


@pytest.fixture
def killed(airflow: Any, clock: Any) -> Callable[..., None]:
    """
    Kill a task in a worker: in the middle of its wait, or at its end where it does not wait.

    ``state`` is what Airflow's database says of the task by then.
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


PEOPLE = ["failed", "success", "skipped", "restarting"]
NOBODY = ["running", None]


@pytest.mark.parametrize("waits", [False, True], ids=["at the end", "while it waits"])
@pytest.mark.parametrize("state", PEOPLE)
def test_a_person_who_ends_the_task_cancels_the_job(
    state: str, waits: bool, make: Any, killed: Any, api: Any
) -> None:
    killed(make(wait_for_completion=waits), state)
    assert [job.cancel_requested for job in api.jobs()] == [True]


@pytest.mark.parametrize("map_index", [-1, 3])
@pytest.mark.parametrize("state", NOBODY)
def test_a_restart_of_the_worker_leaves_the_job_to_the_retry(
    state: str | None, map_index: int, make: Any, killed: Any, airflow: Any, api: Any, said: Any
) -> None:
    killed(make(wait_for_completion=True), state, map_index=map_index)
    (job,) = api.jobs()
    assert not job.cancel_requested
    assert f"Layers job {job.job_id} goes on" in said()
    retried = airflow.value(make(wait_for_completion=True), map_index=map_index, try_number=2)
    assert retried == job.container_ids
    assert len(api.jobs()) == 1


@pytest.mark.parametrize("state", ["failed", "restarting"])
def test_a_mapped_task_is_told_from_its_siblings(state: str, make: Any, killed: Any, api: Any) -> None:
    killed(make(), state, map_index=3)
    assert api.jobs()[0].cancel_requested


@pytest.mark.parametrize("state", ["up_for_retry", "queued", "scheduled"])
def test_a_task_that_airflow_gave_up_and_took_back_cancels_nothing(
    state: str, make: Any, killed: Any, api: Any
) -> None:
    """A worker out of touch for longer than its heartbeat allows comes back, and is told to stop."""
    killed(make(wait_for_completion=True), state)
    assert not api.jobs()[0].cancel_requested


@pytest.mark.parametrize("how", ["fails", "hangs"])
def test_where_airflow_does_not_tell_who_ended_it_nothing_is_canceled(
    how: str, make: Any, airflow: Any, api: Any, said: Any
) -> None:
    context = airflow.context(make(), state_in_database="failed")
    prepared = airflow.prepared(make(), context)
    prepared.execute(context)
    over = threading.Event()

    def ask(*_: Any, **__: Any) -> Any:
        if how == "hangs":
            over.wait(60)
        raise OSError("The channel is gone.")

    name = "get_task_states" if hasattr(context["ti"], "get_task_states") else "refresh_from_db"
    setattr(context["ti"], name, ask)
    began = time.monotonic()
    prepared.on_kill()
    assert time.monotonic() - began < 10
    over.set()
    assert not api.jobs()[0].cancel_requested
    assert "did not tell whether a person ended" in said()


def test_the_job_goes_on_where_cancel_on_kill_is_off(make: Any, killed: Any, api: Any, said: Any) -> None:
    killed(make(cancel_on_kill=False), "failed")
    (job,) = api.jobs()
    assert not job.cancel_requested
    assert f"Layers job {job.job_id} goes on: cancel_on_kill is off." in said()


def test_a_resumed_task_knows_its_job(make: Any, airflow: Any, api: Any, monkeypatch: Any) -> None:
    job_id = airflow.value(make())
    context = airflow.context(make(), state_in_database="failed")
    prepared = airflow.prepared(make(), context)
    monkeypatch.setattr(prepared, "_finish", lambda *_: prepared.on_kill())
    api.advance(60)
    api.outcome("completed")
    event = {"job_id": job_id, "status": "completed", "reason": "", "deadline": 0.0, "container_ids": []}
    prepared.resume_execution("execute_complete", {"event": event}, context)
    assert [one.path for one in api.requests(**CANCELS)] == [f"/v1/jobs/{job_id}/cancel"]


# What the API answers to a cancel: seconds into the job, and what is said of it.
ANSWERS = {
    "taken": (10, "cancel accepted=True"),
    "not in this stage": (56, "cancel accepted=False JOB_CANCEL_UNAVAILABLE"),
    "too late": (60, "cancel accepted=False ALREADY_COMPLETED"),
}


@pytest.mark.parametrize(("seconds", "answer"), ANSWERS.values(), ids=ANSWERS)
def test_a_killed_worker_takes_every_answer(
    seconds: float, answer: str, make: Any, airflow: Any, api: Any, said: Any
) -> None:
    context = airflow.context(make(), state_in_database="failed")
    prepared = airflow.prepared(make(), context)
    job_id = prepared.execute(context)
    api.advance(seconds)
    prepared.on_kill()
    assert f"Layers job {job_id}: {answer}" in said()


@pytest.fixture
def trigger(make: Any, airflow: Any) -> LayersJobTrigger:
    return LayersJobTrigger(job_id=airflow.value(make()), cancel_on_kill=True)


@pytest.mark.parametrize(("seconds", "answer"), ANSWERS.values(), ids=ANSWERS)
def test_a_killed_wait_in_the_triggerer_takes_every_answer(
    seconds: float, answer: str, trigger: LayersJobTrigger, api: Any, said: Any
) -> None:
    api.advance(seconds)
    asyncio.run(trigger.on_kill())
    assert f"Layers job {trigger.job_id}: {answer}" in said()
    assert len(api.requests(**CANCELS)) == 1


def test_a_killed_wait_in_the_triggerer_cancels_only_where_asked_to(
    trigger: LayersJobTrigger, api: Any
) -> None:
    trigger.cancel_on_kill = False
    asyncio.run(trigger.on_kill())
    assert api.requests(**CANCELS) == []


@pytest.mark.parametrize("cancels", [True, False])
def test_a_deferral_takes_the_choice_along(cancels: bool, make: Any, airflow: Any) -> None:
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


TROUBLE: dict[str, dict[str, Any]] = {
    "503": {"kind": "fail_before"},
    "disconnect": {"kind": "disconnect_before"},
    "garbage": {"kind": "garbage"},
    "401": {"kind": "fail_before", "status": 401, "code": "UNAUTHENTICATED"},
    "404": {"kind": "fail_before", "status": 404, "code": "NOT_FOUND"},
    "another conflict": {"kind": "fail_before", "status": 409, "code": "CONFLICT"},
}


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
@pytest.mark.parametrize("where", WAYS)
def test_a_cancel_that_fails_leaves_the_job_in_the_log_and_raises_nothing(
    where: str,
    trouble: Any,
    make: Any,
    killed: Any,
    trigger: LayersJobTrigger,
    api: Any,
    clock: Any,
    said: Any,
) -> None:
    api.fault(**CANCELS, times=None, **trouble)
    if where == "worker":
        killed(make(), "failed", run_id="killed")
        assert clock.elapsed <= 2
    else:
        asyncio.run(trigger.on_kill())
        assert clock.elapsed <= 20
    job = api.jobs()[-1]
    assert f"Layers job {job.job_id} may still be running: it could not be canceled." in said()


@pytest.mark.parametrize("fault", ["fail_after", "disconnect_after"])
def test_a_cancel_whose_answer_was_lost_is_sent_once_more(
    fault: str, make: Any, killed: Any, api: Any
) -> None:
    api.fault(fault, **CANCELS)
    killed(make(), "failed")
    assert len(api.requests(**CANCELS)) == 2
    assert api.jobs()[0].cancel_requested


def test_a_killed_worker_gives_up_on_an_api_that_hangs(
    make: Any, killed: Any, api: Any, connect: Any, clock: Any, said: Any
) -> None:
    connect(timeout=1)
    api.fault("hang", **CANCELS, seconds=60, times=None)
    began = time.monotonic()
    killed(make(), "failed")
    assert time.monotonic() - began + clock.elapsed < 10
    assert len(api.requests(**CANCELS)) == 2
    assert f"Layers job {api.jobs()[0].job_id} may still be running" in said()


@pytest.fixture
def timeouts(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note the timeout of every client that is made."""
    noted: list[float] = []
    options = client._options

    def noting(access: Any) -> Any:
        noted.append(options(access)["timeout"].read)
        return options(access)

    monkeypatch.setattr(client, "_options", noting)
    return noted


def test_a_killed_worker_is_done_in_twenty_seconds_whatever_the_connection_says(
    make: Any, killed: Any, connect: Any, timeouts: list[float]
) -> None:
    connect()
    killed(make(), "failed")
    state, attempts, pause = 2.0, 2, 1.0
    assert state + attempts * timeouts[-1] + pause <= 20


def test_a_kill_that_airflow_cuts_short_leaves_the_job_in_the_log(
    trigger: LayersJobTrigger, api: Any, said: Any
) -> None:
    api.fault("hang", **CANCELS, seconds=60, times=None)
    said()

    async def as_airflow_does() -> None:
        await asyncio.wait_for(trigger.on_kill(), timeout=0.3)

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(as_airflow_does())
    assert trigger.job_id in said()


def test_a_kill_while_the_start_is_under_way_says_that_there_may_be_a_job(
    make: Any, airflow: Any, said: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = airflow.context(make(), state_in_database="failed")
    prepared = airflow.prepared(make(), context)

    def on_signal(_: Any) -> Any:
        prepared.on_kill()
        raise TerminatedError

    monkeypatch.setattr(client, "_answer", on_signal)
    said()
    with pytest.raises(TerminatedError):
        prepared.execute(context)
    assert "may be running" in said()


@pytest.mark.parametrize("deferrable", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("cancels", [True, False])
def test_a_deadline_cancels_the_job_only_where_asked_to(
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
def test_a_job_that_completes_at_the_last_look_is_not_canceled(
    deferrable: bool, make: Any, airflow: Any, api: Any
) -> None:
    api.outcome("completed", job_seconds=29.99)
    waits = {"wait_for_completion": True, "deferrable": deferrable, "completion_timeout": 30}
    assert airflow.value(make(cancel_on_timeout=True, **waits)) == api.jobs()[0].container_ids
    assert api.requests(**CANCELS) == []


@pytest.mark.parametrize("deferrable", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("trouble", ["fail_before", "disconnect_before"])
def test_a_deadline_stays_the_error_where_the_job_cannot_be_canceled(
    trouble: str, deferrable: bool, make: Any, airflow: Any, api: Any, failure: Any, said: Any
) -> None:
    api.fault(trouble, **CANCELS, times=None)
    waits = {"wait_for_completion": True, "deferrable": deferrable, "completion_timeout": 30}
    error = failure(airflow.run(make(cancel_on_timeout=True, **waits)), LayersJobTimeoutError)
    assert f"Layers job {error.job_id} may still be running" in said()
