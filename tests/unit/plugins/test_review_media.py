"""The parts of a review beside its text."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from airflow_provider_layers.exceptions import LayersTransportError
from airflow_provider_layers.plugins.queries import ReviewReference
from airflow_provider_layers.plugins.review_media import (
    CONTENT_CHANGED,
    NO_QUESTION,
    UNREADABLE,
    ReviewMedia,
    load_review,
)
from airflow_provider_layers.plugins.serializers import (
    PENDING_RESULT,
    ReadResult,
    error_result,
    serialize_review,
)
from airflow_provider_layers.review.preview import content_preview

SLIDES = ["https://cdn.example/1.png", "https://cdn.example/2.png"]
SLIDESHOW = {"id": "cnt_1", "hook": "Rain", "preview": {"kind": "slideshow", "imageUrls": SLIDES}}
VIDEO_URL = "https://cdn.example/video.mp4"
VIDEO = {"id": "cnt_2", "preview": {"kind": "video", "videoUrl": VIDEO_URL, "thumbnailUrl": SLIDES[0]}}
CONTAINERS = {"cnt_1": SLIDESHOW, "cnt_2": VIDEO}


class Loader:
    """Has a result for each container, and returns them in the reverse order."""

    def __init__(self, **results):
        self.results = results

    def load(self, resources):
        return {
            resource: self.results.get(resource.resource_id)
            or serialize_review(CONTAINERS[resource.resource_id], resource.fingerprint)
            for resource in reversed(resources)
        }


def reference(*container_ids, **fields):
    shown = {name: content_preview(CONTAINERS[name]).fingerprint for name in container_ids}
    return ReviewReference("layers_default", 2, shown, **fields)


def media(*container_ids):
    return load_review(reference(*container_ids), Loader())


def text_of(svg: str) -> str:
    lines = ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return " ".join(line.text or "" for line in lines)


def test_pictures_are_numbered_across_all_content_in_order():
    parts = [str(number) for number in range(1, 5)]
    assert [media("cnt_1", "cnt_2").url(part) for part in parts] == [*SLIDES, SLIDES[0], None]


def test_the_first_video_is_preferred_to_pictures():
    assert media("cnt_1", "cnt_2").url("media") == VIDEO_URL
    assert media("cnt_1").url("media") == SLIDES[0]
    assert ReviewMedia().url("media") is None


def test_the_card_has_the_version_and_the_notice():
    card = text_of(load_review(reference("cnt_1", notice="Too late."), Loader()).card(body_version=1))
    assert ("Version 2" in card, "Too late." in card, "Rain" in card) == (True, True, True)


@pytest.mark.parametrize(
    ("result", "error"),
    [
        (error_result(LayersTransportError("x")), f"The API cannot be reached. {UNREADABLE}"),
        (PENDING_RESULT, UNREADABLE),
        (ReadResult("changed"), CONTENT_CHANGED),
    ],
)
def test_if_one_container_cannot_be_shown_nothing_is(result, error):
    loaded = load_review(reference("cnt_1", "cnt_2"), Loader(cnt_2=result))
    assert loaded == ReviewMedia(error=error)
    assert text_of(loaded.card(body_version=1)) == error
    assert loaded.url("1") is None


def test_without_a_question_the_card_says_so():
    assert NO_QUESTION in text_of(load_review(None, Loader()).card(body_version=1))
