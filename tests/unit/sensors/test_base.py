"""What all sensors share: waiting in a worker or deferred, and ``soft_fail`` alike in both."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
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
from airflow_provider_layers.sensors.base import LayersSensor
from airflow_provider_layers.triggers.jobs import LayersJobTrigger
from tests.unit.scripted import NOW, ScriptedApi
from tests.unit.tasks import FOREIGN, connected, context

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


def execute(*states, **fields):
    task = sensor(*states, **fields)
    return task.execute(context(task))


def resume(*states, event, **fields):
    task = sensor(*states, **fields)
    return task.execute_complete(context(task), event)


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
    assert (caught.value.method_name, caught.value.timeout) == ("execute_complete", None)


@pytest.mark.parametrize("status", ["completed", "timeout", "error"])
def test_on_resumption_the_state_decides_and_not_the_event(status):
    assert resume(DONE, event=event_of(status)) == "result"


@pytest.mark.parametrize(
    ("state", "status", "kind", "text"),
    [
        (NOT_YET, "timeout", AirflowSensorTimeout, "^Why.$"),
        (NOT_YET, "error", LayersTransportError, "The thing could not be polled: Why."),
        (LOST, "completed", LayersTransportError, "lost"),
        (FAILED, "completed", LayersJobFailedError, "no app"),
    ],
    ids=["timeout", "error", "lost", "failed"],
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
    "lost, resumed": (resume, LOST, {"event": event_of()}),
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
