"""A picture of what a review asks about now, for a question whose own words Airflow never changes again."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from airflow_provider_layers.api.markdown import plain

if TYPE_CHECKING:
    from airflow_provider_layers.api.exhibit import Exhibit

WIDTH, MARGIN = 300, 14
"""Pixels. Airflow shows no picture wider than this."""

LETTERS = 34
"""Letters in a line; wider scripts may run over the edge, and the tab of the task has them as text."""

STYLE = (
    "text{font:13px system-ui,'Helvetica Neue',Arial,sans-serif;fill:#1a1a2e}"
    ".h{font-weight:700;font-size:20px}.n{font-weight:600;fill:#8a2c0d}.w{font-weight:600;fill:#5b5b73}"
)


@dataclass(frozen=True)
class Line:
    """
    A line of a card.

    :param text: plain text
    :param kind: ``h`` for a headline, ``n`` for a notice, ``w`` for what the next lines are, else empty
    """

    text: str
    kind: str = ""

    @property
    def height(self) -> int:
        """Pixels that it takes."""
        return {"h": 28, "w": 26}.get(self.kind, 18)


def card(exhibits: Sequence[Exhibit], *, take: int, words: int, notice: str | None = None) -> str:
    """
    Draw a card as SVG.

    :param exhibits: what is asked about now
    :param take: its number
    :param words: number of the take that the words of the question are about
    :param notice: what went wrong with the last answer
    """
    lines = list(_lines(exhibits, take=take, words=words, notice=notice))
    height = 2 * MARGIN + sum(line.height for line in lines)
    top, drawn = MARGIN, []
    for line in lines:
        top += line.height
        kind = f' class="{line.kind}"' if line.kind else ""
        drawn.append(f'<text x="{MARGIN}" y="{top - 5}"{kind}>{escape(plain(line.text))}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}"><style>{STYLE}</style>'
        f'<rect width="{WIDTH}" height="{height}" rx="14" fill="#f6f4ff"/>'
        f'<rect width="6" height="{height}" rx="3" fill="#6b4eff"/>{"".join(drawn)}</svg>'
    )


def apology(text: str) -> str:
    """
    Draw a card that says why there is none.

    :param text: why
    """
    return card((), take=0, words=0, notice=text)


def _lines(exhibits: Sequence[Exhibit], *, take: int, words: int, notice: str | None) -> Iterator[Line]:
    if take:
        yield Line(f"Take {take}", "h")
    for text in _wrapped(notice or ""):
        yield Line(text, "n")
    if take == words:
        if take:
            yield Line("The words below belong to it.")
        return
    for text in _wrapped(
        f"Set the field Take to {take} before you answer. The words below the pictures are those of take "
        f"{words}; these count:"
    ):
        yield Line(text, "n")
    for number, one in enumerate(exhibits, start=1):
        if len(exhibits) > 1:
            yield Line(f"{number} of {len(exhibits)}", "h")
        yield from _said(one)


def _said(one: Exhibit) -> Iterator[Line]:
    texts = [("Hook", one.hook), ("First comment", one.first_comment)]
    texts[1:1] = [(f"Caption {caption.platform or ''}".strip(), caption.text) for caption in one.captions]
    for name, text in texts:
        if text:
            yield Line(name, "w")
            for paragraph in text.splitlines():
                yield from (Line(line) for line in _wrapped(paragraph))
    yield Line(one.format or "Content", "w")
    yield from (Line(line) for line in _wrapped(one.container_id))


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(plain(text), LETTERS, break_on_hyphens=False)
