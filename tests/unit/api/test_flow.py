"""Sending once, sending again, and walking lists."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.endpoint import Endpoint, json_of
from airflow_provider_layers.api.flow import ask, call, collect
from airflow_provider_layers.api.retry import ATTEMPTS
from airflow_provider_layers.exceptions import (
    LayersAuthenticationError,
    LayersRateLimitError,
    LayersServerError,
    LayersTransportError,
    LayersUnexpectedAnswerError,
)
from tests.unit.driving import LOST, bad, drive, good

READ = Endpoint(asked="read it", method="GET", path="/v1/it", read=json_of)
START = Endpoint(asked="start it", method="POST", path="/v1/it", read=json_of)
KEYED = Endpoint(asked="start it", method="POST", path="/v1/it", read=json_of, idempotency_key="k")


def half() -> float:
    return 0.5


def test_asking_sends_once_and_reads():
    driven = drive(ask(READ), [good({"id": "1"})])
    assert driven.result == {"id": "1"}
    assert driven.sent == [READ]


def test_asking_does_not_ask_again():
    assert isinstance(drive(ask(READ), [bad(503)]).error, LayersServerError)


@pytest.mark.parametrize("first", [bad(503), bad(429), bad(408), bad(425), LOST, good("garbage")])
@pytest.mark.parametrize("endpoint", [READ, KEYED])
def test_calling_asks_again_what_can_pass(endpoint, first):
    driven = drive(call(endpoint, chance=half), [first, good({"id": "1"})])
    assert driven.result == {"id": "1"}
    assert driven.sent == [endpoint, endpoint]
    assert driven.pauses == [0.375]


@pytest.mark.parametrize(
    ("first", "kind"),
    [(bad(503), LayersServerError), (LOST, LayersTransportError), (bad(429), LayersRateLimitError)],
)
def test_what_could_be_done_twice_is_sent_once(first, kind):
    driven = drive(call(START), [first])
    assert type(driven.error) is kind
    assert driven.pauses == []


def test_calling_does_not_ask_again_what_cannot_pass():
    assert isinstance(drive(call(READ), [bad(401)]).error, LayersAuthenticationError)


def test_calling_gives_up_with_the_last_error_and_no_last_pause():
    driven = drive(call(READ, chance=half), [LOST] * (ATTEMPTS - 1) + [bad(502, request_id="req_last")])
    assert driven.error.request_id == "req_last"
    assert driven.pauses == [0.375, 0.75, 1.5, 3.0]


def test_retry_after_is_the_floor_of_the_pause():
    driven = drive(call(READ, chance=half), [bad(429, retry_after="7"), good({})])
    assert driven.pauses == [7.375]


def test_asked_to_wait_too_long_the_call_gives_up_at_once():
    driven = drive(call(READ), [bad(429, retry_after="3600")])
    assert driven.error.retry_after == 3600.0
    assert driven.pauses == []


def rows(*names: str, cursor: str | None = None) -> object:
    return good({"items": [{"id": name} for name in names], "nextCursor": cursor})


def page(size: int, cursor: str | None) -> Endpoint[dict]:
    query = (("limit", str(size)), ("cursor", str(cursor)))
    return Endpoint(asked="list it", method="GET", path="/v1/list", read=json_of, query=query)


def walk(answers, *, limit=None):
    driven = drive(collect(page, limit=limit, page_size=3), answers)
    return driven, [dict(one.query) for one in driven.sent]


def test_a_list_is_walked_to_its_end():
    driven, queries = walk([rows("a", "b", "c", cursor="2"), rows("d")])
    assert [row["id"] for row in driven.result] == ["a", "b", "c", "d"]
    assert queries == [{"limit": "3", "cursor": "None"}, {"limit": "3", "cursor": "2"}]


def test_a_limit_shortens_the_last_page():
    driven, queries = walk([rows("a", "b", "c", cursor="2"), rows("d", cursor="3")], limit=4)
    assert len(driven.result) == 4
    assert [query["limit"] for query in queries] == ["3", "1"]


def test_a_page_longer_than_was_asked_for_is_cut():
    driven, _ = walk([rows("a", "b", "c")], limit=2)
    assert [row["id"] for row in driven.result] == ["a", "b"]


@pytest.mark.parametrize("last", [{"items": []}, {"items": None, "nextCursor": None}, {"nextCursor": ""}, {}])
def test_a_page_without_rows_and_cursor_is_the_end(last):
    assert walk([good(last)])[0].result == []


def test_an_empty_page_with_a_cursor_is_not_the_end():
    assert walk([rows(cursor="2"), rows("a")])[0].result == [{"id": "a"}]


def test_cursors_that_go_round_end_in_an_error_instead_of_never():
    driven, _ = walk([rows("a", cursor="1"), rows("b", cursor="2"), rows("c", cursor="1")])
    assert isinstance(driven.error, LayersUnexpectedAnswerError)
    assert "list it" in str(driven.error)


def test_each_page_is_asked_again_by_itself():
    driven, queries = walk([rows("a", cursor="2"), LOST, rows("b")])
    assert len(driven.result) == 2
    assert [query["cursor"] for query in queries] == ["None", "2", "2"]
