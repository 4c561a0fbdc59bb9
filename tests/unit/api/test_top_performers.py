"""Ranking posts."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.top_performers import above, get_top_performers, watch_top_performers
from airflow_provider_layers.exceptions import LayersParameterError, LayersTimeoutError
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


def rows(*values):
    return [{"rank": rank, "metricValue": value} for rank, value in enumerate(values, start=1)]


@pytest.mark.parametrize(("threshold", "ranks"), [(0, [1, 2, 3]), (5, [1, 2]), (5.1, [1]), (100, [])])
def test_rows_that_reach_a_threshold_keep_the_order_of_the_api(threshold, ranks):
    assert [row["rank"] for row in above(rows(9, 5.0, 1), threshold)] == ranks


def test_rows_without_a_number_reach_nothing():
    assert above([*rows(None, "9", float("nan")), {"rank": 4}], 0) == []


def watching(**fields):
    given = {"threshold": 5.0, "min_rows": 2, "deadline": 1000.0, "longest": 600.0, "metric": "views"}
    return watch_top_performers("prj_1", **(given | fields))


@pytest.mark.parametrize(("values", "ended"), [((), False), ((9,), False), ((9, 4), False), ((9, 5), True)])
def test_a_watched_ranking_has_ended_when_enough_rows_reach_the_threshold(values, ended):
    assert watching().sight(rows(*values)).ended is ended


def test_a_watched_ranking_is_asked_for_as_was_wished():
    watch = watching(window="7d", platform=["tiktok"])
    assert watch.look(None) == get_top_performers("prj_1", metric="views", window="7d", platform=["tiktok"])
    assert (watch.roll, watch.cadence.longest, watch.deadline) == (None, 600.0, 1000.0)


def test_a_wrong_ranking_is_refused_before_the_wait():
    with pytest.raises(LayersParameterError, match="metric = 'likes'"):
        watching(metric="likes")


@pytest.mark.parametrize(
    ("seen", "text"), [(rows(9, 1), "had 1 such rows"), ([], "had 0 such rows"), (None, "could not be read")]
)
def test_a_deadline_says_how_far_the_ranking_was(seen, text):
    error = watching().expired(seen)
    assert isinstance(error, LayersTimeoutError)
    assert text in str(error)
    assert "2 were wanted with views of 5.0 or more" in str(error)
