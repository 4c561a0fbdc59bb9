import pytest


def test_approve(client, made):
    container = made()
    answer = client.post(f"/v1/content/{container}/approve", json={"note": "Good."})
    assert answer.status_code == 200
    body = answer.json()
    assert body.pop("approvedBy").startswith("api_key_")
    assert body == {"id": container, "approvalStatus": "approved", "approvedAt": "2026-04-18T12:01:00.000Z"}


def test_reject(client, made):
    container = made()
    body = client.post(f"/v1/content/{container}/reject", json={"reason": "Off brand."}).json()
    assert (body["approvalStatus"], body["reason"]) == ("rejected", "Off brand.")
    assert client.get(f"/v1/content/{container}").json()["approvalStatus"] == "rejected"


@pytest.mark.parametrize("first", ["approve", "reject"])
@pytest.mark.parametrize("second", ["approve", "reject"])
def test_a_decision_is_final(client, made, refused, first, second):
    container = made()
    body = {"reason": "x"}
    client.post(f"/v1/content/{container}/{first}", json=body if first == "reject" else {})
    answer = client.post(f"/v1/content/{container}/{second}", json=body if second == "reject" else {})
    error = refused(answer, 409, "CONFLICT")
    assert error["details"]["approvalStatus"] == {"approve": "approved", "reject": "rejected"}[first]


def test_what_needs_no_approval_cannot_be_decided(api, client, made, refused):
    api.configure(review_policy="auto_approve")
    container = made()
    error = refused(client.post(f"/v1/content/{container}/approve"), 409, "CONFLICT")
    assert error["details"]["approvalStatus"] == "not_required"
    refused(client.post(f"/v1/content/{container}/reject", json={"reason": "x"}), 409, "CONFLICT")


def test_what_is_not_finished_cannot_be_decided(client, start, refused):
    container = start()["containerIds"][0]
    error = refused(client.post(f"/v1/content/{container}/approve"), 409, "CONFLICT")
    assert error["details"]["status"] == "queued"


@pytest.mark.parametrize(
    ("route", "body", "path"),
    [
        ("approve", {"note": "x" * 1025}, "note"),
        ("approve", {"comment": "x"}, "comment"),
        ("reject", {}, "reason"),
        ("reject", {"reason": ""}, "reason"),
        ("reject", {"reason": "x" * 1025}, "reason"),
    ],
)
def test_what_a_decision_refuses(client, made, refused, route, body, path):
    refused(client.post(f"/v1/content/{made()}/{route}", json=body), 422, "VALIDATION", path)


def test_a_waiting_schedule_is_promoted(client, made, plan):
    container = made()
    client.post(f"/v1/content/{container}/schedule", json=plan())
    promotion = client.post(f"/v1/content/{container}/approve").json()["pendingSchedulePromotion"]
    assert promotion["status"] == "ok"
    post = client.get(f"/v1/scheduled-posts/{promotion['scheduledPostIds'][0]}").json()
    assert (post["status"], post["containerId"]) == ("queued", container)


def test_a_promotion_fails_when_the_account_is_gone(api, client, made, plan):
    container = made()
    client.post(f"/v1/content/{container}/schedule", json=plan())
    api.configure(disconnected_accounts=api.social_account_ids[:1])
    body = client.post(f"/v1/content/{container}/approve").json()
    assert body["approvalStatus"] == "approved"
    assert body["pendingSchedulePromotion"] == {"status": "failed", "scheduledPostIds": []}


def test_a_rejection_drops_the_waiting_schedule(api, client, made, plan):
    container = made()
    client.post(f"/v1/content/{container}/schedule", json=plan())
    client.post(f"/v1/content/{container}/reject", json={"reason": "x"})
    client.post(f"/v1/content/{container}/regenerate")
    api.advance(60)
    assert "pendingSchedulePromotion" not in client.post(f"/v1/content/{container}/approve").json()


def test_the_policy_under_both_names(api, client):
    old, new = (
        f"/v1/projects/{api.project_id}/{name}" for name in ("approval-policy", "content-review-policy")
    )
    assert client.get(old).json()["requiresApproval"] is True
    assert client.get(new).json()["policy"] == "review_all"
    changed = client.patch(new, json={"policy": "review_first_n", "firstN": 3}).json()
    assert (changed["policy"], changed["firstN"]) == ("review_first_n", 3)
    assert client.get(old).json()["firstNPostsBlocked"] == 3
    client.patch(old, json={"requiresApproval": False, "autoApproveAfter": "PT2H"})
    assert client.get(old).json()["autoApproveAfter"] == "PT2H"
    assert client.get(new).json()["policy"] == "auto_approve"
    client.patch(old, json={"requiresApproval": True})
    assert client.get(new).json()["policy"] == "review_all"


def test_pending_content_is_counted(api, client, made):
    made(), made()
    url = f"/v1/projects/{api.project_id}/content-review-policy"
    assert client.get(url).json()["pendingCount"] == 2


def test_the_first_n_gate_opens_after_n_decisions(api, client, made):
    api.configure(review_policy="review_first_n", first_n=2)
    first, second, third = made(), made(), made()
    client.post(f"/v1/content/{first}/approve")
    client.post(f"/v1/content/{second}/reject", json={"reason": "x"})
    assert client.get(f"/v1/content/{third}").json()["approvalStatus"] == "pending"
    assert client.get(f"/v1/content/{made()}").json()["approvalStatus"] == "not_required"


@pytest.mark.parametrize(
    ("name", "status", "body", "path"),
    [
        ("approval-policy", 400, {}, ""),
        ("approval-policy", 400, {"firstNPostsBlocked": 51}, "firstNPostsBlocked"),
        ("approval-policy", 400, {"autoApproveAfter": "2 hours"}, "autoApproveAfter"),
        ("content-review-policy", 422, {}, "policy"),
        ("content-review-policy", 422, {"policy": "review_first_n"}, "firstN"),
        ("content-review-policy", 422, {"policy": "review_all", "firstN": 1}, "firstN"),
        ("content-review-policy", 422, {"policy": "sometimes"}, "policy"),
    ],
)
def test_what_the_policies_refuse(api, client, refused, name, status, body, path):
    refused(client.patch(f"/v1/projects/{api.project_id}/{name}", json=body), status, "VALIDATION", path)
