"""The picture of what is asked about now."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from airflow_provider_layers.api.card import LETTERS, MARGIN, WIDTH, apology, card
from airflow_provider_layers.api.exhibit import Caption
from tests.unit.exhibits import shown
from tests.unit.nasty import ALL, seen

SVG = "{http://www.w3.org/2000/svg}"
INVALID = ["\ufffe", "\uffff", "\U0001ffff", "a\ufffeb", "\x00", "\x0b", "\ud800", "\udfff\ud800", "]]>"]
LONG = "Supercalifragilistic" * 40
EMOJI = (
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f3f3\ufe0f\u200d\U0001f308 \u2764\ufe0f"
)


def read(svg):
    """Read a card as a browser does that takes XML at its word; as bytes, so that no half letters pass."""
    return ET.fromstring(svg.encode())


def lines(svg):
    return [(one.text or "", one.get("class")) for one in read(svg).iter(f"{SVG}text")]


def text(svg):
    return " ".join(line for line, _ in lines(svg))


def test_a_card_says_which_take_it_is_and_that_the_words_belong_to_it():
    assert lines(card([shown("A.", hook="Run.")], take=1, words=1)) == [
        ("Take 1", "h"),
        ("The words below belong to it.", None),
    ]


def test_a_card_about_a_later_take_says_what_to_set_and_has_every_text():
    captions = (Caption("tiktok", "A.\nB."), Caption(None, "C."))
    svg = card([shown(hook="Run.", captions=captions, first_comment="Join.")], take=3, words=1)
    assert lines(svg)[0] == ("Take 3", "h")
    assert "Set the field Take to 3 before you answer." in text(svg)
    assert "those of take 1" in text(svg)
    found = [line for line in lines(svg) if line[1] != "n"]
    assert found[1:10] == [
        ("Hook", "w"),
        ("Run.", None),
        ("Caption tiktok", "w"),
        ("A.", None),
        ("B.", None),
        ("Caption", "w"),
        ("C.", None),
        ("First comment", "w"),
        ("Join.", None),
    ]
    assert "slideshow_remix" in text(svg)
    assert "cnt_1" in text(svg)


def test_several_containers_are_told_apart():
    found = text(card([shown("A."), shown("B.", container_id="cnt_2")], take=2, words=1))
    assert found.index("1 of 2") < found.index("A.") < found.index("2 of 2") < found.index("B.")
    assert "1 of 1" not in text(card([shown("A.")], take=2, words=1))


@pytest.mark.parametrize(("take", "words"), [(1, 1), (2, 1)])
def test_a_notice_is_shown_on_either_card(take, words):
    notice = "The last answer was for take 1, and this is take 2."
    told = lines(card([shown()], take=take, words=words, notice=notice))
    assert " ".join(line for line, kind in told if kind == "n").startswith(notice)


def test_an_apology_is_a_card_without_a_take():
    assert lines(apology("The API cannot be reached.")) == [("The API cannot be reached.", "n")]


@pytest.mark.parametrize("hostile", [*ALL, *INVALID, LONG, EMOJI])
def test_a_card_is_well_formed_whatever_the_texts_are(hostile):
    one = shown(hostile, hook=hostile, first_comment=hostile)
    for svg in (
        card([one], take=2, words=1, notice=hostile),
        card([one], take=1, words=1, notice=hostile),
        apology(hostile),
    ):
        kinds = {child.tag.removeprefix(SVG) for child in read(svg).iter()}
        assert kinds <= {"svg", "style", "rect", "text"}


@pytest.mark.parametrize("hostile", [*INVALID, "<b>&\"'", "a\x1bb\nc", LONG])
@pytest.mark.parametrize("field", ["container_id", "format", "platform"])
def test_a_card_is_well_formed_whatever_the_names_are(field, hostile):
    fields = {"captions": (Caption(hostile, "A."),)} if field == "platform" else {field: hostile}
    kinds = {child.tag.removeprefix(SVG) for child in read(card([shown(**fields)], take=2, words=1)).iter()}
    assert kinds <= {"svg", "style", "rect", "text"}


@pytest.mark.parametrize("hostile", [*ALL, LONG, EMOJI])
def test_every_word_can_be_read(hostile):
    one = shown(hostile, hook=hostile, first_comment=hostile)
    assert seen(text(card([one], take=2, words=1))).count(seen(hostile)) >= 3


@pytest.mark.parametrize("long", [LONG, "word " * 400, EMOJI * 60, "\u65e5\u672c\u8a9e" * 200])
def test_long_texts_are_wrapped_and_the_card_is_as_high_as_they_need(long):
    svg = card([shown(long)], take=2, words=1, notice=long)
    root = read(svg)
    assert max(len(line) for line, _ in lines(svg)) <= LETTERS
    tops = [int(one.get("y")) for one in root.iter(f"{SVG}text")]
    assert tops == sorted(set(tops)), "no line is drawn over another"
    assert tops[0] > MARGIN
    assert tops[-1] < int(root.get("height")) - MARGIN + 8
    assert root.get("viewBox") == f"0 0 {WIDTH} {root.get('height')}"


@pytest.mark.parametrize("gone", [None, ""])
def test_what_is_not_there_is_not_named(gone):
    found = text(card([shown(hook=gone, first_comment=gone, format=gone)], take=2, words=1))
    assert "Hook" not in found
    assert "First comment" not in found
    assert "Content" in found
    assert "cnt_1" in found


def test_a_card_takes_nothing_from_elsewhere_and_does_nothing():
    svg = card(
        [shown("<image href='https://evil.test/1.png'/>", hook="x' onload='alert(1)")], take=2, words=1
    )
    attributes = {name for one in read(svg).iter() for name in one.attrib}
    assert attributes <= {"width", "height", "viewBox", "rx", "fill", "x", "y", "class"}
    assert not re.search(r"@import|url\(", read(svg).find(f"{SVG}style").text)
