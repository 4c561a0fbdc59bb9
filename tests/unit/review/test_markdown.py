"""Untrusted text stays text in Markdown, and links lead to their URL."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_layers.review.markdown import (
    WORD_JOINER,
    escape,
    grid,
    image,
    link,
    plain_line,
    quote,
    table,
)
from tests.unit.review.hostile_text import BARE_URL, HOSTILE, PARSER, inline_tokens, text_of, visible

MARKS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
URLS = [
    "https://cdn.test/1.png",
    "https://cdn.test/1.png?X-Amz-Date=b&c=d#e",
    "https://cdn.test/(1)[2]*3*_4_.png",
    "https://cdn.test/1.png)](https://evil.test",
    'https://cdn.test/1.png"title"',
    "https://cdn.test/a|b.png",
    "https://cdn.test/<1>.png",
    "https://cdn.test/a\\_b\\",
    "https://cdn.test/?a=1&copy;=2",
    "/layers/review/card?dag_id=a&run_id=manual__2026-04-18T00%3A00%3A00%2B00%3A00&version=1",
]


def blocks(tokens):
    return [token.type for token in tokens]


def check_escape(text):
    tokens = PARSER.parse(escape(text))
    assert blocks(tokens) in (["paragraph_open", "inline", "paragraph_close"], [])
    assert "\n" not in text_of(inline_tokens(tokens))
    assert visible(text_of(inline_tokens(tokens))) == visible(text)
    inside = text_of(inline_tokens(PARSER.parse(f"for {escape(text)} end")))
    assert visible(inside) == visible(f"for {text} end")
    assert not set(re.sub(r"\\[!-/:-@\[-`{-~]", "", escape(text))) & set(MARKS)


def check_hidden_characters(text):
    for rendered in (plain_line(text), escape(text), quote(text)):
        characters = set(rendered) - {WORD_JOINER, "\n", "\u200d", "\ufe0f"}
        kinds = {unicodedata.category(character) for character in characters}
        assert not kinds & {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


def check_quote(text):
    tokens = PARSER.parse(f"before\n\n{quote(text)}\n\nafter")
    assert blocks(tokens).count("blockquote_open") == 1
    assert {kind.rpartition("_")[0] for kind in blocks(tokens)} <= {"", "paragraph", "blockquote"}
    inside = [token for token in tokens if token.level >= 2 and token.type == "inline"]
    lines = "\n".join(text_of(token.children) for token in inside).split("\n")
    assert [visible(line) for line in lines if line] == [
        visible(line) for line in text.splitlines() if visible(line)
    ]


def check_table(text):
    tokens = PARSER.parse(table([("Format", text), (text, "after")]))
    counts = [blocks(tokens).count(kind) for kind in ("table_open", "tr_open", "th_open", "td_open")]
    assert counts == [1, 3, 2, 4]
    kinds = {kind.rpartition("_")[0] for kind in blocks(tokens)}
    assert kinds == {"", "table", "thead", "tbody", "tr", "th", "td"}
    cells = [visible(text_of(token.children)) for token in tokens if token.type == "inline"]
    assert cells == ["", "", "Format", visible(text), visible(text), "after"]


def check_link(text, url="https://cdn.test/1.png"):
    opening, *inside, closing = inline_tokens(PARSER.parse(link(text, url)))
    assert (opening.type, closing.type, opening.attrs.keys()) == ("link_open", "link_close", {"href"})
    assert opening.attrs["href"] == PARSER.normalizeLink(url)
    assert visible(text_of(inside)) == visible(text)


def check_image(text, url="https://cdn.test/1.png"):
    (token,) = inline_tokens(PARSER.parse(image(text, url)))
    assert (token.type, token.attrs.keys()) == ("image", {"src", "alt"})
    assert token.attrs["src"] == PARSER.normalizeLink(url)
    assert visible(text_of(token.children or [])) == visible(text)


def check_grid(text, url="https://cdn.test/1.png"):
    tokens = PARSER.parse(f"before\n\n{grid([image(text, url), image(text, url)], 2)}\n\nafter")
    assert [token.type for token in inline_tokens(tokens)] == ["text", "image", "image", "text"]
    assert blocks(tokens).count("th_open") == 2


CHECKS = [
    check_escape,
    check_hidden_characters,
    check_quote,
    check_table,
    check_link,
    check_image,
    check_grid,
]


@pytest.mark.parametrize("check", CHECKS)
def test_text_that_looks_like_markup_stays_text(check):
    for text in HOSTILE:
        check(text)


@pytest.mark.parametrize("check", [check_link, check_image, check_grid])
def test_links_and_images_lead_to_their_url(check):
    for url in URLS:
        for text in ("x", "[x](y)", "a | b", "\\"):
            check(text, url)


HOSTILE_PARTS = st.sampled_from(
    [*MARKS, " ", "\t", "\n", "\r", "http://x.test", "www.x.test", "a@x.test", "ab"]
)


@given(st.lists(st.one_of(HOSTILE_PARTS, st.text(max_size=3)), max_size=20).map("".join))
@settings(max_examples=150, deadline=None)
def test_no_text_escapes_the_markdown(text):
    for check in CHECKS:
        check(text)


def test_the_parser_finds_markup_that_is_not_escaped():
    """Otherwise the tests above could not fail."""
    inline = {token.type for text in HOSTILE for token in inline_tokens(PARSER.parse(text))}
    block = {kind for text in HOSTILE for kind in blocks(PARSER.parse(text))}
    assert {"link_open", "image", "html_inline", "code_inline", "em_open", "strong_open", "s_open"} <= inline
    assert {"heading_open", "bullet_list_open", "ordered_list_open", "fence", "code_block", "hr"} <= block
    assert {"table_open", "html_block", "blockquote_open"} <= block
    assert [text for text in HOSTILE if BARE_URL.search(text)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("  a \t b  ", "a b"),
        ("e\u0301", "\u00e9"),
        ("a\u202eb\u200bc\x00d", "abcd"),
        ("a\nb\r\nc", "a b c"),
        ("a\u2028b\u2029c\x85d\x0be", "a b c d e"),
        ("a\ufffeb\uffffc\U0001fffed", "abcd"),
        ("\u200b\x00", ""),
    ],
)
def test_a_plain_line_keeps_words_apart_and_drops_hidden_characters(text, line):
    assert plain_line(text) == line


def test_a_quote_keeps_lines_and_paragraphs():
    html = "<blockquote>\n<p>a<br />\nb</p>\n<p>c</p>\n</blockquote>\n"
    for separator in ("\n", "\r\n", "\u2028", "\u2029"):
        assert PARSER.render(quote(f"a{separator}b{separator}{separator}c")) == html


def test_a_table_without_rows_is_empty():
    assert table([]) == ""


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 5, 1), (5, 5, 1), (6, 5, 2), (3, 1, 3)])
def test_a_grid_shows_every_cell(count, columns, rows):
    tokens = PARSER.parse(grid([image(f"{number}", f"/{number}") for number in range(count)], columns))
    assert (blocks(tokens).count("table_open"), blocks(tokens).count("tr_open")) == (1, rows)
    sources = [token.attrs["src"] for token in inline_tokens(tokens) if token.type == "image"]
    assert sources == [f"/{number}" for number in range(count)]
