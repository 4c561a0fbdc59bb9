"""What a task says that it asks about, and what there is to see of it."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.exhibit import exhibit
from airflow_provider_layers.plugins.review_media import CHANGED, NOTHING, Question, Sight, draw, read_question

SLIDES = ["https://cdn.example/1.png", "https://cdn.example/2.png"]


def slideshow(**others):
    return exhibit({"id": "cnt_1", "preview": {"kind": "slideshow", "imageUrls": SLIDES}, **others})


def video():
    preview = {"kind": "video", "videoUrl": "https://cdn.example/film.mp4", "thumbnailUrl": SLIDES[0]}
    return exhibit({"id": "cnt_2", "preview": preview})


def test_a_question_is_read_as_it_was_pushed():
    pushed = {"take": 2, "shown": {"cnt_1": "ff"}, "notice": "Too late.", "made": 1}
    assert read_question("layers_default", pushed) == Question(
        "layers_default", 2, {"cnt_1": "ff"}, "Too late."
    )


@pytest.mark.parametrize(
    "pushed", [None, "x", 1, [], {}, {"take": "2", "shown": {}}, {"take": 2, "shown": {"a": 1}}, {"take": 2}]
)
def test_anything_else_is_no_question(pushed):
    assert read_question("layers_default", pushed) is None


def test_pictures_are_numbered_over_all_content():
    sight = Sight((slideshow(), video()))
    assert [sight.part(str(number)) for number in range(1, 5)] == [*SLIDES, SLIDES[0], None]


def test_the_first_film_goes_before_pictures():
    assert Sight((slideshow(), video())).part("media") == "https://cdn.example/film.mp4"
    assert Sight((slideshow(),)).part("media") == SLIDES[0]
    assert Sight().part("media") is None


def test_trouble_is_all_that_a_card_says():
    asked = Question("layers_default", 2, {})
    assert "changed since" in " ".join(draw(asked, Sight(trouble=CHANGED), words=1).split())
    assert "Take 2" not in draw(asked, Sight(trouble=CHANGED), words=1)
    assert NOTHING in draw(None, Sight(trouble=NOTHING), words=1)


def test_a_card_tells_the_take():
    asked = Question("layers_default", 2, {})
    assert "Take 2" in draw(asked, Sight((slideshow(hook="Rain"),)), words=1)
    assert "Rain" in draw(asked, Sight((slideshow(hook="Rain"),)), words=1)
