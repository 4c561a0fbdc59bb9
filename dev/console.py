"""What the demo prints: a line when something happens, and tables at the end."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dev.airflow_client import TaskRow

GREEN, YELLOW, RED, BOLD, FAINT = "32", "33", "31", "1", "2"
COLOURS = {
    "success": GREEN,
    "healthy": GREEN,
    "deferred": YELLOW,
    "up_for_retry": YELLOW,
    "failed": RED,
    "upstream_failed": RED,
}
# States that last a moment and say nothing to a reader.
UNSAID = frozenset({"none", "scheduled", "queued"})


def paint(text: str, colour: str) -> str:
    """Colour a text, on a terminal.

    :param text: the text
    :param colour: an ANSI code
    """
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\033[{colour}m{text}\033[0m"


class Screen:
    """A stopwatch that talks.

    :param width: room for the names at the beginning of a line
    """

    def __init__(self, width: int = 28) -> None:
        self._began = time.monotonic()
        self._width = width

    @property
    def seconds(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    def title(self, text: str) -> None:
        """Print a heading.

        :param text: the heading
        """
        print(f"\n{paint(text, BOLD)}\n", flush=True)

    def happened(self, what: str, how: str) -> None:
        """Print one line about something that has just happened.

        :param what: the thing
        :param how: its new state
        """
        clock = paint(f"{self.seconds:6.1f} s", FAINT)
        first = how.split()[0] if how else ""
        print(f"{clock}  {what:<{self._width}}  {paint(how, COLOURS.get(first, '0'))}", flush=True)

    def task_changed(self, row: TaskRow) -> None:
        """Print one line about a task instance that has changed, unless nobody would care.

        :param row: the task instance
        """
        if row.state not in UNSAID:
            again = f" (try {row.try_number})" if row.try_number > 1 else ""
            self.happened(row.label, row.state + again)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table; a cell that is a state gets its colour.

        :param head: the columns' names
        :param rows: the cells
        """
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        print("  " + paint(_line(head, widths), FAINT))
        for row in rows:
            cells = [
                paint(cell.ljust(width), COLOURS[cell]) if cell in COLOURS else cell.ljust(width)
                for cell, width in zip(row, widths, strict=True)
            ]
            print("  " + "  ".join(cells).rstrip())


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
