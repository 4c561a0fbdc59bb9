"""Ranking posts."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.top_performers import get_top_performers
from airflow_provider_layers.exceptions import LayersParameterError
from tests.unit.driving import good


def test_the_ranking_is_spelled_as_the_api_spells_it():
    endpoint = get_top_performers(
        "prj_1",
        metric="views",
        window="7d",
        source_type=["platform_post", "manual"],
        platform="tiktok",
        limit=3,
    )
    assert (endpoint.method, endpoint.path) == ("GET", "/v1/projects/prj_1/top-performers")
    assert endpoint.query == (
        ("metric", "views"),
        ("window", "7d"),
        ("sourceType", "platform_post"),
        ("sourceType", "manual"),
        ("platform", "tiktok"),
        ("limit", "3"),
    )


@pytest.mark.parametrize(
    "ranking",
    [
        *({"metric": name} for name in ("views", "engagement_rate", "conversions", "roas", "watch_time_ms")),
        *({"window": name} for name in ("7d", "30d", "90d")),
        {"source_type": ["content_container", "platform_post", "manual"]},
        {"platform": ["instagram", "tiktok", "youtube", "meta_ads", "tiktok_ads", "apple_ads"]},
        *({"limit": number} for number in (1, 100, "25")),
    ],
)
def test_what_the_vendor_allows_passes(ranking):
    assert get_top_performers("prj_1", **({"metric": "views"} | ranking)).query


@pytest.mark.parametrize(
    ("ranking", "parts"),
    [
        ({"metric": "likes"}, ["metric = 'likes'", "'views'", "'watch_time_ms'"]),
        ({"metric": None}, ["metric: is required"]),
        ({"window": "1d"}, ["window = '1d'", "'7d'", "'90d'"]),
        ({"source_type": ["ad"]}, ["source_type.0 = 'ad'", "'platform_post'"]),
        ({"platform": "myspace"}, ["platform.0 = 'myspace'", "'apple_ads'"]),
        ({"limit": 0}, ["limit = 0", "greater than or equal to 1"]),
        ({"limit": 101}, ["limit = 101", "less than or equal to 100"]),
        ({"sort": "asc"}, ["does not know sort"]),
    ],
)
def test_what_it_does_not_allow_is_named_with_what_it_does(ranking, parts):
    with pytest.raises(LayersParameterError) as caught:
        get_top_performers("prj_1", **({"metric": "views"} | ranking))
    assert [part for part in parts if part not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("row", "post"),
    [
        ({"sourceType": "platform_post", "sourceId": "pp_1"}, "pp_1"),
        ({"sourceType": "platform_post", "sourceId": "pp_1", "platformPostId": "pp_2"}, "pp_2"),
        ({"platformPostId": "pp_2"}, "pp_2"),
        ({"sourceType": "manual", "sourceId": "x"}, None),
    ],
)
def test_a_row_that_can_be_cloned_names_its_post(row, post):
    rows = get_top_performers("prj_1", metric="views").read(good({"items": [{"rank": 1} | row]}))
    assert rows[0].get("platformPostId") == post
    assert rows[0].items() >= row.items()


@pytest.mark.parametrize("body", [{"items": []}, {"items": None}, {}])
def test_there_may_be_no_rows(body):
    assert get_top_performers("prj_1", metric="views").read(good(body)) == []


def test_rows_keep_the_order_of_the_api():
    items = [{"rank": rank} for rank in (1, 2, 3)]
    assert get_top_performers("prj_1", metric="views").read(good({"items": items})) == items
