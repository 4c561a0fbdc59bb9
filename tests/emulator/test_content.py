import uuid

import pytest


def test_a_container_answers_to_both_forms_of_its_id(client, made):
    container = made()
    bare = container.removeprefix("cnt_")
    assert client.get(f"/v1/content/{bare}").json() == client.get(f"/v1/content/{container}").json()


def test_an_unknown_container_is_not_found(client, refused):
    for route in ("", "/progress", "/assets/ast_1"):
        error = refused(client.get(f"/v1/content/cnt_{uuid.uuid4()}{route}"), 404, "NOT_FOUND")
        assert error["message"] == "Container not found."


def test_progress_counts_within_the_stage(api, client, start):
    container = start()["containerIds"][0]
    api.advance(27)
    body = client.get(f"/v1/content/{container}/progress").json()
    assert body == {
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


def test_one_asset(client, made, refused):
    container, other = made(), made()
    asset = client.get(f"/v1/content/{container}").json()["assets"][1]
    assert client.get(f"/v1/content/{container}/assets/{asset['assetId']}").json() == asset
    refused(client.get(f"/v1/content/{other}/assets/{asset['assetId']}"), 404, "NOT_FOUND")


def test_the_list_is_newest_first_and_has_previews(client, content_url, made):
    ids = [made(), made()]
    body = client.get(content_url).json()
    assert [row["id"] for row in body["items"]] == ids[::-1]
    assert body["nextCursor"] is None
    row = body["items"][0]
    assert row["primaryAsset"]["url"] == row["preview"]["primaryUrl"]
    assert row["approvalStatus"] == "pending"


def test_filters(api, client, content_url, made, start):
    done = made()
    client.post(content_url, json={"brief": {}, "format": "ugc_remix"})
    video = api.jobs()[1].container_ids[0]

    def found(**query):
        return [row["id"] for row in client.get(content_url, params=query).json()["items"]]

    assert found(status="completed") == [done]
    assert found(status="queued") == [video]
    assert found(status=["completed", "queued"]) == [video, done]
    assert found(format="ugc-remix") == [video]
    assert found(format=["slideshow-builder"]) == [done]
    assert found(creativeType="uploaded") == []
    assert found(creativeType="generated") == [video, done]
    assert found(since="2026-04-18T12:00:30Z") == [video]
    assert found(until="2026-04-18T12:00:30Z") == [done]
    api.advance(30)
    assert found(status="processing") == found(status="generating") == [video]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"status": "done"}, "status"),
        ({"format": "square"}, "format"),
        ({"creativeType": "mine"}, "creativeType"),
        ({"creative_type": "generated"}, "creative_type"),
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"since": "2026-04-18T12:00:00+02:00"}, "since"),
        ({"until": "yesterday"}, "until"),
        ({"cursor": "not a cursor"}, "cursor"),
        ({"limit": ["1", "2"]}, "limit"),
    ],
)
def test_queries_that_are_refused(client, content_url, refused, query, path):
    refused(client.get(content_url, params=query), 422, "VALIDATION", path)
