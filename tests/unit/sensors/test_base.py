"""What all sensors do alike: waiting in a worker or in the triggerer, and failing softly in both."""

from __future__ import annotations

import time

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
    LayersRateLimitError,
    LayersServerError,
    LayersTransportError,
    LayersUnexpectedAnswerError,
)
from airflow_provider_layers.sensors import base
from airflow_provider_layers.sensors.base import LayersSensor
from airflow_provider_layers.triggers.jobs import LayersJobTrigger
from tests.unit.tasks import FOREIGN, context

DONE = PokeReturnValue(is_done=True, xcom_value="result")
NOT_YET = PokeReturnValue(is_done=False)
LOST = LayersTransportError("lost")
PASSING = [
    LOST,
    LayersRateLimitError("look", status_code=429),
    LayersServerError("look", status_code=503),
]


class Sensor(LayersSensor):
    """Sees what it is told to, in order; the last again and again."""

    def __init__(self, *, seen, **fields):
        super().__init__(task_id="task", **({"poke_interval": 0.01} | fields))
        self.seen = list(seen)
        self.looks = 0

    subject = "The thing"

    def look(self, context):
        self.looks += 1
        found = self.seen.pop(0) if len(self.seen) > 1 else self.seen[0]
        if isinstance(found, Exception):
            raise found
        return found

    def trigger(self, *, deadline, not_before):
        return LayersJobTrigger("job_1", deadline=deadline, not_before=not_before)


def event(status="completed", **fields):
    given = {"job_id": "job_1", "container_ids": [], "status": status, "reason": "Why.", "deadline": 7.0}
    return given | fields


def execute(*seen, **fields):
    sensor = Sensor(seen=seen, **fields)
    return sensor.execute(context(sensor))


def resume(*seen, event, **fields):
    sensor = Sensor(seen=seen, **fields)
    return sensor.execute_complete(context(sensor), event)


@pytest.mark.parametrize("deferrable", [True, False])
def test_what_has_come_already_is_not_waited_for(deferrable):
    assert execute(DONE, deferrable=deferrable) == "result"


def test_a_worker_looks_until_it_comes():
    assert execute(NOT_YET, NOT_YET, DONE, deferrable=False) == "result"


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_failures_that_pass_are_as_good_as_seeing_nothing_yet(error):
    assert execute(error, error, DONE, deferrable=False) == "result"
    with pytest.raises(TaskDeferred):
        execute(error, deferrable=True)


def test_a_deferral_carries_a_deadline_and_no_timeout_of_airflow(monkeypatch):
    monkeypatch.setattr(base, "earliest_event", lambda: 6.0)
    before = time.time()
    with pytest.raises(TaskDeferred) as caught:
        execute(NOT_YET, deferrable=True, timeout=600)
    trigger = caught.value.trigger
    assert before + 600 <= trigger.deadline <= time.time() + 600
    assert before + 6 <= trigger.not_before <= time.time() + 6
    assert (caught.value.method_name, caught.value.timeout) == ("execute_complete", None)


def test_a_worker_gives_up_at_its_timeout():
    with pytest.raises(AirflowSensorTimeout):
        execute(NOT_YET, deferrable=False, timeout=0.02)


@pytest.mark.parametrize("status", ["completed", "timeout", "error"])
def test_whatever_the_event_says_a_look_decides(status):
    assert resume(DONE, event=event(status)) == "result"


def test_a_deadline_is_the_timeout_of_a_sensor():
    with pytest.raises(AirflowSensorTimeout, match="Why"):
        resume(NOT_YET, event=event("timeout"))


def test_a_wait_that_broke_can_be_retried():
    with pytest.raises(LayersTransportError, match="The thing could not be watched: Why"):
        resume(NOT_YET, event=event("error"))


def test_a_look_that_is_lost_after_the_wait_can_be_retried():
    with pytest.raises(LayersTransportError, match="lost"):
        resume(LOST, event=event())


def test_what_has_come_and_gone_again_is_waited_for_until_the_same_deadline():
    with pytest.raises(TaskDeferred) as caught:
        resume(NOT_YET, event=event("completed", deadline=1_900_000_000.0), timeout=600)
    assert caught.value.trigger.deadline == 1_900_000_000.0


@pytest.mark.parametrize("status", ["completed", "timeout", "error"])
def test_an_event_that_belongs_to_another_task_is_waited_on_after(status):
    before = time.time()
    with pytest.raises(TaskDeferred) as caught:
        resume(NOT_YET, event=event(status, job_id="job_2"), timeout=600)
    assert caught.value.trigger.job_id == "job_1"
    assert caught.value.trigger.deadline >= before + 600


@pytest.mark.parametrize("foreign", FOREIGN)
def test_the_event_of_another_kind_of_trigger_is_waited_on_after(foreign):
    with pytest.raises(TaskDeferred):
        resume(NOT_YET, event=foreign)


@pytest.mark.parametrize("deferrable", [True, False])
def test_what_waiting_does_not_mend_stops_the_retries(deferrable):
    error = LayersJobFailedError("job_1", "failed: no app.")
    with pytest.raises(AirflowFailException, match="no app") as caught:
        execute(error, deferrable=deferrable)
    assert caught.value.__cause__ is error
    with pytest.raises(AirflowFailException, match="no app"):
        resume(error, event=event())


@pytest.mark.parametrize("deferrable", [True, False])
def test_an_answer_that_nobody_documented_leaves_the_retries_on(deferrable):
    with pytest.raises(LayersUnexpectedAnswerError):
        execute(LayersUnexpectedAnswerError("<html>"), deferrable=deferrable)


@pytest.mark.parametrize("soft", ["soft_fail", "never_fail"])
@pytest.mark.parametrize(
    "fields",
    [
        {"deferrable": True, "seen": LayersJobFailedError("job_1", "failed: no app.")},
        {"deferrable": False, "seen": LayersJobFailedError("job_1", "failed: no app.")},
        {"event": event(), "seen": LayersJobFailedError("job_1", "failed: no app.")},
        {"deferrable": False, "seen": NOT_YET, "timeout": 0.02},
        {"event": event("timeout"), "seen": NOT_YET},
    ],
    ids=["failed, deferrable", "failed, poking", "failed, resumed", "timeout, poking", "timeout, resumed"],
)
def test_a_sensor_that_may_fail_softly_is_skipped_in_every_mode(soft, fields):
    given = dict(fields)
    work = resume if "event" in given else execute
    with pytest.raises(AirflowSkipException):
        work(given.pop("seen"), **given, **{soft: True})


@pytest.mark.parametrize(
    "fields",
    [
        {"deferrable": True, "seen": LayersUnexpectedAnswerError("<html>")},
        {"deferrable": False, "seen": LayersUnexpectedAnswerError("<html>")},
        {"event": event(), "seen": LOST},
        {"event": event("error"), "seen": NOT_YET},
    ],
    ids=["strange, deferrable", "strange, poking", "lost, resumed", "broken, resumed"],
)
def test_failures_that_pass_skip_only_a_sensor_that_never_fails(fields):
    given = dict(fields)
    work, seen = resume if "event" in given else execute, given.pop("seen")
    with pytest.raises(type(seen) if isinstance(seen, Exception) else LayersTransportError):
        work(seen, **given, soft_fail=True)
    with pytest.raises(AirflowSkipException):
        work(seen, **given, never_fail=True)


@pytest.mark.parametrize("soft", [{}, {"soft_fail": True}, {"never_fail": True}])
def test_a_deferral_is_no_failure(soft):
    with pytest.raises(TaskDeferred):
        execute(NOT_YET, deferrable=True, **soft)
    with pytest.raises(TaskDeferred):
        resume(NOT_YET, event=event(job_id="job_2"), **soft)


def test_the_hook_is_made_once_the_connection_id_is_rendered():
    sensor = Sensor(seen=[DONE], layers_conn_id="{{ params.conn }}")
    sensor.render_template_fields({"params": {"conn": "layers_acme"}})
    assert sensor.layers_hook.layers_conn_id == "layers_acme"
    assert sensor.layers_hook is sensor.layers_hook
