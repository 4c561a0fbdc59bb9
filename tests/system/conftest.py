"""A real Airflow beside an emulator of the API, both started once for all system tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider_layers.emulator import Emulator
from dev.local_airflow import LocalAirflow
from dev.releases import airflow_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dev.driving import FinishedRun

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "example_dags"
JOB_SECONDS = 3.0


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
    with LocalAirflow(name, folders, connections=connections) as running:
        yield running


@pytest.fixture
def run_dag(airflow: LocalAirflow) -> Callable[..., FinishedRun]:
    """Run a DAG to its end: ``run_dag(dag_id, conf=None, timeout=..., on_change=...)``."""
    return airflow.run_dag
