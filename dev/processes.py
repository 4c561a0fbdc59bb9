"""Child processes that can be killed one at a time, and that leave nobody behind.

Each child leads a session of its own, so a Ctrl-C in the terminal reaches only the program that started
it. Airflow puts its task processes into process groups of their own but leaves them in that session; a
child is therefore ended as a session plus everything that descends from it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

GRACE_SECONDS = 4.0
ORPHANS_SECONDS = 2.0


class ProcessError(RuntimeError):
    """A child process ended when it should have been running."""


class ProcessRow(NamedTuple):
    """One line of the system's process table."""

    pid: int
    parent: int
    group: int
    session: int


def process_table() -> list[ProcessRow]:
    """List the processes of this machine, from ``/proc`` where there is one, else from ``ps``."""
    proc = Path("/proc")
    if (proc / "self" / "stat").exists():
        rows = (_proc_row(entry) for entry in proc.iterdir() if entry.name.isdigit())
        return [row for row in rows if row is not None]
    # macOS prints its sessions as addresses that say nothing; there the process group stands in.
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,pgid="],
        capture_output=True,
        text=True,
        check=True,
    )
    fields = (tuple(map(int, line.split())) for line in listing.stdout.splitlines())
    return [ProcessRow(pid, parent, group, group) for pid, parent, group in fields]


def _proc_row(entry: Path) -> ProcessRow | None:
    try:
        # The name, in parentheses, may itself hold spaces and parentheses: read what follows the last one.
        state, parent, group, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
    except (OSError, ValueError):
        return None  # it ended while the list was being read
    return None if state in "ZX" else ProcessRow(int(entry.name), int(parent), int(group), int(session))


def family_of(leaders: set[int]) -> set[int]:
    """Collect living processes: the leaders, their sessions and groups, and all their descendants.

    :param leaders: process ids of children that were started as leaders of their own sessions
    """
    table = process_table()
    family = {row.pid for row in table if leaders & {row.pid, row.group, row.session}}
    while True:
        grown = family | {row.pid for row in table if row.parent in family}
        if grown == family:
            return family - {os.getpid()}
        family = grown


def signal_all(pids: Iterable[int], number: int) -> None:
    """Send a signal to each process that still exists.

    :param pids: process ids
    :param number: the signal
    """
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


@dataclass
class Child:
    """A program that runs beside this one, its output going to a file.

    :param name: what people call it
    :param command: program and arguments
    :param env: its whole environment
    :param log_path: file that takes its output; a restart appends to it
    :param cwd: working directory
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    log_path: Path
    cwd: Path
    _process: subprocess.Popen[bytes] | None = None
    # Also those of earlier starts: what a killed program has left behind still belongs to it.
    _leaders: set[int] = field(default_factory=set)

    @property
    def pid(self) -> int | None:
        """The process id, or None before the first start."""
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        """Whether the program itself is alive; its own children may outlive it."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the program as the leader of a new session; do nothing if it is running."""
        if self.running:
            return
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                list(self.command),
                env=dict(self.env),
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._leaders.add(self._process.pid)

    def check_alive(self) -> None:
        """Raise with the end of the log if the program has ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            msg = f"{self.name} ended with code {self._process.returncode}; the end of {self.log_path}:\n"
            raise ProcessError(msg + self.log_tail())

    def log_tail(self, lines: int = 25) -> str:
        """Return the last lines of the output.

        :param lines: how many
        """
        if not self.log_path.exists():
            return "(no output)"
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    def kill(self, number: int = signal.SIGKILL, *, whole_family: bool = True) -> None:
        """Send a signal and, if it is one that cannot be refused, wait until it has taken effect.

        :param number: the signal
        :param whole_family: also to the processes it started, as when a container or a machine dies
        """
        if self._process is None:
            return
        signal_all(self.family() if whole_family else {self._process.pid}, number)
        if number == signal.SIGKILL:
            self.reap()

    def terminate(self) -> None:
        """Ask the program to end."""
        if self._process is not None and self.running:
            self._process.terminate()

    def reap(self) -> None:
        """Wait for the program's end."""
        if self._process is not None:
            self._process.wait()

    def forget(self) -> None:
        """Drop the process ids of a family that is known to have ended; they may come to mean others."""
        self.reap()
        self._process = None
        self._leaders.clear()

    def family(self) -> set[int]:
        """Return the living processes of the program: itself, if it lives, and all that it started."""
        if self._process is not None:
            self._process.poll()  # takes an ended program out of the process table
        return family_of(self._leaders)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Hold back SIGINT and SIGTERM until a clean-up is over, so that a second Ctrl-C cannot cut it short."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@undisturbed()
def stop_all(children: Sequence[Child], grace: float = GRACE_SECONDS) -> None:
    """End children and all that they started: politely and together at first, by force after a while.

    :param children: the children to end; what a dead child has left behind is ended too
    :param grace: seconds before force is used
    """
    families = _families(children)
    for child in children:
        child.terminate()
    deadline = time.monotonic() + grace
    orphaned = False
    while (families := _living(families | _families(children))) and time.monotonic() < deadline:
        if not orphaned and not any(child.running for child in children):
            # Whoever is left was not told by its parent.
            orphaned, deadline = True, min(deadline, time.monotonic() + ORPHANS_SECONDS)
            signal_all(families, signal.SIGTERM)
        time.sleep(0.05)
    # Twice, since a process may have started another between the look and the signal.
    for _ in range(2):
        signal_all(_living(families | _families(children)), signal.SIGKILL)
    for child in children:
        child.forget()


def _families(children: Sequence[Child]) -> set[int]:
    return set().union(*(child.family() for child in children))


def _living(pids: set[int]) -> set[int]:
    return pids & {row.pid for row in process_table()}
