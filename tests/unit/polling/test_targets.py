"""What a watcher watches: the lists, and what a wait outlives."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.content import content_roll
from airflow_provider_layers.api.publication import post_roll
from airflow_provider_layers.api.watching import (
    NOT_FOUND_GRACE,
    UNEXPECTED_IN_A_ROW,
    Patience,
    Row,
    bare,
    read_rows,
    roll_query,
)
from airflow_provider_layers.exceptions import (
    LayersAuthenticationError,
    LayersConflictError,
    LayersNotFoundError,
    LayersPermissionError,
    LayersRateLimitError,
    LayersRequestError,
    LayersServerError,
    LayersSuspendedError,
    LayersTransportError,
    LayersUnexpectedAnswerError,
)

NOW = 1_000_000.0


def refusal(kind, status):
    return kind("read it", status_code=status)


@pytest.mark.parametrize(
    "error",
    [LayersTransportError("lost"), refusal(LayersRateLimitError, 429), refusal(LayersServerError, 503)],
)
def test_what_passes_never_ends_a_wait(error):
    patience = Patience(grace_ends=NOW)
    assert all(patience.outlives(error, now=NOW + number) for number in range(1000))


@pytest.mark.parametrize(
    "error",
    [
        refusal(LayersRequestError, 422),
        refusal(LayersAuthenticationError, 401),
        refusal(LayersPermissionError, 403),
        refusal(LayersConflictError, 409),
        refusal(LayersSuspendedError, 503),
    ],
)
def test_what_does_not_pass_ends_it_at_once_grace_or_not(error):
    assert not Patience(grace_ends=NOW + 1000).outlives(error, now=NOW)


def test_what_is_unknown_may_be_too_new_to_be_seen_for_a_moment():
    patience = Patience(grace_ends=NOW + NOT_FOUND_GRACE)
    unknown = refusal(LayersNotFoundError, 404)
    assert patience.outlives(unknown, now=NOW)
    assert patience.outlives(unknown, now=NOW + NOT_FOUND_GRACE - 0.1)
    assert not patience.outlives(unknown, now=NOW + NOT_FOUND_GRACE)


def test_answers_that_nobody_documented_end_it_when_they_stay():
    patience = Patience(grace_ends=NOW)
    strange = LayersUnexpectedAnswerError("<html>")
    outlived = [patience.outlives(strange, now=NOW) for _ in range(UNEXPECTED_IN_A_ROW)]
    assert outlived == [True] * (UNEXPECTED_IN_A_ROW - 1) + [False]


@pytest.mark.parametrize(
    ("row_id", "expected"), [("cnt_1", "1"), ("1", "1"), ("sp_cnt_1", "sp_cnt_1"), ("cnt_cnt_1", "cnt_1")]
)
def test_an_id_is_the_same_with_its_prefix_and_without(row_id, expected):
    assert bare(row_id) == expected


def test_of_a_page_is_read_what_counts_by_id():
    page = {
        "items": [
            {"id": "cnt_1", "status": "processing"},
            {"id": "2", "status": "completed", "completedAt": "2026-04-18T12:00:00Z"},
            {"id": "cnt_3", "status": "failed", "completedAt": None, "scheduledFor": "2026-04-19T12:00:00Z"},
        ]
    }
    assert read_rows(page) == {
        "1": Row("processing", None, None),
        "2": Row("completed", "2026-04-18T12:00:00Z", None),
        "3": Row("failed", None, "2026-04-19T12:00:00Z"),
    }


def test_a_row_that_tells_little_is_a_row_nevertheless():
    untold = Row("None", None, None)
    assert read_rows({"items": [{"id": "cnt_1"}, {}]}) == {"1": untold, "None": untold}


@pytest.mark.parametrize(
    "page",
    [
        {},
        {"items": None},
        {"items": {"id": "cnt_1"}},
        {"rows": []},
        {"items": ["row"]},
        {"items": [{"id": "cnt_1"}, None]},
    ],
)
def test_a_page_without_rows_is_none_that_the_api_documents(page):
    with pytest.raises(LayersUnexpectedAnswerError, match="a list without items"):
        read_rows(page)


def test_the_query_of_a_page_is_spelled_as_the_api_spells_it():
    assert roll_query(statuses=("queued", "processing"), since=0.5, page_size=200, cursor="c") == (
        ("status", "queued"),
        ("status", "processing"),
        ("since", "1970-01-01T00:00:00.500Z"),
        ("limit", "200"),
        ("cursor", "c"),
    )
    assert roll_query(statuses=(), since=None, page_size=100, cursor=None) == (("limit", "100"),)


def test_the_beginning_of_time_is_a_moment():
    assert ("since", "1970-01-01T00:00:00.000Z") in roll_query(
        statuses=(), since=0.0, page_size=1, cursor=None
    )


@pytest.mark.parametrize("make", [content_roll, post_roll])
def test_a_list_of_a_project_is_one_list_however_often_it_is_made(make):
    assert make("prj_1") == make("prj_1")
    assert hash(make("prj_1")) == hash(make("prj_1"))
    assert make("prj_1") != make("prj_2")


def test_the_lists_of_a_project_are_told_apart():
    assert content_roll("prj_1") != post_roll("prj_1")
