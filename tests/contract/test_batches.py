"""Many jobs in one task: each is started once, all are waited for, and only what is missing follows."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_layers.exceptions import (
    LayersAuthenticationError,
    LayersJobTimeoutError,
    LayersParameterError,
    LayersPartialError,
    LayersPartialPermanentError,
    LayersServerError,
    LayersTimeoutError,
)
from airflow_provider_layers.operators.content import LayersContentBatchOperator
from tests.limits import STARTS_PER_MINUTE

GENERATE = {"method": "POST", "path": "/v1/projects/*/content"}


@pytest.fixture(params=[False, True], ids=["worker", "triggerer"])
def deferrable(request: Any) -> bool:
    return request.param


@pytest.fixture
def batch(api: Any, deferrable: bool) -> Any:
    def make(requests: Any = 3, **arguments: Any) -> LayersContentBatchOperator:
        if isinstance(requests, int):
            requests = [generate(api, number) for number in range(requests)]
        arguments = {"task_id": "make", "deferrable": deferrable, **arguments}
        return LayersContentBatchOperator(requests=requests, **arguments)

    return make


def generate(api: Any, number: int = 0) -> dict[str, Any]:
    return {"operation": "generate", "project_id": api.project_id, "brief": {"topic": f"Number {number}."}}


def test_every_operation_is_started_and_waited_for(batch: Any, airflow: Any, api: Any, made: Any) -> None:
    old = made()
    requests = [
        {**generate(api), "variant_count": 2},
        {"operation": "clone", "project_id": api.project_id, "source_platform_post_id": api.top_post_ids[0]},
        {"operation": "regenerate", "container_id": old, "brief": {"cta": "Now."}},
    ]
    result = airflow.run(batch(requests))
    jobs = api.jobs()[-3:]
    assert result.value == [name for job in jobs for name in job.container_ids]
    assert [job.kind for job in jobs] == [
        "content_generate",
        "content_clone_from_post",
        "content_regenerate",
    ]
    told = [
        (one["job_id"], one["status"], one["container_ids"], one["error"]) for one in result.xcoms["results"]
    ]
    assert told == [(job.job_id, "completed", job.container_ids, None) for job in jobs]


@pytest.mark.usefixtures("memory")
def test_a_bad_one_in_the_middle_keeps_no_other_from_its_job(
    batch: Any, airflow: Any, api: Any, failure: Any, posted: Any
) -> None:
    api.fault("fail_before", status=422, code="MODERATION_BLOCKED", skip=1, **GENERATE)
    error = failure(airflow.run(batch()), LayersPartialPermanentError)
    assert [one["status"] for one in error.results] == ["completed", "refused", "completed"]
    assert "requests[1]" in str(error)
    assert "MODERATION_BLOCKED" in str(error)
    posted()
    cleared = airflow.run(batch(), max_tries=1, try_number=2)
    first, last = (job.container_ids for job in api.jobs()[:2])
    assert cleared.value == [*first, *api.jobs()[2].container_ids, *last]
    assert len(api.jobs()) == 3, "a clear starts only what is missing"


@pytest.mark.usefixtures("memory")
def test_a_failed_job_is_started_again_and_the_others_are_kept(batch: Any, airflow: Any, api: Any) -> None:
    api.outcome("failed")
    first = airflow.run(batch(retry_on_job_failure=True, retries=1))
    assert type(first.error) is LayersPartialError
    assert [one["status"] for one in first.xcoms["results"]] == ["failed", "completed", "completed"]
    second = airflow.run(batch(retry_on_job_failure=True, retries=1), try_number=2)
    failed, *kept, last = api.jobs()
    assert second.value == [name for job in [last, *kept] for name in job.container_ids]
    assert failed.job_id in str(first.error)


def test_what_succeeded_is_enough_if_the_author_says_so(
    batch: Any, airflow: Any, api: Any, failure: Any
) -> None:
    api.outcome("failed")
    result = airflow.run(batch(fail_on_partial_error=False))
    assert result.value == [name for job in api.jobs()[1:] for name in job.container_ids]
    assert result.xcoms["results"][0]["error"]
    api.outcome("failed")
    failure(airflow.run(batch(1, fail_on_partial_error=False), run_id="all"), LayersPartialPermanentError)


def test_a_clear_can_start_all_again(batch: Any, airflow: Any, api: Any) -> None:
    airflow.value(batch())
    airflow.value(batch(on_clear="resubmit"), max_tries=1, try_number=2)
    assert len(api.jobs()) == 6


@pytest.mark.usefixtures("memory")
def test_a_fault_in_the_middle_leaves_the_rest_to_the_retry(batch: Any, airflow: Any, api: Any) -> None:
    api.fault("fail_after", status=503, skip=1, times=5, **GENERATE)
    assert isinstance(airflow.run(batch(retries=1)).error, LayersServerError)
    second = airflow.run(batch(retries=1), try_number=2)
    assert second.error is None
    assert second.value == [name for job in api.jobs() for name in job.container_ids]
    assert len(api.jobs()) == 3


def test_credits_that_do_not_suffice_end_the_starts(batch: Any, airflow: Any, api: Any, posted: Any) -> None:
    api.configure(credits=130)
    result = airflow.run(batch(4, fail_on_partial_error=False))
    assert len(result.value) == len(api.jobs()) == 1
    assert [one["status"] for one in result.xcoms["results"]] == ["completed", "refused", None, None]
    assert len(posted()) == 2


def test_a_wrong_key_ends_the_task(batch: Any, airflow: Any, connect: Any, failure: Any, posted: Any) -> None:
    connect(password="lp_live_wrong")
    failure(airflow.run(batch()), LayersAuthenticationError)
    assert len(posted()) == 1


BAD = {
    "no list": ({}, "at least one"),
    "none": ([], "at least one"),
    "no object": (["generate"], r"requests\[0\]: operation = None"),
    "unknown operation": ([{"operation": "remix"}], r"operation = 'remix': should be one of generate"),
    "no project": ([{"operation": "generate", "brief": {}}], r"requests\[0\]: project_id is required"),
    "unknown field": ([{"operation": "regenerate", "container_id": "cnt_1", "topic": 1}], "topic"),
    "no source": ([{"operation": "clone", "project_id": "prj_1"}], "source_platform_post_id"),
}


@pytest.mark.parametrize(("requests", "text"), BAD.values(), ids=BAD)
def test_a_wrong_request_is_named_and_nothing_is_sent(
    requests: Any, text: str, batch: Any, airflow: Any, api: Any, failure: Any
) -> None:
    good = [generate(api), *requests] if requests and isinstance(requests, list) else requests
    error = failure(airflow.run(batch(good)), LayersParameterError)
    assert error.args[0]
    with pytest.raises(LayersParameterError, match=text):
        airflow.execute(batch(requests))
    assert api.requests() == []


def test_a_job_that_cannot_be_read_keeps_no_other_from_its_end(
    batch: Any, airflow: Any, api: Any, failure: Any
) -> None:
    api.configure(job_seconds=60)
    seen: list[str] = []

    def lose(request: Any) -> None:
        job_id = request.url.path.rpartition("/")[2]
        if request.method == "GET" and request.url.path.startswith("/v1/jobs/") and not seen:
            seen.append(job_id)
            api.fault(
                "fail_before",
                status=404,
                code="NOT_FOUND",
                method="GET",
                path=f"/v1/jobs/{job_id}",
                times=None,
            )

    airflow._wire.on_request = lose
    error = failure(airflow.run(batch()), LayersPartialPermanentError)
    assert sorted(one["status"] for one in error.results) == ["completed", "completed", "error"]


def test_the_start_timeout_ends_the_batch(batch: Any, airflow: Any, api: Any, failure: Any) -> None:
    api.fault("rate_limit", retry_after=5, times=None, **GENERATE)
    failure(airflow.run(batch(start_timeout=60)), LayersTimeoutError)
    assert len(api.requests(**GENERATE)) < 20


def test_jobs_that_run_at_the_deadline_are_canceled_where_asked(
    batch: Any, airflow: Any, api: Any, failure: Any
) -> None:
    api.configure(job_seconds=600)
    result = airflow.run(batch(completion_timeout=120, cancel_on_timeout=True))
    error = failure(result, LayersJobTimeoutError)
    assert "2 others" in str(error)
    api.advance(30)
    assert {job.status for job in api.jobs()} == {"canceled"}


def test_hundreds_are_started_at_the_tier_s_rate_with_few_resumptions(
    airflow: Any, api: Any, clock: Any
) -> None:
    per_minute = STARTS_PER_MINUTE["standard"]
    count = 5 * per_minute
    api.configure(tier="standard", credits=10**9)
    operator = LayersContentBatchOperator(
        task_id="make", requests=[generate(api, number) for number in range(count)], deferrable=True
    )
    result = airflow.run(operator)
    assert len(result.value) == len(api.jobs()) == count
    assert len(api.requests(**GENERATE)) <= 1.1 * count
    assert len(result.triggers) <= 8
    assert count / (clock.elapsed - 60) * 60 >= 0.8 * per_minute
