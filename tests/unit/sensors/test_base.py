"""What all sensors share: waiting in a worker or deferred, and ``soft_fail`` alike in both."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    PokeReturnValue,
    TaskDeferred,
)

from airflow_provider_layers.exceptions import (
    LayersJobFailedError,
    LayersParameterError,
    LayersRateLimitError,
    LayersServerError,
    LayersTransportError,
    LayersUnexpectedResponseError,
)
from airflow_provider_layers.sensors.base import TRIGGER_GRACE, LayersSensor
from airflow_provider_layers.triggers.jobs import LayersJobTrigger
from tests.unit.scripted import NOW, ScriptedApi
from tests.unit.tasks import FOREIGN, TaskInstance, connected, context

DONE = PokeReturnValue(is_done=True, xcom_value="result")
NOT_YET = PokeReturnValue(is_done=False)
LOST = LayersTransportError("lost")
FAILED = LayersJobFailedError("job_1", "failed: no app.")
UNEXPECTED = LayersUnexpectedResponseError("<html>")
BOTH_WAYS = pytest.mark.parametrize("deferrable", [True, False], ids=["deferred", "worker"])


class Sensor(LayersSensor):
    """Has these states, in order; the last again and again."""

    def __init__(self, *, states, wrong=False, **fields):
        super().__init__(task_id="task", **({"poke_interval": 0.01} | fields))
        self.states = list(states)
        self.wrong = wrong

    subject = "The thing"

    def announce(self, context):
        if self.wrong:
            raise LayersParameterError("job_id = ''")

    def check(self, context):
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, Exception):
            raise state
        return state

    def trigger(self, *, deadline, not_before):
        return LayersJobTrigger("job_1", deadline=deadline, not_before=not_before)


def sensor(*states, **fields):
    return connected(Sensor(states=states, **fields), ScriptedApi())


def execute(*states, started=NOW, **fields):
    task = sensor(*states, **fields)
    return task.execute(context(task, start_date=datetime.fromtimestamp(started, timezone.utc)))


def resume(*states, event, deadline=None, **fields):
    task = sensor(*states, **fields)
    return task.execute_complete(context(task), event, deadline)


def event_of(status="completed", **fields):
    event = {"job_id": "job_1", "container_ids": [], "status": status, "reason": "Why.", "deadline": NOW + 7}
    return event | fields


@BOTH_WAYS
def test_what_is_done_is_not_waited_for(deferrable):
    assert execute(DONE, deferrable=deferrable) == "result"


def test_a_worker_checks_until_it_is_done_or_its_timeout():
    assert execute(NOT_YET, NOT_YET, DONE, deferrable=False) == "result"
    with pytest.raises(AirflowSensorTimeout):
        execute(NOT_YET, deferrable=False, timeout=0.02)


@pytest.mark.parametrize(
    "failure",
    [LOST, LayersRateLimitError("read", status_code=429), LayersServerError("read", status_code=503)],
    ids=lambda failure: type(failure).__name__,
)
def test_transient_errors_do_not_end_the_wait(failure):
    assert execute(failure, failure, DONE, deferrable=False) == "result"
    with pytest.raises(TaskDeferred):
        execute(failure, deferrable=True)


def test_a_deferral_has_a_deadline_and_may_not_fire_too_early(earliest):
    with pytest.raises(TaskDeferred) as caught:
        execute(NOT_YET, deferrable=True, timeout=600)
    assert (caught.value.trigger.deadline, caught.value.trigger.not_before) == (NOW + 600, earliest)
    assert (caught.value.method_name, caught.value.kwargs) == ("execute_complete", {"deadline": NOW + 600})
    assert caught.value.timeout == timedelta(seconds=600 + TRIGGER_GRACE), "only if no triggerer reports"


@pytest.mark.parametrize("status", ["completed", "timeout", "error"])
def test_on_resumption_the_state_decides_and_not_the_event(status):
    assert resume(DONE, event=event_of(status)) == "result"


@pytest.mark.parametrize(
    ("state", "status", "kind", "text"),
    [
        (NOT_YET, "timeout", AirflowSensorTimeout, "^Why.$"),
        (NOT_YET, "error", LayersTransportError, "The thing could not be polled: Why."),
        (FAILED, "completed", LayersJobFailedError, "no app"),
    ],
    ids=["timeout", "error", "failed"],
)
def test_a_wait_that_ended_without_success_is_an_error(state, status, kind, text):
    with pytest.raises(kind, match=text):
        resume(state, event=event_of(status))


def test_what_is_unfinished_again_is_waited_for_until_the_same_deadline(earliest):
    with pytest.raises(TaskDeferred) as caught:
        resume(NOT_YET, event=event_of("completed", deadline=1_900_000_000.0), timeout=600)
    assert (caught.value.trigger.deadline, caught.value.trigger.not_before) == (1_900_000_000.0, earliest)


@pytest.mark.parametrize(
    "event", [event_of(status, job_id="job_2") for status in ("completed", "timeout", "error")] + FOREIGN
)
def test_an_event_of_another_task_is_ignored(event, earliest):
    with pytest.raises(TaskDeferred) as caught:
        resume(NOT_YET, event=event, timeout=600)
    trigger = caught.value.trigger
    assert (trigger.job_id, trigger.deadline, trigger.not_before) == ("job_1", NOW + 600, earliest)


@pytest.mark.parametrize("state", [LOST, NOT_YET], ids=["lost", "unfinished"])
@pytest.mark.parametrize("event", [event_of(), event_of("error", is_transient=True)], ids=["end", "error"])
def test_transient_errors_after_the_wait_do_not_end_it(state, event):
    with pytest.raises(TaskDeferred) as caught:
        resume(state, event=event, deadline=NOW + 500)
    assert caught.value.trigger.deadline == NOW + 500


# Deadlines


def deadline(**fields):
    with pytest.raises(TaskDeferred) as caught:
        execute(NOT_YET, deferrable=True, **fields)
    return caught.value.trigger.deadline


def test_the_first_of_both_timeouts_is_the_deadline_from_the_start_of_the_try():
    assert deadline(timeout=600, execution_timeout=timedelta(seconds=60)) == NOW + 60
    assert deadline(timeout=60, execution_timeout=timedelta(seconds=600)) == NOW + 60
    assert deadline(timeout=600, started=NOW - 100) == NOW + 500


def test_below_airflow_3_it_is_earlier_so_that_the_task_can_read_once_more(monkeypatch):
    monkeypatch.delattr(TaskInstance, "get_task_states")
    assert deadline(execution_timeout=timedelta(seconds=60)) == NOW + 54
    assert deadline(execution_timeout=timedelta(hours=1)) == NOW + 3590


@pytest.mark.parametrize(("seconds", "kind"), [(600, AirflowTaskTimeout), (601, AirflowSensorTimeout)])
def test_the_error_is_that_of_the_timeout_that_came_first(seconds, kind):
    with pytest.raises(kind, match="Why"):
        resume(NOT_YET, event=event_of("timeout"), timeout=600, execution_timeout=timedelta(seconds=seconds))


@pytest.mark.parametrize("option", ["soft_fail", "never_fail"])
def test_an_execution_timeout_is_skipped_as_a_timeout_is(option):
    limits = {"timeout": 600, "execution_timeout": timedelta(seconds=60)}
    with pytest.raises(AirflowSkipException):
        resume(NOT_YET, event=event_of("timeout"), **limits, **{option: True})


def test_the_deadline_of_the_deferral_outlasts_an_event_of_another_task():
    with pytest.raises(TaskDeferred) as caught:
        resume(NOT_YET, event=event_of(job_id="job_2"), timeout=600, deadline=NOW + 7)
    assert caught.value.kwargs == {"deadline": NOW + 7}


def fail_deferral(*states, error="Trigger timeout", **fields):
    task = sensor(*states, timeout=600)
    return task.resume_execution("__fail__", {"error": error}, context(task, **fields))


def test_a_deferral_that_airflow_ends_at_the_deadline_is_read_once_more():
    late = {"start_date": datetime.fromtimestamp(NOW - 601, timezone.utc)}
    assert fail_deferral(DONE, **late) == "result"
    with pytest.raises(AirflowSensorTimeout, match="was not reported by a triggerer"):
        fail_deferral(NOT_YET, **late)


def test_a_trigger_that_failed_before_fails_the_try():
    with pytest.raises(Exception, match="Trigger failure"):
        fail_deferral(DONE, error="Trigger failure")


class InterruptedSensor(Sensor):
    """Is interrupted by Airflow's timer in its first pause."""

    def _get_next_poke_interval(self, *_):
        raise AirflowTaskTimeout("Timeout")


def test_a_worker_reads_once_more_after_the_execution_timeout():
    def run(*states):
        task = connected(InterruptedSensor(states=states, deferrable=False), ScriptedApi())
        return task.execute(context(task))

    assert run(NOT_YET, DONE) == "result"
    with pytest.raises(AirflowTaskTimeout):
        run(NOT_YET)


@BOTH_WAYS
def test_a_permanent_error_reaches_the_task_as_itself_and_stops_its_retries(deferrable):
    with pytest.raises(LayersJobFailedError) as caught:
        execute(FAILED, deferrable=deferrable)
    assert caught.value is FAILED
    assert isinstance(FAILED, AirflowFailException)
    with pytest.raises(LayersParameterError):
        execute(DONE, wrong=True, deferrable=deferrable)


@BOTH_WAYS
def test_an_undocumented_response_leaves_the_retries_on(deferrable):
    with pytest.raises(LayersUnexpectedResponseError):
        execute(UNEXPECTED, deferrable=deferrable)
    assert not isinstance(UNEXPECTED, AirflowFailException)


FAILURES = {
    "wrong, deferred": (execute, DONE, {"wrong": True, "deferrable": True}),
    "wrong, worker": (execute, DONE, {"wrong": True, "deferrable": False}),
    "failed, deferred": (execute, FAILED, {"deferrable": True}),
    "failed, worker": (execute, FAILED, {"deferrable": False}),
    "failed, resumed": (resume, FAILED, {"event": event_of()}),
    "timeout, worker": (execute, NOT_YET, {"deferrable": False, "timeout": 0.02}),
    "timeout, resumed": (resume, NOT_YET, {"event": event_of("timeout")}),
}


@pytest.mark.parametrize("option", ["soft_fail", "never_fail"])
@pytest.mark.parametrize(("run", "state", "fields"), FAILURES.values(), ids=FAILURES)
def test_permanent_failures_are_skipped_in_every_mode(option, run, state, fields):
    with pytest.raises(AirflowSkipException):
        run(state, **fields, **{option: True})


TRANSIENT = {
    "unexpected, deferred": (execute, UNEXPECTED, {"deferrable": True}),
    "unexpected, worker": (execute, UNEXPECTED, {"deferrable": False}),
    "error, resumed": (resume, NOT_YET, {"event": event_of("error")}),
}


@pytest.mark.parametrize(("run", "state", "fields"), TRANSIENT.values(), ids=TRANSIENT)
def test_transient_failures_are_skipped_with_never_fail_only(run, state, fields):
    with pytest.raises((LayersTransportError, LayersUnexpectedResponseError)):
        run(state, **fields, soft_fail=True)
    with pytest.raises(AirflowSkipException):
        run(state, **fields, never_fail=True)


@pytest.mark.parametrize("options", [{"soft_fail": True}, {"never_fail": True}])
def test_a_deferral_is_no_failure(options):
    with pytest.raises(TaskDeferred):
        execute(NOT_YET, deferrable=True, **options)
    with pytest.raises(TaskDeferred):
        resume(NOT_YET, event=event_of(job_id="job_2"), **options)


def test_the_hook_is_created_once_the_connection_id_is_rendered():
    task = Sensor(states=[DONE], layers_conn_id="{{ params.conn }}")
    task.render_template_fields({"params": {"conn": "layers_acme"}})
    assert task.layers_hook.layers_conn_id == "layers_acme"
    assert task.layers_hook is task.layers_hook
