"""Answers that no form has checked, and answers that never come."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from tests.contract.reviewing import Reviews, in_layers

pytestmark = [pytest.mark.airflow3, pytest.mark.usefixtures("memory")]

OPTIONS = ["Approve", "Reject", "Regenerate"]
GARBAGE: dict[str, dict[str, Any]] = {
    "no form": {},
    "unknown fields": {"colour": "red", "__proto__": {}, "": ""},
    "nulls": dict.fromkeys(
        ("reason", "topic", "angle", "cta", "value_propositions", "preserve_assets", "take")
    ),
    "numbers for texts": {"reason": 7, "topic": 7, "angle": 1.5, "cta": True, "value_propositions": 7},
    "lists for texts": {
        "reason": ["a"],
        "topic": ["a"],
        "angle": [],
        "cta": [[]],
        "value_propositions": [[7]],
    },
    "objects for texts": {
        name: {"a": 1} for name in ("reason", "topic", "angle", "cta", "value_propositions")
    },
    "texts for others": {"preserve_assets": "yes", "take": "1"},
    "no numbers": {"take": 1.0, "preserve_assets": 1},
    "NUL": dict.fromkeys(("reason", "topic", "angle", "cta"), "a\x00b"),
    "NUL alone": dict.fromkeys(("reason", "topic", "angle", "cta"), "\x00"),
    "very long": dict.fromkeys(("reason", "topic", "angle", "cta"), "x" * 100_000),
    "markup": dict.fromkeys(("reason", "topic"), "<b>\u202e{{ params }} %s %(a)s {0} \\"),
}


@pytest.fixture
def reviews(api: Any, airflow: Any, made: Any, posted: Any, monkeypatch: pytest.MonkeyPatch) -> Reviews:
    return Reviews(api, airflow, made, posted, monkeypatch)


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("form", GARBAGE.values(), ids=GARBAGE)
def test_a_form_that_nobody_checked_carries_the_answer_all_the_same(
    form: dict[str, Any], option: str, reviews: Reviews
) -> None:
    review = reviews.begun().answer_by_rest(option, form)
    assert review.state == ("awaiting_input" if option == "Regenerate" else "success"), review.error
    assert review.state == "success" or review.take == 2 or review.notice
    assert option == "Regenerate" or reviews.sent() == [option.lower()]


@pytest.mark.parametrize("take", [2, 0.5, -1, 10**30, "2", True, None, [1], {"take": 1}])
def test_a_take_that_is_none_is_the_first_and_never_another(take: Any, reviews: Reviews) -> None:
    review = reviews.begun().answer("Regenerate")
    reviews.sent()
    review.answer_by_rest("Approve", {"take": take})
    assert review.state == ("success" if take == 2 else "awaiting_input"), review.error
    assert reviews.sent() == (["approve"] if take == 2 else [])


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"params_input": {"take": 1}, "responded_by_user": None, "responded_at": None},
        {"chosen_options": [], "params_input": {}, "responded_by_user": {"id": "7", "name": "Ada"}},
        {"chosen_options": None, "params_input": {}, "responded_by_user": {"id": "7", "name": "Ada"}},
        {"chosen_options": ["approve"], "params_input": {}, "responded_by_user": {"id": "7", "name": "Ada"}},
        {"status": "success", "file": "x"},
        {
            "job_id": "job_other",
            "container_ids": ["cnt_other"],
            "status": "ended",
            "reason": "",
            "deadline": 0.0,
        },
    ],
)
def test_an_event_without_an_answer_decides_nothing(event: dict[str, Any], reviews: Reviews) -> None:
    """A rejection cannot be taken back; below Airflow 3.3 a trigger tells of it, and events get mixed up."""
    review = reviews.begun().resume(event)
    assert reviews.sent() == []
    assert reviews.status_of(review.container) == "pending"
    assert not isinstance(review.error, AirflowFailException)


def test_nobody_answers_in_time(reviews: Reviews) -> None:
    review = reviews.begun(response_timeout=timedelta(days=2)).time_out()
    assert isinstance(review.error, AirflowFailException)
    assert "Nobody answered the review within 2 days, 0:00:00. Nothing was decided." in str(review.error)
    assert reviews.sent() == []
    assert reviews.status_of(review.container) == "pending"


@pytest.mark.parametrize(
    ("on_timeout", "status", "told"),
    [
        ("approve", "approved", {"note": "Approved in Airflow by nobody (the time was over)."}),
        ("reject", "rejected", {"reason": "Rejected in Airflow by nobody (the time was over)."}),
    ],
)
def test_nobody_answers_and_the_task_knows_what_to_do(
    on_timeout: str, status: str, told: dict[str, str], reviews: Reviews, posted: Any
) -> None:
    review = reviews.begun(response_timeout=timedelta(days=2), on_timeout=on_timeout).time_out()
    (sent,) = posted()
    assert (sent.path.rpartition("/")[2], sent.body) == (on_timeout, told)
    assert review.state == "success"
    assert (review.value, review.skipped) == (
        (review.container, None) if on_timeout == "approve" else (None, ["follow"])
    )
    decision = review.xcoms["decision"]
    assert (decision["decided_by"], decision["decided_at"]) == (None, "2026-04-18T12:30:00+00:00")
    assert reviews.status_of(review.container) == status


@pytest.mark.parametrize("on_timeout", ["approve", "reject"])
def test_what_nobody_answers_is_for_the_take_that_was_asked_about_last(
    on_timeout: str, reviews: Reviews
) -> None:
    """Airflow fills in the form as it was for the first."""
    review = reviews.begun(response_timeout=timedelta(days=2), on_timeout=on_timeout).answer("Regenerate")
    assert review.take == 2
    reviews.sent()
    assert review.time_out().state == "success"
    assert reviews.sent() == [on_timeout]


@pytest.mark.parametrize("on_timeout", ["approve", "reject"])
def test_nothing_that_nobody_was_shown_is_decided_when_the_time_is_over(
    on_timeout: str, reviews: Reviews, api: Any
) -> None:
    review = reviews.begun(response_timeout=timedelta(days=2), on_timeout=on_timeout)
    in_layers(api, review.container, "regenerate")
    reviews.sent()
    review.time_out()
    assert (review.state, review.take, reviews.sent()) == ("awaiting_input", 2, [])
    assert review.notice.startswith("nobody (the time was over) answered ")
    assert review.time_out().state == "success", "the next question has its own time"
    assert reviews.sent() == [on_timeout]


def test_a_name_with_signs_that_hide_others_is_written_without_them(reviews: Reviews, posted: Any) -> None:
    reviews.begun().answer("Approve", user={"id": "7", "name": "A\u202ed\x00a\n\u200b<b>"})
    (sent,) = posted()
    assert sent.body["note"].startswith("Approved in Airflow by Ada")
    assert not set("\u202e\x00\n\u200b") & set(sent.body["note"])
