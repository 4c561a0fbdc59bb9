"""Endpoints as values, their responses, and when a request is sent again."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.endpoint import (
    MAX_ATTEMPTS,
    MAX_RETRY_AFTER,
    Endpoint,
    Response,
    paged,
    parse_retry_after,
    quote_path_segment,
    read_json,
    retry_after_of,
    retry_delay,
)
from airflow_provider_layers.exceptions import (
    LayersNotFoundError,
    LayersParameterError,
    LayersRateLimitError,
    LayersServerError,
    LayersTransportError,
    LayersUnexpectedResponseError,
)
from tests.unit.scripted import response


def endpoint(**fields: object) -> Endpoint[object]:
    return Endpoint(**{"description": "do it", "method": "POST", "path": "/v1/x", "read": read_json} | fields)


# Requests and responses


@pytest.mark.parametrize(
    ("fields", "retryable"),
    [
        ({"method": "GET"}, True),
        ({"method": "POST"}, False),
        ({"method": "DELETE"}, False),
        ({"method": "POST", "idempotency_key": "k"}, True),
        ({"method": "POST", "idempotent": True}, True),
    ],
)
def test_a_request_that_could_be_carried_out_twice_is_not_retryable(fields, retryable):
    assert endpoint(**fields).retryable is retryable


def test_another_reader_leaves_the_request_as_it_is():
    original = endpoint(idempotency_key="k", body={"a": 1})
    changed = original.with_reader(lambda received: received.status_code)
    assert changed.read(response({}, 202)) == 202
    assert changed.with_reader(read_json) == original


def test_bodies_stay_out_of_the_repr():
    assert "brief" not in repr(endpoint(body={"brief": {}}))


def test_a_page_is_requested_by_its_size_and_cursor():
    page = paged("list it", "/v1/list", (("status", "queued"),))
    assert (page(5, None).method, page(5, None).path) == ("GET", "/v1/list")
    assert page(5, None).query == (("status", "queued"), ("limit", "5"))
    assert page(3, "c/1").query == (("status", "queued"), ("limit", "3"), ("cursor", "c/1"))


def test_a_body_that_is_not_a_json_object_is_unexpected():
    for content in (b"", b"<html>502</html>", b"[1]", b'"text"', b"null", b"\xff\xfe"):
        with pytest.raises(
            LayersUnexpectedResponseError, match="returned 200 with a body that is not a JSON"
        ):
            Response(200, {}, content).json()


def test_only_the_start_of_such_a_body_is_quoted():
    with pytest.raises(LayersUnexpectedResponseError) as caught:
        Response(200, {}, b"x" * 10_000).json()
    assert "x" * 100 in str(caught.value)
    assert len(str(caught.value)) < 250


def test_an_id_stays_one_segment_of_the_path():
    quoted = {
        "cnt_1": "cnt_1",
        "a/b": "a%2Fb",
        "a?b#c": "a%3Fb%23c",
        "é": "%C3%A9",
        "../jobs": "..%2Fjobs",
    }
    assert {value: quote_path_segment("container_id", value) for value in quoted} == quoted


def test_what_is_not_an_id_is_refused_under_the_name_of_its_parameter():
    for value in ("", "  ", ".", "..", None, 7, ["cnt_1"]):
        with pytest.raises(LayersParameterError) as caught:
            quote_path_segment("container_id", value)
        assert str(caught.value) == f"container_id = {value!r}: an id is a non-empty string."


# When to send again

DATE = "Wed, 21 Oct 2026 07:28:00 GMT"
LATER = "Wed, 21 Oct 2026 07:29:30 GMT"


def test_retry_after_is_seconds_or_a_date_against_the_servers_clock():
    seconds = {
        "0": 0.0,
        "7": 7.0,
        "1.5": 1.5,
        "-3": 0.0,
        LATER: 90.0,
        "Wed, 21 Oct 2026 07:00:00 GMT": 0.0,
        **dict.fromkeys((None, "", "soon", "inf", "nan", "1e999"), None),
    }
    assert {value: parse_retry_after(value, date=DATE) for value in seconds} == seconds


def test_a_date_means_nothing_without_the_servers_own_date():
    for date in (None, "", "today", "Wed, 21 Oct 2026 07:28:00 -0000"):
        assert parse_retry_after(LATER, date=date) is None


def limited(seconds: float | None) -> LayersRateLimitError:
    return LayersRateLimitError("read it", status_code=429, retry_after=seconds)


LOST = LayersTransportError("lost")


def test_only_an_error_of_the_api_asks_to_wait():
    assert [retry_after_of(error) for error in (limited(3.0), limited(None), LOST)] == [3.0, 0.0, 0.0]


def test_the_delay_doubles_and_is_jittered_by_half():
    longest = {1: 0.5, 2: 1.0, 3: 2.0, 4: 4.0}
    for jitter, share in {0.0: 0.5, 0.5: 0.75, 1.0: 1.0}.items():
        delays = {attempt: retry_delay(attempt, LOST, jitter=jitter) for attempt in longest}
        assert delays == {attempt: seconds * share for attempt, seconds in longest.items()}


def test_retry_after_is_a_minimum_that_jitter_adds_to():
    delays = [retry_delay(1, limited(7.0), jitter=jitter) for jitter in (0.0, 0.5, 1.0)]
    assert delays == [7.25, 7.375, 7.5]


@pytest.mark.parametrize(
    ("error", "attempt", "again"),
    [
        (LOST, MAX_ATTEMPTS - 1, True),
        (LOST, MAX_ATTEMPTS, False),
        (LayersServerError("read it", status_code=503), 1, True),
        (LayersUnexpectedResponseError("garbage"), 1, True),
        (LayersNotFoundError("read it", status_code=404), 1, False),
        (limited(None), 1, True),
        (limited(MAX_RETRY_AFTER), 1, True),
        (limited(MAX_RETRY_AFTER + 0.1), 1, False),
    ],
)
def test_transient_errors_are_retried_a_few_times_and_soon(error, attempt, again):
    assert (retry_delay(attempt, error, jitter=0.5) is not None) is again


def test_all_delays_of_a_call_fit_into_the_time_that_the_constant_promises():
    delays = [retry_delay(attempt, LOST, jitter=1.0) for attempt in range(1, MAX_ATTEMPTS)]
    assert sum(delays) == 7.5
