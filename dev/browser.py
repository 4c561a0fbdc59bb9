"""Chromium on this machine: find or install it, open Airflow's pages in it, and save screenshots of them.

``python -m dev.browser`` installs it.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from dev import CHECKOUT
from dev.system_packages import install_packages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from dev.local_airflow import LocalAirflow

PATH_VARIABLE = "CHROMIUM"
COMMANDS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
# Chromium requires no particular fonts. These have the widths of those that pages name, and the emoji.
PACKAGES = ("chromium", "fonts-liberation", "fonts-noto-color-emoji")
NOT_FOUND = (
    "Chromium was not found, and the browser tests need it. On Debian: "
    f"sudo apt-get install --no-install-recommends {' '.join(PACKAGES)}. "
    f"Elsewhere install Chromium or Chrome, or give its path: {PATH_VARIABLE}=/path/to/chrome make test-all"
)
WIDTH, HEIGHT = 1280, 900
# Milliseconds; generous, because a page waits for an api-server on a machine that may be busy.
PAGE_TIMEOUT = 120_000
ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    # Pages reach this machine only.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
IMAGES = CHECKOUT / "docs" / "images"
PALETTE_SIZE = 256


class BrowserNotFoundError(RuntimeError):
    """There is no Chromium on this machine."""


def find_chromium() -> str | None:
    """Return the path of Chromium or Chrome, or None. The environment variable CHROMIUM comes first."""
    path = os.environ.get(PATH_VARIABLE)
    return next(filter(None, map(shutil.which, [path] if path else COMMANDS)), None)


def is_required() -> bool:
    """Return whether tests fail without a browser: on CI, where skipped tests are easily overlooked."""
    return bool(os.environ.get("CI")) or os.environ.get("LAYERS_BROWSER") == "required"


@contextlib.contextmanager
def open_chromium() -> Iterator[Browser]:
    """Start Chromium with an empty profile, and close it afterwards.

    Until then Playwright's event loop runs in this thread, and ``asyncio.run`` cannot be called in it.
    """
    path = find_chromium()
    if path is None:
        raise BrowserNotFoundError(NOT_FOUND)
    with sync_playwright() as playwright:
        # The sandbox does not work for root.
        browser = playwright.chromium.launch(
            executable_path=path,
            args=list(ARGUMENTS),
            chromium_sandbox=os.geteuid() != 0,
            timeout=PAGE_TIMEOUT,
        )
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def logged_in(browser: Browser, airflow: LocalAirflow, user: str | None = None) -> Iterator[Page]:
    """Open an empty page in a new browser context in which a user is logged in to Airflow.

    :param browser: the running browser
    :param airflow: the Airflow to log in to
    :param user: name of the user; the admin by default
    """
    with browser.new_context(
        base_url=airflow.url,
        viewport={"width": WIDTH, "height": HEIGHT},
        # Texts and times on the pages depend on the reader's language and time zone.
        locale="en-US",
        timezone_id="UTC",
        reduced_motion="reduce",
    ) as context:
        context.set_default_timeout(PAGE_TIMEOUT)
        credentials = {"username": user or airflow.user, "password": airflow.password}
        response = context.request.post("/auth/token", data=credentials, timeout=PAGE_TIMEOUT)
        token = str(response.json()["access_token"])
        context.add_cookies([{"name": "_token", "value": token, "url": airflow.url}])
        yield context.new_page()


def save_screenshot(page: Page, name: str, *, width: int = WIDTH, height: int = HEIGHT) -> None:
    """Save the window to ``docs/images`` if the environment has ``SCREENSHOTS=1`` (``make screenshots``).

    :param page: the page; Airflow's pages scroll inside the window, so its size decides what is visible
    :param name: file name
    :param width: width of the window
    :param height: height of the window
    """
    if os.environ.get("SCREENSHOTS") != "1":
        return
    page.set_viewport_size({"width": width, "height": height})
    png = page.screenshot(animations="disabled", caret="hide", scale="css")
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    (IMAGES / name).write_bytes(_compressed(png))


def _compressed(png: bytes) -> bytes:
    # Pillow comes with the benchmarks' dependencies, which the tests do without.
    from PIL import Image

    image = Image.open(io.BytesIO(png)).convert("RGB")
    output = io.BytesIO()
    image.quantize(PALETTE_SIZE, kmeans=2).save(output, "PNG", optimize=True)
    return output.getvalue()


def main() -> None:
    """Install a browser if there is none, or print how to get one."""
    if find_chromium() is None and not os.environ.get(PATH_VARIABLE):
        install_packages(*PACKAGES)
    if find_chromium() is None:
        print(NOT_FOUND, file=sys.stderr)


if __name__ == "__main__":
    main()
