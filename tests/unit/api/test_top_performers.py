"""Ranking posts."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.top_performers import get_top_performers, rows_above
from airflow_provider_layers.exceptions import LayersParameterError
from tests import limits
from tests.unit.scripted import response


def rank(**ranking):
    return get_top_performers("prj_1", **({"metric": "views"} | ranking))


def test_the_ranking_is_spelled_as_on_the_vendors_page():
    endpoint = rank(window="7d", source_type=["platform_post", "manual"], platform="tiktok", limit="3")
    assert (endpoint.method, endpoint.path) == ("GET", "/v1/projects/prj_1/top-performers")
    assert endpoint.query == (
        ("metric", "views"),
        ("window", "7d"),
        ("sourceType", "platform_post"),
        ("sourceType", "manual"),
        ("platform", "tiktok"),
        ("limit", "3"),
    )


def test_what_the_vendor_accepts_is_accepted():
    for name, values in {
        "metric": limits.METRICS,
        "window": limits.WINDOWS,
        "source_type": limits.SOURCE_TYPES,
        "platform": limits.RANKED_PLATFORMS,
        "limit": limits.TOP_PERFORMERS.allowed,
    }.items():
        for value in values:
            assert str(value) in dict(rank(**{name: value}).query).values()


@pytest.mark.parametrize(
    ("ranking", "parts"),
    [
        ({"metric": "likes"}, ["metric = 'likes'", *map(repr, limits.METRICS)]),
        ({"metric": None}, ["metric: is required"]),
        ({"window": "1d"}, ["window = '1d'", *map(repr, limits.WINDOWS)]),
        ({"source_type": ["ad"]}, ["source_type.0 = 'ad'", *map(repr, limits.SOURCE_TYPES)]),
        ({"platform": "myspace"}, ["platform.0 = 'myspace'", *map(repr, limits.RANKED_PLATFORMS)]),
        *(
            ({"limit": size}, [f"limit = {size}", f"equal to {bound}"])
            for size, bound in zip(limits.TOP_PERFORMERS.refused, limits.TOP_PERFORMERS.allowed, strict=True)
        ),
        ({"sort": "asc"}, ["has no field sort"]),
    ],
)
def test_what_the_vendor_does_not_accept_is_named_with_what_it_does(ranking, parts):
    with pytest.raises(LayersParameterError) as caught:
        rank(**ranking)
    assert [part for part in parts if part not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("row", "post_id"),
    [
        ({"sourceType": "platform_post", "sourceId": "pp_1"}, "pp_1"),
        ({"sourceType": "platform_post", "sourceId": "pp_1", "platformPostId": "pp_2"}, "pp_2"),
        ({"platformPostId": "pp_2"}, "pp_2"),
        ({"sourceType": "manual", "sourceId": "x"}, None),
    ],
)
def test_a_row_that_can_be_cloned_names_its_post(row, post_id):
    (read,) = rank().read(response({"items": [{"rank": 1} | row]}))
    assert read.get("platformPostId") == post_id
    assert read.items() >= row.items()


def test_rows_keep_the_order_of_the_api_and_there_may_be_none():
    items = [{"rank": number} for number in (3, 1, 2)]
    assert rank().read(response({"items": items})) == items
    assert [rank().read(response(body)) for body in ({"items": []}, {"items": None}, {})] == [[], [], []]


def test_rows_that_reach_a_threshold_are_kept_in_order_and_rows_without_a_number_are_not():
    rows = [{"rank": number, "metricValue": value} for number, value in enumerate((9, 5.0, 1), start=1)]
    kept = {threshold: [row["rank"] for row in rows_above(rows, threshold)] for threshold in (0, 5, 5.1, 10)}
    assert kept == {0: [1, 2, 3], 5: [1, 2], 5.1: [1], 10: []}
    without = [{"metricValue": value} for value in (None, "9", float("nan"))]
    assert rows_above([*without, {}], 0) == []
