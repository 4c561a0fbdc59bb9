"""People in front of Airflow's pages, in a headless Chromium."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from dev.chromium import NONE_FOUND, find_chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from dev.local_airflow import LocalAirflow

WIDTH, HEIGHT = 1280, 900
ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    # Pages get what is on this machine, and nothing else.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


class NoBrowserError(RuntimeError):
    """There is no Chromium on this machine."""


@contextlib.contextmanager
def open_chromium() -> Iterator[Browser]:
    """Start Chromium with an empty profile, and end it afterwards.

    Until then Playwright's event loop runs in this thread, and ``asyncio.run`` cannot be called in it.
    """
    path = find_chromium()
    if path is None:
        raise NoBrowserError(NONE_FOUND)
    with sync_playwright() as playwright:
        # The sandbox refuses to work for root.
        browser = playwright.chromium.launch(
            executable_path=path, args=list(ARGUMENTS), chromium_sandbox=os.geteuid() != 0
        )
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def logged_in(browser: Browser, airflow: LocalAirflow, user: str | None = None) -> Iterator[Page]:
    """Give an empty page to a user of Airflow, who shares nothing with other pages.

    :param browser: the running browser
    :param airflow: the Airflow whose pages are to be seen
    :param user: who is logged in; the admin if nobody is named
    """
    with browser.new_context(
        base_url=airflow.address,
        viewport={"width": WIDTH, "height": HEIGHT},
        # The pages speak the reader's language, and tell the time of the reader's place.
        locale="en-US",
        timezone_id="UTC",
        reduced_motion="reduce",
    ) as context:
        credentials = {"username": user or airflow.user, "password": airflow.password}
        answer = context.request.post("/auth/token", data=credentials)
        token = str(answer.json()["access_token"])
        context.add_cookies([{"name": "_token", "value": token, "url": airflow.address}])
        yield context.new_page()
