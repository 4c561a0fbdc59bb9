"""What a person sees of a container, in every revision of the API."""

from __future__ import annotations

import json

import pytest

from airflow_provider_layers.review.preview import Caption, content_preview, safe_url

SLIDESHOW, VIDEO, IMAGE = "slideshow", "video", "image"
ONE, TWO = "https://cdn.test/1.png", "https://cdn.test/2.png"
FILM, POSTER = "https://cdn.test/1.mp4", "https://cdn.test/1.jpg"


def asset(url, kind="image", poster=None):
    return {"assetId": "ast_1", "kind": kind, "url": url, "thumbnailUrl": poster, "durationMs": None}


def api_preview(kind="slideshow", **fields):
    empty = {"primaryUrl": ONE, "thumbnailUrl": None, "imageUrls": [], "videoUrl": None, "hlsUrl": None}
    return {"kind": kind, **empty, "durationMs": None, "aspectRatio": "9:16", **fields}


COMMON = {"id": "cnt_1", "projectId": "prj_1", "status": "completed", "approvalStatus": "pending"}
OLD = {
    **COMMON,
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
    **COMMON,
    "format": "slideshow-remix",
    "hook": "Run.",
    "influencerId": "inf_1",
    "sourceTiktokId": "7300000000000000000",
    "mediaId": None,
    "creativeType": "generated",
    "preview": api_preview(imageUrls=[ONE, TWO]),
    "assets": [asset("https://cdn.test/other.png")],
    "caption": "One run a day.",
    "firstComment": None,
    "createdAt": "2026-04-18T12:00:00Z",
    "completedAt": "2026-04-18T12:03:22Z",
}
CLONED = {  # as on the page of clone-from-post
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
REVISIONS = [OLD, NEW, CLONED, SEVERAL]


def test_the_older_revision_is_read():
    read = content_preview(OLD)
    assert (read.container_id, read.project_id) == ("cnt_1", "prj_1")
    assert (read.status, read.approval_status) == ("completed", "pending")
    assert (read.format, read.kind, read.pictures) == ("slideshow_remix", SLIDESHOW, (ONE, TWO))
    assert (read.hook, read.first_comment) == ("Run.", "Join us.")
    assert read.captions == (Caption(None, "One run a day."),)
    assert (read.created_at, read.completed_at) == ("2026-04-18T12:00:00Z", "2026-04-18T12:03:22Z")
    assert (read.influencer, read.source, read.video, read.error) == (None,) * 4


def test_the_newer_revision_is_read_from_its_preview():
    read = content_preview(NEW)
    assert (read.kind, read.pictures) == (SLIDESHOW, (ONE, TWO)), "the slides of the preview, and no others"
    assert (read.hook, read.influencer, read.source) == ("Run.", "inf_1", "7300000000000000000")
    assert read.captions == (Caption(None, "One run a day."),)


def test_a_clone_has_a_caption_for_each_platform_and_its_source():
    read = content_preview(CLONED)
    assert read.captions == (Caption("tiktok", "A."), Caption("instagram", "B."))
    assert (read.source, read.hook) == ("pp_1", "Run.")
    assert (read.pictures, read.video) == ((), None), "its media have no URLs"


def test_captions_per_platform_replace_the_common_caption():
    assert content_preview(SEVERAL).captions == (Caption("tiktok", "C."),)
    assert content_preview({**SEVERAL, "caption": "D."}).captions == (Caption("tiktok", "C."),)


@pytest.mark.parametrize("name", ["captions", "captionVariants"])
def test_the_common_caption_is_shown_where_there_is_none_per_platform(name):
    for empty in ([], None, "", [None], [{"platform": "tiktok", "text": None}], [{}]):
        assert content_preview({**OLD, name: empty}).captions == (Caption(None, "One run a day."),), empty


@pytest.mark.parametrize(
    ("changes", "kind", "pictures", "video"),
    [
        ({"assets": [asset(ONE)]}, IMAGE, (ONE,), None),
        ({"assets": [asset(FILM, VIDEO, POSTER)]}, VIDEO, (POSTER,), FILM),
        ({"assets": [asset(FILM, VIDEO)]}, VIDEO, (), FILM),
        ({"assets": [asset(ONE), asset(FILM, VIDEO, POSTER)]}, VIDEO, (POSTER,), FILM),
        ({"assets": []}, None, (), None),
        ({"preview": api_preview(IMAGE, imageUrls=[ONE, ONE])}, IMAGE, (ONE,), None),
        ({"preview": api_preview(IMAGE), "assets": []}, IMAGE, (ONE,), None),
        ({"preview": api_preview(VIDEO, thumbnailUrl=POSTER, videoUrl=FILM)}, VIDEO, (POSTER,), FILM),
        ({"preview": api_preview(VIDEO, primaryUrl=FILM)}, VIDEO, (), FILM),
        ({"preview": api_preview(VIDEO, primaryUrl=POSTER, videoUrl=FILM)}, VIDEO, (), FILM),
        (
            {"preview": api_preview(VIDEO, thumbnailUrl=ONE), "assets": [asset(FILM, VIDEO, POSTER)]},
            VIDEO,
            (ONE,),
            ONE,
        ),
    ],
)
def test_pictures_and_video_are_found_for_every_kind_of_media(changes, kind, pictures, video):
    read = content_preview({**OLD, **changes})
    assert (read.kind, read.pictures, read.video) == (kind, pictures, video)


def test_a_field_of_another_type_is_read_as_missing():
    for revision in REVISIONS:
        for name in revision:
            for value in (None, [], {}, "", 7, True, 1.5, [None], [7], [[]], {"text": 7}, "text"):
                read = content_preview({**revision, name: value})
                assert all(isinstance(url, str) for url in read.pictures), (name, value)
                assert all(isinstance(caption.text, str) for caption in read.captions), (name, value)
                assert json.loads(json.dumps(read.as_json()))["format"] == read.format
                assert len(read.fingerprint) == 16


def test_an_empty_text_is_read_as_none():
    container = {**OLD, "brief": {}, "influencerId": "inf_1", "hook": "Run."}
    full = content_preview(container).as_json()
    for name in ("hook", "firstComment", "influencerId", "format", "status", "projectId"):
        read = content_preview({**container, name: ""}).as_json()
        assert [field for field in full if full[field] != read[field]], name
        assert "" not in read.values(), name


def test_unfinished_content_has_nothing_to_show():
    for revision in REVISIONS:
        read = content_preview({**dict.fromkeys(revision), "id": "cnt_1", "status": "processing"})
        assert (read.container_id, read.status, read.kind) == ("cnt_1", "processing", None)
        assert (read.pictures, read.captions, read.video) == ((), (), None)


def test_the_error_of_failed_content_is_text_whatever_its_shape():
    shapes = [
        ({"code": "X", "message": "No."}, "X No."),
        ({"message": "No."}, "No."),
        ({"code": "X"}, "X"),
        ({"inner": 1}, None),
        ("Broken.", "Broken."),
        (None, None),
        ([], None),
    ]
    for last_error, text in shapes:
        assert content_preview({**COMMON, "lastError": last_error}).error == text


def test_the_fingerprint_ignores_the_signature_of_urls():
    signed = api_preview(imageUrls=[f"{ONE}?Signature=new&Expires=2", f"{TWO}#x"])
    assert content_preview({**NEW, "preview": signed}).fingerprint == content_preview(NEW).fingerprint


@pytest.mark.parametrize("changes", [{"approvalStatus": "approved"}, {"completedAt": None}, {"id": "cnt_2"}])
def test_the_fingerprint_ignores_what_does_not_go_public(changes):
    assert content_preview({**NEW, **changes}).fingerprint == content_preview(NEW).fingerprint


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
        {"preview": api_preview(imageUrls=[ONE])},
        {"preview": api_preview(imageUrls=[TWO, ONE])},
        {"preview": api_preview(imageUrls=[ONE, "https://cdn.test/3.png"])},
        {"preview": api_preview(VIDEO, thumbnailUrl=ONE, videoUrl=FILM)},
    ],
)
def test_the_fingerprint_changes_with_every_text_and_picture(changes):
    assert content_preview({**NEW, **changes}).fingerprint != content_preview(NEW).fingerprint


def test_the_fingerprint_changes_when_captions_swap_platforms():
    first, second = CLONED["captionVariants"]
    swapped = [
        {**first, "platform": second["platform"]},
        {**second, "platform": first["platform"]},
    ]
    assert (
        content_preview({**CLONED, "captionVariants": swapped}).fingerprint
        != content_preview(CLONED).fingerprint
    )


def test_the_fingerprint_changes_with_the_video_behind_the_same_poster():
    first, second = (
        content_preview({**OLD, "assets": [asset(url, VIDEO, POSTER)]})
        for url in (FILM, "https://cdn.test/2.mp4")
    )
    assert first.pictures == second.pictures
    assert first.fingerprint != second.fingerprint


SAFE = [
    ONE,
    "http://127.0.0.1:8765/media/ast_1.svg",
    "https://[::1]:8443/1.png",
    "https://cdn.test/1.png?X-Amz-Signature=ab%2Fcd&Expires=1#frame",
    "HTTPS://CDN.test/1.png",
]
UNSAFE = [
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "java\tscript:alert(1)",
    "javascript://cdn.test/%0Aalert(1)",
    "data:text/html;base64,PHNjcmlwdD4=",
    "data:image/svg+xml,<svg onload=alert(1)>",
    "vbscript:x",
    "file:///etc/passwd",
    "ftp://cdn.test/1.png",
    "blob:https://cdn.test/1",
    "https://user@cdn.test/1.png",
    "https://user:word@cdn.test/1.png",
    "https://@cdn.test/1.png",
    "https://:word@cdn.test/1.png",
    "https://cdn.test\\@evil.test/1.png",
    "//cdn.test/1.png",
    "/1.png",
    "1.png",
    "https:1.png",
    "https:/cdn.test/1.png",
    "https:///1.png",
    "https://",
    "https://:443/1.png",
    "https://[::1/1.png",
    "https://cdn.test/a b.png",
    " https://cdn.test/1.png",
    "https://cdn.test/1.png\n",
    "https://cdn.test/\r\nX: y",
    "https://cdn.test/\x00.png",
    "https://cdn.test/\x7f.png",
    "https://cdn.t\u00e9st/1.png",
    "https://cdn\u3002test/1.png",
    "https://cdn.test/\u202egnp.1",
    "https://cdn.test/\u200b1.png",
    "",
    None,
    7,
    True,
    b"https://cdn.test/1.png",
    [ONE],
    {"url": ONE},
]


def test_web_urls_are_safe_and_returned_unchanged():
    assert [safe_url(url) for url in SAFE] == SAFE


def test_every_other_url_is_unsafe():
    assert [url for url in UNSAFE if safe_url(url) is not None] == []


@pytest.mark.parametrize("kind", [SLIDESHOW, IMAGE, VIDEO])
def test_no_unsafe_url_is_shown_from_anywhere(kind):
    for url in UNSAFE:
        places = {"primaryUrl": url, "thumbnailUrl": url, "imageUrls": [url], "videoUrl": url, "hlsUrl": url}
        assets = [{"kind": kind, "url": url, "thumbnailUrl": url}]
        for fields in ({"assets": assets}, {"preview": {"kind": kind, **places}}, {"preview": url}):
            read = content_preview({"id": "cnt_1", **fields})
            assert (read.pictures, read.video) == ((), None), (url, fields)


def test_a_safe_url_is_shown_beside_an_unsafe_one():
    slides = api_preview(SLIDESHOW, imageUrls=["javascript:alert(1)", ONE])
    assert content_preview({"id": "cnt_1", "preview": slides}).pictures == (ONE,)
    film = api_preview(VIDEO, videoUrl="javascript:alert(1)", primaryUrl=FILM)
    assert content_preview({"id": "cnt_1", "preview": film}).video == FILM
