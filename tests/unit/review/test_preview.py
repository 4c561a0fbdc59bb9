"""What a person looks at, in the words of every revision of the API."""

from __future__ import annotations

import json

import pytest

from airflow_provider_layers.api.exhibit import Caption, exhibit

SLIDESHOW, VIDEO, IMAGE = "slideshow", "video", "image"
ONE, TWO = "https://cdn.test/1.png", "https://cdn.test/2.png"
FILM, POSTER = "https://cdn.test/1.mp4", "https://cdn.test/1.jpg"


def asset(url, kind="image", poster=None):
    return {"assetId": "ast_1", "kind": kind, "url": url, "thumbnailUrl": poster, "durationMs": None}


def preview(kind="slideshow", **fields):
    nothing = {"primaryUrl": ONE, "thumbnailUrl": None, "imageUrls": [], "videoUrl": None, "hlsUrl": None}
    return {"kind": kind, **nothing, "durationMs": None, "aspectRatio": "9:16", **fields}


HEAD = {"id": "cnt_1", "projectId": "prj_1", "status": "completed", "approvalStatus": "pending"}
OLD = {
    **HEAD,
    "format": "slideshow_remix",
    "brief": {"hook": "Run."},
    "caption": "One run a day.",
    "firstComment": "Join us.",
    "assets": [asset(ONE), asset(TWO)],
    "createdAt": "2026-04-18T12:00:00Z",
    "completedAt": "2026-04-18T12:03:22Z",
    "failedAt": None,
    "lastError": None,
}
NEW = {
    **HEAD,
    "format": "slideshow-remix",
    "hook": "Run.",
    "influencerId": "inf_1",
    "sourceTiktokId": "7300000000000000000",
    "mediaId": None,
    "creativeType": "generated",
    "preview": preview(imageUrls=[ONE, TWO]),
    "assets": [asset("https://cdn.test/other.png")],
    "caption": "One run a day.",
    "firstComment": None,
    "createdAt": "2026-04-18T12:00:00Z",
    "completedAt": "2026-04-18T12:03:22Z",
}
CLONED = {  # as the page of clone-from-post has it (S1)
    "id": "cnt_1",
    "status": "completed",
    "approvalStatus": "pending",
    "format": "video_remix",
    "hook": "Run.",
    "captionVariants": [{"platform": "tiktok", "text": "A."}, {"platform": "instagram", "text": "B."}],
    "mediaAssets": [{"id": "ast_1", "kind": "video", "durationMs": 10800}],
    "sourcePlatformPostId": "pp_1",
}
SEVERAL = {**NEW, "captions": [{"platform": "tiktok", "text": "C."}], "updatedAt": "2026-04-18T12:04:00Z"}
del SEVERAL["caption"]


def test_the_older_revision_is_read():
    shown = exhibit(OLD)
    assert (shown.container_id, shown.project_id) == ("cnt_1", "prj_1")
    assert (shown.status, shown.approval_status) == ("completed", "pending")
    assert (shown.format, shown.kind, shown.pictures) == ("slideshow_remix", SLIDESHOW, (ONE, TWO))
    assert (shown.hook, shown.first_comment) == ("Run.", "Join us.")
    assert shown.captions == (Caption(None, "One run a day."),)
    assert (shown.created_at, shown.completed_at) == ("2026-04-18T12:00:00Z", "2026-04-18T12:03:22Z")
    assert (shown.influencer, shown.source, shown.video, shown.error) == (None,) * 4


def test_the_newer_revision_is_read_by_its_preview():
    shown = exhibit(NEW)
    assert (shown.kind, shown.pictures) == (SLIDESHOW, (ONE, TWO)), "the slides of the preview, and no others"
    assert (shown.hook, shown.influencer, shown.source) == ("Run.", "inf_1", "7300000000000000000")
    assert shown.captions == (Caption(None, "One run a day."),)


def test_a_clone_has_a_caption_for_each_platform_and_its_source():
    shown = exhibit(CLONED)
    assert shown.captions == (Caption("tiktok", "A."), Caption("instagram", "B."))
    assert (shown.source, shown.hook) == ("pp_1", "Run.")
    assert (shown.pictures, shown.video) == ((), None), "its media have no addresses"


def test_several_captions_win_over_one():
    assert exhibit(SEVERAL).captions == (Caption("tiktok", "C."),)
    assert exhibit({**SEVERAL, "caption": "D."}).captions == (Caption("tiktok", "C."),)


@pytest.mark.parametrize("empty", [[], None, "", [None], [{"platform": "tiktok", "text": None}], [{}]])
@pytest.mark.parametrize("name", ["captions", "captionVariants"])
def test_the_one_caption_is_shown_where_there_are_no_others(name, empty):
    assert exhibit({**OLD, name: empty}).captions == (Caption(None, "One run a day."),)


@pytest.mark.parametrize(
    ("changes", "kind", "pictures", "video"),
    [
        ({"assets": [asset(ONE)]}, IMAGE, (ONE,), None),
        ({"assets": [asset(FILM, VIDEO, POSTER)]}, VIDEO, (POSTER,), FILM),
        ({"assets": [asset(FILM, VIDEO)]}, VIDEO, (), FILM),
        ({"assets": [asset(ONE), asset(FILM, VIDEO, POSTER)]}, VIDEO, (POSTER,), FILM),
        ({"assets": []}, None, (), None),
        ({"preview": preview(IMAGE, imageUrls=[ONE])}, IMAGE, (ONE,), None),
        ({"preview": preview(IMAGE, imageUrls=[ONE, ONE])}, IMAGE, (ONE,), None),
        ({"preview": preview(IMAGE), "assets": []}, IMAGE, (ONE,), None),
        (
            {"preview": preview(VIDEO, thumbnailUrl=POSTER, videoUrl=FILM, primaryUrl=FILM)},
            VIDEO,
            (POSTER,),
            FILM,
        ),
        ({"preview": preview(VIDEO, primaryUrl=FILM)}, VIDEO, (), FILM),
        ({"preview": preview(VIDEO, primaryUrl=POSTER, videoUrl=FILM)}, VIDEO, (), FILM),
        (
            {"preview": preview(VIDEO, thumbnailUrl=ONE), "assets": [asset(FILM, VIDEO, POSTER)]},
            VIDEO,
            (ONE,),
            ONE,
        ),
    ],
)
def test_every_kind_of_media_has_its_pictures_and_its_film(changes, kind, pictures, video):
    shown = exhibit({**OLD, **changes})
    assert (shown.kind, shown.pictures, shown.video) == (kind, pictures, video)


@pytest.mark.parametrize("revision", [OLD, NEW, CLONED, SEVERAL])
@pytest.mark.parametrize("nothing", [None, [], {}, "", 7, True, 1.5, [None], [7], [[]], {"text": 7}, "text"])
def test_a_field_of_another_type_breaks_nothing(revision, nothing):
    for name in revision:
        shown = exhibit({**revision, name: nothing})
        assert all(isinstance(one, str) for one in shown.pictures)
        assert all(isinstance(one.text, str) for one in shown.captions)
        assert json.loads(json.dumps(shown.as_json()))["format"] == shown.format
        assert len(shown.fingerprint) == 16


@pytest.mark.parametrize("name", ["hook", "firstComment", "influencerId", "format", "status", "projectId"])
def test_an_empty_text_is_none(name):
    given = {**OLD, "brief": {}, "influencerId": "inf_1", "hook": "Run."}
    full, empty = exhibit(given).as_json(), exhibit({**given, name: ""}).as_json()
    assert [one for one in full if full[one] != empty[one]]
    assert [one for one in empty.values() if one == ""] == []


@pytest.mark.parametrize("revision", [OLD, NEW, CLONED, SEVERAL])
def test_content_under_way_has_nothing_to_show_yet(revision):
    shown = exhibit({**dict.fromkeys(revision), "id": "cnt_1", "status": "processing"})
    assert (shown.container_id, shown.status, shown.kind) == ("cnt_1", "processing", None)
    assert (shown.pictures, shown.captions, shown.video) == ((), (), None)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"code": "X", "message": "No."}, "X No."),
        ({"message": "No."}, "No."),
        ({"code": "X"}, "X"),
        ({"inner": 1}, None),
        ("Broken.", "Broken."),
        (None, None),
        ([], None),
    ],
)
def test_the_error_is_told_whatever_its_shape(given, text):
    assert exhibit({**HEAD, "lastError": given}).error == text


def test_the_same_media_signed_anew_are_the_same_take():
    again = preview(imageUrls=[f"{ONE}?Signature=new&Expires=2", f"{TWO}#x"])
    assert exhibit({**NEW, "preview": again}).fingerprint == exhibit(NEW).fingerprint


@pytest.mark.parametrize(
    "changes",
    [
        {"hook": "Walk."},
        {"hook": None},
        {"caption": "Two runs a day."},
        {"caption": "One run a day. "},
        {"caption": None},
        {"captions": [{"platform": "tiktok", "text": "One run a day."}]},
        {"firstComment": "Join us."},
        {"preview": preview(imageUrls=[ONE])},
        {"preview": preview(imageUrls=[TWO, ONE])},
        {"preview": preview(imageUrls=[ONE, "https://cdn.test/3.png"])},
        {"preview": preview(VIDEO, thumbnailUrl=ONE, videoUrl=FILM)},
    ],
)
def test_another_text_or_picture_is_another_take(changes):
    assert exhibit({**NEW, **changes}).fingerprint != exhibit(NEW).fingerprint


def test_a_caption_that_moved_to_another_platform_is_another_take():
    captions = CLONED["captionVariants"]
    swapped = [
        {**one, "platform": other["platform"]} for one, other in zip(captions, captions[::-1], strict=True)
    ]
    assert exhibit({**CLONED, "captionVariants": swapped}).fingerprint != exhibit(CLONED).fingerprint


def test_another_film_is_another_take():
    first, second = (
        exhibit({**OLD, "assets": [asset(url, VIDEO, POSTER)]}) for url in (FILM, "https://cdn.test/2.mp4")
    )
    assert first.pictures == second.pictures
    assert first.fingerprint != second.fingerprint


@pytest.mark.parametrize("changes", [{"approvalStatus": "approved"}, {"completedAt": None}, {"id": "cnt_2"}])
def test_what_does_not_go_public_makes_no_other_take(changes):
    assert exhibit({**NEW, **changes}).fingerprint == exhibit(NEW).fingerprint
