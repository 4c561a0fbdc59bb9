"""Text that somebody else wrote stays text, whatever it looks like."""

from __future__ import annotations

import re
import unicodedata

import pytest

from airflow_provider_layers.api.markdown import JOINER, escaped, plain, quoted, table
from tests.unit.nasty import ALL, BARE_ADDRESSES, NASTY, READ, inlines, jumble, seen, text_of


@pytest.mark.parametrize("text", ALL)
def test_escaped_text_is_one_paragraph_of_text(text):
    tokens = READ.parse(escaped(text))
    assert [one.type for one in tokens] in (["paragraph_open", "inline", "paragraph_close"], [])
    shown = text_of(inlines(tokens))
    assert "\n" not in shown
    assert seen(shown) == seen(text)


@pytest.mark.parametrize("text", ALL)
def test_escaped_text_stays_text_inside_other_text(text):
    shown = text_of(inlines(READ.parse(f"for {escaped(text)} end")))
    assert seen(shown) == seen(f"for {text} end")


@pytest.mark.parametrize("text", ALL)
@pytest.mark.parametrize("way", [plain, escaped, quoted])
def test_nothing_is_left_that_hides_or_turns_around_other_text(way, text):
    left = set(way(text)) - {JOINER, "\n", "\u200d", "\ufe0f"}
    assert [one for one in left if unicodedata.category(one) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")] == []


@pytest.mark.parametrize("text", ALL)
def test_no_sign_is_left_that_could_mean_something(text):
    assert not set(re.sub(r"\\[!-/:-@\[-`{-~]", "", escaped(text))) & set(
        "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\n"
    )


@pytest.mark.parametrize("text", ALL)
def test_a_quotation_is_one_quotation_of_text(text):
    tokens = READ.parse(f"before\n\n{quoted(text)}\n\nafter")
    assert [one.type for one in tokens].count("blockquote_open") == 1
    allowed = {
        "inline",
        *(f"{one}_{end}" for one in ("paragraph", "blockquote") for end in ("open", "close")),
    }
    assert {one.type for one in tokens} <= allowed
    inner = [one for one in tokens if one.level >= 2 and one.type == "inline"]
    shown = "\n".join(text_of(one.children) for one in inner)
    assert [seen(line) for line in shown.split("\n") if line] == [
        seen(line) for line in text.splitlines() if seen(line)
    ]


def test_the_lines_and_paragraphs_of_a_quotation_are_kept():
    assert READ.render(quoted("a\nb\n\nc")) == "<blockquote>\n<p>a<br />\nb</p>\n<p>c</p>\n</blockquote>\n"


@pytest.mark.parametrize("text", ALL)
def test_a_table_has_two_cells_in_each_row_and_text_in_each_cell(text):
    tokens = READ.parse(table([("Format", text), (text, "after")]))
    kinds = [one.type for one in tokens]
    counts = [kinds.count(one) for one in ("table_open", "tr_open", "th_open", "td_open")]
    assert counts == [1, 3, 2, 4]
    assert (
        not set(kinds)
        - {"inline"}
        - {
            f"{one}_{end}"
            for one in ("table", "thead", "tbody", "tr", "th", "td")
            for end in ("open", "close")
        }
    )
    cells = [seen(text_of(one.children)) for one in tokens if one.type == "inline"]
    assert cells == ["", "", "Format", seen(text), seen(text), "after"]


def test_a_table_of_nothing_is_nothing():
    assert table([]) == ""


@pytest.mark.parametrize("seed", range(200))
def test_no_jumble_of_signs_is_more_than_text(seed):
    text = jumble(seed)
    assert seen(text_of(inlines(READ.parse(escaped(text))))) == seen(text)
    cells = [text_of(one.children) for one in READ.parse(table([("x", text)])) if one.type == "inline"]
    assert seen("".join(cells)) == seen(f"x{text}")


@pytest.mark.parametrize("seed", range(200))
def test_no_jumble_of_signs_is_more_than_text_in_a_quotation(seed):
    text = jumble(seed)
    tokens = READ.parse(quoted(text))
    assert [one.type for one in tokens].count("blockquote_open") == 1
    assert seen(text_of(inlines(tokens))) == seen(text)


def test_the_parser_finds_what_is_not_escaped():
    """Otherwise the tests above could not fail."""
    kinds = {one.type for text in ALL for one in inlines(READ.parse(text))}
    blocks = {one.type for text in ALL for one in READ.parse(text)}
    assert {"link_open", "image", "html_inline", "code_inline", "em_open", "strong_open", "s_open"} <= kinds
    assert {"heading_open", "bullet_list_open", "ordered_list_open", "fence", "code_block", "hr"} <= blocks
    assert {"table_open", "html_block", "blockquote_open"} <= blocks
    assert [text for text in NASTY if BARE_ADDRESSES.search(text)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("  a \t b  ", "a b"),
        ("e\u0301", "\u00e9"),
        ("a\u202eb\u200bc\x00d", "abcd"),
        ("a\nb", "a b"),
        ("a\r\nb", "a b"),
        ("a\u2028b\u2029c\x85d\x0be", "a b c d e"),
        ("a\ufffeb\uffffc\U0001fffed", "abcd"),
        ("", ""),
        ("\u200b\x00", ""),
    ],
)
def test_plain_text_is_one_line_with_its_words_apart(text, line):
    assert plain(text) == line
