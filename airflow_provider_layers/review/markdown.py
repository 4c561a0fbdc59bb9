"""Markdown around text that somebody else wrote: the text stays text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")

HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})

JOINER = "\u2060"
"""Has no width. Renderers make links of bare addresses whatever is escaped, and this stops them."""

AUTOLINKS = re.compile(r"(?i)(?<=:)(?=//)|(?<=www)(?=\.)|(?<=[^\s@])(?=@[^\s@])")


def plain(text: str) -> str:
    """
    Give text in one line, without what could hide or turn around other text.

    :param text: from the API
    """
    words = unicodedata.normalize("NFC", " ".join(text.split()))
    return " ".join("".join(filter(_shows, words)).split())


def escaped(text: str) -> str:
    """
    Give one line of text as Markdown that shows it as it is.

    :param text: from the API
    """
    return PUNCTUATION.sub(r"\\\1", AUTOLINKS.sub(JOINER, plain(text)))


def quoted(text: str) -> str:
    """
    Give text of any number of lines as a quotation.

    :param text: from the API
    """
    lines = [escaped(line) for line in text.replace("\r\n", "\n").splitlines()] or [""]
    # A line is broken only before another one of the same paragraph.
    breaks = ["\\" if line and after else "" for line, after in zip(lines, [*lines[1:], ""], strict=True)]
    return "\n".join(f"> {line}{end}".rstrip(" ") for line, end in zip(lines, breaks, strict=True))


def picture(words: str, url: str) -> str:
    """
    Show a picture.

    :param words: for those who cannot see it
    :param url: an address that :func:`airflow_provider_layers.api.exhibit.address` gave
    """
    return f"![{escaped(words)}]({_destination(url)})"


def link(words: str, url: str) -> str:
    """
    Make a link.

    :param words: what to click on
    :param url: an address that :func:`airflow_provider_layers.api.exhibit.address` gave
    """
    return f"[{escaped(words)}]({_destination(url)})"


def grid(cells: Sequence[str], columns: int) -> str:
    """
    Lay Markdown out in columns; pictures are next to each other only in a table.

    :param cells: each the Markdown of one line
    :param columns: how many are next to each other
    """
    rows = [cells[place : place + columns] for place in range(0, len(cells), columns)]
    first, *rest = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([first, "|" + "---|" * len(rows[0]), *rest])


def table(rows: Iterable[tuple[str, str]]) -> str:
    """
    Make a table of two columns.

    :param rows: names and texts, both from anywhere
    """
    lines = [f"| {escaped(name)} | {escaped(text)} |" for name, text in rows]
    return "\n".join(["| | |", "|---|---|", *lines]) if lines else ""


def _destination(url: str) -> str:
    for letter in "<>\\":
        url = url.replace(letter, f"%{ord(letter):02X}")
    # Markdown reads names of characters here, too.
    return f"<{url.replace('&', '&amp;')}>"


def _shows(letter: str) -> bool:
    # Not control and format characters, such as those that turn the direction of writing, nor those that are
    # no characters at all and make XML invalid; joiners make emoji.
    if letter in "\u200d\ufe0f":
        return True
    return unicodedata.category(letter) not in HIDDEN and ord(letter) & 0xFFFE != 0xFFFE
