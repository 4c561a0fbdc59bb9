"""A browser is sent to addresses of the web only."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.exhibit import address, exhibit

SLIDESHOW, VIDEO, IMAGE = "slideshow", "video", "image"
PICTURE, FILM = "https://cdn.test/1.png", "https://cdn.test/1.mp4"
GOOD = [
    PICTURE,
    "http://127.0.0.1:8765/media/ast_1.svg",
    "https://[::1]:8443/1.png",
    "https://cdn.test/1.png?X-Amz-Signature=ab%2Fcd&Expires=1#frame",
    "HTTPS://CDN.test/1.png",
]
HOSTILE = [
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
    [PICTURE],
    {"url": PICTURE},
]


def shown_at(kind, **places):
    preview = {"kind": kind, "primaryUrl": None, "thumbnailUrl": None, "imageUrls": [], "videoUrl": None}
    return exhibit({"id": "cnt_1", "preview": {**preview, **places}, "assets": []})


@pytest.mark.parametrize("url", GOOD)
def test_an_address_of_the_web_is_given_as_it_is(url):
    assert address(url) == url


@pytest.mark.parametrize("url", HOSTILE)
def test_any_other_address_is_none(url):
    assert address(url) is None


@pytest.mark.parametrize("url", HOSTILE)
@pytest.mark.parametrize("kind", [SLIDESHOW, IMAGE, VIDEO])
def test_no_hostile_address_is_shown_from_anywhere(kind, url):
    places = {"primaryUrl": url, "thumbnailUrl": url, "imageUrls": [url], "videoUrl": url, "hlsUrl": url}
    assets = [{"kind": kind, "url": url, "thumbnailUrl": url}]
    for container in ({"assets": assets}, {"preview": {"kind": kind, **places}}, {"preview": url}):
        shown = exhibit({"id": "cnt_1", **container})
        assert (shown.pictures, shown.video) == ((), None)


def test_a_sound_picture_is_shown_beside_a_hostile_one():
    assert shown_at(SLIDESHOW, imageUrls=["javascript:alert(1)", PICTURE]).pictures == (PICTURE,)
    assert shown_at(VIDEO, videoUrl="javascript:alert(1)", primaryUrl=FILM).video == FILM
