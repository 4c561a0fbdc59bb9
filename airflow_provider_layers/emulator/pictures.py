"""Slides and posters of generated content: SVG, 9:16, drawn at each request, without external resources."""

from __future__ import annotations

from hashlib import blake2b
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.entities import Asset

WIDTH, HEIGHT = 1080, 1920
_FONT = "system-ui, 'Helvetica Neue', Arial, sans-serif"
_MAX_LINES = 9


def draw_asset(asset: Asset) -> str:
    """Return the picture of *asset* as an SVG document.

    The first slide shows the hook in large letters; the others show a line, with the hook above it. The
    colors follow from container and version, so that every version is recognizable.
    """
    digest = blake2b(f"{asset.container}/{asset.version}".encode(), digest_size=2).digest()
    hue = int.from_bytes(digest, "big") % 360
    line = asset.line or asset.hook
    size, lines = _fit(line)
    top = HEIGHT / 2 - (len(lines) - 1) * size * 0.62
    words = "".join(
        f'<text x="{WIDTH // 2}" y="{top + index * size * 1.24:.0f}">{_escape(text)}</text>'
        for index, text in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}">'
        f"<title>{_escape(asset.hook)}</title>{_background(hue)}{_marks(asset)}"
        f'<g font-family="{_FONT}" font-weight="800" font-size="{size}" fill="#fff" text-anchor="middle" '
        f'dominant-baseline="middle" style="paint-order:stroke" stroke="#000" stroke-opacity=".3" '
        f'stroke-width="8">{words}</g></svg>'
    )


def wrap(text: str, width: int) -> list[str]:
    """Return *text* in lines of at most *width* letters; line breaks are kept, long words are cut."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        line = ""
        for word in _cut(paragraph.split(), width):
            if line and len(line) + 1 + len(word) > width:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}".strip()
        lines.append(line)
    return [line for line in lines if line] or [""]


def _cut(words: list[str], width: int) -> list[str]:
    return [word[begin : begin + width] for word in words for begin in range(0, len(word), width)]


def _fit(text: str) -> tuple[int, list[str]]:
    # In wide fonts a letter takes 0.69 of the size; no line may reach past the edges.
    for size, width in ((92, 16), (74, 20), (54, 27), (40, 36)):
        lines = wrap(text, width)
        if len(lines) <= _MAX_LINES:
            return size, lines
    return 40, [*lines[: _MAX_LINES * 2], "…"]


def _background(hue: int) -> str:
    second = (hue + 55) % 360
    return (
        f'<defs><linearGradient id="g" x1="0" y1="0" x2="1" y2="1">'
        f'<stop offset="0" stop-color="hsl({hue},72%,46%)"/>'
        f'<stop offset="1" stop-color="hsl({second},78%,24%)"/></linearGradient></defs>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="url(#g)"/>'
        f'<circle cx="930" cy="240" r="420" fill="#fff" opacity=".08"/>'
        f'<circle cx="120" cy="1720" r="520" fill="#000" opacity=".12"/>'
    )


def _marks(asset: Asset) -> str:
    style = f'font-family="{_FONT}" fill="#fff" text-anchor="middle"'
    if asset.kind == "video":
        return (
            '<g fill="#fff" opacity=".9"><circle cx="540" cy="1500" r="92" opacity=".25"/>'
            '<path d="M512 1446v108l92-54z"/></g>'
        )
    middle = WIDTH // 2
    dots = "".join(
        f'<circle cx="{middle + (index - (asset.slides - 1) / 2) * 44:.0f}" cy="1790" r="11" fill="#fff" '
        f'opacity="{1 if index + 1 == asset.slide else 0.35}"/>'
        for index in range(asset.slides)
    )
    number = f'<text x="{middle}" y="1740" {style} font-size="38">{asset.slide} / {asset.slides}</text>'
    if not asset.line:
        return dots + number
    above = "".join(
        f'<text x="{middle}" y="{190 + index * 56}" {style} font-size="44">{_escape(text)}</text>'
        for index, text in enumerate(wrap(asset.hook, 40)[:4])
    )
    return dots + number + above


def _escape(text: str) -> str:
    # Characters that XML does not allow would make the whole picture unreadable.
    return escape(
        "".join(
            letter for letter in text if letter in "\t\n" or (letter >= " " and letter not in "\ufffe\uffff")
        )
    )
