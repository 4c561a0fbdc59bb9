"""Containers: their life, the routes that read them, and their pictures."""

import uuid
import xml.etree.ElementTree as ET

import pytest

from airflow_provider_layers.emulator.pictures import wrap

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def get_container(client):
    return lambda container: client.get(f"/v1/content/{container}").json()


def test_a_container_is_queued_then_processing_then_completed(api, get_container, start_job):
    container = start_job()["containerIds"][0]
    first = get_container(container)
    assert (first["status"], first["assets"]) == ("queued", [])
    assert (first["preview"], first["caption"]) == (None, None)
    api.advance(30)
    assert get_container(container)["status"] == "processing"
    api.advance(30)
    completed = get_container(container)
    assert (completed["status"], completed["completedAt"]) == ("completed", "2026-04-18T12:01:00.000Z")


def test_the_old_revision_says_generating(api, get_container, start_job):
    api.configure(revision="old")
    container = start_job()["containerIds"][0]
    api.advance(30)
    assert get_container(container)["status"] == "generating"


def test_a_slideshow_has_three_public_slides(anonymous, get_container, create_container):
    body = get_container(create_container())
    preview = body["preview"]
    assert (preview["kind"], preview["aspectRatio"], preview["videoUrl"]) == ("slideshow", "9:16", None)
    assert preview["primaryUrl"] == preview["thumbnailUrl"] == preview["imageUrls"][0]
    assert preview["imageUrls"] == [asset["url"] for asset in body["assets"]]
    assert len(set(preview["imageUrls"])) == 3
    for url in preview["imageUrls"]:
        picture = anonymous.get(url)
        assert (picture.status_code, picture.headers["content-type"]) == (200, "image/svg+xml")


def test_a_video_has_a_poster(anonymous, api, client, get_container, content_url):
    job = client.post(content_url, json={"brief": {"topic": "Running"}}).json()
    api.advance(60)
    body = get_container(job["containerIds"][0])
    assert (body["preview"]["kind"], body["preview"]["imageUrls"]) == ("video", [])
    assert body["preview"]["durationMs"] == 10_800
    assert [asset["kind"] for asset in body["assets"]] == ["video"]
    assert anonymous.get(body["preview"]["thumbnailUrl"]).status_code == 200


def test_captions_for_each_platform(api, client, get_container, content_url):
    brief = {"topic": "Running", "cta": "Go.", "targetPlatforms": ["instagram", "tiktok"]}
    job = client.post(content_url, json={"brief": brief, "metadata": {"my_own": 1}}).json()
    api.advance(60)
    body = get_container(job["containerIds"][0])
    assert [caption["platform"] for caption in body["captions"]] == ["instagram", "tiktok"]
    assert body["caption"] == "Running Go."
    assert body["brief"] == brief
    assert body["metadata"] == {"my_own": 1}


def test_both_forms_of_the_id(client, create_container):
    container = create_container()
    bare = container.removeprefix("cnt_")
    assert client.get(f"/v1/content/{bare}").json() == client.get(f"/v1/content/{container}").json()


def test_an_unknown_container_is_404(client, assert_error):
    for route in ("", "/progress", "/assets/ast_1"):
        error = assert_error(client.get(f"/v1/content/cnt_{uuid.uuid4()}{route}"), 404, "NOT_FOUND")
        assert error["message"] == "Container not found."


def test_progress_within_the_stage(api, client, start_job):
    container = start_job()["containerIds"][0]
    api.advance(27)
    assert client.get(f"/v1/content/{container}/progress").json() == {
        "containerId": container,
        "status": "processing",
        "stage": "generating_visuals",
        "stageProgress": 0.5,
        "etaSeconds": 33,
        "updatedAt": "2026-04-18T12:00:27.000Z",
    }
    api.advance(60)
    body = client.get(f"/v1/content/{container}/progress").json()
    assert (body["status"], body["etaSeconds"]) == ("completed", None)


def test_get_asset(client, create_container, assert_error):
    container, other = create_container(), create_container()
    asset = client.get(f"/v1/content/{container}").json()["assets"][1]
    assert client.get(f"/v1/content/{container}/assets/{asset['assetId']}").json() == asset
    assert_error(client.get(f"/v1/content/{other}/assets/{asset['assetId']}"), 404, "NOT_FOUND")


def test_the_list_is_newest_first_and_has_previews(client, content_url, create_container):
    ids = [create_container(), create_container()]
    body = client.get(content_url).json()
    assert [row["id"] for row in body["items"]] == ids[::-1]
    assert body["nextCursor"] is None
    row = body["items"][0]
    assert row["primaryAsset"]["url"] == row["preview"]["primaryUrl"]
    assert row["approvalStatus"] == "pending"


def test_filters_of_the_list(api, client, content_url, create_container):
    slideshow = create_container()
    client.post(content_url, json={"brief": {}, "format": "ugc_remix"})
    video = api.jobs()[1].container_ids[0]

    def found(**query):
        return [row["id"] for row in client.get(content_url, params=query).json()["items"]]

    assert found(status="completed") == [slideshow]
    assert found(status="queued") == [video]
    assert found(status=["completed", "queued"]) == [video, slideshow]
    assert found(format="ugc-remix") == [video]
    assert found(format=["slideshow-builder"]) == [slideshow]
    assert found(creativeType="uploaded") == []
    assert found(creativeType="generated") == [video, slideshow]
    assert found(since="2026-04-18T12:00:30Z") == [video]
    assert found(until="2026-04-18T12:00:30Z") == [slideshow]
    api.advance(30)
    assert found(status="processing") == found(status="generating") == [video]


@pytest.fixture
def slides(anonymous, get_container, create_container):
    def draw(hook):
        urls = get_container(create_container(hook=hook))["preview"]["imageUrls"]
        return [ET.fromstring(anonymous.get(url).text) for url in urls]

    return draw


def words(picture):
    return " ".join("".join(text.itertext()) for text in picture.iter() if text.tag == f"{SVG}text")


def test_slides_are_9_to_16_numbered_and_show_the_hook(slides):
    pictures = slides("Nobody plans a day like this.")
    for number, picture in enumerate(pictures, 1):
        assert int(picture.get("width")) * 16 == int(picture.get("height")) * 9
        assert picture.find(f"{SVG}title").text == "Nobody plans a day like this."
        assert f"{number} / 3" in words(picture)
        assert "Nobody" in words(picture)


@pytest.mark.parametrize(
    "hook", ["<script>alert(1)</script> & \"quotes\" 'n' all", "emoji 🧠\nand\x00control\x1b", "x" * 2000]
)
def test_every_hook_gives_a_readable_picture(slides, hook):
    for picture in slides(hook):
        assert not list(picture.iter(f"{SVG}script"))


def test_pictures_have_no_external_resources(anonymous, get_container, create_container):
    url = get_container(create_container())["preview"]["primaryUrl"]
    text = anonymous.get(url).text.replace("http://www.w3.org/2000/svg", "")
    assert "http" not in text
    assert "href" not in text


def test_a_new_version_has_other_pictures(anonymous, api, client, get_container, create_container):
    container = create_container()
    first = get_container(container)["preview"]["primaryUrl"]
    client.post(f"/v1/content/{container}/regenerate")
    api.advance(60)
    second = get_container(container)["preview"]["primaryUrl"]
    assert anonymous.get(first).text != anonymous.get(second).text


def test_lines_are_wrapped_and_long_words_are_cut():
    assert wrap("one two three", 7) == ["one two", "three"]
    assert wrap("one\ntwo", 20) == ["one", "two"]
    assert wrap("abcdefghij", 4) == ["abcd", "efgh", "ij"]
    assert wrap("", 4) == [""]


def test_an_unknown_picture_is_404(anonymous, api):
    assert anonymous.get(f"{api.url}/media/ast_unknown.svg").status_code == 404


def test_hooks_differ_on_every_call(api, client, content_url):
    first, second = (client.get(f"{content_url}/hooks").json()["hooks"] for _ in range(2))
    assert len(first) == len(set(first)) == 20
    assert first != second
    assert all(r"\n" in hook and "\n" not in hook for hook in first)


def test_hooks_need_name_and_description_of_the_app(api, client, content_url, assert_error):
    api.configure(missing=["app_name", "app_description", "app_demo"])
    error = assert_error(client.get(f"{content_url}/hooks"), 422, "VALIDATION")
    assert error["details"] == {"missingFields": ["appName", "appDescription"]}
