"""The job sensor, in each way of waiting."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowSensorTimeout,
    AirflowSkipException,
)

from airflow_provider_layers.exceptions import (
    LayersAuthenticationError,
    LayersError,
    LayersJobCanceledError,
    LayersJobFailedError,
    LayersNotFoundError,
)
from airflow_provider_layers.operators.content import LayersGenerateContentOperator
from airflow_provider_layers.sensors.jobs import LayersJobSensor

WAYS: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True},
}


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def way(request: Any) -> dict[str, Any]:
    return request.param


@pytest.fixture
def job_id(airflow: Any, api: Any) -> str:
    operator = LayersGenerateContentOperator(task_id="g", project_id=api.project_id, brief={"topic": "x"})
    return airflow.value(operator)


@pytest.fixture
def sense(sensing: Any, way: dict[str, Any], job_id: str) -> Any:
    """Run a sensor in one of the ways."""

    def run(**arguments: Any) -> Any:
        arguments = {"job_id": job_id, "poke_interval": 5, "timeout": 600, **way, **arguments}
        return sensing(LayersJobSensor(task_id="wait", retries=2, **arguments))

    return run


def test_it_waits_until_the_job_has_completed(sense: Any, api: Any, way: dict[str, Any], clock: Any) -> None:
    result = sense()
    assert result.error is None
    assert result.value == api.jobs()[0].container_ids
    assert 60 <= clock.elapsed <= 72
    assert bool(result.triggers) is bool(way.get("deferrable"))
    assert (result.reschedules > 0) is (way.get("mode") == "reschedule")


def test_it_does_not_wait_for_a_job_that_has_completed(sense: Any, api: Any, clock: Any) -> None:
    api.advance(60)
    result = sense()
    assert result.value == api.jobs()[0].container_ids
    assert (result.triggers, result.reschedules, clock.slept) == ([], 0, [])


@pytest.mark.parametrize(
    ("ended", "error"), [("failed", LayersJobFailedError), ("canceled", LayersJobCanceledError)]
)
@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_job_that_did_not_complete_fails_it_for_good(
    ended: str, error: type[Exception], when: str, airflow: Any, api: Any, way: Any, sense: Any, failure: Any
) -> None:
    api.outcome(ended)
    operator = LayersGenerateContentOperator(task_id="g", project_id=api.project_id, brief={"topic": "x"})
    job_id = airflow.value(operator, run_id="bad")
    api.advance(60 if when == "before" else 0)
    assert failure(sense(job_id=job_id), error).job_id == job_id


def test_a_timeout_is_airflows_own(sense: Any, clock: Any, api: Any) -> None:
    result = sense(timeout=30)
    assert type(result.error) is AirflowSensorTimeout
    assert 29.99 <= clock.elapsed <= 41
    assert not api.jobs()[0].cancel_requested, "a sensor never cancels"


PERMANENT: dict[str, dict[str, Any]] = {
    "timeout": {"timeout": 30},
    "failed job": {"outcome": "failed"},
    "job that had failed": {"outcome": "failed", "advance": 60},
    "revoked key": {"fault": 401},
    "revoked key later": {"fault": 401, "skip": 2},
}


@pytest.fixture
def case_of(airflow: Any, api: Any) -> Any:
    """Set a case up and return the sensor's arguments."""

    def make(case: dict[str, Any]) -> dict[str, Any]:
        arguments = {"timeout": case.get("timeout", 600)}
        if "outcome" in case:
            api.outcome(case["outcome"], job_seconds=10)
            operator = LayersGenerateContentOperator(
                task_id="g", project_id=api.project_id, brief={"topic": "x"}
            )
            arguments["job_id"] = airflow.value(operator, run_id="bad")
            api.advance(case.get("advance", 0))
        if "fault" in case:
            fault = {"status": case["fault"], "code": "X", "skip": case.get("skip", 0)}
            api.fault("fail_before", method="GET", times=None, **fault)
        return arguments

    return make


@pytest.mark.parametrize("case", PERMANENT.values(), ids=PERMANENT)
def test_permanent_failures_are_skipped_in_every_way(case: dict[str, Any], case_of: Any, sense: Any) -> None:
    assert type(sense(soft_fail=True, **case_of(case)).error) is AirflowSkipException


@pytest.mark.parametrize(("flag", "skips"), [("soft_fail", False), ("never_fail", True)])
def test_transient_failures_are_skipped_with_never_fail_only(
    flag: str, skips: bool, sense: Any, api: Any
) -> None:
    api.fault("unknown_status", method="GET", path="/v1/jobs/*", times=None, skip=2)
    error = sense(**{flag: True}).error
    assert isinstance(error, AirflowSkipException if skips else LayersError)


@pytest.mark.parametrize(
    "wrong", [{"job_id": ""}, {"layers_conn_id": "layers_keyless"}], ids=["job", "connection"]
)
def test_wrong_parameters_are_skipped_in_every_way(
    wrong: dict[str, str], sense: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_LAYERS_KEYLESS", '{"conn_type": "layers"}')
    assert type(sense(soft_fail=True, **wrong).error) is AirflowSkipException


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "fail_before", "times": 12},
        {"kind": "disconnect_before", "times": 12},
        {"kind": "rate_limit", "retry_after": 2, "times": 12},
        {"kind": "garbage"},
    ],
    ids=["503", "disconnect", "429", "garbage"],
)
def test_transient_errors_do_not_end_it(fault: dict[str, Any], sense: Any, api: Any) -> None:
    api.fault(method="GET", path="/v1/jobs/*", **fault)
    result = sense()
    assert result.error is None
    assert result.value == api.jobs()[0].container_ids


def test_a_wrong_key_fails_it_for_good(sense: Any, api: Any, connect: Any, failure: Any) -> None:
    connect(password=api.keys["revoked"])
    failure(sense(), LayersAuthenticationError)


def test_an_unknown_job_fails_it_for_good(sense: Any, failure: Any, clock: Any) -> None:
    failure(sense(job_id="job_01HX9Y6K7EJ4T2ABCDEF01234"), LayersNotFoundError)
    assert clock.elapsed < 60


@pytest.mark.parametrize(("fault", "text"), [("wrong_job", "returned job"), ("unknown_status", "'archived'")])
def test_an_undocumented_response_that_stays_fails_it_long_before_its_timeout(
    fault: str, text: str, sense: Any, api: Any, clock: Any
) -> None:
    api.fault(fault, method="GET", path="/v1/jobs/*", times=None)
    result = sense(timeout=3600)
    assert text in str(result.error)
    assert clock.elapsed < 600
