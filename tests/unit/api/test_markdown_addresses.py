"""Links and pictures lead where they are told to, whatever they are called."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.markdown import grid, link, picture
from tests.unit.nasty import ALL, READ, inlines, seen, text_of

ADDRESSES = [
    "https://cdn.test/1.png",
    "https://cdn.test/1.png?X-Amz-Date=b&c=d#e",
    "https://cdn.test/(1)[2]*3*_4_.png",
    "https://cdn.test/1.png)](https://evil.test",
    'https://cdn.test/1.png"title"',
    "/layers/review/card?dag_id=a&run_id=manual__2026-04-18T00%3A00%3A00%2B00%3A00&words=1",
]


@pytest.mark.parametrize("url", ADDRESSES)
@pytest.mark.parametrize("text", ALL)
def test_a_link_and_a_picture_lead_where_they_are_told_to(text, url):
    opened, *inside, closed = inlines(READ.parse(link(text, url)))
    assert (opened.type, closed.type) == ("link_open", "link_close")
    (shown,) = inlines(READ.parse(picture(text, url)))
    assert (shown.type, opened.attrs.keys(), shown.attrs.keys()) == ("image", {"href"}, {"src", "alt"})
    assert opened.attrs["href"] == shown.attrs["src"] == READ.normalizeLink(url)
    assert seen(text_of(inside)) == seen(text_of(shown.children or [])) == seen(text)


@pytest.mark.parametrize("sign", "<>\\")
def test_a_sign_that_would_end_an_address_is_written_another_way(sign):
    url = f"https://cdn.test/1{sign}2.png"
    (shown,) = inlines(READ.parse(picture("x", url)))
    assert shown.attrs["src"] == f"https://cdn.test/1%{ord(sign):02X}2.png"


def test_an_address_that_looks_like_a_letter_in_html_is_left_alone():
    (shown,) = inlines(READ.parse(picture("x", "https://cdn.test/?a=1&copy;=2")))
    assert shown.attrs["src"] == "https://cdn.test/?a=1&copy;=2"


@pytest.mark.parametrize(
    ("count", "columns", "rows"), [(1, 5, 1), (5, 5, 1), (6, 5, 2), (10, 5, 2), (3, 1, 3)]
)
def test_pictures_are_laid_out_in_rows_and_none_is_lost(count, columns, rows):
    tokens = READ.parse(grid([picture(f"{number}", f"/{number}") for number in range(count)], columns))
    kinds = [one.type for one in tokens]
    assert (kinds.count("table_open"), kinds.count("tr_open")) == (1, rows)
    found = [one.attrs["src"] for one in inlines(tokens) if one.type == "image"]
    assert found == [f"/{number}" for number in range(count)]


@pytest.mark.parametrize("text", ALL)
def test_no_name_of_a_picture_breaks_the_rows(text):
    tokens = READ.parse(f"before\n\n{grid([picture(text, '/1'), picture(text, '/2')], 2)}\n\nafter")
    assert [one.type for one in inlines(tokens)] == ["text", "image", "image", "text"]
    assert [one.type for one in tokens].count("th_open") == 2
