"""A person reviews content in the Airflow UI, and Layers is told."""

from __future__ import annotations

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
from tests.contract.reviewing import AT, Desk, Reviews, in_layers
from tests.unit.nasty import READ, inlines

pytestmark = pytest.mark.airflow3


@pytest.fixture
def reviews(api: Any, airflow: Any, made: Any, posted: Any, monkeypatch: pytest.MonkeyPatch) -> Reviews:
    return Reviews(api, airflow, made, posted, monkeypatch)


def test_an_approval_is_sent_once_and_names_who(reviews: Reviews, posted: Any) -> None:
    review = reviews.begun().answer("Approve", reason="Nice.")
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
    }


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("Off brand.", "Off brand."),
        (None, "Rejected in Airflow by Ada."),
        ("  ", "Rejected in Airflow by Ada."),
        ("x" * 5000, "x" * 1024),
        ("\U0001f600" * 1025, "\U0001f600" * 1024),
    ],
)
def test_a_rejection_is_sent_once_with_a_reason_and_skips_what_follows(
    given: Any, reason: str, reviews: Reviews, posted: Any
) -> None:
    review = reviews.begun().answer("Reject", reason=given)
    (sent,) = posted()
    assert (sent.path, sent.body) == (f"/v1/content/{review.container}/reject", {"reason": reason})
    assert (review.state, review.value, review.skipped) == ("success", None, ["follow"])
    assert reviews.status_of(review.container) == "rejected"
    assert review.xcoms["decision"]["reason"] == reason


def test_a_rejection_fails_for_good_where_that_was_asked_for(reviews: Reviews) -> None:
    review = reviews.begun(fail_on_reject=True).answer("Reject", reason="Off brand.")
    assert isinstance(review.error, AirflowFailException)
    assert type(review.error.__cause__) is LayersReviewRejectedError
    assert f"Content {review.container} was rejected by Ada: Off brand." in str(review.error)
    assert review.xcoms["decision"]["decided_by"] == "Ada"


def test_a_mapped_rejection_returns_nothing_and_skips_nothing(reviews: Reviews) -> None:
    review = reviews.begun(map_index=3).answer("Reject")
    assert (review.state, review.value, review.skipped) == ("success", None, None)
    assert reviews.status_of(review.container) == "rejected"


def test_a_rejection_in_a_mapped_group_skips_what_follows_in_its_part_of_the_group(reviews: Reviews) -> None:
    review = reviews.begun(map_index=1, group="each").answer("Reject")
    assert (review.state, review.value) == ("success", None)
    assert review.xcoms["skipmixin_key"] == {"skipped": ["each.follow"]}, (
        "Airflow skips it when it comes to it"
    )


@pytest.mark.parametrize("status", ["not_required", "approved", "rejected"])
@pytest.mark.parametrize("several", [True, False])
def test_what_needs_no_decision_is_not_asked_about(
    status: str, several: bool, reviews: Reviews, api: Any, made: Any
) -> None:
    verb = {"approved": "approve", "rejected": "reject"}.get(status)
    api.configure(review_policy="review_all" if verb else "auto_approve")
    container = made()
    if verb:
        in_layers(api, container, verb)
    review = reviews.of([container] if several else container).begin()
    assert (reviews.desk.asked, reviews.sent()) == ([], [])
    assert review.state == "success"
    if status == "rejected":
        assert (review.value, review.skipped) == (None, ["follow"])
    else:
        assert (review.value, review.skipped) == ([container] if several else container, None)
    decision = review.xcoms["decision"]
    assert (decision["option"], decision["decided_by"]) == (None, None)
    assert decision["approval_status"] == {container: status}


def test_nothing_to_review_is_nothing_to_do(reviews: Reviews) -> None:
    review = reviews.of([[]]).begin()
    assert (review.state, review.value, reviews.desk.asked) == ("success", [], [])


def test_several_containers_are_one_question(reviews: Reviews, made: Any, posted: Any) -> None:
    containers = [made(), made(), made()]
    review = reviews.begun(containers)
    (question,) = reviews.desk.asked
    assert question["options"] == ["Approve", "Reject"]
    assert question["subject"] == "Review: 3 containers"
    review.answer("Approve")
    assert review.value == containers
    sent = posted()
    assert [one.path for one in sent] == [f"/v1/content/{one}/approve" for one in containers]
    assert len({one.idempotency_key for one in sent}) == 3


def test_several_containers_are_rejected_as_one(reviews: Reviews, made: Any) -> None:
    review = reviews.begun([made(), made()]).answer("Reject", reason="Off brand.")
    assert (review.value, review.skipped, reviews.sent()) == (None, ["follow"], ["reject", "reject"])


def test_of_several_containers_those_are_asked_about_that_wait_for_it(
    reviews: Reviews, api: Any, made: Any
) -> None:
    rejected, approved, first, second = (made() for _ in range(4))
    in_layers(api, rejected, "reject")
    in_layers(api, approved, "approve")
    review = reviews.begun([rejected, approved, first, second])
    assert reviews.desk.row.subject == "Review: 2 containers"
    review.answer("Approve")
    assert review.value == [approved, first, second]
    assert reviews.sent() == ["approve", "approve"]
    assert review.xcoms["decision"]["approved"] == [approved, first, second]


def test_what_was_approved_in_layers_goes_on_when_the_rest_is_rejected(
    reviews: Reviews, api: Any, made: Any
) -> None:
    approved, other = made(), made()
    in_layers(api, approved, "approve")
    review = reviews.begun([approved, other]).answer("Reject")
    assert (review.value, review.skipped) == ([approved], None)


def test_content_that_is_still_being_made_is_asked_about_later(reviews: Reviews, api: Any, made: Any) -> None:
    review = reviews.of(made())
    in_layers(api, review.container, "regenerate", seconds=0)
    assert type(review.begin().error) is LayersContentUnfinishedError, "which Airflow retries"
    api.advance(60)
    assert review.begin().state == "awaiting_input"
    assert len(reviews.desk.asked) == 1


def test_content_that_came_to_nothing_is_not_asked_about(
    reviews: Reviews, api: Any, airflow: Any, failure: Any
) -> None:
    api.outcome("failed", code="TOO_BLURRY", message="Too blurry.")
    generate = LayersGenerateContentOperator(task_id="g", project_id=api.project_id, brief={"topic": "x"})
    container = airflow.run(generate).xcoms["container_id"]
    api.advance(60)
    error = failure(reviews.of(container).begin(), LayersContentError)
    assert f"Content {container} is failed: TOO_BLURRY Too blurry. There is nothing to decide on." in str(
        error
    )


def test_content_that_the_key_does_not_know_is_not_asked_about(reviews: Reviews, failure: Any) -> None:
    failure(reviews.of("cnt_00000000-0000-4000-8000-000000000000").begin(), LayersNotFoundError)
    assert reviews.desk.asked == []


def test_the_card_tells_of_the_review_as_it_stands(reviews: Reviews) -> None:
    review = reviews.begun()
    assert review.xcoms["layers"]["container_ids"] == [review.container]
    assert (review.take, review.notice) == (1, None)
    assert list(review.xcoms["review"]["shown"]) == [review.container]


HOSTILE = (
    "[link](https://evil.test) ![p](https://evil.test/1.png) <img src=x onerror=alert(1)> https://evil.test "
    "www.evil.test ada@evil.test\n\n# heading\n| a | b |\n|---|---|\n```\n- [ ] task\n> quote \u202e\x00\\"
)


def test_no_text_of_the_api_is_markdown_in_the_question(reviews: Reviews, made: Any) -> None:
    calm, hostile = (reviews.begun(made(topic=topic)) for topic in ("Calm.", HOSTILE))
    bodies = [one["body"] for one in reviews.desk.asked]
    kinds = [[one.type for one in inlines(READ.parse(body))] for body in bodies]
    assert calm.state == hostile.state
    assert [one for one in kinds[1] if one not in ("text", "hardbreak", "softbreak")] == [
        one for one in kinds[0] if one not in ("text", "hardbreak", "softbreak")
    ]
    links = [
        one for body in bodies for one in inlines(READ.parse(body)) if one.type in ("link_open", "image")
    ]
    assert all((one.attrs.get("href") or one.attrs["src"]).startswith("/layers/review/") for one in links)
    assert "evil" in bodies[1]
    assert "\x00" not in bodies[1]
    assert "\u202e" not in bodies[1]


def test_this_desk_keeps_a_question_as_airflow_does() -> None:
    """Airflow's own route takes the same questions and answers, in the place of its database."""
    from airflow.api_fastapi.execution_api.datamodels.hitl import HITLDetailRequest
    from airflow.api_fastapi.execution_api.routes.hitl import upsert_hitl_detail

    rows, ours, ti_id = [], Desk(), uuid4()
    database = SimpleNamespace(scalar=lambda _: rows[-1] if rows else None, add=rows.append)

    def question(number: int) -> dict[str, Any]:
        words = {
            "subject": f"Subject {number}",
            "body": f"Body {number}",
            "defaults": None,
            "multiple": False,
        }
        users = [{"id": "7", "name": "Ada"}]
        return {
            **words,
            "options": [f"Option {number}"],
            "params": {"n": {"value": number}},
            "assigned_users": users,
        }

    def both() -> list[dict[str, Any]]:
        names = ("subject", "body", "options", "params", "assignees", "params_input", "chosen_options")
        return [
            {name: getattr(row, name) for name in (*names, "response_received")}
            for row in (rows[-1], ours.row)
        ]

    for number in (1, 2, 3):
        upsert_hitl_detail(ti_id, HITLDetailRequest(ti_id=ti_id, **question(number)), database)
        ours.upsert(ti_id=ti_id, **question(number))
        theirs, own = both()
        assert theirs == own
        assert own["subject"] == "Subject 1"
        for row in (rows[-1], ours.row) if number == 2 else ():
            row.chosen_options, row.params_input, row.responded_at = ["Option 1"], {"n": 2}, AT
