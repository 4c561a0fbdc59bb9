"""A person answers in the Airflow UI, or no one does, and the decision is sent to Layers once."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_layers.exceptions import (
    LayersContentError,
    LayersContentUnfinishedError,
    LayersNotFoundError,
    LayersReviewRejectedError,
)
from airflow_provider_layers.operators.content import LayersGenerateContentOperator
from tests.contract.review.reviewing import AT, QuestionTable, Reviews, in_layers
from tests.unit.review.hostile_text import PARSER, inline_tokens

pytestmark = pytest.mark.airflow3

OPTIONS = ["Approve", "Reject", "Regenerate"]


def test_an_approval_is_sent_once_and_names_the_reviewer(reviews: Reviews, posted: Any) -> None:
    review = reviews.ask().answer("Approve", reason="Nice.")
    (sent,) = posted()
    assert (review.state, review.value, review.skipped) == ("success", review.container, None)
    assert sent.path == f"/v1/content/{review.container}/approve"
    assert sent.body == {"note": "Approved in Airflow by Ada. Nice."}
    assert sent.idempotency_key
    assert reviews.status_of(review.container) == "approved"
    assert review.xcoms["decision"] == {
        "option": "Approve",
        "approved": [review.container],
        "approval_status": {review.container: "approved"},
        "decided_by": "Ada",
        "decided_at": "2026-04-18T12:30:00+00:00",
        "reason": "Nice.",
        "warnings": [],
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Off brand.", "Off brand."),
        ("  ", "Rejected in Airflow by Ada."),
        ("\U0001f600" * 1025, "\U0001f600" * 1024),
    ],
)
def test_a_rejection_is_sent_once_with_a_reason_and_skips_downstream_tasks(
    text: Any, reason: str, reviews: Reviews, posted: Any
) -> None:
    review = reviews.ask().answer("Reject", reason=text)
    (sent,) = posted()
    assert (sent.path, sent.body) == (f"/v1/content/{review.container}/reject", {"reason": reason})
    assert (review.state, review.value, review.skipped) == ("success", None, ["follow"])
    assert reviews.status_of(review.container) == "rejected"
    assert review.xcoms["decision"]["reason"] == reason


def test_a_rejection_fails_the_task_for_good_with_fail_on_reject(reviews: Reviews, failure: Any) -> None:
    review = reviews.ask(fail_on_reject=True).answer("Reject", reason="Off brand.")
    error = failure(review, LayersReviewRejectedError)
    assert f"Content {review.container} was rejected by Ada: Off brand." in str(error)
    assert review.xcoms["decision"]["decided_by"] == "Ada"


def test_a_mapped_rejection_returns_nothing_and_skips_nothing(reviews: Reviews) -> None:
    review = reviews.ask(map_index=3).answer("Reject")
    assert (review.state, review.value, review.skipped) == ("success", None, None)
    assert reviews.status_of(review.container) == "rejected"


def test_a_rejection_in_a_mapped_group_skips_downstream_tasks_of_its_instance(reviews: Reviews) -> None:
    review = reviews.ask(map_index=1, group="each").answer("Reject")
    assert (review.state, review.value) == ("success", None)
    # Airflow skips the task when it gets to it.
    assert review.xcoms["skipmixin_key"] == {"skipped": ["each.follow"]}


@pytest.mark.parametrize(("verb", "status"), [("approve", "approved"), ("reject", "rejected")])
@pytest.mark.parametrize("several", [True, False])
def test_content_that_a_person_decided_on_is_not_asked_about(
    verb: str, status: str, several: bool, reviews: Reviews, api: Any, made: Any
) -> None:
    container = made()
    in_layers(api, container, verb)
    review = reviews.create([container] if several else container).start_try()
    assert (reviews.questions.asked, reviews.sent()) == ([], [])
    assert review.state == "success"
    if status == "rejected":
        assert (review.value, review.skipped) == (None, ["follow"])
    else:
        assert (review.value, review.skipped) == ([container] if several else container, None)
    decision = review.xcoms["decision"]
    assert (decision["option"], decision["decided_by"]) == (None, None)
    assert decision["approval_status"] == {container: status}


def test_a_review_of_no_container_succeeds(reviews: Reviews) -> None:
    review = reviews.create([[]]).start_try()
    assert (review.state, review.value, reviews.questions.asked) == ("success", [], [])


def test_several_containers_are_one_question(reviews: Reviews, made: Any, posted: Any) -> None:
    containers = [made(), made(), made()]
    review = reviews.ask(containers)
    (question,) = reviews.questions.asked
    assert question["options"] == ["Approve", "Reject"]
    assert question["subject"] == "Review: 3 containers"
    review.answer("Approve")
    assert review.value == containers
    sent = posted()
    assert [request.path for request in sent] == [f"/v1/content/{name}/approve" for name in containers]
    assert len({request.idempotency_key for request in sent}) == 3


def test_several_containers_are_rejected_together(reviews: Reviews, made: Any) -> None:
    review = reviews.ask([made(), made()]).answer("Reject", reason="Off brand.")
    assert (review.value, review.skipped, reviews.sent()) == (None, ["follow"], ["reject", "reject"])


def test_only_the_undecided_containers_are_asked_about(reviews: Reviews, api: Any, made: Any) -> None:
    rejected, approved, first, second = (made() for _ in range(4))
    in_layers(api, rejected, "reject")
    in_layers(api, approved, "approve")
    review = reviews.ask([rejected, approved, first, second])
    assert reviews.questions.row.subject == "Review: 2 containers"
    review.answer("Approve")
    assert review.value == [approved, first, second]
    assert reviews.sent() == ["approve", "approve"]
    assert review.xcoms["decision"]["approved"] == [approved, first, second]


def test_content_approved_in_layers_continues_when_the_rest_is_rejected(
    reviews: Reviews, api: Any, made: Any
) -> None:
    approved, other = made(), made()
    in_layers(api, approved, "approve")
    review = reviews.ask([approved, other]).answer("Reject")
    assert (review.value, review.skipped) == ([approved], None)


def test_unfinished_content_is_asked_about_in_a_later_try(reviews: Reviews, api: Any, made: Any) -> None:
    review = reviews.create(made())
    in_layers(api, review.container, "regenerate", seconds=0)
    assert type(review.start_try().error) is LayersContentUnfinishedError
    assert not isinstance(review.error, AirflowFailException)
    api.advance(60)
    assert review.start_try().state == "awaiting_input"
    assert len(reviews.questions.asked) == 1


def test_failed_content_is_not_asked_about(reviews: Reviews, api: Any, airflow: Any, failure: Any) -> None:
    api.outcome("failed", code="TOO_BLURRY", message="Too blurry.")
    generate = LayersGenerateContentOperator(task_id="g", project_id=api.project_id, brief={"topic": "x"})
    container = airflow.run(generate).xcoms["container_id"]
    api.advance(60)
    error = failure(reviews.create(container).start_try(), LayersContentError)
    assert f"Content {container} is failed: TOO_BLURRY Too blurry. There is nothing to review." in str(error)


def test_unknown_content_is_not_asked_about(reviews: Reviews, failure: Any) -> None:
    review = reviews.create("cnt_00000000-0000-4000-8000-000000000000").start_try()
    failure(review, LayersNotFoundError)
    assert reviews.questions.asked == []


def test_the_ui_data_describes_the_review(reviews: Reviews) -> None:
    review = reviews.ask()
    assert review.xcoms["layers"]["container_ids"] == [review.container]
    assert (review.version, review.notice) == (1, None)
    assert list(review.xcoms["review"]["shown"]) == [review.container]


# Forms that Airflow's REST API did not validate

FORMS: dict[str, dict[str, Any]] = {
    "no form": {},
    "unknown fields": {"colour": "red", "__proto__": {}, "": ""},
    "nulls": dict.fromkeys(
        ("reason", "topic", "angle", "cta", "value_propositions", "preserve_assets", "version")
    ),
    "numbers for texts": {"reason": 7, "topic": 7, "angle": 1.5, "cta": True, "value_propositions": 7},
    "lists for texts": {"reason": ["a"], "topic": ["a"], "angle": [], "value_propositions": [[7]]},
    "objects for texts": {name: {"a": 1} for name in ("reason", "topic", "cta", "value_propositions")},
    "texts for others": {"preserve_assets": "yes", "version": "1"},
    "fractions": {"version": 1.0, "preserve_assets": 1},
    "NUL": dict.fromkeys(("reason", "topic", "angle", "cta"), "a\x00b"),
    "only NUL": dict.fromkeys(("reason", "topic", "angle", "cta"), "\x00"),
    "very long": dict.fromkeys(("reason", "topic", "angle", "cta"), "x" * 100_000),
    "markup": dict.fromkeys(("reason", "topic"), "<b>\u202e{{ params }} %s %(a)s {0} \\"),
}


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_an_answer_is_carried_out_whatever_its_form(
    form: dict[str, Any], option: str, reviews: Reviews
) -> None:
    review = reviews.ask().answer_by_rest(option, form)
    assert review.state == ("awaiting_input" if option == "Regenerate" else "success"), review.error
    assert review.state == "success" or review.version == 2 or review.notice
    assert option == "Regenerate" or reviews.sent() == [option.lower()]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"params_input": {"version": 1}, "responded_by_user": None, "responded_at": None},
        {"chosen_options": [], "params_input": {}, "responded_by_user": {"id": "7", "name": "Ada"}},
        {"chosen_options": ["approve"], "params_input": {}, "responded_by_user": {"id": "7", "name": "Ada"}},
        {"status": "success", "file": "x"},
        {"job_id": "job_other", "container_ids": ["cnt_other"], "status": "ended", "deadline": 0.0},
    ],
)
def test_an_event_without_an_answer_decides_nothing(event: dict[str, Any], reviews: Reviews) -> None:
    """Below Airflow 3.3 a trigger resumes the task, and on SQLite the events of triggers get mixed up."""
    review = reviews.ask().resume(event)
    assert reviews.sent() == []
    assert reviews.status_of(review.container) == "pending"
    assert not isinstance(review.error, AirflowFailException)


def test_a_name_is_written_without_hidden_characters(reviews: Reviews, posted: Any) -> None:
    reviews.ask().answer("Approve", user={"id": "7", "name": "A\u202ed\x00a\n\u200b<b>"})
    (sent,) = posted()
    assert sent.body["note"].startswith("Approved in Airflow by Ada")
    assert not set("\u202e\x00\n\u200b") & set(sent.body["note"])


# No answer in time


def test_the_task_fails_when_the_response_timeout_passes(reviews: Reviews) -> None:
    review = reviews.ask(response_timeout=timedelta(days=2)).time_out()
    assert isinstance(review.error, AirflowFailException)
    assert "The review was not answered within 2 days, 0:00:00. Nothing was decided." in str(review.error)
    assert reviews.sent() == []
    assert reviews.status_of(review.container) == "pending"


@pytest.mark.parametrize(
    ("on_timeout", "status", "body"),
    [
        ("approve", "approved", {"note": "Approved in Airflow by on_timeout (no answer in time)."}),
        ("reject", "rejected", {"reason": "Rejected in Airflow by on_timeout (no answer in time)."}),
    ],
)
def test_on_timeout_decides_in_the_place_of_a_person(
    on_timeout: str, status: str, body: dict[str, str], reviews: Reviews, posted: Any
) -> None:
    review = reviews.ask(response_timeout=timedelta(days=2), on_timeout=on_timeout).time_out()
    (sent,) = posted()
    assert (sent.path.rpartition("/")[2], sent.body) == (on_timeout, body)
    assert review.state == "success"
    continues = on_timeout == "approve"
    assert (review.value, review.skipped) == ((review.container, None) if continues else (None, ["follow"]))
    decision = review.xcoms["decision"]
    assert (decision["decided_by"], decision["decided_at"]) == (None, "2026-04-18T12:30:00+00:00")
    assert reviews.status_of(review.container) == status


@pytest.mark.parametrize("on_timeout", ["approve", "reject"])
def test_on_timeout_counts_for_the_version_that_was_asked_about_last(
    on_timeout: str, reviews: Reviews
) -> None:
    """Airflow fills in the form of the first version."""
    review = reviews.ask(response_timeout=timedelta(days=2), on_timeout=on_timeout).answer("Regenerate")
    assert review.version == 2
    reviews.sent()
    assert review.time_out().state == "success"
    assert reviews.sent() == [on_timeout]


@pytest.mark.parametrize("on_timeout", ["approve", "reject"])
def test_on_timeout_decides_nothing_that_was_not_shown(on_timeout: str, reviews: Reviews, api: Any) -> None:
    review = reviews.ask(response_timeout=timedelta(days=2), on_timeout=on_timeout)
    in_layers(api, review.container, "regenerate")
    reviews.sent()
    review.time_out()
    assert (review.state, review.version, reviews.sent()) == ("awaiting_input", 2, [])
    assert review.notice.startswith("on_timeout (no answer in time) answered ")
    assert review.time_out().state == "success", "the next question has the whole timeout"
    assert reviews.sent() == [on_timeout]


# The question

HOSTILE = (
    "[link](https://evil.test) ![p](https://evil.test/1.png) <img src=x onerror=alert(1)> https://evil.test "
    "www.evil.test ada@evil.test\n\n# heading\n| a | b |\n|---|---|\n```\n- [ ] task\n> quote \u202e\x00\\"
)


def test_no_text_of_the_api_is_markup_in_the_question(reviews: Reviews, made: Any) -> None:
    for topic in ("Calm.", HOSTILE):
        reviews.ask(made(topic=topic))
    calm, hostile = (question["body"] for question in reviews.questions.asked)
    text_kinds = ("text", "hardbreak", "softbreak")

    def markup(body: str) -> list[str]:
        return [token.type for token in inline_tokens(PARSER.parse(body)) if token.type not in text_kinds]

    assert markup(hostile) == markup(calm)
    for token in inline_tokens(PARSER.parse(hostile)):
        if token.type in ("link_open", "image"):
            assert (token.attrs.get("href") or token.attrs["src"]).startswith("/layers/review/")
    assert "evil" in hostile
    assert not {"\x00", "\u202e"} & set(hostile)


def test_the_question_table_of_these_tests_stores_what_airflows_stores() -> None:
    """Airflow's own route stores the same questions and answers, with a list in place of its database."""
    from airflow.api_fastapi.execution_api.datamodels.hitl import HITLDetailRequest
    from airflow.api_fastapi.execution_api.routes.hitl import upsert_hitl_detail

    rows, ours, ti_id = [], QuestionTable(), uuid4()
    database = SimpleNamespace(scalar=lambda _: rows[-1] if rows else None, add=rows.append)

    def question(number: int) -> dict[str, Any]:
        return {
            "subject": f"Subject {number}",
            "body": f"Body {number}",
            "defaults": None,
            "multiple": False,
            "options": [f"Option {number}"],
            "params": {"n": {"value": number}},
            "assigned_users": [{"id": "7", "name": "Ada"}],
        }

    names = ("subject", "body", "options", "params", "assignees", "params_input", "chosen_options")
    for number in (1, 2, 3):
        upsert_hitl_detail(ti_id, HITLDetailRequest(ti_id=ti_id, **question(number)), database)
        ours.upsert(ti_id=ti_id, **question(number))
        for name in (*names, "response_received"):
            assert getattr(ours.row, name) == getattr(rows[-1], name), name
        assert ours.row.subject == "Subject 1"
        for row in (rows[-1], ours.row) if number == 2 else ():
            row.chosen_options, row.params_input, row.responded_at = ["Option 1"], {"n": 2}, AT
