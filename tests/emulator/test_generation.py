"""Routes that start a job: generate in its three forms, clone-from-post, regenerate."""

import uuid

import pytest

from tests.limits import HOOK_FORMATS


def test_brief_form_of_the_vendors_page(api, client, content_url):
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
    response = client.post(content_url, json=body)
    assert response.status_code == 202
    job = response.json()
    assert (job["kind"], job["status"], job["format"]) == ("content_generate", "running", "video_remix")
    assert len(set(job["containerIds"])) == 2
    assert all(container.startswith("cnt_") for container in job["containerIds"])
    assert job["locationUrl"] == f"/v1/jobs/{job['jobId']}"
    assert len(api.jobs()) == 1


def test_hook_form_of_the_vendors_page(api, client, content_url):
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


@pytest.mark.parametrize("name", HOOK_FORMATS)
def test_a_route_per_format(api, client, content_url, name):
    influencer = {"influencerId": api.influencer_ids[0]}
    bodies = {"slideshow-builder": {"hook": "Hi."}, "ugc-remix": influencer}
    body = bodies.get(name, {"tiktokVideoId": "7301", **influencer})
    response = client.post(f"{content_url}/{name}", json=body)
    assert response.status_code == 202, response.text
    assert response.json()["format"] == name
    assert len(response.json()["containerIds"]) == 1


@pytest.mark.parametrize(
    ("name", "body", "path"),
    [
        ("slideshow-builder", {}, "hook"),
        ("slideshow-builder", {"hook": "x", "format": "slideshow-builder"}, "format"),
        ("ugc-remix", {"hook": "x"}, "socialAccountId"),
        ("video-remix", {"influencerId": str(uuid.uuid4())}, "tiktokVideoId"),
        ("video-remix", {"tiktokVideoId": "1", "hook": "x"}, "hook"),
    ],
)
def test_invalid_bodies_of_format_routes(client, content_url, assert_error, name, body, path):
    assert_error(client.post(f"{content_url}/{name}", json=body), 422, "VALIDATION_FAILED", path)


def test_an_unknown_format_route_is_404(client, content_url, assert_error):
    assert_error(client.post(f"{content_url}/carousel", json={}), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "brief"),
        ({"format": "auto"}, "brief"),
        ({"brief": {}, "format": "square"}, "format"),
        ({"hook": "x"}, "format"),
        ({"format": "slideshow-builder"}, "hook"),
        ({"format": "slideshow-builder", "hook": "x", "brief": {}}, "brief"),
        ({"format": "slideshow-builder", "hook": "x", "id": str(uuid.uuid4())}, "id"),
        ({"references": {"mediaIds": []}}, "format"),
    ],
)
def test_forms_cannot_be_mixed(api, client, content_url, assert_error, body, path):
    assert_error(client.post(content_url, json=body), 422, "VALIDATION_FAILED", path)
    assert api.jobs() == []


@pytest.mark.parametrize("name", ["video-remix", "slideshow-remix", "image", "carousel", "short_form_video"])
def test_formats_that_the_shared_route_does_not_have(client, content_url, assert_error, name):
    assert_error(client.post(content_url, json={"format": name, "hook": "x"}), 422, "UNSUPPORTED_FORMAT")


@pytest.mark.parametrize(
    ("missing", "name", "code"),
    [
        ("app_name", "slideshow-builder", "MISSING_APP_NAME"),
        ("app_description", "slideshow-builder", "MISSING_APP_DESCRIPTION"),
        ("app_demo", "ugc-remix", "MISSING_APP_DEMO"),
    ],
)
def test_preconditions_of_formats(api, client, content_url, assert_error, missing, name, code):
    api.configure(missing=[missing])
    assert_error(client.post(content_url, json={"format": name, "hook": "x"}), 422, code)


def test_moderation_blocks_briefs_changes_and_overrides(
    client, content_url, create_container, clone, assert_error
):
    blocked = {"brief": {"topic": "a [BLOCKED] word"}}
    for response in (
        client.post(content_url, json=blocked),
        client.post(f"/v1/content/{create_container()}/regenerate", json=blocked),
        clone(overrides={"caption": "so [blocked]"}),
    ):
        assert_error(response, 422, "MODERATION_BLOCKED")


def test_an_id_of_the_client_is_the_first_container_and_replays(api, client, content_url, assert_error):
    chosen = str(uuid.uuid4())
    body = {"id": chosen, "brief": {"topic": "a"}, "variantCount": 2}
    first = client.post(content_url, json=body)
    assert first.json()["containerIds"][0] == f"cnt_{chosen}"
    assert client.post(content_url, json=body).json() == first.json()
    assert_error(client.post(content_url, json={**body, "brief": {"topic": "b"}}), 409, "CONFLICT")
    assert len(api.jobs()) == 1


def test_several_layers_need_a_choice(api, client, clone, assert_error):
    url = f"/v1/projects/{api.project_ids[1]}/content"
    error = assert_error(client.post(url, json={"brief": {}}), 409, "CONFLICT")
    layers = error["details"]["candidates"]
    assert len(layers) == 2
    assert client.post(url, json={"brief": {}, "projectLayerId": layers[0]}).status_code == 202
    response = client.post(url, json={"brief": {}, "projectLayerId": str(uuid.uuid4())})
    assert_error(response, 404, "NOT_FOUND")
    assert_error(clone(projectLayerId=str(uuid.uuid4())), 404, "NOT_FOUND")


def test_a_project_without_layers_cannot_generate(api, client, assert_error):
    url = f"/v1/projects/{api.project_ids[2]}/content"
    assert_error(client.post(url, json={"brief": {}}), 409, "CONFLICT")


def test_unknown_ids_are_404(client, content_url, assert_error):
    url = f"/v1/projects/prj_{uuid.uuid4()}/content"
    assert_error(client.post(url, json={"brief": {}}), 404, "NOT_FOUND")
    unknown_influencer = {"brief": {"influencerId": str(uuid.uuid4())}}
    assert_error(client.post(content_url, json=unknown_influencer), 404, "NOT_FOUND")
    body = {"format": "ugc-remix", "socialAccountId": "sa_unknown"}
    assert_error(client.post(content_url, json=body), 404, "NOT_FOUND")
    assert_error(client.post("/v1/content/cnt_unknown/regenerate"), 404, "NOT_FOUND")


def test_a_bare_project_uuid_is_accepted(api, client):
    bare = api.project_id.removeprefix("prj_")
    assert client.post(f"/v1/projects/{bare}/content", json={"brief": {}}).status_code == 202


def test_a_clone_is_a_single_job_on_the_container_in_the_path(api, clone):
    chosen = str(uuid.uuid4())
    response = clone(chosen, mode="reimagine", variations=3)
    assert response.status_code == 202
    body = response.json()
    assert (body["kind"], body["status"]) == ("content_clone_from_post", "running")
    assert body["containerId"] == f"cnt_{chosen}"
    assert body["locationUrl"] == f"/v1/jobs/{body['jobId']}"
    assert [job.container_ids for job in api.jobs()] == [[f"cnt_{chosen}"]]


def test_variations_are_captions_and_assets_of_a_single_container(api, client, clone):
    container = clone(variations=3).json()["containerId"]
    api.advance(60)
    body = client.get(f"/v1/content/{container}").json()
    assert len({caption["text"] for caption in body["captions"]}) == 3
    assert len(body["assets"]) == 3
    assert body["sourcePlatformPostId"] == api.top_post_ids[0]
    assert body["captionVariants"] == body["captions"]
    assert [item["id"] for item in body["mediaAssets"]] == [item["assetId"] for item in body["assets"]]


def test_overrides_replace_the_texts_of_the_source(api, client, clone):
    overrides = {"caption": "Mine.", "cta": "Go.", "voiceOverScript": "Hm."}
    container = clone(overrides=overrides).json()["containerId"]
    api.advance(60)
    assert client.get(f"/v1/content/{container}").json()["caption"] == "Mine."


def test_a_clone_with_the_same_id_and_body_replays(api, clone):
    chosen = str(uuid.uuid4())
    first = clone(chosen, variations=2)
    api.advance(60)
    again = clone(f"cnt_{chosen}", variations=2)
    assert (again.status_code, again.json()) == (202, first.json())
    assert len(api.jobs()) == 1


def test_a_clone_with_the_same_id_and_another_body_conflicts(clone, create_container, assert_error):
    chosen = str(uuid.uuid4())
    clone(chosen)
    assert_error(clone(chosen, variations=2), 409, "CONFLICT")
    assert_error(clone(create_container()), 409, "CONFLICT")


def test_the_id_of_the_platform_is_a_source(api, client, clone):
    container = clone(sourcePlatformPostId=api.top_post_external_ids[2]).json()["containerId"]
    assert client.get(f"/v1/content/{container}").json()["sourcePlatformPostId"] == api.top_post_ids[2]


@pytest.mark.parametrize(
    ("container", "fields", "path"),
    [
        ("my-container", {}, "containerId"),
        (None, {"overrides": {"voice_over_script": "x"}}, "overrides.voice_over_script"),
        (None, {"source_platform_post_id": "x"}, "source_platform_post_id"),
        (None, {"projectLayerId": "lyr_1"}, "projectLayerId"),
        (None, {"projectId": 7}, "projectId"),
    ],
)
def test_invalid_clones(api, clone, assert_error, container, fields, path):
    assert_error(clone(container, **fields), 422, "VALIDATION_FAILED", path)
    assert api.jobs() == []


def test_an_unknown_source_is_404(api, clone, assert_error):
    error = assert_error(clone(sourcePlatformPostId="pp_invented"), 404, "NOT_FOUND")
    assert error["message"] == "Source post not found."
    error = assert_error(clone(projectId=api.project_ids[1]), 404, "NOT_FOUND")
    assert error["message"] == "Source post not found."
    assert_error(clone(projectId=str(uuid.uuid4())), 404, "NOT_FOUND")


def test_a_variation_costs_as_much_as_its_format(api, clone):
    clone(sourcePlatformPostId=api.top_post_ids[1], variations=2)
    assert api.jobs()[0].cost == 100


def test_regenerate_replaces_assets_and_caption_and_keeps_the_id(api, client, create_container):
    container = create_container()
    before = client.get(f"/v1/content/{container}").json()
    response = client.post(f"/v1/content/{container}/regenerate", json={"brief": {"cta": "Start today."}})
    assert response.status_code == 202
    assert (response.json()["kind"], response.json()["containerId"]) == ("content_regenerate", container)
    api.advance(60)
    after = client.get(f"/v1/content/{container}").json()
    assert after["status"] == "completed"
    assert after["hook"] == before["hook"]
    assert "Start today." in after["caption"]
    assert not {item["assetId"] for item in before["assets"]} & {item["assetId"] for item in after["assets"]}
    old = before["assets"][0]["assetId"]
    assert client.get(f"/v1/content/{container}/assets/{old}").status_code == 200


def test_preserved_assets_remain_and_the_caption_is_new(api, client, create_container):
    container = create_container()
    before = client.get(f"/v1/content/{container}").json()
    client.post(f"/v1/content/{container}/regenerate", json={"preserveAssets": True})
    api.advance(60)
    after = client.get(f"/v1/content/{container}").json()
    assert after["assets"] == before["assets"]
    assert after["caption"] != before["caption"]


def test_regenerate_resets_approval_if_the_policy_reviews(api, client, create_approved, create_container):
    container = create_approved()
    client.post(f"/v1/content/{container}/regenerate")
    assert client.get(f"/v1/content/{container}").json()["approvalStatus"] == "pending"
    api.configure(review_policy="auto_approve")
    container = create_container()
    client.post(f"/v1/content/{container}/regenerate")
    assert client.get(f"/v1/content/{container}").json()["approvalStatus"] == "not_required"


def test_a_second_job_on_a_container_conflicts(api, client, start_job, assert_error):
    container = start_job()["containerIds"][0]
    error = assert_error(client.post(f"/v1/content/{container}/regenerate"), 409, "CONFLICT")
    assert error["details"]["jobId"] == api.jobs()[0].job_id


def test_a_failed_regeneration_keeps_the_version_before(api, client, create_container):
    container = create_container()
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
        ({"preserve_assets": True}, "preserve_assets"),
        ({"preserveAssets": "yes"}, "preserveAssets"),
        ({"references": {"mediaIds": []}}, "references.mediaIds"),
    ],
)
def test_invalid_regenerations(client, create_container, assert_error, body, path):
    response = client.post(f"/v1/content/{create_container()}/regenerate", json=body)
    assert_error(response, 422, "VALIDATION_FAILED", path)
