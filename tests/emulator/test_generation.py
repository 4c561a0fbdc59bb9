import uuid

import pytest


def test_the_brief_form_of_the_vendors_page(api, client, content_url):
    body = {
        "format": "video_remix",
        "variantCount": 2,
        "brief": {
            "hook": "Your first 30 days of running, one clip at a time.",
            "targetPlatforms": ["instagram", "tiktok"],
            "influencerId": api.influencer_ids[0],
            "themeTags": ["beginner-friendly", "consistency"],
            "language": "en",
        },
    }
    answer = client.post(content_url, json=body)
    assert answer.status_code == 202
    job = answer.json()
    assert (job["kind"], job["status"], job["format"]) == ("content_generate", "running", "video_remix")
    assert len(set(job["containerIds"])) == 2
    assert all(item.startswith("cnt_") for item in job["containerIds"])
    assert job["locationUrl"] == f"/v1/jobs/{job['jobId']}"
    assert len(api.jobs()) == 1


def test_the_hook_form_of_the_vendors_page(api, client, content_url):
    body = {
        "format": "slideshow-builder",
        "variantCount": 1,
        "hook": "wait for it...\nthis simple habit changed everything about my mindset 🧠",
        "references": {"mediaIds": ["med_01HX9Y6K7EJ4T2ABCDEF"]},
    }
    job = client.post(content_url, json=body).json()
    assert job["stage"] == "queued"
    assert job["projectId"] == api.project_id
    assert job["startedAt"] == "2026-04-18T12:00:00.000Z"
    assert job["jobId"].startswith("job_")


@pytest.mark.parametrize("name", ["slideshow-builder", "ugc-remix", "video-remix", "slideshow-remix"])
def test_one_route_per_format(api, client, content_url, name):
    influencer = {"influencerId": api.influencer_ids[0]}
    bodies = {"slideshow-builder": {"hook": "Hi."}, "ugc-remix": influencer}
    body = bodies.get(name, {"tiktokVideoId": "7301", **influencer})
    answer = client.post(f"{content_url}/{name}", json=body)
    assert answer.status_code == 202, answer.text
    assert answer.json()["format"] == name
    assert len(answer.json()["containerIds"]) == 1


@pytest.mark.parametrize(
    ("name", "body", "path"),
    [
        ("slideshow-builder", {}, "hook"),
        ("slideshow-builder", {"hook": "x" * 2001}, "hook"),
        ("slideshow-builder", {"hook": "x", "format": "slideshow-builder"}, "format"),
        ("ugc-remix", {"hook": "x"}, "socialAccountId"),
        ("video-remix", {"influencerId": str(uuid.uuid4())}, "tiktokVideoId"),
        ("video-remix", {"tiktokVideoId": "1", "hook": "x"}, "hook"),
    ],
)
def test_a_format_route_refuses_what_its_page_does_not_name(client, content_url, refused, name, body, path):
    refused(client.post(f"{content_url}/{name}", json=body), 422, "VALIDATION_FAILED", path)


def test_an_unknown_format_route_is_404(client, content_url, refused):
    refused(client.post(f"{content_url}/carousel", json={}), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "brief"),
        ({"format": "auto"}, "brief"),
        ({"brief": {}, "format": "square"}, "format"),
        ({"brief": {}, "variantCount": 6}, "variantCount"),
        ({"brief": {}, "variantCount": 0}, "variantCount"),
        ({"brief": {}, "variantCount": "2"}, "variantCount"),
        ({"brief": {}, "variant_count": 2}, "variant_count"),
        ({"brief": {"value_propositions": []}}, "brief.value_propositions"),
        ({"brief": {"valuePropositions": ["x"] * 21}}, "brief.valuePropositions"),
        ({"brief": {"targetPlatforms": ["facebook"]}}, "brief.targetPlatforms.0"),
        ({"brief": {"influencerId": "inf_01HXZ9"}}, "brief.influencerId"),
        ({"brief": {"language": "not a tag"}}, "brief.language"),
        ({"brief": {}, "targetPlatforms": "tiktok"}, "targetPlatforms"),
        ({"brief": {}, "references": {"sourcePostIds": ["x"] * 21}}, "references.sourcePostIds"),
        ({"brief": {}, "references": {"assetIds": ["x"] * 21}}, "references.assetIds"),
        ({"brief": {}, "budget": {"maxCredits": 1.5}}, "budget.maxCredits"),
        ({"brief": {}, "metadata": "note"}, "metadata"),
        ({"brief": {}, "id": "mine"}, "id"),
        ({"hook": "x"}, "format"),
        ({"format": "slideshow-builder"}, "hook"),
        ({"format": "slideshow-builder", "hook": ""}, "hook"),
        ({"format": "slideshow-builder", "hook": "x", "brief": {}}, "brief"),
        ({"format": "slideshow-builder", "hook": "x", "id": str(uuid.uuid4())}, "id"),
        ([], ""),
    ],
)
def test_what_the_shared_route_refuses(api, client, content_url, refused, body, path):
    refused(client.post(content_url, json=body), 422, "VALIDATION_FAILED", path)
    assert api.jobs() == []


def test_a_snake_case_name_is_refused_with_the_right_one(client, content_url, refused):
    error = refused(
        client.post(content_url, json={"brief": {}, "variant_count": 2}), 422, "VALIDATION_FAILED"
    )
    assert "did you mean variantCount?" in error["message"]


@pytest.mark.parametrize("name", ["video-remix", "slideshow-remix", "image", "carousel", "short_form_video"])
def test_formats_that_the_shared_route_does_not_have(client, content_url, refused, name):
    refused(client.post(content_url, json={"format": name, "hook": "x"}), 422, "UNSUPPORTED_FORMAT")


@pytest.mark.parametrize(
    ("missing", "name", "code"),
    [
        ("app_name", "slideshow-builder", "MISSING_APP_NAME"),
        ("app_description", "slideshow-builder", "MISSING_APP_DESCRIPTION"),
        ("app_demo", "ugc-remix", "MISSING_APP_DEMO"),
    ],
)
def test_preconditions_of_formats(api, client, content_url, refused, missing, name, code):
    api.configure(missing=[missing])
    refused(client.post(content_url, json={"format": name, "hook": "x"}), 422, code)


def test_a_blocked_word_fails_moderation(client, content_url, refused):
    refused(
        client.post(content_url, json={"brief": {"topic": "a [BLOCKED] word"}}), 422, "MODERATION_BLOCKED"
    )


def test_an_own_id_is_the_first_container_and_replays(api, client, content_url, refused):
    mine = str(uuid.uuid4())
    body = {"id": mine, "brief": {"topic": "a"}, "variantCount": 2}
    first = client.post(content_url, json=body)
    assert first.json()["containerIds"][0] == f"cnt_{mine}"
    assert client.post(content_url, json=body).json() == first.json()
    refused(client.post(content_url, json={**body, "brief": {"topic": "b"}}), 409, "CONFLICT")
    assert len(api.jobs()) == 1


def test_several_layers_need_a_choice(api, client, refused):
    url = f"/v1/projects/{api.project_ids[1]}/content"
    error = refused(client.post(url, json={"brief": {}}), 409, "CONFLICT")
    layers = error["details"]["candidates"]
    assert len(layers) == 2
    assert client.post(url, json={"brief": {}, "projectLayerId": layers[0]}).status_code == 202
    refused(client.post(url, json={"brief": {}, "projectLayerId": str(uuid.uuid4())}), 404, "NOT_FOUND")


def test_a_project_without_layers_makes_nothing(api, client, refused):
    refused(client.post(f"/v1/projects/{api.project_ids[2]}/content", json={"brief": {}}), 409, "CONFLICT")


def test_strangers_are_not_found(api, client, content_url, refused):
    refused(client.post(f"/v1/projects/prj_{uuid.uuid4()}/content", json={"brief": {}}), 404, "NOT_FOUND")
    stranger = {"brief": {"influencerId": str(uuid.uuid4())}}
    refused(client.post(content_url, json=stranger), 404, "NOT_FOUND")
    body = {"format": "ugc-remix", "socialAccountId": "sa_nobody"}
    refused(client.post(content_url, json=body), 404, "NOT_FOUND")


def test_a_bare_project_uuid_is_accepted(api, client):
    bare = api.project_id.removeprefix("prj_")
    assert client.post(f"/v1/projects/{bare}/content", json={"brief": {}}).status_code == 202
