"""Console output of the demo: a line for each event, and tables at the end."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dev.airflow_client import TaskRow

GREEN, YELLOW, RED, BOLD, FAINT = "32", "33", "31", "1", "2"
COLORS = {
    "success": GREEN,
    "healthy": GREEN,
    "deferred": YELLOW,
    "up_for_retry": YELLOW,
    "failed": RED,
    "upstream_failed": RED,
}
# States that last a moment and tell a reader nothing.
HIDDEN_STATES = frozenset({"none", "scheduled", "queued"})


def colored(text: str, color: str) -> str:
    """Return the text in an ANSI color if the output is a terminal."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\033[{color}m{text}\033[0m"


class Console:
    """Prints events with the seconds since its creation.

    :param width: width of the column with the names
    """

    def __init__(self, width: int = 28) -> None:
        self._started = time.monotonic()
        self._width = width

    @property
    def seconds(self) -> float:
        """Seconds since the creation."""
        return time.monotonic() - self._started

    def heading(self, text: str) -> None:
        """Print a heading."""
        print(f"\n{colored(text, BOLD)}\n", flush=True)

    def event(self, name: str, state: str) -> None:
        """Print a line about something that has just reached a state."""
        seconds = colored(f"{self.seconds:6.1f} s", FAINT)
        first = state.split()[0] if state else ""
        print(f"{seconds}  {name:<{self._width}}  {colored(state, COLORS.get(first, '0'))}", flush=True)

    def task_changed(self, row: TaskRow) -> None:
        """Print a line about a task instance, unless its state is of no interest."""
        if row.state not in HIDDEN_STATES:
            tries = f" (try {row.try_number})" if row.try_number > 1 else ""
            self.event(row.label, row.state + tries)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table, with states in their colors."""
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        print("  " + colored(_line(head, widths), FAINT))
        for row in rows:
            cells = [
                colored(cell.ljust(width), COLORS[cell]) if cell in COLORS else cell.ljust(width)
                for cell, width in zip(row, widths, strict=True)
            ]
            print("  " + "  ".join(cells).rstrip())


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
