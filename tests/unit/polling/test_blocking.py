"""Waiting in a worker."""

from __future__ import annotations

import pytest

from airflow_provider_layers.exceptions import (
    LayersAuthenticationError,
    LayersJobTimeoutError,
    LayersNotFoundError,
    LayersPermissionError,
    LayersRequestError,
    LayersSuspendedError,
    LayersUnexpectedResponseError,
)
from airflow_provider_layers.polling.blocking import get_job_with_grace, wait_until_finished
from airflow_provider_layers.polling.intervals import NOT_FOUND_GRACE
from airflow_provider_layers.polling.targets import MAX_CONSECUTIVE_FAILURES, job_target
from tests.unit.scripted import LOST, NOW, FakeClock, error, ok

GARBAGE = ok("<html>")
UNCHANGED = ok(status=304)


def job(status="running", etag='"1"', **fields):
    return ok({"jobId": "job_1", "kind": "content_generate", "status": status, **fields}, etag=etag)


class Wait:
    """What a worker's wait led to."""

    def __init__(self, api, *, seconds=1e9, **fields):
        self.clock = FakeClock()
        self.job = self.error = None
        target = job_target("job_1", deadline=NOW + seconds, clock=self.clock, **fields)
        try:
            self.job = wait_until_finished(api.client(self.clock), target)
        except Exception as failure:  # noqa: BLE001 - a test asserts on it
            self.error = failure
        self.pauses = [round(pause, 2) for pause in self.clock.slept]


@pytest.mark.parametrize("status", ["completed", "failed", "canceled"])
def test_a_finished_job_is_returned_whatever_its_status(script, status):
    wait = Wait(script(job(), job(), job(status)))
    assert wait.job.status == status
    # The first poll of many workers is spread over 2 s; half a second of jitter, here half of it.
    assert wait.pauses == [1.0, 2.25, 2.85]


def test_pauses_follow_the_vendor_and_never_exceed_the_chosen_interval(script):
    """Also while the API expects the end in an hour: the triggerer would pause three times as long."""
    wait = Wait(script(*[job(etaSeconds=3600)] * 5, job("completed")), max_interval=3.0)
    assert wait.pauses == [1.0] + [3.25] * 5
    wait = Wait(script(*[job()] * 9, job("completed")))
    assert wait.pauses[1:] == [2.25, 2.85, 3.63, 4.64, 5.96, 7.68, 9.9, 10.25, 10.25]


def test_an_unchanged_job_is_requested_by_its_etag(script):
    api = script(job(etag='"1"'), UNCHANGED, job(etag='"2"'), job("completed"))
    Wait(api)
    assert [request.headers.get("if-none-match") for request in api.requests] == [None, '"1"', '"1"', '"2"']


@pytest.mark.parametrize("failure", [LOST, error(408), error(429), error(503), GARBAGE], ids=repr)
def test_transient_errors_are_survived(script, failure):
    assert Wait(script(job(), *[failure, job()] * 30, job("completed"))).job.status == "completed"
    if failure is not GARBAGE:
        assert Wait(script(*[failure] * 100, job("completed"))).job.status == "completed"


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (error(400), LayersRequestError),
        (error(401), LayersAuthenticationError),
        (error(403), LayersPermissionError),
        (error(503, "KILL_SWITCH"), LayersSuspendedError),
    ],
    ids=["400", "401", "403", "suspended"],
)
def test_permanent_errors_end_the_wait_at_once(script, failure, kind):
    assert type(Wait(script(job(), failure)).error) is kind


def test_a_job_may_be_unknown_for_a_grace(script):
    assert Wait(script(error(404), error(404), job("completed"))).job.status == "completed"
    wait = Wait(script(*[error(404)] * 6))
    assert isinstance(wait.error, LayersNotFoundError)
    assert NOT_FOUND_GRACE <= sum(wait.pauses) < NOT_FOUND_GRACE + 10.0
    assert isinstance(Wait(script(*[job()] * 10, error(404))).error, LayersNotFoundError)


@pytest.mark.parametrize(
    "reply",
    [GARBAGE, ok(status=302), job("paused"), ok({"jobId": "job_2", "status": "completed"}), ok({})],
    ids=["garbage", "redirect", "unknown status", "another job", "no job"],
)
def test_undocumented_responses_end_the_wait_when_they_stay(script, reply):
    wait = Wait(script(job(), *[reply] * MAX_CONSECUTIVE_FAILURES))
    assert isinstance(wait.error, LayersUnexpectedResponseError)


@pytest.mark.parametrize(("retry_after", "pause"), [("30", 30.0), ("1", 2.25)])
def test_retry_after_is_the_least_pause(script, retry_after, pause):
    assert Wait(script(error(429, retry_after=retry_after), job("completed"))).pauses == [1.0, pause]


@pytest.mark.parametrize("reply", [job(), error(429, retry_after="3600")], ids=["running", "429"])
def test_the_last_poll_comes_at_the_deadline(script, reply):
    wait = Wait(script(reply, job("completed")), seconds=1.5)
    assert (wait.job.status, wait.clock.now) == ("completed", NOW + 1.5)
    wait = Wait(script(reply, job(stage="assembling")), seconds=1.5)
    assert isinstance(wait.error, LayersJobTimeoutError)
    assert "was still running in stage assembling at the deadline" in str(wait.error)


def test_a_deadline_in_the_past_still_leaves_one_poll(script):
    assert Wait(script(job("completed")), seconds=-100).job.status == "completed"
    assert "could not be read at the deadline" in str(Wait(script(LOST), seconds=-100).error)
    assert isinstance(Wait(script(error(401)), seconds=-100).error, LayersAuthenticationError)


def test_a_list_is_of_no_use_to_a_single_wait(script):
    api = script(job(), job("completed"))
    Wait(api, container_ids=["cnt_1"], project_id="prj_1")
    assert api.paths == ["GET /v1/jobs/job_1"] * 2


def test_a_new_job_is_read_again_until_it_is_visible(script):
    clock = FakeClock()
    found = get_job_with_grace(script(error(404), error(404), job()).client(clock), "job_1")
    assert found.status == "running"
    assert [round(pause, 2) for pause in clock.slept] == [2.25, 2.85]


def test_a_job_that_stays_unknown_is_an_error_after_the_grace(script):
    clock = FakeClock()
    with pytest.raises(LayersNotFoundError):
        get_job_with_grace(script(*[error(404)] * 6).client(clock), "job_1")
    assert NOT_FOUND_GRACE <= clock.now - NOW < NOT_FOUND_GRACE + 10.0
