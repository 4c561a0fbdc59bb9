"""Both spellings in, the API's own out, and the messages about what is wrong."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Annotated, Any

import pendulum
import pytest
from pydantic import BeforeValidator, Field, JsonValue

from airflow_provider_layers.api.schemas import (
    RequestModel,
    Timestamp,
    as_list,
    format_timestamp,
    parse_limit,
    parse_timestamp,
    query_params,
    request_body,
)
from airflow_provider_layers.exceptions import LayersParameterError


class Inner(RequestModel):
    asset_ids: Annotated[list[str], Field(max_length=2)] | None = None
    track_id: str | None = None


class Outer(RequestModel):
    project_id: str
    inner_part: Inner | None = None
    metadata: dict[str, JsonValue] | None = None
    size_limit: Annotated[int, Field(ge=1, le=5)] | None = None


class Calendar(RequestModel):
    at: Timestamp


class Filters(RequestModel):
    status: Annotated[list[str], BeforeValidator(as_list)] | None = None
    page_size: int | None = None


def refusal(model: type[RequestModel], **fields: Any) -> str:
    with pytest.raises(LayersParameterError) as caught:
        request_body(model, **fields)
    # What pydantic itself says stays out of logs: it quotes whole values and links to its own pages.
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "pydantic" not in str(caught.value)
    return str(caught.value)


def test_both_spellings_are_sent_as_the_apis_own():
    for inner in ({"asset_ids": ["a"], "track_id": "t"}, {"assetIds": ["a"], "track_id": "t"}):
        assert request_body(Outer, project_id="prj_1", inner_part=inner) == {
            "projectId": "prj_1",
            "innerPart": {"assetIds": ["a"], "trackId": "t"},
        }


def test_what_is_none_is_left_out():
    body = request_body(Outer, project_id="p", inner_part={"track_id": None}, size_limit=None)
    assert body == {"projectId": "p", "innerPart": {}}


def test_metadata_is_sent_as_it_is():
    metadata = {"my_key": 1, "myKey": None, "deep": {"a_b": [{"c_d": None}]}, "": True}
    assert request_body(Outer, project_id="p", metadata=metadata)["metadata"] == metadata


def test_metadata_that_json_cannot_represent_is_refused():
    for value in (object(), float("nan"), float("inf")):
        assert "metadata" in refusal(Outer, project_id="p", metadata={"a": value})


def test_templates_may_render_ids_to_numbers_and_numbers_to_text():
    assert request_body(Outer, project_id=7, size_limit="3") == {"projectId": "7", "sizeLimit": 3}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"project_id": None}, "project_id: is required"),
        ({"size_limit": 6}, "size_limit = 6: should be less than or equal to 5"),
        (
            {"inner_part": {"assets": ["a"]}},
            "inner_part = {'assets': ['a']}: Inner has no field assets; its fields are asset_ids, track_id",
        ),
        (
            {"inner_part": {"assetIds": ["a"], "asset_ids": ["b"]}},
            "inner_part = {'assetIds': ['a'], 'asset_ids': ['b']}: asset_ids is given in both spellings",
        ),
        (
            {"inner_part": {"assetIds": ["a", "b", "c"]}},
            "inner_part.asset_ids = ['a', 'b', 'c']: List should have at most 2 items",
        ),
    ],
)
def test_a_message_names_parameter_value_and_what_is_allowed(fields, text):
    assert refusal(Outer, **{"project_id": "p", **fields}).startswith(text)


def test_all_faults_are_named_at_once():
    text = refusal(Outer, size_limit=0, inner_part={"track_id": []})
    assert [name for name in ("project_id", "size_limit", "inner_part.track_id") if name not in text] == []


def test_a_long_value_is_cut_in_the_message():
    assert len(refusal(Outer, project_id="p", inner_part={"asset_ids": ["x" * 500] * 3})) < 250


# Timestamps

BERLIN_SUMMER = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (datetime(2026, 7, 1, 9, tzinfo=timezone.utc), "2026-07-01T09:00:00.000Z"),
        (datetime(2026, 7, 1, 9, tzinfo=BERLIN_SUMMER), "2026-07-01T07:00:00.000Z"),
        (pendulum.datetime(2026, 7, 1, 9, tz="Europe/Berlin"), "2026-07-01T07:00:00.000Z"),
        (pendulum.datetime(2026, 1, 1, 9, tz="Europe/Berlin"), "2026-01-01T08:00:00.000Z"),
        ("2026-07-01T09:00:00Z", "2026-07-01T09:00:00.000Z"),
        ("2026-07-01T09:00:00.123456+02:00", "2026-07-01T07:00:00.123Z"),
        ("2026-07-01 09:00-05:00", "2026-07-01T14:00:00.000Z"),
        ("2026-07-01T23:30:00-04:00", "2026-07-02T03:30:00.000Z"),
    ],
)
def test_a_timestamp_is_sent_in_utc(value, sent):
    assert request_body(Calendar, at=value) == {"at": sent}


def test_a_timestamp_without_a_timezone_is_refused():
    for value in (datetime(2026, 7, 1, 9), "2026-07-01T09:00:00", "2026-07-01"):  # noqa: DTZ001
        assert refusal(Calendar, at=value) == f"at = {value!r}: should have timezone info"


def test_what_is_not_a_timestamp_is_refused():
    for value in (
        1_782_896_400,
        1.5e9,
        "1782896400",
        "-1782896400",
        "",
        "tomorrow",
        True,
        ["2026-07-01T09:00Z"],
    ):
        assert f"at = {value!r}: should be" in refusal(Calendar, at=value)


def test_timestamps_of_the_api_are_read_as_utc():
    moment = datetime(2026, 7, 1, 7, tzinfo=timezone.utc)
    texts = ("2026-07-01T07:00:00.000Z", "2026-07-01T09:00:00+02:00", "2026-07-01T07:00:00")
    assert [parse_timestamp(text) for text in texts] == [moment] * 3
    assert [parse_timestamp(text) for text in (None, "", "soon", 7)] == [None] * 4
    assert parse_timestamp(format_timestamp(moment)) == moment


# Queries


def test_a_list_repeats_its_name_in_a_query():
    for value in ("completed", ["completed"], ("completed",)):
        assert query_params(Filters, status=value) == (("status", "completed"),)
    pairs = (("status", "queued"), ("status", "failed"), ("pageSize", "3"))
    assert query_params(Filters, status=["queued", "failed"], page_size=3) == pairs
    assert query_params(Filters, status=None) == ()


def test_the_limit_of_a_list_is_a_number_of_1_or_more():
    assert [parse_limit(limit) for limit in (None, 1, "5", 10_000)] == [None, 1, 5, 10_000]
    for limit in (0, -1, "0", "many", 1.5, [1]):
        with pytest.raises(LayersParameterError, match="limit = "):
            parse_limit(limit)
