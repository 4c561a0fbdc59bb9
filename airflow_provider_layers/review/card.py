"""
The card of a review: an SVG image of the version that the task asks about now.

It is an image because Airflow never changes the body of a question, and shows images in it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from airflow_provider_layers.review.markdown import plain_line

if TYPE_CHECKING:
    from airflow_provider_layers.review.preview import ContentPreview

WIDTH, MARGIN = 300, 14
"""Pixels. Airflow scales wider images down to this, which makes their text hard to read."""

LINE_LENGTH = 34
"""Characters that fit in a line. Wide scripts may overflow; the tab of the task has their text, too."""

STYLE = (
    "text{font:13px system-ui,'Helvetica Neue',Arial,sans-serif;fill:#1a1a2e}"
    ".h{font-weight:700;font-size:20px}.n{font-weight:600;fill:#8a2c0d}.w{font-weight:600;fill:#5b5b73}"
)
HEADLINE, NOTICE, LABEL, TEXT = "h", "n", "w", ""


@dataclass(frozen=True)
class _Line:
    text: str
    style: str = TEXT

    @property
    def height(self) -> int:
        return {HEADLINE: 28, LABEL: 26}.get(self.style, 18)


def render_card(
    previews: Sequence[ContentPreview], *, version: int, body_version: int, notice: str | None = None
) -> str:
    """
    Return the card as SVG.

    :param previews: the containers that wait for a decision
    :param version: the version that is asked about now
    :param body_version: the version whose captions are in the body of the question
    :param notice: why the last answer was not carried out
    """
    lines = [_Line(f"Version {version}", HEADLINE), *_wrapped(notice, NOTICE)]
    if version == body_version:
        lines += _wrapped("The captions below belong to this version.")
    else:
        lines += _wrapped(
            f"Set the field Version to {version} before you answer. The captions below the pictures belong "
            f"to version {body_version}; these count:",
            NOTICE,
        )
        lines += _texts(previews)
    return _draw(lines)


def error_card(text: str) -> str:
    """Return a card that only says why the version cannot be shown."""
    return _draw(_wrapped(text, NOTICE))


def _draw(lines: Sequence[_Line]) -> str:
    height = 2 * MARGIN + sum(line.height for line in lines)
    bottom, drawn = MARGIN, []
    for line in lines:
        bottom += line.height
        style = f' class="{line.style}"' if line.style else ""
        drawn.append(f'<text x="{MARGIN}" y="{bottom - 5}"{style}>{escape(plain_line(line.text))}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}"><style>{STYLE}</style>'
        f'<rect width="{WIDTH}" height="{height}" rx="14" fill="#f6f4ff"/>'
        f'<rect width="6" height="{height}" rx="3" fill="#6b4eff"/>{"".join(drawn)}</svg>'
    )


def _texts(previews: Sequence[ContentPreview]) -> Iterator[_Line]:
    for number, preview in enumerate(previews, start=1):
        if len(previews) > 1:
            yield _Line(f"{number} of {len(previews)}", HEADLINE)
        labeled = [
            ("Hook", preview.hook),
            *((f"Caption {caption.platform or ''}", caption.text) for caption in preview.captions),
            ("First comment", preview.first_comment),
        ]
        for label, text in labeled:
            if text:
                yield _Line(label, LABEL)
                for paragraph in text.splitlines():
                    yield from _wrapped(paragraph)
        yield _Line(preview.format or "Content", LABEL)
        yield from _wrapped(preview.container_id)


def _wrapped(text: str | None, style: str = TEXT) -> list[_Line]:
    lines = textwrap.wrap(plain_line(text or ""), LINE_LENGTH, break_on_hyphens=False)
    return [_Line(line, style) for line in lines]
