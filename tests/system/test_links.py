"""The link to a job, in a real Airflow, in every state in which a user may click on it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from dev.airflow_client import POLL_INTERVAL, WAIT_TIMEOUT, start_run, wait_for_task
from tests.system.conftest import JOB_SECONDS

if TYPE_CHECKING:
    from airflow_provider_layers.emulator import Emulator
    from dev.local_airflow import LocalAirflow

pytestmark = pytest.mark.airflow3

DAG_ID = "links_check"
# The state in which the link of each task instance is read.
STATES = {
    "running": "running",
    "deferred": "deferred",
    "mapped[0]": "deferred",
    "mapped[1]": "deferred",
    "failed": "failed",
}


def test_the_link_leads_to_the_job_in_every_state(airflow: LocalAirflow, link_emulator: Emulator) -> None:
    run_id = start_run(airflow.client, DAG_ID, {"project_id": link_emulator.project_id})
    links = {label: wait_for_link(airflow, run_id, label) for label in STATES}
    # The jobs have been running all the time, so the tasks are still in these states.
    rows = airflow.client.task_rows(DAG_ID, run_id)
    assert {row.label: row.state for row in rows} == STATES
    jobs = {f"{link_emulator.url}/v1/jobs/{job.job_id}" for job in link_emulator.jobs()}
    assert sorted(links.values()) == sorted(jobs)
    link_emulator.advance(JOB_SECONDS)


def wait_for_link(airflow: LocalAirflow, run_id: str, label: str) -> str:
    row = wait_for_task(airflow.client, DAG_ID, run_id, label, {STATES[label]})
    deadline = time.monotonic() + WAIT_TIMEOUT
    while not (link := airflow.client.links(DAG_ID, run_id, row.task_id, row.map_index)["Layers job"]):
        assert time.monotonic() < deadline, f"{label} has no link while {row.state}"
        time.sleep(POLL_INTERVAL)
    return link
