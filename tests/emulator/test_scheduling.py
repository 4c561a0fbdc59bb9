import pytest


def test_scheduling_approved_content_queues_a_post_for_each_target(api, client, approved, after):
    container = approved()
    targets = [{"socialAccountId": account, "mode": "publish"} for account in api.social_account_ids]
    body = {"scheduledFor": after(3600), "targets": targets}
    answer = client.post(f"/v1/content/{container}/schedule", json=body)
    assert answer.status_code == 201
    posts = answer.json()["scheduledPosts"]
    assert [post["socialAccountId"] for post in posts] == api.social_account_ids
    assert [post["scheduledPostId"] for post in posts] == answer.json()["scheduledPostIds"]
    assert answer.json()["gateStatus"] is None


def test_pending_content_waits_at_the_gate(client, content_url, made, plan):
    answer = client.post(f"/v1/content/{made()}/schedule", json=plan())
    assert answer.status_code == 202
    assert answer.json()["gateStatus"] == "blocked_on_approval"
    assert answer.json()["scheduledPostIds"] == []
    assert client.get(content_url.replace("/content", "/scheduled-posts")).json()["items"] == []


def test_the_gate_can_forbid_instead(api, client, made, plan, refused):
    api.configure(schedule_gate="forbidden")
    container = made()
    error = refused(client.post(f"/v1/content/{container}/schedule", json=plan()), 403, "APPROVAL_REQUIRED")
    assert error["details"] == {"containerId": container, "approvalStatus": "pending"}
    assert "pendingSchedulePromotion" not in client.post(f"/v1/content/{container}/approve").json()


def test_rejected_content_does_not_go_out(client, made, plan, refused):
    container = made()
    client.post(f"/v1/content/{container}/reject", json={"reason": "x"})
    refused(client.post(f"/v1/content/{container}/schedule", json=plan()), 409, "CONTENT_REJECTED")
    targets = {"targets": plan()["targets"]}
    refused(client.post(f"/v1/content/{container}/publish", json=targets), 409, "CONTENT_REJECTED")


def test_unfinished_content_does_not_go_out(client, start, plan, refused):
    container = start()["containerIds"][0]
    error = refused(client.post(f"/v1/content/{container}/schedule", json=plan()), 409, "CONFLICT")
    assert error["details"]["status"] == "queued"


def test_30_seconds_of_skew_are_tolerated(client, approved, plan, refused):
    container = approved()
    assert client.post(f"/v1/content/{container}/schedule", json=plan(-30)).status_code == 201
    refused(
        client.post(f"/v1/content/{container}/schedule", json=plan(-31)), 422, "VALIDATION", "scheduledFor"
    )


@pytest.mark.parametrize("moment", ["2026-04-19T09:00:00", "2026-04-19T09:00:00+00:00", "2026-04-19", "x", 5])
def test_a_moment_ends_in_z(client, approved, plan, refused, moment):
    body = {**plan(), "scheduledFor": moment}
    refused(client.post(f"/v1/content/{approved()}/schedule", json=body), 422, "VALIDATION", "scheduledFor")


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ({"mode": "reels"}, "targets.0.mode"),
        ({"mode": "post"}, "targets.0.mode"),
        ({"captionOverride": "x" * 4001}, "targets.0.captionOverride"),
        ({"caption_override": "x"}, "targets.0.caption_override"),
        ({"scheduledPostId": "mine"}, "targets.0.scheduledPostId"),
        ({"tiktokPostSettings": {"privacyLevel": "ALL"}}, "targets.0.tiktokPostSettings.privacyLevel"),
        ({"mode": "draft", "tiktokMusic": {"mode": "auto"}}, "targets.0.tiktokMusic"),
        ({"shareReelToFeed": True}, "targets.0.shareReelToFeed"),
    ],
)
def test_what_a_target_refuses(client, approved, plan, refused, target, path):
    refused(client.post(f"/v1/content/{approved()}/schedule", json=plan(**target)), 422, "VALIDATION", path)


@pytest.mark.parametrize("count", [0, 51])
def test_1_to_50_targets(client, approved, plan, refused, count):
    body = {**plan(), "targets": plan()["targets"] * count}
    refused(client.post(f"/v1/content/{approved()}/schedule", json=body), 422, "VALIDATION", "targets")


@pytest.mark.parametrize(
    ("account", "mode"), [(0, "direct_publish"), (1, "reels"), (1, "feed"), (0, "managed")]
)
def test_modes_of_both_revisions(api, client, approved, plan, account, mode):
    body = plan(socialAccountId=api.social_account_ids[account], mode=mode)
    assert client.post(f"/v1/content/{approved()}/schedule", json=body).status_code == 201


def test_a_scheduled_post_can_have_an_id_of_ones_own(client, approved, plan, refused):
    mine = "sp_254a4ce1-f4ca-42b1-9e36-17ca45ef3d39"
    url = f"/v1/content/{approved()}/schedule"
    assert client.post(url, json=plan(scheduledPostId=mine)).json()["scheduledPostIds"] == [mine]
    assert client.get(f"/v1/scheduled-posts/{mine}").json()["status"] == "queued"
    refused(client.post(url, json=plan(scheduledPostId=mine)), 409, "CONFLICT")


def test_one_bad_target_aborts_all(api, client, approved, plan, refused, content_url):
    body = plan()
    body["targets"].append({"socialAccountId": "sa_nobody", "mode": "publish"})
    refused(client.post(f"/v1/content/{approved()}/schedule", json=body), 404, "NOT_FOUND")
    assert client.get(content_url.replace("/content", "/scheduled-posts")).json()["items"] == []


def test_another_projects_account_is_not_found(api, client, plan, refused):
    url = f"/v1/projects/{api.project_ids[1]}/content"
    layers = client.post(url, json={"brief": {}}).json()["error"]["details"]["candidates"]
    answer = client.post(url, json={"brief": {}, "projectLayerId": layers[0]})
    api.advance(60)
    container = answer.json()["containerIds"][0]
    refused(client.post(f"/v1/content/{container}/schedule", json=plan()), 404, "NOT_FOUND")


def test_a_disconnected_account_is_refused(api, client, approved, plan, refused):
    api.configure(disconnected_accounts=api.social_account_ids[:1])
    answer = client.post(f"/v1/content/{approved()}/schedule", json=plan())
    refused(answer, 422, "VALIDATION", "targets.0.socialAccountId")


def test_publish_goes_out_at_once_and_needs_approval(api, client, made, plan, refused):
    container = made()
    body = {"targets": plan()["targets"]}
    refused(client.post(f"/v1/content/{container}/publish", json=body), 403, "APPROVAL_REQUIRED")
    client.post(f"/v1/content/{container}/approve")
    answer = client.post(f"/v1/content/{container}/publish", json=body)
    assert answer.status_code == 202
    post = f"/v1/scheduled-posts/{answer.json()['scheduledPostIds'][0]}"
    assert client.get(post).json()["status"] == "publishing"
    api.advance(30)
    assert client.get(post).json()["status"] == "published"
    refused(client.post(f"/v1/content/{container}/publish", json=plan()), 422, "VALIDATION", "scheduledFor")
