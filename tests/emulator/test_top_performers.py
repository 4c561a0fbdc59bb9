import pytest


@pytest.fixture
def rows(api, client):
    def ask(project=None, **query):
        answer = client.get(f"/v1/projects/{project or api.project_id}/top-performers", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    return ask


def test_rows_are_ranked_by_the_metric(rows):
    found = rows(metric="views")
    assert [row["rank"] for row in found] == list(range(1, len(found) + 1))
    values = [row["metricValue"] for row in found]
    assert values == sorted(values, reverse=True)
    assert set(found[0]) >= {"sourceType", "sourceId", "platformPostId", "platform"}
    assert [row["sourceId"] for row in found] != [row["sourceId"] for row in rows(metric="engagement_rate")]


def test_every_row_can_be_cloned(rows, clone, api):
    for row in rows(metric="views", window="90d"):
        assert row["platformPostId"] in api.top_post_ids
        assert clone(sourcePlatformPostId=row["platformPostId"]).status_code == 202


def test_windows_limits_and_filters(rows):
    sizes = [len(rows(metric="views", window=window)) for window in ("7d", "30d", "90d")]
    assert sizes == sorted(set(sizes))
    assert len(rows(metric="views")) == sizes[1]
    assert len(rows(metric="views", limit=2)) == 2
    assert {row["platform"] for row in rows(metric="views", platform=["tiktok", "youtube"])} == {
        "tiktok",
        "youtube",
    }
    assert rows(metric="views", sourceType="manual") == []
    assert rows(metric="views", sourceType=["manual", "platform_post"]) == rows(metric="views")
    assert len(rows(metric="views", includeIneligible="true")) == sizes[1] + 1


def test_conversions_rank_promoted_posts_only(rows):
    assert {row["platform"] for row in rows(metric="conversions", window="90d")} == {"tiktok_ads", "meta_ads"}


def test_a_project_without_accounts_has_none(api, rows):
    assert rows(api.project_ids[1], metric="views") == []


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"metric": "likes"},
        {"metric": "views", "window": "1y"},
        {"metric": "views", "limit": "0"},
        {"metric": "views", "limit": "101"},
        {"metric": "views", "platform": "myspace"},
        {"metric": "views", "sourceType": "film"},
        {"metric": "views", "includeIneligible": "yes"},
        {"metric": "views", "cursor": "x"},
    ],
)
def test_queries_that_are_refused(api, client, refused, query):
    path = list(query)[-1] if query else "metric"
    refused(
        client.get(f"/v1/projects/{api.project_id}/top-performers", params=query), 422, "VALIDATION", path
    )
