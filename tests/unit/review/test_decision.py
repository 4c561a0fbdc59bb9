"""Carrying out an answer, reconciled with what was decided in Layers meanwhile."""

from __future__ import annotations

import json

import pytest

from airflow_provider_layers.api.decision import (
    Outcome,
    approved_of,
    compare,
    decide,
    decision_of,
    exhibits_of,
    reviewable,
    surprises,
)
from airflow_provider_layers.api.exhibit import exhibit
from airflow_provider_layers.api.review import APPROVE, REGENERATE, REJECT, Answer
from airflow_provider_layers.exceptions import (
    LayersConflictError,
    LayersContentError,
    LayersContentUnfinishedError,
    LayersNotFoundError,
    LayersPromotionError,
    LayersUnexpectedAnswerError,
)
from tests.unit.driving import LOST, bad, drive, good

STATUSES = ("pending", "rejected", "approved", "not_required")


def container(approval="pending", *, name="cnt_1", status="completed", caption="A.", **fields):
    return {"id": name, "status": status, "approvalStatus": approval, "caption": caption, **fields}


def mark(**fields):
    return exhibit(container(**fields)).fingerprint


def answer(option=APPROVE, shown=None, **fields):
    return Answer(option, shown or {"cnt_1": mark()}, **{"user": "Ada", "at": "2026-04-18", **fields})


def decided(given, answers, ids=("cnt_1",)):
    return drive(decide(ids, given, key=lambda one: f"key of {one}"), answers)


def test_content_is_read_one_by_one_in_the_order_of_the_ids():
    driven = drive(exhibits_of(["b", "a"]), [good(container(name="b")), good(container(name="a"))])
    assert driven.asked == ["GET /v1/content/b", "GET /v1/content/a"]
    assert [one.container_id for one in driven.result] == ["b", "a"]


@pytest.mark.parametrize("approval", STATUSES)
def test_finished_content_can_be_reviewed_or_need_not_be(approval):
    (found,) = drive(reviewable(["cnt_1"]), [good(container(approval))]).result.values()
    assert found.approval_status == approval


def test_content_goes_by_the_name_that_the_task_gives_it():
    driven = drive(reviewable(["bare"]), [good(container(name="cnt_bare"))])
    assert list(driven.result) == ["bare"]


@pytest.mark.parametrize("approval", ["rejected", "approved", "not_required"])
@pytest.mark.parametrize("status", ["processing", "failed", None])
def test_what_is_decided_need_not_be_finished(approval, status):
    assert drive(reviewable(["cnt_1"]), [good(container(approval, status=status))]).error is None


@pytest.mark.parametrize("status", ["queued", "processing", "generating"])
def test_content_under_way_may_be_asked_about_later(status):
    error = drive(reviewable(["cnt_1"]), [good(container(status=status))]).error
    assert type(error) is LayersContentUnfinishedError
    assert f"cnt_1 is {status}" in str(error)
    assert not error.permanent


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"status": "failed", "lastError": {"code": "X", "message": "No."}}, "cnt_1 is failed: X No. There"),
        ({"status": "canceled"}, "cnt_1 is canceled. There is nothing to decide on."),
        ({"status": None}, "cnt_1 is None."),
    ],
)
def test_content_that_came_to_nothing_is_an_error(fields, text):
    error = drive(reviewable(["cnt_1"]), [good(container(**fields))]).error
    assert type(error) is LayersContentError
    assert text in str(error)
    assert error.permanent


@pytest.mark.parametrize("approval", ["archived", None, 7, ""])
def test_an_approval_status_that_nobody_documented_is_left_alone(approval):
    error = drive(reviewable(["cnt_1"]), [good(container(approval))]).error
    assert type(error) is LayersUnexpectedAnswerError
    assert "pending, rejected, approved, not_required" in str(error)


def test_unknown_content_is_an_error():
    assert type(drive(reviewable(["x"]), [bad(404)]).error) is LayersNotFoundError


@pytest.mark.parametrize(
    ("now", "changed"),
    [
        ({}, ()),
        ({"caption": "B."}, ("cnt_1",)),
        ({"approval": "approved", "caption": "B."}, ()),
        ({"approval": "rejected", "caption": "B."}, ()),
    ],
)
def test_what_changed_before_anybody_decided_is_told(now, changed):
    outcome = drive(compare(["cnt_1"], answer()), [good(container(**now))]).result
    assert outcome.changed == changed
    assert outcome.statuses == {"cnt_1": now.get("approval", "pending")}


def test_content_that_was_not_shown_counts_as_changed():
    """It was decided when the question was asked, and a new take made it pending again."""
    given = answer(shown={"a": mark()})
    outcome = drive(compare(["a", "b"], given), [good(container()), good(container())]).result
    assert (outcome.changed, outcome.pending) == (("b",), ["a", "b"])


@pytest.mark.parametrize(
    ("given", "path", "body", "status"),
    [
        (answer(text="Nice."), "approve", {"note": "Approved in Airflow by Ada. Nice."}, "approved"),
        (
            answer(user=None),
            "approve",
            {"note": "Approved in Airflow by nobody (the time was over)."},
            "approved",
        ),
        (answer(REJECT, text="Off brand."), "reject", {"reason": "Off brand."}, "rejected"),
        (answer(REJECT), "reject", {"reason": "Rejected in Airflow by Ada."}, "rejected"),
    ],
)
def test_an_answer_is_carried_out_under_its_key(given, path, body, status):
    driven = decided(given, [good(container()), good(container(status))])
    assert driven.asked == ["GET /v1/content/cnt_1", f"POST /v1/content/cnt_1/{path}"]
    assert (driven.sent[1].body, driven.sent[1].idempotency_key) == (body, "key of cnt_1")
    assert driven.result == Outcome({"cnt_1": status})


@pytest.mark.parametrize("option", [APPROVE, REJECT])
def test_nothing_is_decided_of_several_when_one_of_them_changed(option):
    given = answer(option, shown={"a": mark(), "b": mark()})
    driven = decided(given, [good(container()), good(container(caption="B."))], ids=["a", "b"])
    assert driven.result.changed == ("b",)
    assert driven.asked == ["GET /v1/content/a", "GET /v1/content/b"]


@pytest.mark.parametrize("option", [APPROVE, REJECT])
@pytest.mark.parametrize("status", ["queued", "processing", "generating"])
def test_nothing_is_decided_of_content_that_is_made_anew(option, status):
    driven = decided(answer(option), [good(container(status=status))])
    assert driven.asked == ["GET /v1/content/cnt_1"]


def test_of_several_only_those_are_decided_that_wait_for_it():
    given = answer(shown={"a": mark(), "c": mark()})
    read = [good(container()), good(container("rejected")), good(container("approved"))]
    driven = decided(given, [*read, good(container("approved"))], ids=["a", "b", "c"])
    assert driven.asked[3:] == ["POST /v1/content/a/approve"]
    assert driven.result == Outcome({"a": "approved", "b": "rejected", "c": "approved"})


CONFLICT = bad(409, "CONFLICT", "Container is already decided on.")


@pytest.mark.parametrize(
    ("option", "stands", "reads"),
    [
        (APPROVE, "approved", 1),
        (APPROVE, "not_required", 1),
        (APPROVE, "rejected", 2),
        (REJECT, "rejected", 1),
        (REJECT, "approved", 2),
        (REJECT, "not_required", 2),
    ],
)
def test_who_decided_first_wins(option, stands, reads):
    race = [good(container()), CONFLICT, *[good(container(stands))] * reads]
    assert decided(answer(option), race).result == Outcome({"cnt_1": stands})


def test_a_lost_answer_is_asked_for_again_under_the_same_key():
    driven = decided(answer(), [good(container()), LOST, good(container("approved"))])
    assert driven.result.statuses == {"cnt_1": "approved"}
    assert [one.idempotency_key for one in driven.sent] == [None, "key of cnt_1", "key of cnt_1"]


@pytest.mark.parametrize("option", [APPROVE, REJECT])
def test_a_conflict_over_content_that_still_waits_is_an_error(option):
    driven = decided(answer(option), [good(container()), CONFLICT, *[good(container())] * 2])
    assert type(driven.error) is LayersConflictError


def test_an_approval_whose_schedule_failed_is_an_error():
    promotion = {"pendingSchedulePromotion": {"status": "failed"}}
    driven = decided(answer(), [good(container()), good(container("approved", **promotion))])
    assert type(driven.error) is LayersPromotionError


TWO = {"a": "f1", "b": "f2"}


@pytest.mark.parametrize(
    ("statuses", "given", "approved"),
    [
        ({"a": "approved", "b": "not_required"}, None, ["a", "b"]),
        ({"a": "approved", "b": "rejected"}, None, ["a"]),
        ({"a": "approved", "b": "approved"}, answer(shown=TWO), ["a", "b"]),
        ({"a": "approved", "b": "rejected"}, answer(shown=TWO), ["a"]),
        ({"a": "approved", "b": "rejected"}, answer(REJECT, shown=TWO), []),
        ({"a": "approved", "b": "rejected"}, answer(REJECT, shown={"b": "f2"}), ["a"]),
        ({"a": "approved", "b": "pending"}, answer(REGENERATE, shown=TWO), ["a"]),
        ({"a": None}, answer(shown={"a": "f1"}), []),
    ],
)
def test_what_a_person_rejected_goes_no_further_whatever_layers_says(statuses, given, approved):
    assert approved_of(statuses, given) == approved


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (None, {"option": None, "decided_by": None, "decided_at": None, "reason": None}),
        (answer(text="Nice."), {"option": "Approve", "decided_by": "Ada", "reason": "Nice."}),
        (answer(), {"option": "Approve", "decided_by": "Ada", "reason": None}),
        (answer(REJECT, text="No."), {"option": "Reject", "decided_by": "Ada", "reason": "No."}),
        (answer(REJECT), {"reason": "Rejected in Airflow by Ada."}),
        (answer(REJECT, user=None), {"decided_by": None, "decided_at": "2026-04-18"}),
    ],
)
def test_who_decided_what_when_and_why_is_plain_json(given, told):
    statuses = {"cnt_1": "rejected" if given and given.option == REJECT else "approved"}
    decision = json.loads(json.dumps(decision_of(statuses, given)))
    assert decision.items() >= told.items()
    assert decision["approval_status"] == statuses
    assert decision["approved"] == [one for one, status in statuses.items() if status == "approved"]


@pytest.mark.parametrize(
    ("option", "stands", "words"),
    [
        (APPROVE, "rejected", "answered Approve after it had been rejected in Layers. It stays rejected."),
        (REGENERATE, "rejected", "answered Regenerate after it had been rejected in Layers."),
        (REGENERATE, "approved", "It stays approved, without a new take."),
        (REJECT, "approved", "Layers has it as approved"),
        (REJECT, "not_required", "Layers has it as not_required"),
    ],
)
def test_where_layers_and_the_person_disagree_is_told(option, stands, words):
    (told,) = surprises({"cnt_1": stands, "other": "rejected"}, answer(option))
    assert told.startswith("Content cnt_1: Ada answered ")
    assert words in told


@pytest.mark.parametrize(
    ("option", "stands"), [(APPROVE, "approved"), (APPROVE, "not_required"), (REJECT, "rejected")]
)
def test_where_they_agree_there_is_nothing_to_tell(option, stands):
    assert list(surprises({"cnt_1": stands, "other": "rejected"}, answer(option))) == []
    assert list(surprises({"cnt_1": stands}, None)) == []
