"""A real Airflow on this machine, whose processes can be killed and started again one at a time."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import random
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from dev import CHECKOUT
from dev.airflow2_client import Airflow2Client
from dev.airflow_client import (
    DEFERRED,
    POLL_INTERVAL,
    WAIT_TIMEOUT,
    AirflowClient,
    AirflowError,
    RestClient,
    TaskRow,
    wait_for_task,
)
from dev.processes import Child, stop_all
from dev.releases import EVERY_RELEASE, airflow_version, installed_release

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType

    from typing_extensions import Self

    from dev.releases import Release

HOMES = CHECKOUT / ".airflow"
ADMIN = "admin"
PASSWORDS_FILE = "passwords.json"
# Below the ports that the system gives to connections, which would take a free one before Airflow listens.
PORTS = range(20_000, 30_000)


def free_port() -> int:
    """Return a port of this machine on which no program listens."""
    for port in random.sample(PORTS, 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AirflowError(f"100 ports between {PORTS.start} and {PORTS.stop} are in use")


class LocalAirflow:
    """Airflow with SQLite in a separate AIRFLOW_HOME, to be used in a ``with`` statement.

    Leaving the statement, also by an exception, Ctrl-C or SIGTERM, stops every process that was started.

    :param name: name of the AIRFLOW_HOME, ``.airflow/<name>`` in the checkout; it is emptied first
    :param dags: folders with DAG files, or single files
    :param connections: connection URIs or JSON texts by connection id
    :param settings: further environment variables of all components, such as ``AIRFLOW__SECTION__OPTION``
    :param password: password of all users; a random one by default
    :param users: role of each user besides ``admin``; an empty role has no permission at all
    :param release: its processes and settings; by default those of the installed release
    """

    def __init__(
        self,
        name: str,
        dags: Sequence[Path],
        *,
        connections: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        password: str | None = None,
        users: Mapping[str, str] | None = None,
        release: Release | None = None,
    ) -> None:
        self.home = HOMES / name
        self.release = release or installed_release()
        self.url = f"http://127.0.0.1:{free_port()}"
        self.user = ADMIN
        self.password = password or secrets.token_urlsafe(9)
        self._users = {self.user: "admin", **(users or {})}
        self.env = self._environment(connections or {}, settings or {})
        self._dags = dags
        self._children = {
            component: Child(
                name=component,
                command=[sys.executable, "-m", "airflow", *arguments],
                env=self.env,
                log_path=self.home / f"{component}.log",
                cwd=self.home,
            )
            for component, arguments in self.release.components.items()
        }
        self._client: AirflowClient | None = None
        self._cleanup = contextlib.ExitStack()

    def _environment(self, connections: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
        # Airflow settings of the user's shell would make this a different Airflow.
        env = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        env |= EVERY_RELEASE | dict(self.release.settings)
        env |= {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.home / "dags"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home / 'airflow.db'}",
            "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": self.url.rpartition(":")[2],
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(
                f"{name}:{role}" for name, role in self._users.items()
            ),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.home / PASSWORDS_FILE),
            # Airflow starts `airflow` by that name at times.
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        }
        env |= {f"AIRFLOW_CONN_{name.upper()}": value for name, value in connections.items()}
        return env | dict(settings)

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(sigterm_as_interrupt())
            stack.enter_context(_locked(self.home))
            self._prepare_home()
            stack.callback(self.stop)
            self.start()
            self.wait_until_healthy()
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._cleanup.close()

    def _prepare_home(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        # With an empty file no component writes the default one, at the same moment as the others.
        (self.home / "airflow.cfg").touch()
        passwords = self.home / PASSWORDS_FILE
        passwords.write_text(json.dumps(dict.fromkeys(self._users, self.password)))
        passwords.chmod(0o600)
        dags = self.home / "dags"
        dags.mkdir()
        (dags / ".airflowignore").write_text("".join(f"{name}\n" for name in self.release.unsupported_dags))
        for number, path in enumerate(self._dags):
            if not path.exists():
                raise AirflowError(f"{path} does not exist, so it holds no DAGs")
            (dags / f"{number}_{path.name}").symlink_to(path.resolve(), target_is_directory=path.is_dir())
        self.create_database()

    def create_database(self) -> None:
        """Create the metadata database."""
        with (
            contextlib.closing(sqlite3.connect(_migrated_database(self.env))) as source,
            contextlib.closing(sqlite3.connect(self.home / "airflow.db")) as target,
        ):
            source.backup(target)

    @property
    def components(self) -> tuple[str, ...]:
        """The names of the processes that this release of Airflow consists of."""
        return tuple(self._children)

    @property
    def client(self) -> AirflowClient:
        """The client of this Airflow, for the user ``admin``."""
        if self._client is None:
            if self.release.has_rest:
                self._client = RestClient(self.url, self.user, self.password)
            else:
                self._client = Airflow2Client(self.env, self.home)
        return self._client

    def start(self, component: str | None = None) -> None:
        """Start a component, or all that are not running."""
        for child in self._selected(component):
            child.start()

    def kill(self, component: str, number: int = signal.SIGKILL, *, with_descendants: bool = True) -> None:
        """Send a signal to a component, as a crash would.

        :param component: its name
        :param number: the signal
        :param with_descendants: also to the processes it has started, such as running tasks
        """
        self._children[component].kill(number, with_descendants=with_descendants)

    def stop(self, component: str | None = None) -> None:
        """Stop a component, or all of them, with all descendants: by SIGTERM first."""
        if component is None and self._client is not None:
            self._client.close()
            self._client = None
        stop_all(self._selected(component))

    def _selected(self, component: str | None) -> list[Child]:
        return list(self._children.values()) if component is None else [self._children[component]]

    def pid(self, component: str) -> int | None:
        """Return the process id of a component, or None before its first start."""
        return self._children[component].pid

    def running(self, component: str) -> bool:
        """Return whether a component is alive."""
        return self._children[component].running

    def wait_until_deferred(self, dag_id: str, run_id: str, *labels: str) -> None:
        """Wait until task instances are deferred or wait for input, and may resume.

        A task that resumes before the scheduler has noticed the end of its process fails
        (apache/airflow#72716). The provider's triggers allow for that; tests and users resume tasks sooner.

        :param dag_id: id of the DAG
        :param run_id: id of the run
        :param labels: task ids, with the map index if there is one
        """
        deadline = time.monotonic() + WAIT_TIMEOUT
        for label in labels:
            row = wait_for_task(self.client, dag_id, run_id, label, DEFERRED)
            while not self._end_is_noticed(run_id, row):
                if time.monotonic() > deadline:
                    raise AirflowError(f"the scheduler has not noticed the end of {label} of {dag_id}")
                time.sleep(POLL_INTERVAL)

    def _end_is_noticed(self, run_id: str, row: TaskRow) -> bool:
        lines = (self.home / "scheduler.log").read_text(errors="replace").splitlines()
        start = f" map_index={row.map_index} run_id={run_id} task_id={row.task_id} "
        task = f"task_id='{row.task_id}', run_id='{run_id}'"
        end = f"{task}, try_number={row.try_number}, map_index={row.map_index})"
        # Airflow 2.11 logs no starts here; no test there defers a task twice.
        starts = sum("Worker startup" in line and start in line for line in lines)
        return sum("Received executor event" in line and end in line for line in lines) >= max(1, starts)

    def wait_until_healthy(self) -> None:
        """Wait until every component is healthy; raise if one ends or the time is over."""
        deadline = time.monotonic() + WAIT_TIMEOUT
        status: dict[str, str] = {}
        while not (status and set(status.values()) == {"healthy"}):
            for child in self._children.values():
                child.check_alive()
            if time.monotonic() > deadline:
                raise AirflowError(f"Airflow is not healthy after {WAIT_TIMEOUT:g} s: {status}")
            time.sleep(0.1)
            with contextlib.suppress(httpx.HTTPError):
                status = self.client.health()


@contextlib.contextmanager
def _locked(home: Path) -> Iterator[None]:
    HOMES.mkdir(exist_ok=True)
    with (home.parent / f"{home.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AirflowError(f"another program is using {home}; stop it first") from None
        yield


def _migrated_database(env: Mapping[str, str]) -> Path:
    """Return an empty database with Airflow's tables, created once for each version of Airflow."""
    template = HOMES / f"template-{airflow_version()}.db"
    if template.exists():
        return template
    with tempfile.TemporaryDirectory(dir=HOMES, prefix="migrate-") as scratch:
        database = Path(scratch, "airflow.db")
        connection = f"sqlite:///{database}"
        scratch_env = {**env, "AIRFLOW_HOME": scratch, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": connection}
        run_airflow(scratch_env, Path(scratch), "db", "migrate")
        database.replace(template)
    return template


def run_airflow(env: Mapping[str, str], cwd: Path, *arguments: str) -> None:
    """Run an ``airflow`` command to its end; raise an error with the end of its output if it fails."""
    command = [sys.executable, "-m", "airflow", *arguments]
    result = subprocess.run(command, env=dict(env), cwd=cwd, capture_output=True, text=True, check=False)
    if result.returncode:
        output = result.stdout[-2000:] + result.stderr[-2000:]
        raise AirflowError(f"`airflow {arguments[0]} {arguments[1]}` failed:\n{output}")


@contextlib.contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C: it unwinds the program, so that every ``with`` statement cleans up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a handler
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
