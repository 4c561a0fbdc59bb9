"""When to look again, and when to stop."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.waiting import (
    NOT_FOUND_GRACE,
    UNEXPECTED_IN_A_ROW,
    Cadence,
    look_in_time,
    until_ended,
)
from airflow_provider_layers.exceptions import (
    LayersAuthenticationError,
    LayersJobTimeoutError,
    LayersNotFoundError,
    LayersPermissionError,
    LayersRequestError,
    LayersSuspendedError,
    LayersUnexpectedAnswerError,
)
from tests.unit.driving import LOST, Clock, bad, drive, good

FOREVER = 1e12
GARBAGE = good("<html>")
UNCHANGED = good(status=304)


def job(status: str = "running", etag: str = '"1"', **fields: object) -> object:
    return good({"jobId": "job_1", "kind": "content_generate", "status": status, **fields}, etag=etag)


def never() -> float:
    return 0.0


def wait(answers, *, seconds=None, longest=10.0, chance=never):
    clock = Clock()
    deadline = FOREVER if seconds is None else clock() + seconds
    flow = until_ended("job_1", deadline=deadline, cadence=Cadence(longest), clock=clock, chance=chance)
    return drive(flow, answers, clock=clock)


def test_the_pauses_grow_from_2_s_by_1_3_up_to_10_s():
    pauses = [round(Cadence().pause(looks, chance=0.0), 2) for looks in range(1, 10)]
    assert pauses == [2.0, 2.6, 3.38, 4.39, 5.71, 7.43, 9.65, 10.0, 10.0]


def test_half_a_second_of_jitter_comes_on_top():
    assert Cadence().pause(1, chance=1.0) == 2.5
    assert Cadence().pause(50, chance=1.0) == 10.5


def test_the_longest_pause_can_be_chosen():
    assert Cadence(longest=1.0).pause(1, chance=0.0) == 1.0
    assert Cadence(longest=60.0).pause(30, chance=0.0) == 60.0


def test_a_wait_of_days_does_not_overflow():
    assert Cadence(longest=30.0).pause(10**6, chance=0.0) == 30.0


@pytest.mark.parametrize("status", ["completed", "failed", "canceled"])
def test_a_job_that_has_ended_is_given_back_whatever_its_end(status):
    driven = wait([job(), job(), job(status)])
    assert driven.result.status == status
    assert driven.pauses == [2.0, 2.6]


def test_the_next_look_asks_only_for_what_has_changed():
    driven = wait([job(etag='"1"'), UNCHANGED, job(etag='"2"'), job("completed")])
    assert [one.etag for one in driven.sent] == [None, '"1"', '"1"', '"2"']


@pytest.mark.parametrize("failure", [LOST, bad(408), bad(425), bad(429), bad(500), bad(503), GARBAGE])
def test_failures_that_pass_never_end_a_wait_by_themselves(failure):
    answers = [job(), *[failure, job()] * 30, job("completed")]
    assert wait(answers).result.status == "completed"


@pytest.mark.parametrize("failure", [LOST, bad(429), bad(503)])
def test_not_even_a_long_row_of_them_does(failure):
    assert wait([failure] * 200 + [job("completed")]).result.status == "completed"


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (bad(400), LayersRequestError),
        (bad(401), LayersAuthenticationError),
        (bad(403), LayersPermissionError),
        (bad(503, "KILL_SWITCH"), LayersSuspendedError),
    ],
)
def test_failures_that_do_not_pass_end_it_at_once(failure, kind):
    driven = wait([job(), failure])
    assert type(driven.error) is kind
    assert len(driven.pauses) == 1


def test_a_job_may_be_unknown_for_a_moment_after_its_start():
    assert wait([bad(404), bad(404), job("completed")]).result.status == "completed"


def test_a_job_that_stays_unknown_ends_the_wait():
    driven = wait([bad(404)] * 6)
    assert isinstance(driven.error, LayersNotFoundError)
    assert NOT_FOUND_GRACE <= sum(driven.pauses) < NOT_FOUND_GRACE + 10.0


def test_a_job_that_vanishes_later_ends_the_wait():
    assert isinstance(wait([job()] * 10 + [bad(404)]).error, LayersNotFoundError)


@pytest.mark.parametrize(
    "strange",
    [GARBAGE, good(status=302), job("paused"), good({"jobId": "job_2", "status": "completed"}), good({})],
)
def test_answers_that_nobody_documented_end_the_wait_when_they_stay(strange):
    assert isinstance(wait([job()] + [strange] * UNEXPECTED_IN_A_ROW).error, LayersUnexpectedAnswerError)


@pytest.mark.parametrize("answer", [job(), UNCHANGED])
def test_a_good_answer_starts_the_count_of_strange_ones_anew(answer):
    row = [GARBAGE] * (UNEXPECTED_IN_A_ROW - 1)
    assert wait([job(), *row, answer, *row, job("completed")]).result.status == "completed"


def test_retry_after_is_the_floor_of_the_pause():
    assert wait([bad(429, retry_after="30"), job("completed")]).pauses == [30.0]


def test_a_shorter_retry_after_does_not_shorten_the_pause():
    assert wait([bad(429, retry_after="1"), job("completed")]).pauses == [2.0]


@pytest.mark.parametrize("answer", [job(), bad(429, retry_after="3600"), bad(429, retry_after="inf")])
def test_no_pause_reaches_past_the_deadline(answer):
    driven = wait([answer, job()], seconds=1.5)
    assert driven.pauses == [1.5]
    assert isinstance(driven.error, LayersJobTimeoutError)


def test_one_last_look_is_taken_after_the_deadline():
    driven = wait([job(), job("completed")], seconds=1.5)
    assert driven.result.status == "completed"
    assert driven.pauses == [1.5]


def test_a_deadline_that_has_passed_before_the_wait_still_leaves_one_look():
    assert wait([job("completed")], seconds=-100).result.status == "completed"
    assert isinstance(wait([job()], seconds=-100).error, LayersJobTimeoutError)


def test_a_timeout_says_where_the_job_was_and_that_it_goes_on():
    error = wait([job(stage="assembling")], seconds=0).error
    assert error.job_id == "job_1"
    assert error.message == (
        "was still running in stage assembling at the deadline, 1970-01-12T13:46:40+00:00. "
        "It may still complete."
    )


def test_a_timeout_of_a_job_that_was_never_seen_says_so():
    assert "could not be read at the deadline" in str(wait([LOST], seconds=0).error)


def test_the_deadline_gives_way_to_an_error_that_tells_more():
    assert isinstance(wait([bad(401)], seconds=0).error, LayersAuthenticationError)


def test_jitter_comes_from_the_chance_that_was_passed_in():
    assert wait([job(), job("completed")], chance=lambda: 1.0).pauses == [2.5]


def test_looking_in_time_waits_for_a_new_job_to_show():
    driven = drive(look_in_time("job_1", chance=never), [bad(404), bad(404), job()])
    assert driven.result.status == "running"
    assert driven.pauses == [2.0, 2.6]


def test_looking_in_time_gives_up_on_a_job_that_stays_unknown():
    driven = drive(look_in_time("job_1", chance=never), [bad(404)] * 6)
    assert isinstance(driven.error, LayersNotFoundError)
    assert sum(driven.pauses) >= NOT_FOUND_GRACE
