"""A real Airflow on this machine, whose processes can be killed and started again one at a time."""

from __future__ import annotations

import contextlib
import secrets
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from dev.airflow2_client import AirflowDatabase
from dev.airflow_client import AirflowError, Driver, FinishedRun, TaskRow, run_to_the_end
from dev.home import CHECKOUT, HOMES, USER, environment, locked, prepare, sigterm_as_interrupt
from dev.processes import Child, stop_all
from dev.releases import installed_release
from dev.rest import AirflowRest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from typing_extensions import Self

__all__ = ["CHECKOUT", "LocalAirflow", "free_port"]


def free_port() -> int:
    """Return a port of this machine on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class LocalAirflow:
    """Airflow with SQLite in a directory of its own, to be used in a ``with`` statement.

    Leaving the statement, also by an exception, Ctrl-C or SIGTERM, ends every process that was started.

    :param name: names the AIRFLOW_HOME, ``.airflow/<name>`` in the checkout; it is emptied first
    :param dags: the folder with DAG files, or several
    :param connections: connection URIs or JSON texts by connection id
    :param settings: further environment for all components, such as ``AIRFLOW__SECTION__OPTION``
    :param password: password of the user ``admin`` and of all others; a random one if none is given
    :param users: the role of each user besides ``admin``; nothing is allowed to one whose role is empty
    """

    def __init__(
        self,
        name: str,
        dags: Path | Sequence[Path],
        *,
        connections: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        password: str | None = None,
        users: Mapping[str, str] | None = None,
    ) -> None:
        self.home = HOMES / name
        self.release = installed_release()
        self.address = f"http://127.0.0.1:{free_port()}"
        self.user = USER
        self.password = password or secrets.token_urlsafe(9)
        self._users = {self.user: "admin", **(users or {})}
        self.env = environment(
            self.home, self.release, self.address, connections or {}, settings or {}, self._users
        )
        self._dags = [dags] if isinstance(dags, Path) else list(dags)
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
        self._driver: Driver | None = None
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(sigterm_as_interrupt())
            stack.enter_context(locked(self.home))
            prepare(self.home, self.env, self._dags, dict.fromkeys(self._users, self.password))
            stack.callback(self.stop)
            self.start()
            self.wait_until_healthy()
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._cleanup.close()

    @property
    def components(self) -> tuple[str, ...]:
        """The names of the processes that this release of Airflow consists of."""
        return tuple(self._children)

    @property
    def driver(self) -> Driver:
        """The way to ask this Airflow for something."""
        if self._driver is None:
            if self.release.has_rest:
                self._driver = AirflowRest(self.address, self.user, self.password)
            else:
                self._driver = AirflowDatabase(self.env, self.home)
        return self._driver

    def start(self, component: str | None = None) -> None:
        """Start one component, or all that are not running.

        :param component: its name; all if None
        """
        for child in self._chosen(component):
            child.start()

    def kill(self, component: str, number: int = signal.SIGKILL, *, whole_family: bool = True) -> None:
        """Send a signal to one component, as a crash or a careless person would.

        :param component: its name
        :param number: the signal
        :param whole_family: also to the processes it has started, such as running tasks
        """
        self._children[component].kill(number, whole_family=whole_family)

    def stop(self, component: str | None = None) -> None:
        """End one component or everything, with all descendants; politely first.

        :param component: its name; everything if None
        """
        if component is None and self._driver is not None:
            self._driver.close()
            self._driver = None
        stop_all(self._chosen(component))

    def _chosen(self, component: str | None) -> list[Child]:
        return list(self._children.values()) if component is None else [self._children[component]]

    def pid(self, component: str) -> int | None:
        """Return the process id of a component, or None before its first start.

        :param component: its name
        """
        return self._children[component].pid

    def running(self, component: str) -> bool:
        """Tell whether a component is alive.

        :param component: its name
        """
        return self._children[component].running

    def component_log(self, component: str, lines: int = 25) -> str:
        """Return the end of what a component has printed.

        :param component: its name
        :param lines: how many lines
        """
        return self._children[component].log_tail(lines)

    def wait_until_healthy(self, timeout: float = 120.0) -> None:
        """Wait until every component has reported itself; raise if one dies or the time is over.

        :param timeout: seconds
        """
        deadline = time.monotonic() + timeout
        status: dict[str, str] = {}
        while not (status and set(status.values()) == {"healthy"}):
            for child in self._children.values():
                child.check_alive()
            if time.monotonic() > deadline:
                raise AirflowError(f"Airflow is not healthy after {timeout:g} s: {status or 'no answer'}")
            time.sleep(0.1)
            with contextlib.suppress(httpx.HTTPError):
                status = self.driver.health()

    def run_dag(
        self,
        dag_id: str,
        conf: Mapping[str, Any] | None = None,
        *,
        timeout: float = 180.0,
        on_change: Callable[[TaskRow], None] | None = None,
    ) -> FinishedRun:
        """Run a DAG, follow it to its end, and return what it left.

        :param dag_id: the DAG
        :param conf: the run's configuration, in which values for the DAG's params go
        :param timeout: seconds
        :param on_change: told about each change of a task instance
        """
        return run_to_the_end(self.driver, dag_id, conf, timeout, on_change)
