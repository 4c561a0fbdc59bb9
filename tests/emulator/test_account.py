"""The account: organization, projects, social accounts, top performers."""

import pytest


def test_whoami_has_the_fields_of_both_revisions(api, client):
    api.configure(credits=77, scopes=["content:read"])
    body = client.get("/v1/whoami").json()
    assert body["scopes"] == ["content:read"]
    assert body["creditBalance"] == 77
    assert body["rateLimitTier"] == "partner"
    assert body["organizationId"].startswith("org_")
    assert body["apiKeyId"].startswith("key_")
    assert body["parentOrganizationId"] is None
    assert (body["killSwitch"], body["apiAccessRevoked"]) == (False, False)


def test_the_default_project(api, client):
    body = client.get(f"/v1/projects/{api.project_id}").json()
    assert (body["id"], body["status"], body["timezone"]) == (api.project_id, "active", "America/New_York")
    assert client.get(f"/v1/projects/{api.project_id.removeprefix('prj_')}").json() == body
    api.configure(missing=["app_name"])
    assert client.get(f"/v1/projects/{api.project_id}").json()["appName"] is None


def test_projects_are_listed_newest_first(api, client):
    def found(**query):
        return [row["id"] for row in client.get("/v1/projects", params=query).json()["items"]]

    assert found() == api.project_ids[::-1]
    assert found(search="acme") == [api.project_id]
    assert found(status="archived") == []
    assert found(limit=1) == api.project_ids[-1:]


def test_social_accounts(api, client):
    url = f"/v1/projects/{api.project_id}/social-accounts"

    def found(**query):
        return [row["socialAccountId"] for row in client.get(url, params=query).json()["items"]]

    tiktok, instagram = api.social_account_ids
    assert found() == [instagram, tiktok]
    assert found(platform="tiktok") == [tiktok]
    assert found(leased="true") == []
    api.configure(disconnected_accounts=[tiktok])
    assert found(status="connected") == [instagram]
    assert found(status="disconnected") == [tiktok]


@pytest.mark.parametrize("route", ["", "/social-accounts", "/content", "/top-performers?metric=views"])
def test_an_unknown_project_is_404(client, assert_error, route):
    assert_error(client.get(f"/v1/projects/prj_unknown{route}"), 404, "NOT_FOUND")


@pytest.fixture
def top_performers(api, client):
    def get(project=None, **query):
        response = client.get(f"/v1/projects/{project or api.project_id}/top-performers", params=query)
        assert response.status_code == 200, response.text
        return response.json()["items"]

    return get


def test_rows_are_ranked_by_the_metric(top_performers):
    rows = top_performers(metric="views")
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    values = [row["metricValue"] for row in rows]
    assert values == sorted(values, reverse=True)
    assert set(rows[0]) >= {"sourceType", "sourceId", "platformPostId", "platform"}
    by_rate = top_performers(metric="engagement_rate")
    assert [row["sourceId"] for row in rows] != [row["sourceId"] for row in by_rate]


def test_every_row_can_be_cloned(top_performers, clone, api):
    for row in top_performers(metric="views", window="90d"):
        assert row["platformPostId"] in api.top_post_ids
        assert clone(sourcePlatformPostId=row["platformPostId"]).status_code == 202


def test_windows_limits_and_filters(top_performers):
    sizes = [len(top_performers(metric="views", window=window)) for window in ("7d", "30d", "90d")]
    assert sizes == sorted(set(sizes))
    everything = top_performers(metric="views")
    assert len(everything) == sizes[1]
    assert len(top_performers(metric="views", limit=2)) == 2
    platforms = {row["platform"] for row in top_performers(metric="views", platform=["tiktok", "youtube"])}
    assert platforms == {"tiktok", "youtube"}
    assert top_performers(metric="views", sourceType="manual") == []
    assert top_performers(metric="views", sourceType=["manual", "platform_post"]) == everything
    assert len(top_performers(metric="views", includeIneligible="true")) == sizes[1] + 1


def test_conversions_rank_promoted_posts_only(top_performers):
    rows = top_performers(metric="conversions", window="90d")
    assert {row["platform"] for row in rows} == {"tiktok_ads", "meta_ads"}


def test_a_project_without_accounts_has_no_rows(api, top_performers):
    assert top_performers(api.project_ids[1], metric="views") == []


@pytest.mark.parametrize(("query", "path"), [({}, "metric"), ({"metric": "views", "cursor": "x"}, "cursor")])
def test_invalid_queries_of_top_performers(api, client, assert_error, query, path):
    response = client.get(f"/v1/projects/{api.project_id}/top-performers", params=query)
    assert_error(response, 422, "VALIDATION", path)
