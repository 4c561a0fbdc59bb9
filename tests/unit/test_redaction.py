"""The key is found in every form in which a response can repeat it, and ordinary text stays as it is."""

from __future__ import annotations

import json
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_layers.redaction import KeyRedactor

SECRET = "aB3_dE-6gH9_jK2mN5pQ8rS1tU4vW7xY0zA3bC6dE9f"
KEY = f"lp_live_abcdefgh234567ij_{SECRET}"
REDACTOR = KeyRedactor(KEY)


def escaped(text: str) -> str:
    """Escape every character, as JSON allows."""
    return "".join(f"\\u{ord(character):04X}" for character in text)


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (f"bad key (Bearer {KEY})", "bad key (Bearer ***)"),
        (f"X-Api-Key: {KEY}", "X-Api-Key: ***"),
        (f"https://evil.example/?key={quote(KEY)}&a=1", "https://evil.example/?key=***&a=1"),
        (f"https://{KEY.lower()}.evil.example", "https://***.evil.example"),
        (f"its secret is {SECRET}.", "its secret is ***."),
        (f"{KEY}{KEY}", "******"),
        (
            "lp_live_abcdefgh234567ij is the id of a live key",
            "lp_live_abcdefgh234567ij is the id of a live key",
        ),
    ],
)
def test_texts_and_headers(text: str, redacted: str):
    assert REDACTOR.text(text) == redacted
    assert REDACTOR.raw(text.encode()) == redacted.encode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32-be"])
@pytest.mark.parametrize("shown", [KEY, escaped(KEY), SECRET, escaped(SECRET)])
def test_json_at_any_depth(shown: str, encoding: str):
    text = f'{{"a": [1, {{"Bearer {shown}": ["x", null, "Bearer {shown}"]}}], "caption": "Caf\u00e9\\n"}}'
    found = json.loads(REDACTOR.body(text.encode(encoding)))
    assert found == {"a": [1, {"Bearer ***": ["x", None, "Bearer ***"]}], "caption": "Caf\u00e9\n"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_body_that_is_not_json(encoding: str):
    body = f"<html>{KEY}</html>".encode(encoding)
    assert REDACTOR.body(body) == b"<html>***</html>"
    nested = b"[" * 100_000 + KEY.encode()
    assert REDACTOR.body(nested).endswith(b"[***")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"\xff\x00", b'{"a": "\\u006c \\" caf\xc3\xa9"}', b'{"a": NaN, "a": 1e5}']
)
def test_a_body_without_the_key_is_returned_as_it_came(body: bytes):
    assert REDACTOR.body(body) == body


@pytest.mark.parametrize("key", ["a/b+c=d&e\"f\\g'h<i", "opaque-key-without-parts", "lp_test_1_a/b+cd"])
def test_a_key_of_another_form_is_found_quoted_and_escaped(key: str):
    redactor = KeyRedactor(key)
    texts = [key, quote(key, safe=""), quote(key, safe="").lower()]
    assert [redactor.text(text) for text in texts] == ["***"] * 3
    for shown in (json.dumps(key), json.dumps(key).replace("/", "\\/"), f'"{escaped(key)}"'):
        assert json.loads(redactor.body(f"[{shown}]".encode())) == ["***"]


@pytest.mark.parametrize("key", ["", "k", "lp_1_2_3"])
def test_a_short_secret_part_does_not_mangle_text(key: str):
    assert KeyRedactor(key).text("3 out of 10 kinds") == "3 out of 10 kinds"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([KEY, f"Bearer {KEY}", SECRET]),
    lambda items: st.lists(items) | st.dictionaries(st.text() | st.just(f"x{KEY}"), items),
)


@given(value=JSON, ascii_only=st.booleans())
def test_whatever_the_api_returns_the_key_is_not_in_it(value, ascii_only):
    content = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    body = REDACTOR.body(content)
    assert SECRET not in json.dumps(json.loads(body), ensure_ascii=False)
    if SECRET.encode() not in content:
        assert json.loads(body) == value


def test_errors_are_searched_with_all_that_they_came_from():
    error = KeyError("outer")
    error.__context__ = ValueError("middle")
    error.__context__.__cause__ = OSError(f"inner {KEY}".encode())
    assert REDACTOR.is_in(error)
    error.__context__.__cause__.__context__ = error
    error.__context__.__cause__.args = ("inner",)
    assert not REDACTOR.is_in(error)


def test_the_key_is_in_no_repr():
    assert SECRET not in repr(REDACTOR)


def test_a_large_list_costs_little():
    row = {"id": "cnt_1", "status": "completed", "caption": "Line\nbreak \u00e9", "n": 1.5, "none": None}
    content = json.dumps({"items": [row] * 10_000}, ensure_ascii=False).encode()
    begin = time.perf_counter()
    json.loads(content)
    parsed = time.perf_counter()
    assert REDACTOR.body(content) is content
    assert time.perf_counter() - parsed < parsed - begin
