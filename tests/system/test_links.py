"""The link to a job, in a real Airflow, while somebody would click on it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from dev.airflow_client import FINISHED, wait_for_dag

if TYPE_CHECKING:
    from airflow_provider_layers.emulator import Emulator
    from dev.airflow_client import TaskRow
    from dev.local_airflow import LocalAirflow

DAG_ID = "links_check"
# Each task instance, and the state in which its link is looked at.
LOOKS = {
    "running": "running",
    "deferred": "deferred",
    "mapped[0]": "deferred",
    "mapped[1]": "deferred",
    "failed": "failed",
}


@pytest.fixture(scope="module")
def seen(airflow: LocalAirflow, emulator: Emulator) -> dict[str, str]:
    """Look at each link until it is there, as long as its task is in the state that is asked for."""
    emulator.outcome("completed", kind="content_generate", times=len(LOOKS), job_seconds=15)
    driver = airflow.driver
    wait_for_dag(driver, DAG_ID)
    driver.unpause(DAG_ID)
    run_id = driver.trigger(DAG_ID, {"project_id": emulator.project_id})
    found: dict[str, str] = {}
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and driver.run_state(DAG_ID, run_id) not in FINISHED:
        for row in driver.task_rows(DAG_ID, run_id):
            if (
                row.label not in found
                and row.state == LOOKS.get(row.label)
                and (url := link(airflow, run_id, row))
            ):
                found[row.label] = url
        time.sleep(0.2)
    for row in driver.task_rows(DAG_ID, run_id):
        if row.label not in found and row.state == LOOKS.get(row.label):
            found[row.label] = link(airflow, run_id, row)
    return found


def link(airflow: LocalAirflow, run_id: str, row: TaskRow) -> str:
    return airflow.driver.links(DAG_ID, run_id, row.task_id, row.map_index).get("Layers job") or ""


@pytest.mark.airflow3
@pytest.mark.parametrize(("label", "state"), LOOKS.items())
def test_the_link_of_a_job_is_there(seen: dict[str, str], emulator: Emulator, label: str, state: str) -> None:
    jobs = {f"{emulator.url}/v1/jobs/{job.job_id}" for job in emulator.jobs()}
    assert seen.get(label) in jobs, f"while {state}"


@pytest.mark.airflow3
def test_each_task_instance_has_a_link_of_its_own(seen: dict[str, str]) -> None:
    assert len(set(seen.values())) == len(LOOKS)
