"""The card: an SVG of the version that is asked about now."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from airflow_provider_layers.review.card import LINE_LENGTH, MARGIN, WIDTH, error_card, render_card
from airflow_provider_layers.review.preview import Caption
from tests.unit.review.hostile_text import HOSTILE, visible
from tests.unit.review.previews import preview

SVG = "{http://www.w3.org/2000/svg}"
INVALID_IN_XML = [
    "\ufffe",
    "\uffff",
    "\U0001ffff",
    "a\ufffeb",
    "\x00",
    "\x0b",
    "\ud800",
    "\udfff\ud800",
    "]]>",
]
LONG = "Supercalifragilistic" * 40
EMOJI = (
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f3f3\ufe0f\u200d\U0001f308 \u2764\ufe0f"
)


def parse(svg):
    """Parse a card as strictly as a browser; as bytes, so that surrogates fail."""
    return ET.fromstring(svg.encode())


def lines(svg):
    return [(element.text or "", element.get("class")) for element in parse(svg).iter(f"{SVG}text")]


def text(svg):
    return " ".join(line for line, _ in lines(svg))


def assert_only_shapes(svg):
    assert {element.tag.removeprefix(SVG) for element in parse(svg).iter()} <= {
        "svg",
        "style",
        "rect",
        "text",
    }


def test_the_card_of_the_first_version_points_to_the_captions_below():
    assert lines(render_card([preview("A.", hook="Run.")], version=1, body_version=1)) == [
        ("Version 1", "h"),
        ("The captions below belong to this", None),
        ("version.", None),
    ]


def test_the_card_of_a_later_version_says_what_to_set_and_has_every_text():
    captions = (Caption("tiktok", "A.\nB."), Caption(None, "C."))
    svg = render_card(
        [preview(hook="Run.", captions=captions, first_comment="Join.")], version=3, body_version=1
    )
    assert lines(svg)[0] == ("Version 3", "h")
    assert "Set the field Version to 3 before you answer." in text(svg)
    assert "belong to version 1" in text(svg)
    assert [line for line in lines(svg) if line[1] != "n"][1:10] == [
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


def test_several_containers_are_numbered():
    shown = text(render_card([preview("A."), preview("B.", container_id="cnt_2")], version=2, body_version=1))
    assert shown.index("1 of 2") < shown.index("A.") < shown.index("2 of 2") < shown.index("B.")
    assert "1 of 1" not in text(render_card([preview("A.")], version=2, body_version=1))


@pytest.mark.parametrize("version", [1, 2])
def test_a_notice_is_on_the_card_of_every_version(version):
    notice = "The last answer was for version 1, and this is version 2."
    shown = lines(render_card([preview()], version=version, body_version=1, notice=notice))
    assert " ".join(line for line, style in shown if style == "n").startswith(notice)


def test_an_error_card_has_only_its_text():
    assert lines(error_card("The API cannot be reached.")) == [("The API cannot be reached.", "n")]


def test_a_card_is_well_formed_and_shows_every_character_of_any_text():
    for hostile in [*HOSTILE, *INVALID_IN_XML, LONG, EMOJI]:
        content = preview(hostile, hook=hostile, first_comment=hostile)
        later = render_card([content], version=2, body_version=1, notice=hostile)
        for svg in (
            later,
            render_card([content], version=1, body_version=1, notice=hostile),
            error_card(hostile),
        ):
            assert_only_shapes(svg)
        assert visible(text(later)).count(visible(hostile)) >= 3, hostile


@pytest.mark.parametrize("field", ["container_id", "format", "platform"])
def test_a_card_is_well_formed_whatever_the_names_are(field):
    for hostile in [*INVALID_IN_XML, "<b>&\"'", "a\x1bb\nc", LONG]:
        fields = {"captions": (Caption(hostile, "A."),)} if field == "platform" else {field: hostile}
        assert_only_shapes(render_card([preview(**fields)], version=2, body_version=1))


@pytest.mark.parametrize("long", [LONG, "word " * 400, EMOJI * 60, "\u65e5\u672c\u8a9e" * 200])
def test_long_texts_are_wrapped_and_the_card_is_high_enough(long):
    svg = render_card([preview(long)], version=2, body_version=1, notice=long)
    root = parse(svg)
    assert max(len(line) for line, _ in lines(svg)) <= LINE_LENGTH
    bottoms = [int(element.get("y")) for element in root.iter(f"{SVG}text")]
    assert bottoms == sorted(set(bottoms)), "no line is drawn over another"
    assert bottoms[0] > MARGIN
    assert bottoms[-1] < int(root.get("height")) - MARGIN + 8
    assert root.get("viewBox") == f"0 0 {WIDTH} {root.get('height')}"


@pytest.mark.parametrize("missing", [None, ""])
def test_a_missing_text_has_no_label(missing):
    content = preview(hook=missing, first_comment=missing, format=missing)
    shown = text(render_card([content], version=2, body_version=1))
    assert "Hook" not in shown
    assert "First comment" not in shown
    assert "Content" in shown
    assert "cnt_1" in shown


def test_a_card_loads_nothing_and_runs_nothing():
    svg = render_card(
        [preview("<image href='https://evil.test/1.png'/>", hook="x' onload='alert(1)")],
        version=2,
        body_version=1,
    )
    attributes = {name for element in parse(svg).iter() for name in element.attrib}
    assert attributes <= {"width", "height", "viewBox", "rx", "fill", "x", "y", "class"}
    assert not re.search(r"@import|url\(", parse(svg).find(f"{SVG}style").text)
