"""A chaos run: the adversary works on a real Airflow, then everything comes to its end and is checked."""

from __future__ import annotations

import contextlib
import json
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from dev import CHECKOUT
from dev.airflow_client import AirflowError, RestClient, wait_for_dag
from dev.chaos.actions import ActionLog, ProcessKiller, Users
from dev.chaos.check_cancels import CancelLimits, check_cancels
from dev.chaos.check_jobs import match_jobs
from dev.chaos.faults import install_faults, prepare_outcomes, queued_faults, redirect_sink
from dev.chaos.metadata_db import MetadataDb
from dev.chaos.report import ReportRow, make_report
from dev.chaos.snapshot import Snapshot, take_snapshot, write_action_log
from dev.environment import EmulatorProcess, Environment
from dev.local_airflow import LocalAirflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_provider_layers.emulator.control_client import EmulatorControl

PIPELINES = CHECKOUT / "dev" / "chaos" / "pipelines.py"
DAG_IDS = ("chaos_worker_waits", "chaos_deferred_waits", "chaos_sensors")
# The timeout of our client in seconds. It is short, since every hanging request costs as much.
HTTP_TIMEOUT = 3
CREDITS = 100_000_000
# Airflow notices the effects of a killed process within seconds instead of minutes.
AIRFLOW_SETTINGS = {
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
# On a slow machine more time must not mean more kills, or no task would ever end.
MAX_KILLS_FACTOR = 1.4
STUCK_SECONDS = 45.0
MESSAGE_INTERVAL = 30.0
STATES_SQL = "SELECT state, SUM(try_number), COUNT(*) FROM task_instance GROUP BY state"


@dataclass(frozen=True)
class CampaignPlan:
    """The numbers of a chaos run.

    :param seed: seed of all random choices
    :param seconds: the least time that the adversary works
    :param max_seconds: it stops at this time, whatever it has reached
    :param instances: the least number of task instances; DAG runs are started until there are so many
    :param kills: the least number of killed processes
    :param active_runs: number of DAG runs at the same time
    :param action_interval: mean seconds between two marks or clears
    :param fault_rate: probability that a request meets a fault
    :param long_job_every: of so many jobs one lasts long enough to be canceled
    :param long_job_seconds: its duration
    :param cancel_seconds: how soon a user's action must cancel the job
    :param cancel_grace: a job that ends this soon after the action may end first
    :param drain_seconds: how long the runs may take to end after the adversary has stopped
    :param retries: retries of each task
    :param width: number of mapped task instances
    :param parallelism: number of task processes at the same time
    :param strict: whether the least number of instances, and each fault at each route, must be reached
    """

    seed: int = 1
    seconds: float = 480.0
    max_seconds: float = 768.0
    instances: int = 500
    kills: int = 30
    active_runs: int = 14
    action_interval: float = 7.0
    fault_rate: float = 0.15
    long_job_every: int = 4
    long_job_seconds: float = 30.0
    cancel_seconds: float = 20.0
    cancel_grace: float = 8.0
    drain_seconds: float = 240.0
    retries: int = 12
    width: int = 2
    parallelism: int = 10
    strict: bool = True

    @property
    def kill_interval(self) -> float:
        """Mean seconds between two kills, for a few more than required: some find no process."""
        return self.seconds / (self.kills * 1.2)

    @property
    def cancel_limits(self) -> CancelLimits:
        """How soon a user's action must cancel the job."""
        return CancelLimits(self.cancel_seconds, self.cancel_grace)


# Its limits hold on a machine whose cores are busy with other programs.
SHORT = CampaignPlan(
    seconds=40.0,
    max_seconds=300.0,
    instances=25,
    kills=7,
    active_runs=6,
    action_interval=6.0,
    long_job_every=2,
    long_job_seconds=150.0,
    cancel_seconds=120.0,
    cancel_grace=120.0,
    drain_seconds=600.0,
    parallelism=8,
    strict=False,
)


@contextlib.contextmanager
def chaos_environment(
    name: str,
    plan: CampaignPlan,
    dag_file: Path = PIPELINES,
    connect_peers: Callable[[EmulatorControl, contextlib.ExitStack], dict[str, str]] | None = None,
) -> Iterator[Environment]:
    """Start the emulator and an Airflow that is connected to it; stop both afterwards.

    :param name: name of the AIRFLOW_HOME
    :param plan: the numbers of the run
    :param dag_file: the pipelines
    :param connect_peers: returns connections of other providers
    """
    options = ("--seed", str(plan.seed), "--credits", str(CREDITS), "--tier", "unlimited")
    with contextlib.ExitStack() as stack:
        emulator = stack.enter_context(
            EmulatorProcess(name, *options, "--job-seconds", "2-8", "--publish-seconds", "2")
        )
        control = emulator.control
        connection = json.dumps({**control.connection, "extra": {"timeout": HTTP_TIMEOUT}})
        connections = {
            "layers_default": connection,
            **(connect_peers(control, stack) if connect_peers else {}),
        }
        settings = {
            "CHAOS_PROJECT": control.project_id,
            "CHAOS_POSTS": ",".join(control.top_post_ids),
            "CHAOS_ACCOUNT": control.social_account_ids[0],
            "CHAOS_WIDTH": str(plan.width),
            "CHAOS_RETRIES": str(plan.retries),
            "AIRFLOW__CORE__PARALLELISM": str(plan.parallelism),
            **AIRFLOW_SETTINGS,
        }
        airflow = LocalAirflow(name, [dag_file], connections=connections, settings=settings)
        yield Environment(stack.enter_context(airflow), emulator)


class Campaign:
    """The adversary at work.

    :param environment: the running Airflow and emulator
    :param plan: the numbers of the run
    :param notify: called with lines about the progress
    :param redirect_url: target of the emulator's redirects
    :param dag_ids: the pipelines
    """

    def __init__(
        self,
        environment: Environment,
        plan: CampaignPlan,
        notify: Callable[[str], None],
        redirect_url: str,
        dag_ids: tuple[str, ...] = DAG_IDS,
    ) -> None:
        client = environment.airflow.client
        if not isinstance(client, RestClient):
            raise AirflowError("chaos runs need Airflow 3")
        self._environment, self._plan, self._notify = environment, plan, notify
        self._redirect_url, self._dag_ids, self._client = redirect_url, dag_ids, client
        self._db = MetadataDb(environment.airflow.home)
        self.log = ActionLog()
        # Separate generators: how long one kind of action takes does not change the choices of the others.
        streams = ("faults", "kills", "users")
        self._rng = {name: random.Random(f"{plan.seed} {name}") for name in streams}
        self._killer = ProcessKiller(environment.airflow, self._db, self._rng["kills"])
        self._users = Users(client, self._db, self._killer, self._rng["users"], self.log)
        self._started = 0

    def run(self) -> None:
        """Disturb the pipelines, then let every run and every job end."""
        control = self._environment.emulator.control
        for dag_id in self._dag_ids:
            wait_for_dag(self._client, dag_id)
        plan = self._plan
        prepare_outcomes(
            control,
            plan.instances,
            long_job_every=plan.long_job_every,
            long_job_seconds=plan.long_job_seconds,
        )
        install_faults(control, self._rng["faults"], plan.fault_rate, self._redirect_url)
        self._disturb()
        control.clear_faults()
        control.clear_outcomes()
        self._wait_for_cancels()
        # Nothing depends on the duration of the long jobs any more.
        control.advance(plan.long_job_seconds)
        self._drain()

    def _disturb(self) -> None:
        plan, started = self._plan, time.monotonic()
        next_kill = started + plan.kill_interval
        next_action = started + plan.action_interval
        next_message = started + MESSAGE_INTERVAL
        while not self._is_enough(time.monotonic() - started):
            self._keep_running()
            now = time.monotonic()
            if now >= next_kill and len(self.log.kills) < MAX_KILLS_FACTOR * plan.kills:
                self._kill()
                next_kill += plan.kill_interval * self._rng["kills"].uniform(0.4, 1.6)
            if now >= next_action:
                self._users.act()
                next_action += plan.action_interval * self._rng["users"].uniform(0.4, 1.6)
            if now >= next_message:
                self._notify(self._progress(now - started))
                next_message += MESSAGE_INTERVAL
            time.sleep(0.4)

    def _is_enough(self, seconds: float) -> bool:
        plan = self._plan
        if seconds < plan.seconds or seconds >= plan.max_seconds:
            return seconds >= plan.seconds
        reached = self._instance_count() >= plan.instances and len(self.log.kills) >= plan.kills
        # The pipelines of other providers do not call all of the routes.
        all_routes = plan.strict and self._dag_ids == DAG_IDS
        return reached and not (all_routes and queued_faults(self._environment.emulator.control))

    def _kill(self) -> None:
        for _ in range(5):
            kill = self._killer.kill_something()
            if kill is not None:
                self.log.kills.append(kill)
                return

    def _revive(self) -> None:
        for name in self._killer.revive():
            self.log.note(f"the {name} had ended and was started again")

    def _keep_running(self) -> None:
        self._revive()
        if self._db.active_runs() >= self._plan.active_runs:
            return
        try:
            self._client.trigger(self._dag_ids[self._started % len(self._dag_ids)], {})
            self._started += 1
        except (AirflowError, httpx.HTTPError) as error:
            self.log.note("a run could not be started", error)

    def _wait_for_cancels(self) -> None:
        # A job that has ended needs no cancel any more.
        limits = CancelLimits(self._plan.cancel_seconds, grace=1e9)
        deadline = time.monotonic() + self._plan.cancel_seconds
        api_key = self._environment.emulator.control.api_key
        while time.monotonic() < deadline:
            self._revive()
            snapshot = take_snapshot(self._environment, self.log)
            snapshot.search_files(api_key)
            if not check_cancels(snapshot, match_jobs(snapshot), limits).missed:
                return
            time.sleep(2.0)

    def _drain(self) -> None:
        control = self._environment.emulator.control
        deadline = time.monotonic() + self._plan.drain_seconds
        states, changed, next_message = "", time.monotonic(), 0.0
        while time.monotonic() < deadline:
            active = self._db.active_runs()
            if not active and all(job.status != "running" for job in control.jobs()):
                return
            self._revive()
            now, current = time.monotonic(), str(self._db.query(STATES_SQL))
            if current != states:
                states, changed = current, now
            elif active and now - changed > STUCK_SECONDS:
                self.log.note("no task changed its state; the scheduler was restarted")
                self._killer.restart("scheduler", with_descendants=True)
                changed = now
            if now >= next_message:
                self._notify(f"waiting for {active} runs to end")
                next_message = now + MESSAGE_INTERVAL
            time.sleep(0.5)

    def _instance_count(self) -> int:
        return int(self._db.query("SELECT COUNT(*) FROM task_instance")[0][0])

    def _progress(self, seconds: float) -> str:
        return (
            f"{seconds:4.0f} s: {self._started} runs, {self._instance_count()} task instances, "
            f"{len(self.log.kills)} kills, {self.log.user_requests} marks and clears"
        )


def run_campaign(
    environment: Environment,
    plan: CampaignPlan,
    notify: Callable[[str], None],
    dag_ids: tuple[str, ...] = DAG_IDS,
) -> Snapshot:
    """Let the adversary work, wait until everything has ended, and return the end state.

    :param environment: the running Airflow and emulator
    :param plan: the numbers of the run
    :param notify: called with lines about the progress
    :param dag_ids: the pipelines
    """
    notify(f"Airflow {environment.airflow.url}, emulator {environment.emulator.url}")
    with redirect_sink() as sink:
        campaign = Campaign(environment, plan, notify, sink.url, dag_ids)
        campaign.run()
        return take_snapshot(environment, campaign.log, sink.request_count)


def run_chaos(name: str, plan: CampaignPlan, notify: Callable[[str], None]) -> list[ReportRow]:
    """Start everything, run the campaign, and return the checked table.

    :param name: name of the AIRFLOW_HOME
    :param plan: the numbers of the run
    :param notify: called with lines about the progress
    """
    started = time.monotonic()
    with chaos_environment(name, plan) as environment:
        api_key = environment.emulator.control.api_key
        snapshot = run_campaign(environment, plan, notify)
    # Log files and database are complete once every process has ended.
    snapshot.search_files(api_key)
    rows = make_report(snapshot, plan)
    for note, number in snapshot.log.notes.items():
        notify(f"note: {note}, {number} times")
    write_action_log(snapshot)
    notify(f"seed {plan.seed}, {time.monotonic() - started:.0f} s")
    return rows
