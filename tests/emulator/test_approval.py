"""Approve, reject, and the review policy under both of its names."""

import pytest


def test_approve(client, create_container):
    container = create_container()
    response = client.post(f"/v1/content/{container}/approve", json={"note": "Good."})
    assert response.status_code == 200
    body = response.json()
    assert body.pop("approvedBy").startswith("api_key_")
    assert body == {"id": container, "approvalStatus": "approved", "approvedAt": "2026-04-18T12:01:00.000Z"}


def test_reject(client, create_container):
    container = create_container()
    body = client.post(f"/v1/content/{container}/reject", json={"reason": "Off brand."}).json()
    assert (body["approvalStatus"], body["reason"]) == ("rejected", "Off brand.")
    assert client.get(f"/v1/content/{container}").json()["approvalStatus"] == "rejected"


@pytest.mark.parametrize("first", ["approve", "reject"])
@pytest.mark.parametrize("second", ["approve", "reject"])
def test_a_decision_is_final(client, create_container, assert_error, first, second):
    container = create_container()
    bodies = {"approve": {}, "reject": {"reason": "x"}}
    client.post(f"/v1/content/{container}/{first}", json=bodies[first])
    response = client.post(f"/v1/content/{container}/{second}", json=bodies[second])
    error = assert_error(response, 409, "CONFLICT")
    assert error["details"]["approvalStatus"] == {"approve": "approved", "reject": "rejected"}[first]


def test_a_container_that_needs_no_approval_cannot_be_decided(api, client, create_container, assert_error):
    api.configure(review_policy="auto_approve")
    container = create_container()
    error = assert_error(client.post(f"/v1/content/{container}/approve"), 409, "CONFLICT")
    assert error["details"]["approvalStatus"] == "not_required"
    response = client.post(f"/v1/content/{container}/reject", json={"reason": "x"})
    assert_error(response, 409, "CONFLICT")


def test_an_unfinished_container_cannot_be_decided(client, start_job, assert_error):
    container = start_job()["containerIds"][0]
    error = assert_error(client.post(f"/v1/content/{container}/approve"), 409, "CONFLICT")
    assert error["details"]["status"] == "queued"


@pytest.mark.parametrize(
    ("route", "body", "path"), [("approve", {"comment": "x"}, "comment"), ("reject", {}, "reason")]
)
def test_invalid_decisions(client, create_container, assert_error, route, body, path):
    response = client.post(f"/v1/content/{create_container()}/{route}", json=body)
    assert_error(response, 422, "VALIDATION", path)


def test_approve_promotes_a_blocked_schedule(client, create_container, schedule_body):
    container = create_container()
    client.post(f"/v1/content/{container}/schedule", json=schedule_body())
    promotion = client.post(f"/v1/content/{container}/approve").json()["pendingSchedulePromotion"]
    assert promotion["status"] == "ok"
    post = client.get(f"/v1/scheduled-posts/{promotion['scheduledPostIds'][0]}").json()
    assert (post["status"], post["containerId"]) == ("queued", container)


def test_a_promotion_fails_when_the_account_is_disconnected(api, client, create_container, schedule_body):
    container = create_container()
    client.post(f"/v1/content/{container}/schedule", json=schedule_body())
    api.configure(disconnected_accounts=api.social_account_ids[:1])
    body = client.post(f"/v1/content/{container}/approve").json()
    assert body["approvalStatus"] == "approved"
    assert body["pendingSchedulePromotion"] == {"status": "failed", "scheduledPostIds": []}


def test_reject_drops_a_blocked_schedule(api, client, create_container, schedule_body):
    container = create_container()
    client.post(f"/v1/content/{container}/schedule", json=schedule_body())
    client.post(f"/v1/content/{container}/reject", json={"reason": "x"})
    client.post(f"/v1/content/{container}/regenerate")
    api.advance(60)
    assert "pendingSchedulePromotion" not in client.post(f"/v1/content/{container}/approve").json()


@pytest.mark.parametrize(
    ("policy", "status"),
    [("review_all", "pending"), ("auto_approve", "not_required"), ("review_first_n", "pending")],
)
def test_the_policy_decides_about_new_containers(api, client, start_job, policy, status):
    api.configure(review_policy=policy)
    container = start_job()["containerIds"][0]
    assert client.get(f"/v1/content/{container}").json()["approvalStatus"] == status


@pytest.fixture
def policy_urls(api):
    project = f"/v1/projects/{api.project_id}"
    return f"{project}/approval-policy", f"{project}/content-review-policy"


def test_the_policy_under_both_names(client, policy_urls):
    older, newer = policy_urls
    assert client.get(older).json()["requiresApproval"] is True
    assert client.get(newer).json()["policy"] == "review_all"
    changed = client.patch(newer, json={"policy": "review_first_n", "firstN": 3}).json()
    assert (changed["policy"], changed["firstN"]) == ("review_first_n", 3)
    assert client.get(older).json()["firstNPostsBlocked"] == 3
    client.patch(older, json={"requiresApproval": False, "autoApproveAfter": "PT2H"})
    assert client.get(older).json()["autoApproveAfter"] == "PT2H"
    assert client.get(newer).json()["policy"] == "auto_approve"
    client.patch(older, json={"requiresApproval": True})
    assert client.get(newer).json()["policy"] == "review_all"
    assert client.get(older).json()["autoApproveAfter"] == "PT2H"
    client.patch(older, json={"firstNPostsBlocked": 2, "autoApproveAfter": None})
    assert client.get(newer).json()["firstN"] == 2
    assert client.get(older).json()["autoApproveAfter"] is None


def test_pending_content_is_counted(client, create_container, policy_urls):
    create_container(), create_container()
    assert client.get(policy_urls[1]).json()["pendingCount"] == 2


def test_the_first_n_policy_ends_after_n_decisions(api, client, create_container):
    api.configure(review_policy="review_first_n", first_n=2)
    first, second, third = create_container(), create_container(), create_container()
    client.post(f"/v1/content/{first}/approve")
    client.post(f"/v1/content/{second}/reject", json={"reason": "x"})
    assert client.get(f"/v1/content/{third}").json()["approvalStatus"] == "pending"
    assert client.get(f"/v1/content/{create_container()}").json()["approvalStatus"] == "not_required"


@pytest.mark.parametrize(
    ("newer", "status", "body", "path"),
    [
        (False, 400, {}, ""),
        (False, 400, {"autoApproveAfter": "2 hours"}, "autoApproveAfter"),
        (True, 422, {}, "policy"),
        (True, 422, {"policy": "review_first_n"}, "firstN"),
        (True, 422, {"policy": "review_all", "firstN": 1}, "firstN"),
    ],
)
def test_invalid_policies(client, policy_urls, assert_error, newer, status, body, path):
    assert_error(client.patch(policy_urls[newer], json=body), status, "VALIDATION", path)


def test_content_after_the_first_n_may_be_born_approved(api, client, create_container):
    api.configure(review_policy="review_first_n", first_n=1, past_first_n="approved", show_decider=True)
    client.post(f"/v1/content/{create_container()}/approve")
    container = client.get(f"/v1/content/{create_container()}").json()
    assert container["approvalStatus"] == "approved"
    assert "approvedBy" not in container, "no one approved it"


def test_a_user_decides_in_layers(api, client, create_container, schedule_body):
    api.configure(show_decider=True)
    approved, rejected = create_container(), create_container()
    client.post(f"/v1/content/{approved}/schedule", json=schedule_body())
    requests = len(api.requests())
    api.decide(approved, "approved", decider="user_7")
    api.decide(rejected, "rejected")
    assert len(api.requests()) == requests, "they do not use the API"
    container = client.get(f"/v1/content/{approved}").json()
    assert (container["approvalStatus"], container["approvedBy"]) == ("approved", "user_7")
    assert container["approvedAt"] == api.now()
    posts = client.get(f"/v1/projects/{api.project_id}/scheduled-posts").json()["items"]
    assert [post["containerId"] for post in posts] == [approved]
    assert client.get(f"/v1/content/{rejected}").json()["rejectedBy"] == "user_1"
    with pytest.raises(ValueError, match="already rejected"):
        api.decide(rejected, "approved")


def test_a_container_names_who_decided_only_if_configured(api, client, create_container):
    container = create_container()
    client.post(f"/v1/content/{container}/approve")
    assert not {"approvedAt", "approvedBy"} & set(client.get(f"/v1/content/{container}").json())
    api.configure(show_decider=True)
    assert client.get(f"/v1/content/{container}").json()["approvedBy"].startswith("api_key_")


@pytest.mark.parametrize(("policy", "status"), [("review_all", "pending"), ("auto_approve", "approved")])
def test_regenerating_keeps_the_decision_unless_the_policy_asks_for_another(
    api, client, create_container, policy, status
):
    api.configure(show_decider=True)
    container = create_container()
    api.decide(container, "approved")
    api.configure(review_policy=policy)
    client.post(f"/v1/content/{container}/regenerate")
    api.advance(60)
    regenerated = client.get(f"/v1/content/{container}").json()
    assert regenerated["approvalStatus"] == status
    assert ("approvedBy" in regenerated) == (status == "approved")
