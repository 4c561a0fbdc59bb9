"""Endpoints as values, and reading what came back."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.endpoint import Answer, Endpoint, json_of, segment
from airflow_provider_layers.exceptions import LayersParameterError, LayersUnexpectedAnswerError


def endpoint(**fields: object) -> Endpoint[object]:
    return Endpoint(**{"asked": "do it", "method": "POST", "path": "/v1/x", "read": json_of} | fields)


@pytest.mark.parametrize(
    ("fields", "repeatable"),
    [
        ({"method": "GET"}, True),
        ({"method": "POST"}, False),
        ({"method": "DELETE"}, False),
        ({"method": "POST", "idempotency_key": "k"}, True),
        ({"method": "POST", "repeats_harmlessly": True}, True),
    ],
)
def test_what_can_do_something_twice_is_not_repeatable(fields, repeatable):
    assert endpoint(**fields).repeatable is repeatable


@pytest.mark.parametrize("content", [b"", b"<html>502</html>", b"[1]", b'"text"', b"null", b"\xff\xfe"])
def test_an_answer_that_is_no_json_object_is_unexpected(content):
    with pytest.raises(LayersUnexpectedAnswerError, match="answered 200 with something that is not a JSON"):
        Answer(200, {}, content).json()


def test_the_message_about_garbage_quotes_only_its_start():
    with pytest.raises(LayersUnexpectedAnswerError) as caught:
        Answer(200, {}, b"x" * 10_000).json()
    assert "x" * 100 in str(caught.value)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("given", "quoted"),
    [("cnt_1", "cnt_1"), ("a/b", "a%2Fb"), ("a?b#c", "a%3Fb%23c"), ("é", "%C3%A9"), ("../jobs", "..%2Fjobs")],
)
def test_an_id_stays_one_segment_of_the_path(given, quoted):
    assert segment("container_id", given) == quoted


@pytest.mark.parametrize("given", ["", "  ", None, 7, ["cnt_1"]])
def test_what_is_no_id_is_refused_by_the_name_of_its_parameter(given):
    with pytest.raises(LayersParameterError) as caught:
        segment("container_id", given)
    assert f"container_id = {given!r}" in str(caught.value)
    assert "non-empty string" in str(caught.value)


@pytest.mark.parametrize("given", [".", ".."])
def test_an_id_cannot_climb_the_path(given):
    with pytest.raises(LayersParameterError, match="container_id"):
        segment("container_id", given)


def test_bodies_and_results_stay_out_of_the_repr():
    assert "brief" not in repr(endpoint(body={"brief": {}}))
