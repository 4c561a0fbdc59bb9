"""A wait outlives what passes, ends on what does not, and is the same in a worker and in the triggerer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_layers.api.agenda import Agenda
from airflow_provider_layers.exceptions import (
    LayersAuthenticationError,
    LayersJobCanceledError,
    LayersJobFailedError,
    LayersJobTimeoutError,
    LayersNotFoundError,
    LayersPermissionError,
    LayersSuspendedError,
    LayersUnexpectedAnswerError,
)
from airflow_provider_layers.operators.content import LayersGenerateContentOperator

WAYS = {"worker": False, "triggerer": True}


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def deferrable(request: Any) -> bool:
    return request.param


@pytest.fixture
def wait(airflow: Any, api: Any, deferrable: bool) -> Any:
    """Generate and wait, in either way."""

    def run(**arguments: Any) -> Any:
        of_ti = {name: arguments.pop(name) for name in ("try_number",) if name in arguments}
        operator = LayersGenerateContentOperator(
            task_id="make",
            retries=2,
            project_id=api.project_id,
            brief={"topic": "x"},
            wait_for_completion=True,
            deferrable=deferrable,
            **arguments,
        )
        return airflow.run(operator, **of_ti)

    return run


def looks(api: Any) -> list[Any]:
    return api.requests(method="GET", path="/v1/jobs/*")


@pytest.fixture
def chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the chance out of the triggerer: it spreads first looks over 2 s, and adds up to 0.5 s."""
    monkeypatch.setitem(Agenda.__init__.__kwdefaults__, "chance", lambda: 1.0)


@pytest.mark.usefixtures("chance")
def test_the_pauses_follow_the_vendors_guidance(wait: Any, api: Any, clock: Any, deferrable: bool) -> None:
    assert wait().error is None
    pauses = [pause for pause in clock.slept if pause]
    # 2 s, times 1.3, at most 10 s, up to 0.5 s of jitter (`reference/jobs/get-job`). In the triggerer the
    # first look comes after one pause more, and later ones come by what the job tells of its progress.
    guided = (
        [2.0, *(min(10.0, 2.0 * 1.3**number) for number in range(2))]
        if deferrable
        else [min(10.0, 2.0 * 1.3**number) for number in range(len(pauses))]
    )
    for grown, pause in zip(guided, pauses, strict=False):
        assert grown <= pause <= grown + 0.5001
    assert min(pauses) >= 2.0
    assert 60 <= sum(pauses) <= 60 + 10.5


def test_the_longest_pause_can_be_chosen(wait: Any, clock: Any, deferrable: bool) -> None:
    wait(poll_interval=3)
    # While the end is known to be far, the triggerer pauses three times as long.
    assert max(clock.slept) <= (9.5 if deferrable else 3.5)
    assert clock.elapsed <= 60 + 3.5


@pytest.mark.usefixtures("chance")
def test_looks_name_the_state_they_know_and_a_304_is_taken(wait: Any, api: Any, deferrable: bool) -> None:
    wait(poll_interval=1)
    seen = looks(api)
    tags = {one.headers.get("if-none-match") for one in seen}
    unchanged = [one for one in seen if one.status == 304]
    # The triggerer looks less often, so that it meets the same state twice less often.
    assert len(unchanged) > (2 if deferrable else 5)
    assert len(tags - {None}) > 5, "each new state is asked about with its own tag"
    assert all(one.headers.get("if-none-match") for one in unchanged)


PASSING: dict[str, tuple[str, dict[str, Any]]] = {
    "one 503": ("fail_before", {}),
    "many 503": ("fail_before", {"times": 30}),
    "many 500": ("fail_before", {"times": 30, "status": 500, "code": "INTERNAL"}),
    "408": ("fail_before", {"status": 408, "code": "TIMEOUT"}),
    "425": ("fail_before", {"status": 425, "code": "TOO_EARLY"}),
    "many disconnects": ("disconnect_before", {"times": 30}),
    "one garbage": ("garbage", {}),
    "a page of a gateway": ("garbage", {"status": 502, "times": 12}),
    "one wrong job": ("wrong_job", {}),
    "one unknown status": ("unknown_status", {}),
    "many rate limits": ("rate_limit", {"times": 12, "retry_after": 3}),
}


@pytest.mark.parametrize("skip", [0, 2], ids=["at once", "later"])
@pytest.mark.parametrize(("fault", "arguments"), PASSING.values(), ids=PASSING)
def test_what_passes_does_not_end_a_wait(
    fault: str, arguments: dict[str, Any], skip: int, wait: Any, api: Any
) -> None:
    api.fault(fault, method="GET", path="/v1/jobs/*", skip=skip, **arguments)
    result = wait()
    assert result.error is None
    assert result.value == api.jobs()[0].container_ids
    assert len(api.jobs()) == 1


def test_a_good_answer_makes_up_for_the_bad_ones_before_it(wait: Any, api: Any, clock: Any) -> None:
    api.fault("garbage", method="GET", path="/v1/jobs/*", times=8)
    api.fault("garbage", method="GET", path="/v1/jobs/*", times=8, skip=1)
    assert wait().error is None
    assert clock.elapsed > 60


def test_a_rate_limit_sets_the_least_pause(wait: Any, api: Any, clock: Any) -> None:
    api.fault("rate_limit", method="GET", skip=2, retry_after=45)
    assert wait().error is None
    assert 45 <= max(clock.slept) <= 46


ENDING: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "401": ({"status": 401, "code": "UNAUTHENTICATED"}, LayersAuthenticationError),
    "403": ({"status": 403, "code": "FORBIDDEN_SCOPE"}, LayersPermissionError),
    "suspended": ({"status": 503, "code": "KILL_SWITCH"}, LayersSuspendedError),
}


@pytest.mark.parametrize("skip", [0, 2], ids=["at once", "later"])
@pytest.mark.parametrize(("arguments", "error"), ENDING.values(), ids=ENDING)
def test_what_does_not_pass_ends_a_wait_at_once(
    arguments: dict[str, Any],
    error: type[Exception],
    skip: int,
    wait: Any,
    api: Any,
    failure: Any,
    clock: Any,
) -> None:
    api.fault("fail_before", method="GET", path="/v1/jobs/*", times=None, skip=skip, **arguments)
    failure(wait(), error)
    assert clock.elapsed < 20
    assert len(api.jobs()) == 1


def test_a_new_job_may_be_invisible_for_a_moment(wait: Any, api: Any) -> None:
    api.fault("fail_before", method="GET", path="/v1/jobs/*", status=404, code="NOT_FOUND", times=3)
    assert wait().error is None


def test_a_job_that_stays_unknown_ends_a_wait(wait: Any, api: Any, clock: Any) -> None:
    api.fault("fail_before", method="GET", path="/v1/jobs/*", status=404, code="NOT_FOUND", times=None)
    error = wait().error
    assert isinstance(error, LayersUnexpectedAnswerError), "the API denies what it has just started"
    assert api.jobs()[0].idempotency_key in str(error)
    assert len(api.jobs()) == 1
    assert 10 <= clock.elapsed <= 60


def test_a_job_that_vanishes_ends_a_wait(wait: Any, api: Any, failure: Any, clock: Any) -> None:
    gone = {"method": "GET", "path": "/v1/jobs/*", "status": 404, "code": "NOT_FOUND"}
    api.fault("fail_before", skip=3, times=None, **gone)
    failure(wait(), LayersNotFoundError)
    assert clock.elapsed <= 60


@pytest.mark.parametrize(
    ("fault", "said"), [("wrong_job", "answered with job"), ("unknown_status", "'archived'")]
)
def test_an_answer_that_stays_undocumented_ends_a_wait_loudly(
    fault: str, said: str, wait: Any, api: Any, clock: Any
) -> None:
    api.fault(fault, method="GET", path="/v1/jobs/*", times=None)
    result = wait(completion_timeout=3600)
    assert said in str(result.error)
    assert clock.elapsed < 300
    assert len(api.jobs()) == 1


@pytest.mark.parametrize(
    ("ended", "error"), [("failed", LayersJobFailedError), ("canceled", LayersJobCanceledError)]
)
def test_a_job_that_ended_badly_fails_the_task_for_good(
    ended: str, error: type[Exception], wait: Any, api: Any, failure: Any
) -> None:
    api.outcome(ended, code="RENDER_FAILED", message="The renderer gave up.")
    result = wait()
    told = failure(result, error)
    job = api.jobs()[0]
    assert job.job_id in str(told)
    if ended == "failed":
        assert str(told).endswith("failed: RENDER_FAILED The renderer gave up.")
        assert told.error == {"code": "RENDER_FAILED", "message": "The renderer gave up."}
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


def test_one_last_look_is_taken_after_the_deadline(wait: Any, api: Any) -> None:
    api.outcome("completed", job_seconds=29.99)
    assert wait(completion_timeout=30).error is None
    assert len(looks(api)) > 3


def test_a_retry_counts_the_deadline_from_the_start_of_the_job(
    wait: Any, api: Any, failure: Any, clock: Any
) -> None:
    api.outcome("completed", job_seconds=3600)
    failure(wait(completion_timeout=30), LayersJobTimeoutError)
    before = clock.elapsed
    failure(wait(completion_timeout=40, try_number=2), LayersJobTimeoutError)
    assert clock.elapsed - before == pytest.approx(10, abs=0.01)
    assert len(api.jobs()) == 1


def test_a_job_that_has_ended_is_not_waited_for(wait: Any, api: Any, clock: Any) -> None:
    api.outcome("completed", job_seconds=0)
    result = wait()
    assert result.value == api.jobs()[0].container_ids
    assert (result.triggers, clock.slept, len(looks(api))) == ([], [], 1)


def test_a_completed_job_tells_containers_that_the_start_did_not(wait: Any, api: Any, clock: Any) -> None:
    start = {"jobId": "job_1", "kind": "content_clone_from_post", "status": "running"}
    end = {"jobId": "job_1", "kind": "content_clone_from_post", "status": "completed"}
    api.fault("garbage", method="POST", status=202, body=json.dumps(start))
    api.fault(
        "garbage", method="GET", times=None, body=json.dumps({**end, "result": {"containerId": "cnt_9"}})
    )
    assert wait().value == ["cnt_9"]
