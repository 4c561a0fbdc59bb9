"""Waits in Airflow's own triggerer, in real processes: the cases in turn, each with a new AIRFLOW_HOME."""

from __future__ import annotations

import base64
import json
import math
import os
import random
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dev.benchmarks.waiting.cases import CASES, RESUME_METHOD, ServerAccess
from dev.benchmarks.waiting.client import CLOCK_TOLERANCE
from dev.benchmarks.waiting.measurements import (
    CpuTimes,
    cpu_times,
    process_ids,
    proportional_memory,
    resident_memory,
)
from dev.benchmarks.waiting.processes import CORES, ClientError
from dev.benchmarks.waiting.spec import TriggererReport
from dev.benchmarks.waiting.workload import PlannedJob, WorkloadPlan, draw_jobs

if TYPE_CHECKING:
    from dev.benchmarks.waiting.processes import Site
    from dev.benchmarks.waiting.spec import CaseSpec

CAPACITY = 2_000
COMMAND = ("airflow", "triggerer", "--capacity", str(CAPACITY), "--skip-serve-logs")
# All other settings are Airflow's defaults.
SETTINGS = {
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    # Resolving the name of this machine takes seconds where no name server knows it.
    "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
}
EVENTS_SQL = """\
SELECT map_index, scheduled_dttm, next_method, next_kwargs FROM task_instance WHERE state <> 'deferred'"""

# Seconds that the triggers may take to start.
START_TIMEOUT = 150.0
# Seconds between the start of the last trigger and the window.
SETTLE_SECONDS = 3.0
# Jobs to choose from, for each wait: some would end before the window.
CANDIDATES_PER_WAIT = 1.5
# Seconds that the triggerer may take to stop.
STOP_TIMEOUT = 15.0


@dataclass(frozen=True)
class WrittenEvent:
    """What the triggerer wrote into the row of a task instance.

    :param moment: epoch seconds
    :param method: method with which the task would resume; a trigger that fails replaces it
    :param arguments: arguments of the method
    """

    moment: float
    method: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class BenchmarkHome:
    """An AIRFLOW_HOME.

    :param folder: the directory
    :param env: environment of Airflow's processes
    """

    folder: Path
    env: Mapping[str, str]

    @property
    def log(self) -> Path:
        """The triggerer's log."""
        return self.folder / "triggerer.log"

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of a Python module."""
        return [sys.executable, "-W", "ignore", "-m", *arguments]

    def run(self, *arguments: str, stdin: str = "") -> None:
        """Run a Python module to its end.

        :param arguments: name and arguments of the module
        :param stdin: its input
        :raises ClientError: it failed
        """
        result = subprocess.run(
            self.command(*arguments), input=stdin, env=self.env, capture_output=True, text=True, check=False
        )
        if result.returncode:
            output = result.stdout[-2000:] + result.stderr[-3000:]
            raise ClientError(f"{' '.join(arguments)} failed:\n{output}")

    def started_triggers(self) -> int:
        """Count the triggers that have started, by the log file that Airflow opens for each."""
        return sum(1 for _ in (self.folder / "logs").rglob("*.trigger.*.log"))

    def events(self) -> dict[int, WrittenEvent]:
        """Read the events from the database, by job number."""
        uri = f"file:{self.folder}/airflow.db?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=30)) as database:
            rows = database.execute(EVENTS_SQL).fetchall()
        return {
            number: WrittenEvent(_epoch_seconds(written), method, json.loads(arguments or "{}"))
            for number, written, method, arguments in rows
        }


def _epoch_seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp()


def _new_home(site: Site, spec: CaseSpec, name: str) -> BenchmarkHome:
    folder = site.folder / f"airflow-{name}"
    folder.mkdir()
    (folder / "airflow.cfg").touch()
    own = {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'airflow.db'}",
        "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
    }
    return BenchmarkHome(folder, site.environment(spec) | SETTINGS | own)


def _home_with_deferred_tasks(
    site: Site, spec: CaseSpec, template: BenchmarkHome, jobs: Sequence[PlannedJob]
) -> BenchmarkHome:
    home = _new_home(site, spec, spec.case)
    shutil.copy(template.folder / "airflow.db", home.folder)
    stdin = json.dumps([asdict(job) for job in jobs])
    home.run("dev.benchmarks.waiting.deferred_rows", spec.case, stdin=stdin)
    return home


@dataclass(frozen=True)
class TriggererWindow:
    """The readings of the processes; all moments are in epoch seconds.

    :param started: start of the triggerer
    :param first_started: a trigger had started
    :param all_started: all triggers had started
    :param begin: beginning of the window
    :param end: end of the window
    :param cpu: CPU times at the beginning and at the end
    :param resident: resident memory in kB at the end
    :param proportional: proportional memory in kB at the end
    """

    started: float
    first_started: float
    all_started: float
    begin: float
    end: float
    cpu: tuple[CpuTimes, CpuTimes]
    resident: int
    proportional: int

    def cpu_seconds(self) -> tuple[float, float]:
        """Return the CPU seconds in the window of all processes, and of all without the supervisor."""
        before, after = self.cpu
        # The oldest process is the supervisor.
        supervisor, *others = after.since(before).values()
        return supervisor + sum(others), sum(others)

    def contains(self, moment: float) -> bool:
        """Return whether a moment is in the window."""
        return self.begin <= moment < self.end


def measure_in_triggerer(site: Site, specs: Sequence[CaseSpec]) -> Iterator[TriggererReport]:
    """Run cases in turn; ``warm_up`` is the earliest second of the window.

    :param site: the server
    :param specs: at least one case
    """
    template = _new_home(site, specs[0], "template")
    template.run("airflow", "db", "migrate")
    for spec in specs:
        print(f"triggerer: {spec.case} {spec.waits:,} ...", file=sys.stderr, flush=True)
        yield _measure(site, spec, template)


def _measure(site: Site, spec: CaseSpec, template: BenchmarkHome) -> TriggererReport:
    server = ServerAccess(spec.address, spec.key, site.certificate)
    horizon = spec.warm_up + START_TIMEOUT + spec.seconds + spec.grace
    candidates = math.ceil(CANDIDATES_PER_WAIT * spec.waits)
    plan = WorkloadPlan(time.time(), horizon, candidates, spec.projects, spec.median)
    server.begin(plan, spec.tier, enforce_limit=spec.enforce_limit)
    server_cpu = server.counters()["server_cpu"]
    jobs = _choose_jobs(plan, spec)
    home = _home_with_deferred_tasks(site, spec, template, jobs)
    with _running_triggerer(home) as process:
        window = _measure_window(home, process, plan, spec)
        ends = {job.number: job.end for job in jobs if window.contains(job.end)}
        events = _wait_for_events(home, ends, window.end + spec.grace)
        counters = server.counters()
    counters["server_busy"] = (counters["server_cpu"] - server_cpu) / (time.time() - plan.epoch)
    return _report(spec, plan, jobs, window, events, counters)


def _choose_jobs(plan: WorkloadPlan, spec: CaseSpec) -> list[PlannedJob]:
    earliest = plan.epoch + spec.warm_up
    candidates = [job for job in draw_jobs(plan) if job.start < plan.epoch and job.end > earliest]
    if len(candidates) < spec.waits:
        raise ClientError(f"only {len(candidates)} jobs run for long enough; {spec.waits} are needed")
    return random.Random(plan.seed).sample(candidates, spec.waits)


@contextmanager
def _running_triggerer(home: BenchmarkHome) -> Iterator[subprocess.Popen[bytes]]:
    with home.log.open("wb") as log:
        process = subprocess.Popen(
            home.command(*COMMAND), env=home.env, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
    os.sched_setaffinity(process.pid, CORES[:1])
    try:
        yield process
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        for pid in process_ids(process.pid):
            os.kill(pid, signal.SIGKILL)
        process.wait()


def _measure_window(
    home: BenchmarkHome, process: subprocess.Popen[bytes], plan: WorkloadPlan, spec: CaseSpec
) -> TriggererWindow:
    started = time.time()
    deadline = started + START_TIMEOUT
    first_started = _wait_for_triggers(home, process, 1, deadline)
    all_started = _wait_for_triggers(home, process, spec.waits, deadline)
    # The server counts by whole seconds since the epoch.
    begin = plan.epoch + max(spec.warm_up, math.ceil(all_started + SETTLE_SECONDS - plan.epoch))
    end = begin + spec.seconds
    time.sleep(max(0.0, begin - time.time()))
    before = cpu_times(process.pid)
    time.sleep(max(0.0, end - time.time()))
    after = cpu_times(process.pid)
    return TriggererWindow(
        started,
        first_started,
        all_started,
        begin,
        end,
        (before, after),
        resident_memory(process.pid),
        proportional_memory(process.pid),
    )


def _wait_for_triggers(
    home: BenchmarkHome, process: subprocess.Popen[bytes], triggers: int, deadline: float
) -> float:
    while home.started_triggers() < triggers:
        if process.poll() is not None or time.time() > deadline:
            log = home.log.read_text(errors="replace")[-3000:]
            raise ClientError(f"{home.started_triggers()} of {triggers} triggers have started:\n{log}")
        time.sleep(0.5)
    return time.time()


def _wait_for_events(
    home: BenchmarkHome, ends: Mapping[int, float], deadline: float
) -> dict[int, WrittenEvent]:
    while True:
        events = home.events()
        if ends.keys() <= events.keys() or time.time() > deadline:
            return events
        time.sleep(1)


def _report(
    spec: CaseSpec,
    plan: WorkloadPlan,
    jobs: Sequence[PlannedJob],
    window: TriggererWindow,
    events: Mapping[int, WrittenEvent],
    counters: Any,
) -> TriggererReport:
    ends = {job.number: job.end for job in jobs}
    in_window = {number: end for number, end in ends.items() if window.contains(end)}
    wrong = [event for number, event in events.items() if not _is_correct(spec, event, ends[number])]
    latencies = sorted(events[number].moment - end for number, end in in_window.items() if number in events)
    cpu, runner_cpu = window.cpu_seconds()
    before, after = window.cpu
    waited = (max(0.0, min(end, window.end) - window.begin) for end in ends.values())
    return TriggererReport(
        spec=spec.as_json(),
        cpu=cpu,
        runner_cpu=runner_cpu,
        elapsed=after.moment - before.moment,
        job_minutes=sum(waited) / 60,
        resident=window.resident,
        proportional=window.proportional,
        first_started=window.first_started - window.started,
        all_started=window.all_started - window.started,
        start_cpu=sum(before.by_pid.values()),
        latencies=[round(latency, 3) for latency in latencies],
        missed=len(in_window) - len(latencies),
        wrong=len(wrong),
        failures=[str(event)[:300] for event in wrong[:3]],
        routes=counters["routes"],
        server_busy=counters["server_busy"],
        **_request_counts(counters, round(window.begin - plan.epoch), round(window.end - plan.epoch)),
    )


def _is_correct(spec: CaseSpec, event: WrittenEvent, end: float) -> bool:
    payload = event.arguments.get("event")
    in_time = event.moment >= end - CLOCK_TOLERANCE
    return event.method == RESUME_METHOD and in_time and CASES[spec.case].succeeded(payload)


def _request_counts(counters: Any, begin: int, end: int) -> dict[str, int]:
    return {
        "requests": sum(counters["requests"][begin:end]),
        "early_requests": sum(counters["requests"][:begin]),
        "throttled": sum(counters["throttled"][begin:end]),
        "early_throttled": sum(counters["throttled"][:begin]),
        "opened": sum(counters["opened"][:end]),
    }
