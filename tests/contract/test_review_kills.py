"""Who ends a review while a new take is made decides what becomes of its job."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.reviewing import DeathError, Review, Reviews

pytestmark = [pytest.mark.airflow3, pytest.mark.usefixtures("memory")]


@pytest.fixture
def reviews(api: Any, airflow: Any, made: Any, posted: Any, monkeypatch: pytest.MonkeyPatch) -> Reviews:
    return Reviews(api, airflow, made, posted, monkeypatch)


@pytest.fixture
def end_while_waiting(clock: Any) -> Any:
    """Let a signal end the process in the middle of its wait; Airflow's database says why by then."""

    def of(review: Review, state: str) -> None:
        def on_signal() -> None:
            clock.on_sleep = lambda: None
            review.ti.state_in_database = state
            review.operator.on_kill()
            raise DeathError("SIGTERM")

        clock.on_sleep = on_signal

    return of


@pytest.mark.parametrize(("state", "canceled"), [("failed", True), ("restarting", True), ("running", False)])
def test_a_person_who_ends_the_wait_for_a_new_take_cancels_its_job(
    state: str, canceled: bool, reviews: Reviews, api: Any, end_while_waiting: Any
) -> None:
    review = reviews.begun(deferrable=False)
    end_while_waiting(review, state)
    assert review.answer("Regenerate").state == "killed"
    assert [one.cancel_requested for one in api.jobs()[1:]] == [canceled]


@pytest.mark.parametrize(("state", "canceled"), [("failed", True), ("running", False)])
def test_so_does_one_who_ends_the_retry_that_took_up_the_wait(
    state: str, canceled: bool, reviews: Reviews, api: Any, airflow: Any, end_while_waiting: Any
) -> None:
    if not airflow.with_store:
        pytest.skip("nothing remembers the answer, so a retry waits for nothing")
    review = reviews.begun(deferrable=False)
    end_while_waiting(review, "running")
    review.answer("Regenerate")
    end_while_waiting(review, state)
    assert review.begin().state == "killed"
    assert [one.cancel_requested for one in api.jobs()[1:]] == [canceled]


def test_whoever_ends_a_question_ends_nothing_else(reviews: Reviews, api: Any) -> None:
    review = reviews.begun()
    review.ti.state_in_database = "failed"
    review.operator.on_kill()
    assert (reviews.sent(), [one.cancel_requested for one in api.jobs()]) == ([], [False])
