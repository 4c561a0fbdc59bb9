"""Both spellings in, the API's own out, and what the messages say."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Annotated, Any

import pendulum
import pytest
from pydantic import BeforeValidator, Field, JsonValue

from airflow_provider_layers.api.request import Moment, Request, body, one_or_many, query
from airflow_provider_layers.exceptions import LayersParameterError


class Inner(Request):
    asset_ids: Annotated[list[str], Field(max_length=2)] | None = None
    track_id: str | None = None


class Outer(Request):
    project_id: str
    inner_part: Inner | None = None
    metadata: dict[str, JsonValue] | None = None
    size_limit: Annotated[int, Field(ge=1, le=5)] | None = None


class Calendar(Request):
    at: Moment


class Filters(Request):
    status: Annotated[list[str], BeforeValidator(one_or_many)] | None = None
    page_size: int | None = None


def refused(kind: type[Request], **given: Any) -> str:
    with pytest.raises(LayersParameterError) as caught:
        body(kind, **given)
    return str(caught.value)


@pytest.mark.parametrize(
    "inner", [{"asset_ids": ["a"], "track_id": "t"}, {"assetIds": ["a"], "trackId": "t"}]
)
def test_both_spellings_leave_as_the_apis_own(inner):
    sent = body(Outer, project_id="prj_1", inner_part=inner)
    assert sent == {"projectId": "prj_1", "innerPart": {"assetIds": ["a"], "trackId": "t"}}


def test_spellings_may_be_mixed_but_not_doubled():
    assert body(Outer, project_id="p", inner_part={"assetIds": ["a"], "track_id": "t"})
    text = refused(Outer, project_id="p", inner_part={"assetIds": ["a"], "asset_ids": ["b"]})
    assert "inner_part" in text
    assert "asset_ids is given in both spellings" in text


def test_what_was_not_given_is_not_sent():
    assert body(Outer, project_id="p", inner_part={"track_id": None}, size_limit=None) == {
        "projectId": "p",
        "innerPart": {},
    }


def test_metadata_is_the_users_own():
    own = {"my_key": 1, "myKey": None, "deep": {"a_b": [{"c_d": None}]}, "": True}
    assert body(Outer, project_id="p", metadata=own)["metadata"] == own


@pytest.mark.parametrize("value", [object(), float("nan"), float("inf")])
def test_metadata_that_no_json_carries_is_refused(value):
    assert "metadata" in refused(Outer, project_id="p", metadata={"a": value})


def test_numbers_become_ids_where_templates_rendered_them_to_numbers():
    assert body(Outer, project_id=7)["projectId"] == "7"


def test_numbers_are_read_from_templated_text():
    assert body(Outer, project_id="p", size_limit="3")["sizeLimit"] == 3


def test_a_missing_field_is_named():
    assert refused(Outer) == "project_id: is required"


def test_an_unknown_field_is_named_with_the_known_ones():
    text = refused(Outer, project_id="p", inner_part={"assets": ["a"]})
    assert text.startswith("inner_part = {'assets': ['a']}: ")
    assert "does not know assets; it knows asset_ids, track_id" in text


def test_a_message_names_parameter_value_and_what_is_allowed():
    assert refused(Outer, project_id="p", size_limit=6) == "size_limit = 6: should be less than or equal to 5"


def test_fields_inside_are_named_by_their_way_in_snake_case():
    text = refused(Outer, project_id="p", inner_part={"assetIds": ["a", "b", "c"]})
    assert text.startswith("inner_part.asset_ids = ['a', 'b', 'c']: ")
    assert "at most 2" in text


def test_all_faults_are_told_at_once():
    text = refused(Outer, size_limit=0, inner_part={"track_id": []})
    assert all(name in text for name in ("project_id", "size_limit", "inner_part.track_id"))


def test_a_long_value_is_cut_in_the_message():
    text = refused(Outer, project_id="p", inner_part={"asset_ids": ["x" * 500] * 3})
    assert len(text) < 250


def test_the_text_of_the_checking_library_stays_out():
    with pytest.raises(LayersParameterError) as caught:
        body(Outer)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "pydantic" not in str(caught.value)


NINE_IN_BERLIN = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (datetime(2026, 7, 1, 9, tzinfo=timezone.utc), "2026-07-01T09:00:00.000Z"),
        (datetime(2026, 7, 1, 9, tzinfo=NINE_IN_BERLIN), "2026-07-01T07:00:00.000Z"),
        (pendulum.datetime(2026, 7, 1, 9, tz="Europe/Berlin"), "2026-07-01T07:00:00.000Z"),
        (pendulum.datetime(2026, 1, 1, 9, tz="Europe/Berlin"), "2026-01-01T08:00:00.000Z"),
        ("2026-07-01T09:00:00Z", "2026-07-01T09:00:00.000Z"),
        ("2026-07-01T09:00:00.123456+02:00", "2026-07-01T07:00:00.123Z"),
        ("2026-07-01 09:00-05:00", "2026-07-01T14:00:00.000Z"),
        ("2026-07-01T23:30:00-04:00", "2026-07-02T03:30:00.000Z"),
    ],
)
def test_a_moment_leaves_as_utc(given, sent):
    assert body(Calendar, at=given) == {"at": sent}


@pytest.mark.parametrize("given", [datetime(2026, 7, 1, 9), "2026-07-01T09:00:00", "2026-07-01"])  # noqa: DTZ001
def test_a_moment_without_a_timezone_is_refused(given):
    assert refused(Calendar, at=given) == f"at = {given!r}: should have timezone info"


@pytest.mark.parametrize(
    "given", [1_782_896_400, 1.5e9, "1782896400", "-1782896400", "", "tomorrow", True, ["2026-07-01T09:00Z"]]
)
def test_what_is_no_moment_is_refused(given):
    assert f"at = {given!r}: should be" in refused(Calendar, at=given)


@pytest.mark.parametrize("given", ["completed", ["completed"], ("completed",)])
def test_one_or_many_makes_a_list_of_one(given):
    assert query(Filters, status=given) == (("status", "completed"),)


def test_a_list_repeats_its_name_in_a_query():
    pairs = query(Filters, status=["queued", "failed"], page_size=3)
    assert pairs == (("status", "queued"), ("status", "failed"), ("pageSize", "3"))


def test_a_query_of_nothing_is_empty():
    assert query(Filters, status=None) == ()
