"""Run one form of the fleet, sample slots and processes meanwhile, and kill a triggerer and a worker."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from dev.airflow_client import FINISHED, start_run
from dev.benchmarks.waiting.measurements import cpu_times, proportional_memory
from dev.chaos.snapshot import epoch_seconds
from dev.cluster import TRIGGERERS, WORKERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airflow_provider_layers.emulator.control_client import CreatedJob, RecordedRequest
    from dev.cluster.deployment import ClusterAirflow
    from dev.cluster.services import Services
    from dev.environment import EmulatorProcess

START_TASK = "generate"
SAMPLE_SECONDS = 2.0
PROGRESS_SECONDS = 15.0
# Long enough to fill every bucket of the emulator before a form begins.
REFILL_SECONDS = 60.0
ENDED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})


@dataclass(frozen=True)
class ClusterPlan:
    """The numbers of a run.

    :param chains: pieces of content
    :param forms: names of the pipelines, in order
    :param tier: rate-limit tier of the emulator
    :param job_seconds: duration of the emulator's jobs, seconds or a range
    :param retries: retries of each task; with 0 the killed worker has no task, else it has some
    :param kills: whether a triggerer and a worker are killed in each form
    :param max_minutes: the longest time that a form may take
    """

    chains: int
    forms: tuple[str, ...]
    tier: str
    job_seconds: str
    retries: int
    kills: bool
    max_minutes: float


class Try(NamedTuple):
    """A try of a task instance."""

    task_id: str
    map_index: int
    try_number: int

    def __str__(self) -> str:
        return f"{self.task_id}[{self.map_index}] try {self.try_number}"


class TaskInstanceRow(NamedTuple):
    """A task instance at the moment of the query.

    :param current: its current try
    :param state: Airflow's name of the state, "none" before it is scheduled
    :param hostname: the worker that ran it last
    """

    current: Try
    state: str
    hostname: str

    @property
    def step(self) -> str:
        """The task id without the group."""
        return self.current.task_id.rpartition(".")[2]


class SlotSample(NamedTuple):
    """The slots that start tasks held at one moment.

    :param at: epoch seconds by the emulator's clock
    :param since: for each map index in state running, since when it has been so without a pause
    """

    at: float
    since: dict[int, float]


@dataclass
class FormResult:
    """Everything that was seen of one form.

    :param form: its name
    :param state: state of the DAG run at the end
    :param seconds: duration of the run
    :param slots: the slots that start tasks held, while starts were unfinished
    :param cpu: CPU seconds of Airflow, and of PostgreSQL with Redis
    :param memory: the most memory of Airflow in kB, shared memory counted once
    :param kills: names of the killed components
    :param interrupted: tries that were running in the killed worker
    :param failed: failed tries, the interrupted ones included
    :param requests: requests to the API
    :param jobs: started jobs
    :param posts: number of posts of each container
    """

    form: str
    state: str = "running"
    seconds: float = 0.0
    slots: list[SlotSample] = field(default_factory=list)
    cpu: tuple[float, float] = (0.0, 0.0)
    memory: int = 0
    kills: list[str] = field(default_factory=list)
    interrupted: set[Try] = field(default_factory=set)
    failed: set[Try] = field(default_factory=set)
    requests: list[RecordedRequest] = field(default_factory=list)
    jobs: list[CreatedJob] = field(default_factory=list)
    posts: Counter[str] = field(default_factory=Counter)


class CpuMeter:
    """CPU seconds of processes and their descendants; a killed process counts as last sampled."""

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}
        self._before: dict[int, float] = {}

    def sample(self, roots: Iterable[int | None]) -> None:
        """Read the CPU times of these processes."""
        for root in roots:
            # It may just have been killed.
            with contextlib.suppress(KeyError):
                if root is not None:
                    self._seconds[root] = sum(cpu_times(root).by_pid.values())

    def begin(self) -> None:
        """Count from now on."""
        self._before = dict(self._seconds)

    @property
    def total(self) -> float:
        """CPU seconds since `begin`."""
        return sum(self._seconds.values()) - sum(self._before.values())


class FormRun:
    """The run of one form.

    :param airflow: the Airflow
    :param services: its PostgreSQL and Redis
    :param emulator: the API
    :param plan: the numbers
    :param form: name of the pipeline
    :param notify: called with lines about the progress
    """

    def __init__(
        self,
        airflow: ClusterAirflow,
        services: Services,
        emulator: EmulatorProcess,
        plan: ClusterPlan,
        form: str,
        notify: Callable[[str], None],
    ) -> None:
        self._airflow, self._services, self._emulator = airflow, services, emulator
        self._plan, self._notify = plan, notify
        self._dag_id, self._run_id = f"cluster_{form}", ""
        self._meters = (CpuMeter(), CpuMeter())
        self._clock_offset, self._earlier_jobs = 0.0, 0
        self._draining = False
        self._result = FormResult(form)

    def run(self) -> FormResult:
        """Run the form to its end and return what was seen of it."""
        control, result = self._emulator.control, self._result
        control.advance(REFILL_SECONDS)
        earlier_requests, self._earlier_jobs = len(control.requests()), len(control.jobs())
        self._clock_offset = epoch_seconds(control.now()) - time.time()
        self._sample_cpu()
        for meter in self._meters:
            meter.begin()
        self._run_id = start_run(self._airflow.client, self._dag_id)
        started = time.monotonic()
        self._follow(started)
        result.seconds = time.monotonic() - started
        self._sample_cpu()
        result.cpu = (self._meters[0].total, self._meters[1].total)
        result.failed = self._failed_tries()
        result.requests, result.jobs = (
            control.requests()[earlier_requests:],
            control.jobs()[self._earlier_jobs :],
        )
        posts = self._emulator.paginate(f"/v1/projects/{control.project_id}/scheduled-posts", limit=100)
        result.posts = Counter(post["containerId"] for post in posts)
        return result

    def _follow(self, started: float) -> None:
        result, next_progress = self._result, started
        sql = "SELECT state FROM dag_run WHERE dag_id = %s AND run_id = %s"
        while result.state not in FINISHED and time.monotonic() - started < 60 * self._plan.max_minutes:
            rows = self._task_instances()
            self._sample_slots([row for row in rows if row.step == START_TASK])
            self._sample_cpu()
            if time.monotonic() >= next_progress:
                next_progress = time.monotonic() + PROGRESS_SECONDS
                self._sample_memory()
                self._print_progress(rows, time.monotonic() - started)
            if self._plan.kills and len(result.kills) < 2:
                self._kill_something()
            time.sleep(SAMPLE_SECONDS)
            result.state = self._services.query(sql, self._dag_id, self._run_id)[0][0]

    def _task_instances(self) -> list[TaskInstanceRow]:
        rows = self._services.query(
            "SELECT task_id, map_index, try_number, coalesce(state, 'none'), hostname FROM task_instance "
            "WHERE dag_id = %s AND run_id = %s",
            self._dag_id,
            self._run_id,
        )
        return [TaskInstanceRow(Try(*row[:3]), *row[3:]) for row in rows]

    def _sample_slots(self, starts: list[TaskInstanceRow]) -> None:
        # Before the tasks are expanded there are none.
        if starts and all(row.state in ENDED for row in starts):
            return
        now, slots = time.time() + self._clock_offset, self._result.slots
        before = slots[-1].since if slots else {}
        running = [row.current.map_index for row in starts if row.state == "running"]
        slots.append(SlotSample(now, {index: before.get(index, now) for index in running}))

    def _sample_cpu(self) -> None:
        airflow, services = self._meters
        airflow.sample(map(self._airflow.pid, self._airflow.components))
        services.sample((self._services.postgresql.pid, self._services.redis.pid))

    def _sample_memory(self) -> None:
        pids = map(self._airflow.pid, self._airflow.components)
        # A process may end while it is read.
        with contextlib.suppress(OSError, KeyError, StopIteration):
            memory = sum(proportional_memory(pid) for pid in pids if pid)
            self._result.memory = max(self._result.memory, memory)

    def _print_progress(self, rows: list[TaskInstanceRow], seconds: float) -> None:
        counts = Counter((row.step, row.state) for row in rows)
        text = ", ".join(f"{step} {count} {state}" for (step, state), count in sorted(counts.items()))
        self._notify(f"{seconds:5.0f} s  {self._result.form}: {text}")

    def _kill_something(self) -> None:
        if self._result.kills:
            self._kill_worker()
        elif len(self._emulator.control.jobs()) - self._earlier_jobs >= self._plan.chains / 3:
            self._kill_triggerer()

    def _kill_triggerer(self) -> None:
        sql = (
            "SELECT job.hostname, count(*) FROM trigger JOIN job ON trigger.triggerer_id = job.id "
            "WHERE job.state = 'running' GROUP BY 1 ORDER BY 2 DESC LIMIT 1"
        )
        for hostname, triggers in self._services.query(sql):
            if hostname in TRIGGERERS:
                self._replace(hostname, f"with {triggers} triggers")

    def _kill_worker(self) -> None:
        if self._plan.retries:
            self._kill_busy_worker()
            return
        worker = WORKERS[0]
        if not self._draining:
            self._airflow.stop_taking_tasks(worker)
            self._draining = True
        if self._airflow.has_no_tasks(worker):
            self._replace(worker, "without a task")

    def _kill_busy_worker(self) -> None:
        running = Counter(row.hostname for row in self._task_instances() if row.state == "running")
        worker = max(WORKERS, key=lambda name: running[name])
        if not running[worker]:
            return
        self._airflow.kill(worker)
        # Tasks that the worker has not completed stay in this state until their heartbeat is missed.
        self._result.interrupted = {
            row.current for row in self._task_instances() if row.state == "running" and row.hostname == worker
        }
        self._replace(worker, f"with {len(self._result.interrupted)} tasks")

    def _replace(self, component: str, description: str) -> None:
        self._airflow.kill(component)
        self._airflow.start(component)
        self._result.kills.append(component)
        self._notify(f"         SIGKILL {component} {description}; another takes its place")

    def _failed_tries(self) -> set[Try]:
        parts = (
            f"SELECT task_id, map_index, try_number FROM {table} "
            "WHERE dag_id = %s AND run_id = %s AND state = 'failed'"
            for table in ("task_instance", "task_instance_history")
        )
        ids = (self._dag_id, self._run_id)
        return {Try(*row) for row in self._services.query(" UNION ".join(parts), *ids, *ids)}
