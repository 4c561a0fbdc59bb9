import pytest


@pytest.fixture
def scheduled(client, approved, plan):
    """Schedule one approved container and return the post's URL."""

    def schedule(seconds=3600, **target):
        answer = client.post(f"/v1/content/{approved()}/schedule", json=plan(seconds, **target))
        assert answer.status_code == 201, answer.text
        return f"/v1/scheduled-posts/{answer.json()['scheduledPostIds'][0]}"

    return schedule


def test_the_clock_moves_a_post_from_queued_to_published(api, client, scheduled):
    url = scheduled()
    first = client.get(url).json()
    assert (first["status"], first["externalId"], first["attemptedAt"]) == ("queued", None, None)
    assert (first["platform"], first["mode"]) == ("tiktok", "publish")
    api.advance(3599)
    assert client.get(url).json()["status"] == "queued"
    api.advance(1)
    publishing = client.get(url).json()
    assert (publishing["status"], publishing["attemptedAt"]) == ("publishing", first["scheduledFor"])
    api.advance(30)
    out = client.get(url).json()
    assert out["status"] == "published"
    assert out["publishedAt"] == "2026-04-18T13:01:30.000Z"
    assert out["externalId"] in out["externalUrl"]


def test_one_leap_of_the_clock_passes_through_all_of_it(api, client, scheduled):
    url = scheduled()
    api.advance(86_400)
    assert client.get(url).json()["publishedAt"] == "2026-04-18T13:01:30.000Z"


@pytest.mark.parametrize(
    ("mode", "revision", "status"), [("draft", "new", "draft"), ("draft", "old", "draft_in_inbox")]
)
def test_drafts_end_as_drafts(api, client, scheduled, mode, revision, status):
    api.configure(revision=revision)
    url = scheduled(mode=mode)
    api.advance(4000)
    body = client.get(url).json()
    assert (body["status"], body["externalId"]) == (status, None)


def test_a_post_can_be_made_to_fail(api, client, scheduled):
    api.outcome("failed", kind="scheduled_post", code="PLATFORM_ERROR", message="No.")
    url = scheduled()
    api.advance(4000)
    body = client.get(url).json()
    assert (body["status"], body["lastError"]) == ("failed", {"code": "PLATFORM_ERROR", "message": "No."})


def test_reschedule_moves_a_queued_post(api, client, scheduled, after, refused):
    url = scheduled()
    later = after(7200)
    body = client.post(f"{url}/reschedule", json={"scheduledFor": later}).json()
    assert (body["status"], body["scheduledFor"]) == ("queued", later.replace("Z", ".000Z"))
    api.advance(3700)
    assert client.get(url).json()["status"] == "queued"
    refused(
        client.post(f"{url}/reschedule", json={"scheduledFor": after(-60)}), 422, "VALIDATION", "scheduledFor"
    )
    api.advance(3600)
    refused(client.post(f"{url}/reschedule", json={"scheduledFor": after(60)}), 409, "CONFLICT")


def test_a_post_brought_forward_goes_out_once(api, client, scheduled, after):
    url = scheduled()
    client.post(f"{url}/reschedule", json={"scheduledFor": after(60)})
    api.advance(100)
    first = client.get(url).json()
    assert first["status"] == "published"
    api.advance(7200)
    assert client.get(url).json() == first


def test_cancel(api, client, scheduled, refused):
    url = scheduled()
    body = client.request("DELETE", url, json={"reason": "Changed our minds."}).json()
    assert (body["status"], body["canceledAt"]) == ("canceled", "2026-04-18T12:01:00.000Z")
    api.advance(7200)
    assert client.get(url).json()["status"] == "canceled"
    refused(client.delete(url), 409, "CONFLICT")


def test_cancel_while_publishing_works_and_afterwards_does_not(api, client, scheduled, refused):
    publishing, out = scheduled(100), scheduled(100)
    api.advance(45)
    assert client.get(publishing).json()["status"] == "publishing"
    assert client.delete(publishing).status_code == 200
    api.advance(120)
    assert client.get(publishing).json()["status"] == "canceled"
    refused(client.delete(out), 409, "CONFLICT")


def test_strangers_and_bad_bodies(client, scheduled, refused):
    refused(client.get("/v1/scheduled-posts/sp_nobody"), 404, "NOT_FOUND")
    refused(client.request("DELETE", scheduled(), json={"reason": "x" * 1025}), 422, "VALIDATION", "reason")


def test_the_list_has_the_latest_first_and_filters(api, client, scheduled):
    early, late = scheduled(100), scheduled(5000, socialAccountId=api.social_account_ids[1])
    url = f"/v1/projects/{api.project_id}/scheduled-posts"

    def found(**query):
        return [f"/v1/scheduled-posts/{row['id']}" for row in client.get(url, params=query).json()["items"]]

    assert found() == [late, early]
    assert found(socialAccountId=api.social_account_ids[1]) == [late]
    when = client.get(early).json()["scheduledFor"]
    assert found(until=when) == [early]
    assert found(since=when) == [late, early]
    assert found(limit=1) == [late]
    api.advance(50)
    assert found(status="publishing") == [early]
    assert found(status=["publishing", "queued"]) == [late, early]


@pytest.mark.parametrize("query", [{"status": "waiting"}, {"limit": "101"}, {"limit": "0"}, {"account": "x"}])
def test_list_queries_that_are_refused(api, client, refused, query):
    url = f"/v1/projects/{api.project_id}/scheduled-posts"
    refused(client.get(url, params=query), 422, "VALIDATION", next(iter(query)))
