"""The emulator and the Airflow that the adversary works on."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dev.airflow_client import AirflowError
from dev.environment import EmulatorProcess
from dev.home import CHECKOUT
from dev.local_airflow import LocalAirflow
from dev.rest import AirflowRest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_provider_layers.emulator.control_client import EmulatorControl
    from dev.chaos.plan import Plan

DAGS = CHECKOUT / "dev" / "chaos" / "pipelines.py"
DAG_IDS = ("chaos_worker_waits", "chaos_deferred_waits", "chaos_sensors")
HTTP_TIMEOUT = 3
CREDITS = 100_000_000
# What a killed process left behind is found within seconds instead of minutes.
QUICK_TO_NOTICE = {
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "3",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "15",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "12",
    "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "5",
}


@dataclass
class Scene:
    """A local Airflow and the API it talks to, both running."""

    airflow: LocalAirflow
    emulator: EmulatorProcess

    @property
    def rest(self) -> AirflowRest:
        """The person's way into Airflow."""
        if not isinstance(self.airflow.driver, AirflowRest):
            raise AirflowError("the adversary needs Airflow 3")
        return self.airflow.driver


def settings(plan: Plan, world: EmulatorControl) -> dict[str, str]:
    """Give the environment of all Airflow components.

    :param plan: the numbers
    :param world: the emulator
    """
    return {
        "CHAOS_PROJECT": world.project_id,
        "CHAOS_POSTS": ",".join(world.top_post_ids),
        "CHAOS_ACCOUNT": world.social_account_ids[0],
        "CHAOS_WIDTH": str(plan.width),
        "CHAOS_RETRIES": str(plan.retries),
        "AIRFLOW__CORE__PARALLELISM": str(plan.parallelism),
        **QUICK_TO_NOTICE,
    }


@contextlib.contextmanager
def scene(
    name: str,
    plan: Plan,
    dags: Path = DAGS,
    further: Callable[[EmulatorControl, contextlib.ExitStack], dict[str, str]] | None = None,
) -> Iterator[Scene]:
    """Start the emulator and an Airflow connected to it, and end both afterwards.

    :param name: names the AIRFLOW_HOME
    :param plan: the numbers
    :param dags: the folder with the pipelines
    :param further: makes connections beside ours
    """
    numbers = ("--seed", str(plan.seed), "--credits", str(CREDITS))
    options = (*numbers, "--job-seconds", "2-8", "--tier", "unlimited", "--publish-seconds", "2")
    with contextlib.ExitStack() as stack:
        emulator = stack.enter_context(EmulatorProcess(name, job_seconds=5, options=options))
        world = emulator.control
        ours = json.dumps({**world.connection, "extra": {"timeout": HTTP_TIMEOUT}})
        connections = {"layers_default": ours, **(further(world, stack) if further else {})}
        airflow = LocalAirflow(name, dags, connections=connections, settings=settings(plan, world))
        yield Scene(stack.enter_context(airflow), emulator)
