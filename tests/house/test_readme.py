"""What the README shows works."""

from __future__ import annotations

import re

import pytest

from tests.house.source import CHECKOUT

README = (CHECKOUT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)[^\n]*\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language in ("python", "py")]


def first_line(text: str) -> str:
    return text.strip().splitlines()[0][:60]


def test_there_is_python_to_read():
    assert PYTHON


def test_every_block_says_its_language():
    assert [first_line(text) for language, text in BLOCKS if not language] == []


@pytest.mark.parametrize("code", PYTHON, ids=first_line)
def test_python_runs(code):
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


def test_every_make_target_that_it_names_is_there():
    targets = set(re.findall(r"^([a-z0-9.-]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    code = [text for _, text in BLOCKS] + re.findall(r"`([^`\n]+)`", README)
    named = {name for text in code for name in re.findall(r"\bmake ([a-z][a-z0-9.-]*)", text)}
    assert named - targets == set()


def test_every_file_that_it_links_to_is_there():
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", README)
    local = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in local if not (CHECKOUT / link).exists()] == []
