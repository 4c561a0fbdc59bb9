"""Markdown around untrusted text: the text is shown as it is and never becomes markup."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")

HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs"})
"""Unicode categories of control, format, private and surrogate characters."""

EMOJI_JOINERS = frozenset("\u200d\ufe0f")

WORD_JOINER = "\u2060"
"""Has no width. Renderers turn bare URLs into links even where every mark is escaped; this prevents it."""

AUTOLINKS = re.compile(r"(?i)(?<=:)(?=//)|(?<=www)(?=\.)|(?<=[^\s@])(?=@[^\s@])")


def plain_line(text: str) -> str:
    """Return text on a single line, without characters that hide or reorder other characters."""
    words = unicodedata.normalize("NFC", " ".join(text.split()))
    return " ".join("".join(filter(_is_visible, words)).split())


def escape(text: str) -> str:
    """Return Markdown that shows text literally, on a single line."""
    return PUNCTUATION.sub(r"\\\1", AUTOLINKS.sub(WORD_JOINER, plain_line(text)))


def quote(text: str) -> str:
    """Return text of any number of lines as a block quote."""
    lines = [escape(line) for line in text.splitlines()] or [""]
    # A backslash breaks the line; at the end of a paragraph it would be shown.
    breaks = ["\\" if line and after else "" for line, after in zip(lines, [*lines[1:], ""], strict=True)]
    return "\n".join(f"> {line}{end}".rstrip(" ") for line, end in zip(lines, breaks, strict=True))


def image(alt: str, url: str) -> str:
    """Return an image with an alternative text."""
    return f"![{escape(alt)}]({_destination(url)})"


def link(text: str, url: str) -> str:
    """Return a link with an escaped text."""
    return f"[{escape(text)}]({_destination(url)})"


def grid(cells: Sequence[str], columns: int) -> str:
    """
    Lay Markdown out in columns, as a table: outside of tables, images are shown one below the other.

    :param cells: Markdown of one line each, at least one
    """
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    first, *rest = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([first, "|" + "---|" * len(rows[0]), *rest])


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Return a table of two columns without a header, or an empty string for no rows."""
    lines = [f"| {escape(name)} | {escape(text)} |" for name, text in rows]
    return "\n".join(["| | |", "|---|---|", *lines]) if lines else ""


def _destination(url: str) -> str:
    # These end the destination, escape the next character, or end a table cell.
    for character in "<>\\|":
        url = url.replace(character, f"%{ord(character):02X}")
    # Entities such as `&copy` are decoded in destinations, too.
    return f"<{url.replace('&', '&amp;')}>"


def _is_visible(character: str) -> bool:
    if character in EMOJI_JOINERS:
        return True
    # The last two code points of each plane are no characters, and are not allowed in XML.
    is_noncharacter = ord(character) & 0xFFFE == 0xFFFE
    return unicodedata.category(character) not in HIDDEN_CATEGORIES and not is_noncharacter
