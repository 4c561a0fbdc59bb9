"""Pictures of pages for the documentation, taken by tests when ``make screenshots`` asks for them."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

from dev.browser import HEIGHT, WIDTH
from dev.home import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

IMAGES = CHECKOUT / "docs" / "images"
COLOURS = 256


def shoot(page: Page, name: str, *, width: int = WIDTH, height: int = HEIGHT) -> Path | None:
    """Save what a window shows to ``docs/images``, if the environment says ``SCREENSHOTS=1``.

    :param page: the page; a window of another size shows more or less of it, as Airflow's pages scroll inside
    :param name: file name
    :param width: of the window
    :param height: of the window
    :return: the path of the file
    """
    if os.environ.get("SCREENSHOTS") != "1":
        return None
    page.set_viewport_size({"width": width, "height": height})
    png = page.screenshot(animations="disabled", caret="hide", scale="css")
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    path = IMAGES / name
    path.write_bytes(_small(png))
    return path


def _small(png: bytes) -> bytes:
    from PIL import Image

    picture = Image.open(io.BytesIO(png)).convert("RGB")
    saved = io.BytesIO()
    picture.quantize(COLOURS, kmeans=2).save(saved, "PNG", optimize=True)
    return saved.getvalue()
