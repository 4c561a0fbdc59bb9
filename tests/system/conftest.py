"""A real Airflow and emulators of the API, started once for all system tests.

The emulators' clocks are frozen: a job ends when a test moves the clock, after it has seen whatever must be
seen while the job is running. So no test depends on the speed of the machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider_layers.emulator import Emulator
from dev.local_airflow import LocalAirflow
from dev.releases import airflow_version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "example_dags"
JOB_SECONDS = 60.0
# Users of Airflow besides the admin, and their roles.
USERS = {"viewer": "viewer", "nobody": ""}


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """The API behind the connection ``layers_default``."""
    with Emulator(clock="frozen", job_seconds=JOB_SECONDS, tier="unlimited") as running:
        yield running


@pytest.fixture(scope="session")
def link_emulator() -> Iterator[Emulator]:
    """The API behind the connection ``layers_links``."""
    with Emulator(clock="frozen", job_seconds=JOB_SECONDS, tier="unlimited") as running:
        yield running


@pytest.fixture(scope="session")
def airflow(emulator: Emulator, link_emulator: Emulator) -> Iterator[LocalAirflow]:
    """A running Airflow with the example DAGs and the DAGs of the system tests."""
    connections = {
        "layers_default": emulator.airflow_connection_json,
        "layers_links": link_emulator.airflow_connection_json,
    }
    name = f"system-{airflow_version()}"
    with LocalAirflow(name, [EXAMPLES, HERE / "dags"], connections=connections, users=USERS) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. It is closed after each module: until then nothing else here can call ``asyncio.run``."""
    from dev.browser import NOT_FOUND, find_chromium, is_required, open_chromium

    if find_chromium() is None:
        (pytest.fail if is_required() else pytest.skip)(NOT_FOUND)
    with open_chromium() as running:
        yield running
