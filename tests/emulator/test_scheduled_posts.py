"""Schedule, publish, and the life of a scheduled post."""

import pytest


def test_schedule_queues_a_post_for_each_target(api, client, create_approved, in_seconds):
    container = create_approved()
    targets = [{"socialAccountId": account, "mode": "publish"} for account in api.social_account_ids]
    body = {"scheduledFor": in_seconds(3600), "targets": targets}
    response = client.post(f"/v1/content/{container}/schedule", json=body)
    assert response.status_code == 201
    posts = response.json()["scheduledPosts"]
    assert [post["socialAccountId"] for post in posts] == api.social_account_ids
    assert [post["scheduledPostId"] for post in posts] == response.json()["scheduledPostIds"]
    assert response.json()["gateStatus"] is None


def test_a_schedule_of_pending_content_is_blocked(client, content_url, create_container, schedule_body):
    response = client.post(f"/v1/content/{create_container()}/schedule", json=schedule_body())
    assert response.status_code == 202
    assert response.json()["gateStatus"] == "blocked_on_approval"
    assert response.json()["scheduledPostIds"] == []
    assert client.get(content_url.replace("/content", "/scheduled-posts")).json()["items"] == []


def test_a_schedule_of_pending_content_can_be_forbidden(
    api, client, create_container, schedule_body, assert_error
):
    api.configure(schedule_gate="forbidden")
    container = create_container()
    response = client.post(f"/v1/content/{container}/schedule", json=schedule_body())
    error = assert_error(response, 403, "APPROVAL_REQUIRED")
    assert error["details"] == {"containerId": container, "approvalStatus": "pending"}
    assert "pendingSchedulePromotion" not in client.post(f"/v1/content/{container}/approve").json()


def test_rejected_content_cannot_be_scheduled(client, create_container, schedule_body, assert_error):
    container = create_container()
    client.post(f"/v1/content/{container}/reject", json={"reason": "x"})
    response = client.post(f"/v1/content/{container}/schedule", json=schedule_body())
    assert_error(response, 409, "CONTENT_REJECTED")
    targets = {"targets": schedule_body()["targets"]}
    response = client.post(f"/v1/content/{container}/publish", json=targets)
    assert_error(response, 409, "CONTENT_REJECTED")


def test_unfinished_content_cannot_be_scheduled(client, start_job, schedule_body, assert_error):
    container = start_job()["containerIds"][0]
    response = client.post(f"/v1/content/{container}/schedule", json=schedule_body())
    assert assert_error(response, 409, "CONFLICT")["details"]["status"] == "queued"


def test_30_seconds_of_skew_are_tolerated(client, create_approved, schedule_body, assert_error):
    url = f"/v1/content/{create_approved()}/schedule"
    assert client.post(url, json=schedule_body(-30)).status_code == 201
    assert_error(client.post(url, json=schedule_body(-31)), 422, "VALIDATION", "scheduledFor")


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ({"mode": "reels"}, "targets.0.mode"),
        ({"scheduledPostId": "mine"}, "targets.0.scheduledPostId"),
        ({"mode": "draft", "tiktokMusic": {"mode": "auto"}}, "targets.0.tiktokMusic"),
        ({"shareReelToFeed": True}, "targets.0.shareReelToFeed"),
    ],
)
def test_invalid_targets(client, create_approved, schedule_body, assert_error, target, path):
    response = client.post(f"/v1/content/{create_approved()}/schedule", json=schedule_body(**target))
    assert_error(response, 422, "VALIDATION", path)


@pytest.mark.parametrize(
    ("account", "mode"), [(0, "direct_publish"), (1, "reels"), (1, "feed"), (0, "managed")]
)
def test_modes_of_both_revisions(api, client, create_approved, schedule_body, account, mode):
    body = schedule_body(socialAccountId=api.social_account_ids[account], mode=mode)
    assert client.post(f"/v1/content/{create_approved()}/schedule", json=body).status_code == 201


def test_a_post_can_have_an_id_of_the_client(client, create_approved, schedule_body, assert_error):
    chosen = "sp_254a4ce1-f4ca-42b1-9e36-17ca45ef3d39"
    url = f"/v1/content/{create_approved()}/schedule"
    response = client.post(url, json=schedule_body(scheduledPostId=chosen))
    assert response.json()["scheduledPostIds"] == [chosen]
    assert client.get(f"/v1/scheduled-posts/{chosen}").json()["status"] == "queued"
    assert_error(client.post(url, json=schedule_body(scheduledPostId=chosen)), 409, "CONFLICT")


def test_an_invalid_target_prevents_all_posts(
    client, create_approved, schedule_body, assert_error, content_url
):
    body = schedule_body()
    body["targets"].append({"socialAccountId": "sa_unknown", "mode": "publish"})
    response = client.post(f"/v1/content/{create_approved()}/schedule", json=body)
    assert_error(response, 404, "NOT_FOUND")
    assert client.get(content_url.replace("/content", "/scheduled-posts")).json()["items"] == []


def test_an_account_of_another_project_is_404(api, client, schedule_body, assert_error):
    url = f"/v1/projects/{api.project_ids[1]}/content"
    layers = client.post(url, json={"brief": {}}).json()["error"]["details"]["candidates"]
    response = client.post(url, json={"brief": {}, "projectLayerId": layers[0]})
    api.advance(60)
    container = response.json()["containerIds"][0]
    response = client.post(f"/v1/content/{container}/schedule", json=schedule_body())
    assert_error(response, 404, "NOT_FOUND")


def test_a_disconnected_account_is_invalid(api, client, create_approved, schedule_body, assert_error):
    api.configure(disconnected_accounts=api.social_account_ids[:1])
    response = client.post(f"/v1/content/{create_approved()}/schedule", json=schedule_body())
    assert_error(response, 422, "VALIDATION", "targets.0.socialAccountId")


def test_publish_needs_approval_and_publishes_now(api, client, create_container, schedule_body, assert_error):
    container = create_container()
    body = {"targets": schedule_body()["targets"]}
    response = client.post(f"/v1/content/{container}/publish", json=body)
    assert_error(response, 403, "APPROVAL_REQUIRED")
    client.post(f"/v1/content/{container}/approve")
    response = client.post(f"/v1/content/{container}/publish", json=body)
    assert response.status_code == 202
    post = f"/v1/scheduled-posts/{response.json()['scheduledPostIds'][0]}"
    assert client.get(post).json()["status"] == "publishing"
    api.advance(30)
    assert client.get(post).json()["status"] == "published"
    response = client.post(f"/v1/content/{container}/publish", json=schedule_body())
    assert_error(response, 422, "VALIDATION", "scheduledFor")


@pytest.fixture
def create_post(client, create_approved, schedule_body):
    """Schedule an approved container and return the URL of the post."""

    def create(seconds=3600, **target):
        url = f"/v1/content/{create_approved()}/schedule"
        response = client.post(url, json=schedule_body(seconds, **target))
        assert response.status_code == 201, response.text
        return f"/v1/scheduled-posts/{response.json()['scheduledPostIds'][0]}"

    return create


def test_the_clock_moves_a_post_from_queued_to_published(api, client, create_post):
    url = create_post()
    first = client.get(url).json()
    assert (first["status"], first["externalId"], first["attemptedAt"]) == ("queued", None, None)
    assert (first["platform"], first["mode"]) == ("tiktok", "publish")
    api.advance(3599)
    assert client.get(url).json()["status"] == "queued"
    api.advance(1)
    publishing = client.get(url).json()
    assert (publishing["status"], publishing["attemptedAt"]) == ("publishing", first["scheduledFor"])
    api.advance(30)
    published = client.get(url).json()
    assert published["status"] == "published"
    assert published["publishedAt"] == "2026-04-18T13:01:30.000Z"
    assert published["externalId"] in published["externalUrl"]


def test_a_long_advance_executes_each_step_at_its_time(api, client, create_post):
    url = create_post()
    api.advance(86_400)
    assert client.get(url).json()["publishedAt"] == "2026-04-18T13:01:30.000Z"


@pytest.mark.parametrize(("revision", "status"), [("new", "draft"), ("old", "draft_in_inbox")])
def test_a_draft_ends_as_draft(api, client, create_post, revision, status):
    api.configure(revision=revision)
    url = create_post(mode="draft")
    api.advance(4000)
    body = client.get(url).json()
    assert (body["status"], body["externalId"]) == (status, None)


def test_a_post_fails_by_outcome(api, client, create_post):
    api.outcome("failed", kind="scheduled_post", code="PLATFORM_ERROR", message="No.")
    url = create_post()
    api.advance(4000)
    body = client.get(url).json()
    assert (body["status"], body["lastError"]) == ("failed", {"code": "PLATFORM_ERROR", "message": "No."})


def test_reschedule_moves_a_queued_post(api, client, create_post, in_seconds, assert_error):
    url = create_post()
    later = in_seconds(7200)
    body = client.post(f"{url}/reschedule", json={"scheduledFor": later}).json()
    assert (body["status"], body["scheduledFor"]) == ("queued", later.replace("Z", ".000Z"))
    api.advance(3700)
    assert client.get(url).json()["status"] == "queued"
    response = client.post(f"{url}/reschedule", json={"scheduledFor": in_seconds(-60)})
    assert_error(response, 422, "VALIDATION", "scheduledFor")
    api.advance(3600)
    response = client.post(f"{url}/reschedule", json={"scheduledFor": in_seconds(60)})
    assert_error(response, 409, "CONFLICT")


def test_a_post_that_is_moved_forward_is_published_once(api, client, create_post, in_seconds):
    url = create_post()
    client.post(f"{url}/reschedule", json={"scheduledFor": in_seconds(60)})
    api.advance(100)
    first = client.get(url).json()
    assert first["status"] == "published"
    api.advance(7200)
    assert client.get(url).json() == first


def test_cancel(api, client, create_post, assert_error):
    url = create_post()
    body = client.request("DELETE", url, json={"reason": "Changed our minds."}).json()
    assert (body["status"], body["canceledAt"]) == ("canceled", "2026-04-18T12:01:00.000Z")
    api.advance(7200)
    assert client.get(url).json()["status"] == "canceled"
    assert_error(client.delete(url), 409, "CONFLICT")


def test_a_publishing_post_can_be_canceled_and_a_published_post_cannot(
    api, client, create_post, assert_error
):
    publishing, published = create_post(100), create_post(100)
    api.advance(45)
    assert client.get(publishing).json()["status"] == "publishing"
    assert client.delete(publishing).status_code == 200
    api.advance(120)
    assert client.get(publishing).json()["status"] == "canceled"
    assert_error(client.delete(published), 409, "CONFLICT")


def test_an_unknown_post_is_404(client, assert_error):
    assert_error(client.get("/v1/scheduled-posts/sp_unknown"), 404, "NOT_FOUND")


def test_the_list_has_the_latest_first_and_filters(api, client, create_post):
    early, late = create_post(100), create_post(5000, socialAccountId=api.social_account_ids[1])
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
