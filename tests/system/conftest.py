"""A real Airflow beside an emulator of the API, both started once for all system tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider_layers.emulator import Emulator
from dev.chromium import NONE_FOUND, find_chromium, is_required
from dev.local_airflow import LocalAirflow
from dev.releases import airflow_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

    from dev.airflow_client import FinishedRun

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "example_dags"
JOB_SECONDS = 3.0
# Users of Airflow besides the admin, and their roles.
USERS = {"viewer": "viewer", "nobody": ""}


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """The API, played in this process by the real clock, with jobs of a few seconds."""
    with Emulator(job_seconds=JOB_SECONDS, tier="partner") as api:
        yield api


@pytest.fixture(scope="session")
def airflow(emulator: Emulator) -> Iterator[LocalAirflow]:
    """A running Airflow with the example DAGs and the DAGs of the system tests, connected to the emulator."""
    connections = {"layers_default": emulator.airflow_connection_json}
    folders = [folder for folder in (EXAMPLES, HERE / "dags") if folder.is_dir()]
    name = f"system-{airflow_version()}"
    with LocalAirflow(name, folders, connections=connections, users=USERS) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. It ends with each module: as long as it runs, nothing else here can call ``asyncio.run``."""
    from dev.browser import open_chromium

    if find_chromium() is None:
        (pytest.fail if is_required() else pytest.skip)(NONE_FOUND)
    with open_chromium() as running:
        yield running


@pytest.fixture
def run_dag(airflow: LocalAirflow) -> Callable[..., FinishedRun]:
    """Run a DAG to its end: ``run_dag(dag_id, conf=None, timeout=..., on_change=...)``."""
    return airflow.run_dag
