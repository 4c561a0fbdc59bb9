import pytest


def read(client, container):
    return client.get(f"/v1/content/{container}").json()


def test_a_container_goes_from_queued_over_processing_to_completed(api, client, start):
    container = start()["containerIds"][0]
    first = read(client, container)
    assert (first["status"], first["assets"], first["preview"], first["caption"]) == (
        "queued",
        [],
        None,
        None,
    )
    api.advance(30)
    assert read(client, container)["status"] == "processing"
    api.advance(30)
    done = read(client, container)
    assert (done["status"], done["completedAt"]) == ("completed", "2026-04-18T12:01:00.000Z")


def test_the_old_revision_says_generating(api, client, start):
    api.configure(revision="old")
    container = start()["containerIds"][0]
    api.advance(30)
    assert read(client, container)["status"] == "generating"


def test_a_slideshow_has_three_slides_that_anybody_can_see(web, client, made):
    body = read(client, made())
    preview = body["preview"]
    assert (preview["kind"], preview["aspectRatio"], preview["videoUrl"]) == ("slideshow", "9:16", None)
    assert preview["primaryUrl"] == preview["thumbnailUrl"] == preview["imageUrls"][0]
    assert preview["imageUrls"] == [asset["url"] for asset in body["assets"]]
    assert len(set(preview["imageUrls"])) == 3
    for url in preview["imageUrls"]:
        picture = web.get(url)
        assert (picture.status_code, picture.headers["content-type"]) == (200, "image/svg+xml")


def test_a_video_has_a_poster(web, api, client, content_url):
    job = client.post(content_url, json={"brief": {"topic": "Running"}}).json()
    api.advance(60)
    body = read(client, job["containerIds"][0])
    assert (body["preview"]["kind"], body["preview"]["imageUrls"]) == ("video", [])
    assert body["preview"]["durationMs"] == 10_800
    assert [asset["kind"] for asset in body["assets"]] == ["video"]
    assert web.get(body["preview"]["thumbnailUrl"]).status_code == 200


def test_captions_are_made_for_each_platform(api, client, content_url):
    brief = {"topic": "Running", "cta": "Go.", "targetPlatforms": ["instagram", "tiktok"]}
    job = client.post(content_url, json={"brief": brief, "metadata": {"my_own": 1}}).json()
    api.advance(60)
    body = read(client, job["containerIds"][0])
    assert [caption["platform"] for caption in body["captions"]] == ["instagram", "tiktok"]
    assert body["caption"] == "Running Go."
    assert body["brief"] == brief
    assert body["metadata"] == {"my_own": 1}


@pytest.mark.parametrize(
    ("policy", "status"),
    [("review_all", "pending"), ("auto_approve", "not_required"), ("review_first_n", "pending")],
)
def test_a_new_container_is_pending_if_the_policy_reviews_it(api, client, start, policy, status):
    api.configure(review_policy=policy)
    assert read(client, start()["containerIds"][0])["approvalStatus"] == status
