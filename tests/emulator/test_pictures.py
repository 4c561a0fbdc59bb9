import xml.etree.ElementTree as ET

import pytest

from airflow_provider_layers.emulator.pictures import wrap

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def slides(web, client, made):
    def draw(hook):
        urls = client.get(f"/v1/content/{made(hook=hook)}").json()["preview"]["imageUrls"]
        return [ET.fromstring(web.get(url).text) for url in urls]

    return draw


def words(picture):
    return " ".join("".join(text.itertext()) for text in picture.iter() if text.tag == f"{SVG}text")


def test_slides_are_9_to_16_and_carry_the_hook(slides):
    for picture in slides("Nobody plans a day like this."):
        assert int(picture.get("width")) * 16 == int(picture.get("height")) * 9
        assert picture.find(f"{SVG}title").text == "Nobody plans a day like this."
    assert "Nobody" in words(picture)


def test_slides_are_numbered(slides):
    assert [f"{number} / 3" in words(picture) for number, picture in enumerate(slides("Hi."), 1)] == [
        True
    ] * 3


@pytest.mark.parametrize(
    "hook", ["<script>alert(1)</script> & \"quotes\" 'n' all", "emoji 🧠\nand\x00control\x1b", "x" * 2000]
)
def test_any_hook_is_a_readable_picture(slides, hook):
    for picture in slides(hook):
        assert not list(picture.iter(f"{SVG}script"))


def test_nothing_comes_from_elsewhere(web, client, made):
    url = client.get(f"/v1/content/{made()}").json()["preview"]["primaryUrl"]
    text = web.get(url).text.replace("http://www.w3.org/2000/svg", "")
    assert "http" not in text
    assert "href" not in text


def test_a_new_take_has_new_colours(web, api, client, made):
    container = made()
    first = client.get(f"/v1/content/{container}").json()["preview"]["primaryUrl"]
    client.post(f"/v1/content/{container}/regenerate")
    api.advance(60)
    second = client.get(f"/v1/content/{container}").json()["preview"]["primaryUrl"]
    assert web.get(first).text != web.get(second).text


def test_lines_are_wrapped_and_long_words_are_cut():
    assert wrap("one two three", 7) == ["one two", "three"]
    assert wrap("one\ntwo", 20) == ["one", "two"]
    assert wrap("abcdefghij", 4) == ["abcd", "efgh", "ij"]
    assert wrap("", 4) == [""]


def test_an_unknown_picture_is_404(web, api):
    assert web.get(f"{api.url}/media/ast_nobody.svg").status_code == 404
