"""A wait for a job survives transient errors, ends on others, in a worker and in the triggerer alike."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowTaskTimeout

from airflow_provider_layers.exceptions import (
    LayersAuthenticationError,
    LayersJobCanceledError,
    LayersJobFailedError,
    LayersJobRetryError,
    LayersJobTimeoutError,
    LayersPermissionError,
    LayersSuspendedError,
    LayersUnexpectedResponseError,
)
from airflow_provider_layers.operators.content import LayersGenerateContentOperator

WAYS = {"worker": False, "triggerer": True}
JOB = {"method": "GET", "path": "/v1/jobs/*"}


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def deferrable(request: Any) -> bool:
    return request.param


@pytest.fixture
def wait(airflow: Any, api: Any, deferrable: bool) -> Any:
    """Generate content and wait for it."""

    def run(try_number: int = 1, run_id: str = "run", **arguments: Any) -> Any:
        operator = LayersGenerateContentOperator(
            task_id="make",
            retries=2,
            project_id=api.project_id,
            brief={"topic": "x"},
            wait_for_completion=True,
            deferrable=deferrable,
            **arguments,
        )
        return airflow.run(operator, try_number=try_number, run_id=run_id)

    return run


def job_reads(api: Any) -> list[Any]:
    return api.requests(**JOB)


def test_pauses_follow_the_vendor_s_guidance(wait: Any, clock: Any, deferrable: bool) -> None:
    assert wait().error is None
    first, *pauses = [pause for pause in clock.slept if pause]
    # 2 s, times 1.3, at most 10 s, up to 0.5 s of jitter (`reference/jobs/get-job`); first polls of many
    # waits are spread over 2 s. In the triggerer, later pauses follow the progress of the job.
    assert first <= 2.0
    guidance = [min(10.0, 2.0 * 1.3**number) for number in range(len(pauses))]
    for grown, pause in zip(guidance[: 1 if deferrable else None], pauses, strict=False):
        assert grown <= pause <= grown + 0.5001
    assert min(pauses) >= 2.0
    assert 60 <= first + sum(pauses) <= 60 + 10.5


def test_the_longest_pause_can_be_chosen(wait: Any, clock: Any, deferrable: bool) -> None:
    wait(poll_interval=3)
    # While the end is known to be far, the triggerer pauses three times as long.
    assert max(clock.slept) <= (9.5 if deferrable else 3.5)
    assert clock.elapsed <= 60 + 3.5


def test_polls_name_the_state_that_is_known(wait: Any, api: Any, deferrable: bool) -> None:
    wait(poll_interval=1)
    reads = job_reads(api)
    tags = {request.headers.get("if-none-match") for request in reads}
    unchanged = [request for request in reads if request.status == 304]
    # The triggerer polls less often, so that it meets the same state twice less often.
    assert len(unchanged) > (0 if deferrable else 5)
    assert len(tags - {None}) > 5, "each new state is requested with its own tag"
    assert all(request.headers.get("if-none-match") for request in unchanged)


TRANSIENT: dict[str, tuple[str, dict[str, Any]]] = {
    "503": ("fail_before", {"times": 30, "skip": 2}),
    "408": ("fail_before", {"status": 408, "code": "TIMEOUT", "skip": 2}),
    "425": ("fail_before", {"status": 425, "code": "TOO_EARLY", "skip": 2}),
    "disconnect": ("disconnect_before", {"times": 30, "skip": 2}),
    "garbage": ("garbage", {"skip": 2}),
    "a gateway's error page": ("garbage", {"status": 502, "times": 12, "skip": 2}),
    "wrong job": ("wrong_job", {"skip": 2}),
    "unknown status": ("unknown_status", {"skip": 2}),
    "429": ("rate_limit", {"times": 12, "retry_after": 3, "skip": 2}),
    # The read that follows the start:
    "503 at once": ("fail_before", {"times": 30}),
    "garbage at once": ("garbage", {}),
    "429 at once": ("rate_limit", {"times": 12, "retry_after": 3}),
}


@pytest.mark.parametrize(("fault", "arguments"), TRANSIENT.values(), ids=TRANSIENT)
def test_transient_errors_do_not_end_a_wait(
    fault: str, arguments: dict[str, Any], wait: Any, api: Any
) -> None:
    api.fault(fault, **JOB, **arguments)
    result = wait()
    assert result.error is None
    assert result.value == api.jobs()[0].container_ids
    assert len(api.jobs()) == 1


def test_a_good_response_resets_the_count_of_undocumented_ones(wait: Any, api: Any, clock: Any) -> None:
    api.fault("garbage", times=8, **JOB)
    api.fault("garbage", times=8, skip=1, **JOB)
    assert wait().error is None
    assert clock.elapsed > 60


def test_a_rate_limit_sets_the_least_pause(wait: Any, api: Any, clock: Any) -> None:
    api.fault("rate_limit", method="GET", skip=2, retry_after=45)
    assert wait().error is None
    assert 45 <= max(clock.slept) <= 46


PERMANENT: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "401": ({"status": 401, "code": "UNAUTHENTICATED"}, LayersAuthenticationError),
    "403": ({"status": 403, "code": "FORBIDDEN_SCOPE"}, LayersPermissionError),
    "suspended": ({"status": 503, "code": "KILL_SWITCH"}, LayersSuspendedError),
}


@pytest.mark.parametrize("skip", [0, 2], ids=["at once", "later"])
@pytest.mark.parametrize(("arguments", "error"), PERMANENT.values(), ids=PERMANENT)
def test_permanent_errors_end_a_wait_at_once(
    arguments: dict[str, Any],
    error: type[Exception],
    skip: int,
    wait: Any,
    api: Any,
    failure: Any,
    clock: Any,
) -> None:
    api.fault("fail_before", times=None, skip=skip, **JOB, **arguments)
    failure(wait(), error)
    assert clock.elapsed < 20
    assert len(api.jobs()) == 1


def test_a_new_job_may_be_invisible_for_a_moment(wait: Any, api: Any) -> None:
    api.fault("fail_before", status=404, code="NOT_FOUND", times=3, **JOB)
    assert wait().error is None


def test_a_job_that_stays_unknown_ends_a_wait(wait: Any, api: Any, clock: Any) -> None:
    api.fault("fail_before", status=404, code="NOT_FOUND", times=None, **JOB)
    error = wait().error
    assert isinstance(error, LayersUnexpectedResponseError), "the API denies what it has just started"
    assert api.jobs()[0].job_id in str(error)
    assert 10 <= clock.elapsed <= 60
    api.clear_faults()
    assert wait(try_number=2).error is None
    assert len(api.jobs()) == 1


@pytest.mark.parametrize("cancel", [True, False], ids=["canceled", "left alone"])
def test_the_execution_timeout_ends_a_wait_after_a_last_look(
    cancel: bool, deferrable: bool, airflow: Any, api: Any, clock: Any
) -> None:
    def run(seconds: int, run_id: str) -> Any:
        operator = LayersGenerateContentOperator(
            task_id="make",
            project_id=api.project_id,
            brief={"topic": "x"},
            wait_for_completion=True,
            deferrable=deferrable,
            cancel_on_timeout=cancel,
            execution_timeout=timedelta(seconds=seconds),
        )
        started = datetime.fromtimestamp(clock.time(), timezone.utc)
        return airflow.run(operator, run_id=run_id, start_date=started)

    with pytest.raises(AirflowTaskTimeout, match="execution_timeout"):
        run(40, "too long")
    # On Airflow 2 a tenth earlier, so that the task may resume before Airflow ends it.
    assert 30 <= clock.elapsed <= 40
    api.advance(30)
    assert api.jobs()[0].status == ("canceled" if cancel else "completed")
    assert run(80, "in time").value == api.jobs()[1].container_ids


def test_a_retry_after_a_failed_job_starts_another_where_asked(
    wait: Any, api: Any, failure: Any, caplog: Any
) -> None:
    api.outcome("failed")
    error = wait(retry_on_job_failure=True).error
    assert type(error) is LayersJobRetryError
    assert not isinstance(error, AirflowFailException), "the task's retries are left on"
    with caplog.at_level("INFO"):
        second = wait(retry_on_job_failure=True, try_number=2)
    failed, job = api.jobs()
    assert second.value == job.container_ids
    assert f"{failed.job_id}, which an earlier try started, failed" in caplog.text
    api.outcome("canceled")
    failure(wait(try_number=1, run_id="without"), LayersJobCanceledError)


def test_a_job_that_disappears_ends_a_wait(wait: Any, api: Any, failure: Any, clock: Any) -> None:
    api.fault("fail_before", skip=3, times=None, status=404, code="NOT_FOUND", **JOB)
    assert isinstance(wait().error, LayersUnexpectedResponseError)
    assert clock.elapsed <= 60


@pytest.mark.parametrize(("fault", "text"), [("wrong_job", "returned job"), ("unknown_status", "'archived'")])
def test_an_undocumented_response_that_stays_ends_a_wait_and_is_named(
    fault: str, text: str, wait: Any, api: Any, clock: Any
) -> None:
    api.fault(fault, times=None, **JOB)
    result = wait(completion_timeout=3600)
    assert text in str(result.error)
    assert clock.elapsed < 300
    assert len(api.jobs()) == 1


@pytest.mark.parametrize(
    ("ended", "error"), [("failed", LayersJobFailedError), ("canceled", LayersJobCanceledError)]
)
def test_a_job_that_did_not_complete_fails_the_task_for_good(
    ended: str, error: type[Exception], wait: Any, api: Any, failure: Any
) -> None:
    api.outcome(ended, code="RENDER_FAILED", message="The renderer gave up.")
    result = wait()
    raised = failure(result, error)
    job = api.jobs()[0]
    assert job.job_id in str(raised)
    if ended == "failed":
        assert str(raised).endswith("failed: RENDER_FAILED The renderer gave up.")
        assert raised.error == {"code": "RENDER_FAILED", "message": "The renderer gave up."}
    assert result.xcoms["job_id"] == job.job_id
    assert "job" not in result.xcoms


def test_the_deadline_fails_the_task_and_leaves_the_job_alone(
    wait: Any, api: Any, failure: Any, clock: Any
) -> None:
    error = failure(wait(completion_timeout=30), LayersJobTimeoutError)
    assert error.job_id == api.jobs()[0].job_id
    assert "still running" in str(error)
    assert "may still complete" in str(error)
    assert clock.elapsed == pytest.approx(30, abs=0.01)
    assert not api.jobs()[0].cancel_requested


def test_the_last_poll_comes_at_the_deadline(wait: Any, api: Any) -> None:
    api.outcome("completed", job_seconds=29.99)
    assert wait(completion_timeout=30).error is None
    assert len(job_reads(api)) > 3


def test_a_retry_counts_the_deadline_from_the_start_of_the_job(
    wait: Any, api: Any, failure: Any, clock: Any
) -> None:
    api.outcome("completed", job_seconds=3600)
    failure(wait(completion_timeout=30), LayersJobTimeoutError)
    before = clock.elapsed
    failure(wait(completion_timeout=40, try_number=2), LayersJobTimeoutError)
    assert clock.elapsed - before == pytest.approx(10, abs=0.01)
    assert len(api.jobs()) == 1


def test_a_job_that_ended_in_an_earlier_try_is_not_waited_for(wait: Any, api: Any, clock: Any) -> None:
    api.fault("fail_after", method="POST", status=503, times=5)
    wait()
    api.advance(60)
    slept, reads = len(clock.slept), len(job_reads(api))
    result = wait(try_number=2)
    assert result.value == api.jobs()[0].container_ids
    assert (result.triggers, len(clock.slept) - slept, len(job_reads(api)) - reads) == ([], 0, 1)


def test_a_completed_job_names_containers_that_the_start_did_not(wait: Any, api: Any) -> None:
    start = {"jobId": "job_1", "kind": "content_clone_from_post", "status": "running"}
    end = {**start, "status": "completed", "result": {"containerId": "cnt_9"}}
    api.fault("garbage", method="POST", status=202, body=json.dumps(start))
    api.fault("garbage", method="GET", times=None, body=json.dumps(end))
    assert wait().value == ["cnt_9"]
