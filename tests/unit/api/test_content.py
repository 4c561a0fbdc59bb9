"""Reading, listing and deciding on content."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from airflow_provider_layers.api.content import (
    LIST_PAGE_SIZE,
    approve,
    each,
    get_content,
    list_content,
    only,
    reject,
)
from airflow_provider_layers.exceptions import (
    LayersConflictError,
    LayersNotFoundError,
    LayersParameterError,
    LayersPermissionError,
    LayersTransportError,
)
from tests.unit.driving import LOST, bad, drive, good

APPROVED = {"id": "cnt_1", "approvalStatus": "approved"}
CONFLICT = bad(409, "CONFLICT", "Container is already decided on.")


def test_content_is_read_by_its_id():
    endpoint = get_content("cnt/1")
    assert (endpoint.method, endpoint.path) == ("GET", "/v1/content/cnt%2F1")
    assert endpoint.read(good({"id": "cnt/1"})) == {"id": "cnt/1"}


def test_a_list_is_asked_for_with_all_its_filters():
    flow = list_content(
        "prj_1",
        limit=None,
        status=["completed", "failed"],
        format="ugc-remix",
        creative_type="generated",
        since=datetime(2026, 1, 1, tzinfo=timezone.utc),
        until="2026-02-01T00:00:00+01:00",
    )
    driven = drive(flow, [good({"items": [{"id": "cnt_1"}], "nextCursor": "c/1"}), good({"items": []})])
    first, second = driven.sent
    assert driven.result == [{"id": "cnt_1"}]
    assert driven.asked == ["GET /v1/projects/prj_1/content"] * 2
    assert first.query == (
        ("status", "completed"),
        ("status", "failed"),
        ("format", "ugc-remix"),
        ("creativeType", "generated"),
        ("since", "2026-01-01T00:00:00.000Z"),
        ("until", "2026-01-31T23:00:00.000Z"),
        ("limit", str(LIST_PAGE_SIZE)),
    )
    assert second.query == (*first.query, ("cursor", "c/1"))


def test_no_more_rows_are_asked_for_than_the_limit():
    driven = drive(list_content("prj_1", limit=7), [good({"items": []})])
    assert driven.sent[0].query == (("limit", "7"),)


@pytest.mark.parametrize("status", ["queued", "processing", "generating", "completed", "failed", "canceled"])
def test_the_words_of_both_revisions_are_taken_for_a_status(status):
    list_content("prj_1", limit=1, status=status)


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ({"status": "done"}, ["status.0 = 'done'", "'completed'"]),
        ({"creative_type": "made"}, ["creative_type = 'made'", "'generated' or 'uploaded'"]),
        ({"since": "2026-01-01T00:00:00"}, ["since = ", "timezone"]),
        ({"until": "yesterday"}, ["until = 'yesterday'"]),
        ({"limit": 0}, ["limit = 0", "greater than or equal to 1"]),
        ({"limit": -1}, ["limit = -1"]),
        ({"cursor": "c"}, ["does not know cursor"]),
    ],
)
def test_a_wrong_filter_is_refused_before_anything_is_sent(given, parts):
    with pytest.raises(LayersParameterError) as caught:
        list_content("prj_1", **({"limit": 1} | given))
    assert [part for part in parts if part not in str(caught.value)] == []


def decide(answers, *, verb="approve", **given):
    given = {"note": None} | given if verb == "approve" else {"reason": "No."} | given
    flow = {"approve": approve, "reject": reject}[verb]("cnt_1", **given, idempotency_key="key")
    return drive(flow, answers)


def test_an_approval_is_sent_under_its_key():
    driven = decide([good(APPROVED)], note="Fine.")
    (sent,) = driven.sent
    assert driven.result == APPROVED
    assert driven.asked == ["POST /v1/content/cnt_1/approve"]
    assert (sent.body, sent.idempotency_key) == ({"note": "Fine."}, "key")


def test_an_approval_without_a_note_has_an_empty_body():
    assert decide([good(APPROVED)]).sent[0].body == {}


def test_a_rejection_is_sent_under_its_key():
    driven = decide([good({})], verb="reject", reason="Off brand.")
    (sent,) = driven.sent
    assert driven.asked == ["POST /v1/content/cnt_1/reject"]
    assert (sent.body, sent.idempotency_key) == ({"reason": "Off brand."}, "key")


@pytest.mark.parametrize(
    ("verb", "status"), [("approve", "approved"), ("approve", "not_required"), ("reject", "rejected")]
)
def test_a_decision_that_stands_already_is_a_success(verb, status):
    container = {"id": "cnt_1", "approvalStatus": status, "caption": "long"}
    driven = decide([CONFLICT, good(container)], verb=verb)
    assert driven.result == {"id": "cnt_1", "approvalStatus": status}
    assert driven.asked[1:] == ["GET /v1/content/cnt_1"]


@pytest.mark.parametrize(
    ("verb", "status"),
    [
        ("approve", "rejected"),
        ("approve", "pending"),
        ("approve", None),
        ("reject", "approved"),
        ("reject", "not_required"),
        ("reject", "pending"),
    ],
)
def test_a_decision_against_the_one_that_stands_is_the_conflict(verb, status):
    driven = decide([CONFLICT, good({"id": "cnt_1", "approvalStatus": status})], verb=verb)
    assert type(driven.error) is LayersConflictError
    assert driven.error.message == "Container is already decided on."


def test_a_lost_answer_followed_by_a_conflict_is_settled_by_reading():
    driven = decide([LOST, CONFLICT, good(APPROVED)])
    assert driven.result == APPROVED
    assert [one.idempotency_key for one in driven.sent] == ["key", "key", None]


def test_a_decision_that_cannot_be_settled_fails():
    assert isinstance(decide([CONFLICT, *[LOST] * 5]).error, LayersTransportError)


@pytest.mark.parametrize(
    ("answer", "kind"), [(bad(404), LayersNotFoundError), (bad(403), LayersPermissionError)]
)
def test_other_errors_of_a_decision_stay_what_they_are(answer, kind):
    assert type(decide([answer]).error) is kind


@pytest.mark.parametrize(("verb", "word"), [("approve", "note"), ("reject", "reason")])
@pytest.mark.parametrize("text", ["x", "x" * 1024])
def test_the_text_of_a_decision_may_have_1_to_1024_characters(verb, word, text):
    assert decide([good({})], verb=verb, **{word: text}).sent[0].body == {word: text}


@pytest.mark.parametrize(("verb", "word"), [("approve", "note"), ("reject", "reason")])
@pytest.mark.parametrize(
    ("text", "allowed"), [("", "at least 1 character"), ("x" * 1025, "at most 1024 characters")]
)
def test_other_lengths_are_refused(verb, word, text, allowed):
    with pytest.raises(LayersParameterError) as caught:
        decide([], verb=verb, **{word: text})
    assert str(caught.value).startswith(f"{word} = ")
    assert allowed in str(caught.value)


def test_a_rejection_needs_a_reason():
    with pytest.raises(LayersParameterError, match="reason: is required"):
        decide([], verb="reject", reason=None)


@pytest.mark.parametrize(
    ("given", "ids"),
    [
        ("cnt_1", ["cnt_1"]),
        (["cnt_1", "cnt_2"], ["cnt_1", "cnt_2"]),
        (("cnt_1",), ["cnt_1"]),
        ([["cnt_1"], ["cnt_2", "cnt_3"]], ["cnt_1", "cnt_2", "cnt_3"]),
        (["cnt_1", "cnt_1", ["cnt_1"]], ["cnt_1"]),
        ([], []),
        ([[], []], []),
    ],
)
def test_one_id_or_many_make_one_flat_list(given, ids):
    assert each(given) == ids


@pytest.mark.parametrize("given", [None, 7, {"id": "cnt_1"}, "", [""], [None], [["cnt_1", 7]]])
def test_what_is_no_id_and_no_list_of_ids_is_refused(given):
    with pytest.raises(LayersParameterError, match="container_id = "):
        each(given)


@pytest.mark.parametrize("given", ["cnt_1", ["cnt_1"], [["cnt_1"]]])
def test_where_one_is_taken_a_list_of_one_is_too(given):
    assert only(given) == "cnt_1"


@pytest.mark.parametrize("given", [[], ["cnt_1", "cnt_2"]])
def test_where_one_is_taken_none_and_several_are_refused(given):
    with pytest.raises(LayersParameterError, match=r"Map the task over the ids with expand\(\)"):
        only(given)
