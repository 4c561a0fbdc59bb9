"""Starting the processes of a run: one server, and a fresh client for each case at each size."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.benchmarks.waiting import certificate
from dev.benchmarks.waiting.cases import CASES, Server
from dev.benchmarks.waiting.spec import READY, Order, Report

CORES = sorted(os.sched_getaffinity(0))
"""The first is for the clients, the last for the server."""

LEAD = 0.5
LEAD_PER_WAIT = 0.0005
"""Seconds in which server and clients draw the jobs before a run begins."""


class ClientError(Exception):
    """A client process ended without a report."""


@dataclass(frozen=True)
class Site:
    """
    A server that runs, and what clients need to reach it.

    :param address: host and port
    :param folder: holds the certificate, and Airflow's home
    """

    address: str
    folder: Path

    def environment(self, order: Order) -> dict[str, str]:
        """
        Compose the environment of a client.

        :param order: what it is to do
        """
        # Airflow settings of the person's own shell would make this another measurement.
        env = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        env |= {"AIRFLOW_HOME": str(self.folder), "SSL_CERT_FILE": str(self.folder / "certificate.pem")}
        return env | CASES[order.case].environment(Server(self.address, order.key))


@contextmanager
def serving() -> Iterator[Site]:
    """Run the server on a core of its own until the statement is left."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="waiting-")))
        (folder / "airflow.cfg").touch()
        files = certificate.make(folder)
        command = [sys.executable, "-m", "dev.benchmarks.waiting.server", *map(str, files)]
        process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        stack.callback(process.terminate)
        os.sched_setaffinity(process.pid, CORES[-1:])
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        if not port:
            raise ClientError("the server did not start")
        yield Site(f"127.0.0.1:{port}", folder)


def together(site: Site, orders: Sequence[Order], cores: Sequence[int] = CORES[:1]) -> list[Report]:
    """
    Carry out orders at the same time, each in a fresh process.

    :param site: the server
    :param orders: what to do
    :param cores: on which they run
    """
    with ExitStack() as stack:
        clients = [stack.enter_context(_started(site, order, cores)) for order in orders]
        for client in clients:
            if client.line() != READY:
                raise client.failure()
        epoch = time.time() + LEAD + LEAD_PER_WAIT * sum(order.waits for order in orders)
        for client in clients:
            client.tell(repr(epoch))
        return [client.report() for client in clients]


@dataclass(frozen=True)
class Client:
    """
    A process that carries out an order.

    :param order: which
    :param process: its stdin and stdout are pipes
    :param log: where its stderr goes
    """

    order: Order
    process: subprocess.Popen[str]
    log: Path

    def tell(self, line: str) -> None:
        """Write a line to its stdin."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def line(self) -> str:
        """Read a line from its stdout."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def report(self) -> Report:
        """
        Wait for its report.

        :raises ClientError: it ended without one
        """
        told = self.line()
        if not told:
            raise self.failure()
        return Report(**json.loads(told))

    def failure(self) -> ClientError:
        """Say how it ended."""
        self.process.wait()
        log = self.log.read_text()[-3000:]
        return ClientError(f"{self.order.case} at {self.order.waits} waits ended:\n{log}")


@contextmanager
def _started(site: Site, order: Order, cores: Sequence[int]) -> Iterator[Client]:
    path = site.folder / f"{order.key}.log"
    command = [sys.executable, "-W", "ignore", "-m", "dev.benchmarks.waiting.client"]
    with path.open("w") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=site.environment(order),
        )
    with process:
        try:
            os.sched_setaffinity(process.pid, cores)
            client = Client(order, process, path)
            client.tell(json.dumps(order.as_json()))
            yield client
        finally:
            process.terminate()
