"""An AIRFLOW_HOME of its own for each case: its environment, its database, and what the database tells."""

from __future__ import annotations

import base64
import json
import secrets
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dev.benchmarks.waiting.runner import ClientError

if TYPE_CHECKING:
    from dev.benchmarks.waiting.runner import Site
    from dev.benchmarks.waiting.spec import Order
    from dev.benchmarks.waiting.workload import Job

SETTINGS = {
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    # Looking up this machine's name takes seconds where nobody knows it.
    "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
}
"""Everything else is as Airflow comes."""

RESUME = "execute_complete"
"""The method that a task names when it defers; a trigger that fails puts another one into its place."""

EVENTS = """\
SELECT map_index, scheduled_dttm, next_method, next_kwargs FROM task_instance WHERE state <> 'deferred'"""


@dataclass(frozen=True)
class Event:
    """
    What the triggerer wrote into the row of a task.

    :param moment: seconds since the Unix epoch, when it did
    :param method: that the task would resume with
    :param told: its arguments
    """

    moment: float
    method: str
    told: dict[str, Any]


@dataclass(frozen=True)
class Home:
    """
    An AIRFLOW_HOME.

    :param folder: the directory
    :param env: the environment of Airflow's processes
    """

    folder: Path
    env: Mapping[str, str]

    def command(self, *arguments: str) -> list[str]:
        """Give the command line of a Python module."""
        return [sys.executable, "-W", "ignore", "-m", *arguments]

    def call(self, *arguments: str, told: str = "") -> None:
        """
        Run a Python module in it to its end.

        :param arguments: the module's name, and its own arguments
        :param told: its stdin
        :raises ClientError: it failed
        """
        done = subprocess.run(
            self.command(*arguments), input=told, env=self.env, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ClientError(f"{' '.join(arguments)} failed:\n{done.stdout[-2000:]}{done.stderr[-3000:]}")

    def running(self) -> int:
        """Count the triggers that have begun, by the log file that Airflow gives to each."""
        return sum(1 for _ in (self.folder / "logs").rglob("*.trigger.*.log"))

    def events(self) -> dict[int, Event]:
        """Read from the database what was written for each job that is no longer waited for."""
        with closing(sqlite3.connect(f"file:{self.folder}/airflow.db?mode=ro", uri=True, timeout=30)) as base:
            rows = base.execute(EVENTS).fetchall()
        return {
            number: Event(_moment(text), method, json.loads(arguments or "{}"))
            for number, text, method, arguments in rows
        }


def migrated(site: Site, order: Order) -> Home:
    """
    Make a home with an empty database.

    :param site: gives the folder and the certificate
    :param order: of any case
    """
    home = _fresh(site, order, "template")
    home.call("airflow", "db", "migrate")
    return home


def deferred(site: Site, order: Order, template: Home, jobs: Sequence[Job]) -> Home:
    """
    Make a home in whose database tasks wait for jobs.

    :param site: gives the folder and the certificate
    :param order: of the case
    :param template: has the empty database
    :param jobs: one for each task
    """
    home = _fresh(site, order, order.case)
    shutil.copy(template.folder / "airflow.db", home.folder)
    told = json.dumps([asdict(job) for job in jobs])
    home.call("dev.benchmarks.waiting.deferred_rows", order.case, told=told)
    return home


def _fresh(site: Site, order: Order, name: str) -> Home:
    folder = site.folder / f"airflow-{name}"
    folder.mkdir()
    (folder / "airflow.cfg").touch()
    own = {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'airflow.db'}",
        "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
    }
    return Home(folder, site.environment(order) | SETTINGS | own)


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp()
