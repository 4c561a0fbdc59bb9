"""A run of the example in which people decide, up to where it waits for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dev.airflow_client import wait_for_dag
from dev.reviewer import task_page, wait_for_task

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.control_client import EmulatorControl
    from dev.local_airflow import LocalAirflow

DAG_ID, TASK_ID = "example_layers_review", "review"


@dataclass(frozen=True)
class ReviewRun:
    """A run that waits for people.

    :param run_id: the run
    :param containers: what they are asked about, in the order of the mapped task
    """

    run_id: str
    containers: list[str]

    def page(self, index: int) -> str:
        """Give the path of the page on which people are asked.

        :param index: place in the mapped task
        """
        return task_page(DAG_ID, self.run_id, TASK_ID, index, "required_actions")


def ask_people(airflow: LocalAirflow, emulator: EmulatorControl) -> ReviewRun:
    """Run the example until each of its reviews waits for somebody.

    :param airflow: the running Airflow
    :param emulator: the API that it is connected to; all new content is reviewed there from now on
    """
    emulator.configure(review_policy="review_all")
    driver = airflow.driver
    wait_for_dag(driver, DAG_ID)
    driver.unpause(DAG_ID)
    place = {"project_id": emulator.project_id, "social_account_id": emulator.social_account_ids[0]}
    run_id = driver.trigger(DAG_ID, place)
    wait_for_task(driver, DAG_ID, run_id, f"{TASK_ID}[0]")
    containers = list(driver.xcoms(DAG_ID, run_id, "generate")["container_ids"])
    for index in range(1, len(containers)):
        wait_for_task(driver, DAG_ID, run_id, f"{TASK_ID}[{index}]")
    return ReviewRun(run_id, containers)
