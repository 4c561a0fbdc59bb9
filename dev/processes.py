"""Child processes that can be killed one at a time, and whose descendants end with them.

Each child leads a new session, so a Ctrl-C in the terminal reaches only the program that started it. Airflow
puts its task processes into separate process groups but leaves them in that session; a child is therefore
stopped as its session plus everything that descends from it.
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
    """A row of the system's process table."""

    pid: int
    parent: int
    group: int
    session: int


def process_table() -> list[ProcessRow]:
    """Return the processes of this machine, from ``/proc`` if it exists, else from ``ps``."""
    proc = Path("/proc")
    if (proc / "self" / "stat").exists():
        rows = (_proc_row(entry) for entry in proc.iterdir() if entry.name.isdigit())
        return [row for row in rows if row is not None]
    # The sessions that macOS prints cannot be compared with process ids; the process group takes their place.
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
        # The name, in parentheses, may contain spaces and parentheses: read what follows the last one.
        state, parent, group, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
    except (OSError, ValueError):
        return None  # it ended after the directory was listed
    return None if state in "ZX" else ProcessRow(int(entry.name), int(parent), int(group), int(session))


def process_tree(leaders: set[int]) -> set[int]:
    """Return the living processes among session leaders, their sessions and groups, and all descendants.

    :param leaders: process ids of children that were started as session leaders
    """
    table = process_table()
    tree = {row.pid for row in table if leaders & {row.pid, row.group, row.session}}
    while True:
        larger = tree | {row.pid for row in table if row.parent in tree}
        if larger == tree:
            return tree - {os.getpid()}
        tree = larger


def signal_all(pids: Iterable[int], number: int) -> None:
    """Send a signal to each process that still exists."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


@dataclass
class Child:
    """A program that runs beside this one and writes its output to a file.

    :param name: its name in messages
    :param command: program and arguments
    :param env: its whole environment
    :param log_path: file for its output; a restart appends to it
    :param cwd: working directory
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    log_path: Path
    cwd: Path
    _process: subprocess.Popen[bytes] | None = None
    # Earlier starts included: the descendants of a killed program still belong to it.
    _leaders: set[int] = field(default_factory=set)

    @property
    def pid(self) -> int | None:
        """The process id, or None before the first start."""
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        """Whether the program itself is alive; its descendants may outlive it."""
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
        """Raise an error with the end of the log if the program has ended."""
        if self._process is not None and self._process.poll() is not None:
            msg = f"{self.name} ended with code {self._process.returncode}; the end of {self.log_path}:\n"
            raise ProcessError(msg + self.log_tail())

    def log_tail(self, lines: int = 25) -> str:
        """Return the last lines of the output."""
        if not self.log_path.exists():
            return "(no output)"
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    def kill(self, number: int = signal.SIGKILL, *, with_descendants: bool = True) -> None:
        """Send a signal; after SIGKILL, wait until the program has ended.

        :param number: the signal
        :param with_descendants: also to the processes it started, as when a container or a machine fails
        """
        if self._process is None:
            return
        signal_all(self.tree() if with_descendants else {self._process.pid}, number)
        if number == signal.SIGKILL:
            self.reap()

    def terminate(self) -> None:
        """Send SIGTERM to the program."""
        if self._process is not None and self.running:
            self._process.terminate()

    def reap(self) -> None:
        """Wait until the program has ended."""
        if self._process is not None:
            self._process.wait()

    def forget(self) -> None:
        """Forget the process ids once the whole tree has ended, since the system reuses them."""
        self.reap()
        self._process = None
        self._leaders.clear()

    def tree(self) -> set[int]:
        """Return the living processes of the program: itself and everything that it started."""
        if self._process is not None:
            self._process.poll()  # removes an ended program from the process table
        return process_tree(self._leaders)


@contextlib.contextmanager
def _signals_blocked() -> Iterator[None]:
    """Hold back SIGINT and SIGTERM until a clean-up is over, so that a second Ctrl-C cannot interrupt it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@_signals_blocked()
def stop_all(children: Sequence[Child], grace: float = GRACE_SECONDS) -> None:
    """Stop children and everything that they started: by SIGTERM at first, later by SIGKILL.

    :param children: the children to stop; the descendants of a dead child are stopped, too
    :param grace: seconds before SIGKILL
    """
    trees = _trees(children)
    for child in children:
        child.terminate()
    deadline = time.monotonic() + grace
    orphaned = False
    while (trees := _living(trees | _trees(children))) and time.monotonic() < deadline:
        if not orphaned and not any(child.running for child in children):
            # The parents of the rest have ended without stopping them.
            orphaned, deadline = True, min(deadline, time.monotonic() + ORPHANS_SECONDS)
            signal_all(trees, signal.SIGTERM)
        time.sleep(0.05)
    # Twice, since a process may have started another between the listing and the signal.
    for _ in range(2):
        signal_all(_living(trees | _trees(children)), signal.SIGKILL)
    for child in children:
        child.forget()


def _trees(children: Sequence[Child]) -> set[int]:
    return set().union(*(child.tree() for child in children))


def _living(pids: set[int]) -> set[int]:
    return pids & {row.pid for row in process_table()}
