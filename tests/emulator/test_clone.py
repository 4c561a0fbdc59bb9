import uuid

import pytest


def test_a_clone_is_one_job_and_the_container_that_was_named(api, client, clone):
    mine = str(uuid.uuid4())
    answer = clone(mine, mode="reimagine", variations=3)
    assert answer.status_code == 202
    body = answer.json()
    assert body["kind"] == "content_clone_from_post"
    assert body["status"] == "running"
    assert body["containerId"] == f"cnt_{mine}"
    assert body["locationUrl"] == f"/v1/jobs/{body['jobId']}"
    assert [job.container_ids for job in api.jobs()] == [[f"cnt_{mine}"]]


def test_variations_are_captions_and_assets_of_one_container(api, client, clone):
    container = clone(variations=3).json()["containerId"]
    api.advance(60)
    body = client.get(f"/v1/content/{container}").json()
    assert len({caption["text"] for caption in body["captions"]}) == 3
    assert len(body["assets"]) == 3
    assert body["sourcePlatformPostId"] == api.top_post_ids[0]
    assert body["captionVariants"] == body["captions"]
    assert [item["id"] for item in body["mediaAssets"]] == [item["assetId"] for item in body["assets"]]


def test_overrides_take_the_place_of_the_sources_words(api, client, clone):
    container = clone(overrides={"caption": "Mine.", "cta": "Go.", "voiceOverScript": "Hm."}).json()[
        "containerId"
    ]
    api.advance(60)
    assert client.get(f"/v1/content/{container}").json()["caption"] == "Mine."


def test_the_same_id_and_body_replay(api, clone):
    mine = str(uuid.uuid4())
    first = clone(mine, variations=2)
    api.advance(60)
    again = clone(f"cnt_{mine}", variations=2)
    assert (again.status_code, again.json()) == (202, first.json())
    assert len(api.jobs()) == 1


def test_the_same_id_with_another_body_conflicts(api, clone, made, refused):
    mine = str(uuid.uuid4())
    clone(mine)
    refused(clone(mine, variations=2), 409, "CONFLICT")
    refused(clone(made()), 409, "CONFLICT")


def test_the_path_takes_a_uuid_only(clone, refused):
    refused(clone("my-container"), 422, "VALIDATION_FAILED", "containerId")


def test_the_platforms_own_id_is_a_source_too(api, client, clone):
    container = clone(sourcePlatformPostId=api.top_post_external_ids[2]).json()["containerId"]
    assert client.get(f"/v1/content/{container}").json()["sourcePlatformPostId"] == api.top_post_ids[2]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"mode": "copy"}, "mode"),
        ({"variations": 11}, "variations"),
        ({"variations": 0}, "variations"),
        ({"overrides": {"voice_over_script": "x"}}, "overrides.voice_over_script"),
        ({"source_platform_post_id": "x"}, "source_platform_post_id"),
        ({"projectLayerId": "lyr_1"}, "projectLayerId"),
        ({"projectId": 7}, "projectId"),
    ],
)
def test_what_a_clone_refuses(api, clone, refused, fields, path):
    refused(clone(**fields), 422, "VALIDATION_FAILED", path)
    assert api.jobs() == []


def test_an_unknown_source_is_not_found(api, clone, refused):
    error = refused(clone(sourcePlatformPostId="pp_invented"), 404, "NOT_FOUND")
    assert error["message"] == "Source post not found."
    error = refused(clone(projectId=api.project_ids[1]), 404, "NOT_FOUND")
    assert error["message"] == "Source post not found."
    refused(clone(projectId=str(uuid.uuid4())), 404, "NOT_FOUND")


def test_overrides_are_moderated(clone, refused):
    refused(clone(overrides={"caption": "so [blocked]"}), 422, "MODERATION_BLOCKED")


def test_a_variation_costs_what_its_format_costs(api, clone):
    clone(sourcePlatformPostId=api.top_post_ids[1], variations=2)
    assert api.jobs()[0].cost == 100
