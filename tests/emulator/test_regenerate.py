import pytest


def test_a_new_take_replaces_assets_and_caption_and_keeps_the_id(api, client, made):
    container = made()
    before = client.get(f"/v1/content/{container}").json()
    answer = client.post(f"/v1/content/{container}/regenerate", json={"brief": {"cta": "Start today."}})
    assert answer.status_code == 202
    assert (answer.json()["kind"], answer.json()["containerId"]) == ("content_regenerate", container)
    api.advance(60)
    after = client.get(f"/v1/content/{container}").json()
    assert after["status"] == "completed"
    assert after["hook"] == before["hook"]
    assert "Start today." in after["caption"]
    assert not {item["assetId"] for item in before["assets"]} & {item["assetId"] for item in after["assets"]}
    old = before["assets"][0]["assetId"]
    assert client.get(f"/v1/content/{container}/assets/{old}").status_code == 200


def test_preserved_assets_stay_and_the_caption_is_new(api, client, made):
    container = made()
    before = client.get(f"/v1/content/{container}").json()
    client.post(f"/v1/content/{container}/regenerate", json={"preserveAssets": True})
    api.advance(60)
    after = client.get(f"/v1/content/{container}").json()
    assert after["assets"] == before["assets"]
    assert after["caption"] != before["caption"]


def test_approval_goes_back_to_pending(client, approved):
    container = approved()
    client.post(f"/v1/content/{container}/regenerate")
    assert client.get(f"/v1/content/{container}").json()["approvalStatus"] == "pending"


def test_without_a_review_policy_approval_stays(api, client, made):
    api.configure(review_policy="auto_approve")
    container = made()
    client.post(f"/v1/content/{container}/regenerate")
    assert client.get(f"/v1/content/{container}").json()["approvalStatus"] == "not_required"


def test_a_running_job_keeps_a_second_one_out(api, client, start, refused):
    container = start()["containerIds"][0]
    error = refused(client.post(f"/v1/content/{container}/regenerate"), 409, "CONFLICT")
    assert error["details"]["jobId"] == api.jobs()[0].job_id


def test_a_failed_take_leaves_the_one_before(api, client, made):
    container = made()
    before = client.get(f"/v1/content/{container}").json()
    api.outcome("failed", code="PLATFORM_ERROR")
    client.post(f"/v1/content/{container}/regenerate")
    api.advance(60)
    after = client.get(f"/v1/content/{container}").json()
    assert (after["status"], after["assets"]) == ("completed", before["assets"])
    assert after["lastError"]["code"] == "PLATFORM_ERROR"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"brief": {"hook": "x"}}, "brief.hook"),
        ({"brief": {"valuePropositions": ["x"] * 21}}, "brief.valuePropositions"),
        ({"preserve_assets": True}, "preserve_assets"),
        ({"preserveAssets": "yes"}, "preserveAssets"),
        ({"references": {"mediaIds": []}}, "references.mediaIds"),
    ],
)
def test_what_regenerate_refuses(client, made, refused, body, path):
    refused(client.post(f"/v1/content/{made()}/regenerate", json=body), 422, "VALIDATION_FAILED", path)


def test_moderation_and_strangers(client, made, refused):
    body = {"brief": {"topic": "[blocked]"}}
    refused(client.post(f"/v1/content/{made()}/regenerate", json=body), 422, "MODERATION_BLOCKED")
    refused(client.post("/v1/content/cnt_nobody/regenerate"), 404, "NOT_FOUND")
