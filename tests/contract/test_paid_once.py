"""A task instance starts one job, over its retries and every fault on the way, with a store and without."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_layers.exceptions import (
    LayersServerError,
    LayersTransportError,
    LayersUnexpectedResponseError,
)
from airflow_provider_layers.operators.content import (
    LayersApproveContentOperator,
    LayersCloneFromPostOperator,
    LayersGenerateContentOperator,
    LayersScheduleContentOperator,
)
from tests.contract.bystander import post_ids_of

with_and_without_store = pytest.mark.usefixtures("memory")


@with_and_without_store
def test_a_retry_finds_the_running_job(starter: Any, jobs: Any, airflow: Any, posted: Any) -> None:
    results = [airflow.run(starter(), try_number=number) for number in (1, 2, 3)]
    assert [result.error for result in results] == [None] * 3
    assert {result.value for result in results} == {jobs()[0].job_id}
    assert results[0].xcoms == results[1].xcoms == results[2].xcoms
    assert len(jobs()) == 1
    sent = posted()
    assert len({(request.path, request.idempotency_key) for request in sent}) == 1
    assert [request.replayed for request in sent] == ([False] if airflow.with_store else [False, True, True])


def test_no_read_follows_a_start_that_does_not_wait(starter: Any, airflow: Any, api: Any) -> None:
    before = len(api.requests(method="GET"))
    airflow.value(starter())
    assert len(api.requests(method="GET")) == before


@with_and_without_store
def test_a_retry_finds_the_completed_job(starter: Any, jobs: Any, airflow: Any, api: Any) -> None:
    first = airflow.value(starter())
    api.advance(60)
    second = airflow.run(starter(wait_for_completion=True), try_number=2)
    assert second.xcoms["job"]["job_id"] == first
    assert len(jobs()) == 1


@with_and_without_store
@pytest.mark.parametrize("ended", ["failed", "canceled"])
def test_a_retry_after_a_job_that_ended_badly_starts_one_more(
    ended: str, starter: Any, jobs: Any, airflow: Any, api: Any, posted: Any
) -> None:
    api.outcome(ended)
    first = airflow.value(starter())
    api.advance(60)
    second = airflow.value(starter(), try_number=2)
    again = airflow.value(starter(), try_number=3)
    assert first != second == again
    assert [job.job_id for job in jobs()] == [first, second]
    assert len({request.idempotency_key for request in posted()}) == 2


@with_and_without_store
def test_a_clone_whose_job_failed_gets_a_new_container(airflow: Any, api: Any, posted: Any) -> None:
    operator = LayersCloneFromPostOperator(
        task_id="make", retries=1, project_id=api.project_id, source_platform_post_id=api.top_post_ids[0]
    )
    api.outcome("failed")
    first = airflow.run(operator)
    api.advance(60)
    second = airflow.run(operator, try_number=2)
    assert first.xcoms["container_id"] != second.xcoms["container_id"]
    assert len({request.path for request in posted()}) == 2


@with_and_without_store
def test_a_first_try_that_never_arrived_leaves_its_key_to_the_second(
    starter: Any, jobs: Any, airflow: Any, api: Any, posted: Any
) -> None:
    api.fault("disconnect_before", method="POST", times=5)
    assert isinstance(airflow.run(starter()).error, LayersTransportError)
    assert jobs() == []
    airflow.value(starter(), try_number=2)
    assert len(jobs()) == 1
    assert len({request.idempotency_key for request in posted()}) == 1


# Each is one fault after which the same try continues.
FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "503 before accepting": ("fail_before", {}),
    "503 after accepting": ("fail_after", {}),
    "500 after accepting": ("fail_after", {"status": 500, "code": "INTERNAL"}),
    "502 after accepting, as a page": ("garbage", {"status": 502, "executed": True}),
    "408": ("fail_after", {"status": 408, "code": "TIMEOUT"}),
    "425": ("fail_before", {"status": 425, "code": "TOO_EARLY"}),
    "disconnect before accepting": ("disconnect_before", {}),
    "disconnect after accepting": ("disconnect_after", {}),
    "garbage after accepting": ("garbage", {"executed": True}),
    "nothing after accepting": ("garbage", {"executed": True, "body": "", "status": 204}),
    "a list as the response": ("garbage", {"executed": True, "body": "[]"}),
    "a response without a job": ("garbage", {"executed": True, "body": "{}", "status": 202}),
}


@pytest.mark.parametrize("kind", ["generate"], indirect=True)
@pytest.mark.parametrize(("fault", "arguments"), FAULTS.values(), ids=FAULTS)
def test_a_fault_while_starting_costs_nothing(
    fault: str,
    arguments: dict[str, Any],
    starter: Any,
    jobs: Any,
    airflow: Any,
    api: Any,
    posted: Any,
    clock: Any,
) -> None:
    api.fault(fault, method="POST", **arguments)
    result = airflow.run(starter())
    assert result.error is None
    assert [job.job_id for job in jobs()] == [result.value]
    assert len({request.idempotency_key for request in posted()}) == 1
    assert 0.25 <= clock.elapsed <= 0.5


def test_a_response_that_never_arrives_costs_nothing(airflow: Any, api: Any, connect: Any) -> None:
    connect(timeout=1)
    api.fault("hang", method="POST", seconds=30, executed=True)
    operator = LayersGenerateContentOperator(task_id="t", project_id=api.project_id, brief={})
    assert airflow.value(operator) == api.jobs()[0].job_id
    assert len(api.jobs()) == 1


LASTING: dict[str, tuple[str, dict[str, Any], type[Exception]]] = {
    "503": ("fail_after", {}, LayersServerError),
    "disconnects": ("disconnect_after", {}, LayersTransportError),
    "garbage": ("garbage", {"executed": True}, LayersUnexpectedResponseError),
}


@with_and_without_store
@pytest.mark.parametrize(("fault", "arguments", "error"), LASTING.values(), ids=LASTING)
def test_a_lasting_fault_leaves_the_rest_to_airflows_retries(
    fault: str, arguments: dict[str, Any], error: type[Exception], airflow: Any, api: Any, clock: Any
) -> None:
    operator = LayersGenerateContentOperator(task_id="t", retries=1, project_id=api.project_id, brief={})
    api.fault(fault, method="POST", times=None, **arguments)
    result = airflow.run(operator)
    assert type(result.error) is error, "Airflow retries what is not an AirflowFailException"
    assert clock.elapsed < 60
    api.clear_faults()
    assert airflow.value(operator, try_number=2) == api.jobs()[0].job_id
    assert len(api.jobs()) == 1


def test_the_cap_on_running_jobs_is_waited_for(airflow: Any, api: Any) -> None:
    api.configure(concurrent_jobs=1, job_seconds=6)
    operator = LayersGenerateContentOperator(task_id="t", project_id=api.project_id, brief={})
    airflow.value(operator, run_id="first")
    airflow.value(operator, run_id="second")
    assert [job.status for job in api.jobs()] == ["completed", "running"]


@with_and_without_store
def test_no_second_job_is_started_while_it_is_unknown_whether_the_first_failed(
    airflow: Any, api: Any
) -> None:
    operator = LayersGenerateContentOperator(task_id="t", retries=1, project_id=api.project_id, brief={})
    api.outcome("failed")
    first = airflow.value(operator)
    api.advance(60)
    api.fault("fail_before", method="GET", times=None)
    result = airflow.run(operator, try_number=2)
    assert isinstance(result.error, LayersServerError)
    assert [job.job_id for job in api.jobs()] == [first]
    assert result.xcoms["job_id"] == first


@with_and_without_store
def test_an_approval_and_a_schedule_whose_responses_are_lost_are_not_carried_out_twice(
    airflow: Any, api: Any, made: Any, posted: Any
) -> None:
    container = made()
    posted()
    for fault in ("fail_after", "disconnect_after"):
        api.fault(fault, method="POST", path="/v1/content/*/approve")
        api.fault(fault, method="POST", path="/v1/content/*/schedule")
    approved = airflow.value(LayersApproveContentOperator(task_id="a", container_id=container))
    schedule = LayersScheduleContentOperator(
        task_id="s",
        container_id=container,
        scheduled_for="2040-07-01T09:00:00Z",
        targets=[{"social_account_id": api.social_account_ids[0], "mode": "publish"}],
    )
    first = airflow.value(schedule)
    assert approved["approvalStatus"] == "approved"
    assert airflow.value(schedule, try_number=2) == first
    assert first["scheduled_post_ids"] == post_ids_of(api)
    keys = [(request.path.rpartition("/")[2], request.idempotency_key) for request in posted()]
    assert len(keys) == 3 + 3, "the retry finds the posts, and sends nothing"
    assert {verb for verb, _ in set(keys)} == {"approve", "schedule"}
    assert len(set(keys)) == 2
