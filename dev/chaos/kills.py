"""SIGKILL, at a random moment, for something that is at work."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dev.chaos.actions import Kill
from dev.processes import family_of, signal_all

if TYPE_CHECKING:
    import random

    from dev.chaos.metadata_db import Books, Place
    from dev.local_airflow import LocalAirflow

# A worker without a task may hold the lock of the executor's queue while it waits there; killing that one
# stops LocalExecutor for good, which is Airflow's affair and not what is looked at here.
WORKER = re.compile(r"airflow worker -- LocalExecutor[^:]*: (?!<idle>)")
TASK = re.compile(r"airflow worker -- ([0-9a-f-]{36})")
WEIGHTS = {"task": 12, "worker": 7, "triggerer": 7, "scheduler": 4, "scheduler with its workers": 3}


class Killer:
    """Kills processes of one Airflow, and starts the components again.

    :param airflow: whose processes
    :param books: to learn which task a process is at work on
    :param chance: draws the victims
    """

    def __init__(self, airflow: LocalAirflow, books: Books, chance: random.Random) -> None:
        self._airflow = airflow
        self._books = books
        self._chance = chance

    def strike(self) -> Kill | None:
        """Kill something; return None if nobody of the kind that was drawn is at work."""
        kind = self._chance.choices([*WEIGHTS], [*WEIGHTS.values()])[0]
        if kind == "task":
            return self._kill_process(kind, TASK)
        if kind == "worker":
            return self._kill_process(kind, WORKER)
        self.restart(kind.partition(" ")[0], whole_family=kind != "scheduler")
        return Kill(time.time(), kind)

    def restart(self, component: str, *, whole_family: bool) -> None:
        """Kill a component and start it again.

        :param component: its name
        :param whole_family: also the processes it has started
        """
        self._airflow.kill(component, signal.SIGKILL, whole_family=whole_family)
        self._airflow.start(component)

    def revive(self) -> list[str]:
        """Start every component that has ended by itself, and return their names."""
        gone = [name for name in self._airflow.components if not self._airflow.running(name)]
        for name in gone:
            self._airflow.start(name)
        return gone

    def _kill_process(self, kind: str, title: re.Pattern[str]) -> Kill | None:
        victims = [(pid, match) for pid, text in self._titles() if (match := title.match(text))]
        if not victims:
            return None
        pid, match = self._chance.choice(sorted(victims, key=lambda victim: victim[0]))
        place = self._place(match)
        signal_all([pid], signal.SIGKILL)
        return Kill(time.time(), kind, place)

    def _place(self, match: re.Match[str]) -> Place | None:
        return self._books.place_of(match[1]) if match.re is TASK else None

    def _titles(self) -> list[tuple[int, str]]:
        leader = self._airflow.pid("scheduler")
        found = []
        for pid in family_of({leader} if leader else set()):
            try:
                text = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            found.append((pid, text.strip()))
        return found
