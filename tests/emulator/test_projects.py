import pytest


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


@pytest.mark.parametrize("route", ["projects/prj_nobody", "projects/prj_nobody/social-accounts"])
def test_strangers(client, refused, route):
    refused(client.get(f"/v1/{route}"), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("route", "query"),
    [("", {"status": "old"}), ("", {"limit": "201"}), ("/{}/social-accounts", {"platform": "x"})],
)
def test_queries_that_are_refused(api, client, refused, route, query):
    answer = client.get("/v1/projects" + route.format(api.project_id), params=query)
    refused(answer, 422, "VALIDATION", next(iter(query)))
