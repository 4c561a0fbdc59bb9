"""What a process says about itself: how long its event loop was busy, and its memory."""

from __future__ import annotations

import selectors
import time
from collections.abc import Mapping
from pathlib import Path

PROCESS = Path("/proc/self")


class GapSelector(selectors.EpollSelector):
    """
    Measures how long the event loop did not look for what is due.

    It costs two readings of the clock for each turn of the loop, and wakes nothing up; a timer that fires
    every 10 ms would itself cost more than a hundred cheap waits.
    """

    def __init__(self) -> None:
        super().__init__()
        self._largest = 0.0
        self._left = time.perf_counter()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Look for what is due, as the loop asks for at each of its turns."""
        self._largest = max(self._largest, time.perf_counter() - self._left)
        found = super().select(timeout)
        self._left = time.perf_counter()
        return found

    def restart(self) -> float:
        """Give the largest gap so far, in seconds, and forget it."""
        found, self._largest = self._largest, 0.0
        return found


def forget_peak() -> int:
    """Begin a new peak of the resident memory and give what it is now, in kB."""
    (PROCESS / "clear_refs").write_text("5")
    return _memory()["VmRSS"]


def peak() -> int:
    """Give the peak of the resident memory, in kB."""
    return _memory()["VmHWM"]


def _memory() -> Mapping[str, int]:
    lines = (PROCESS / "status").read_text().splitlines()
    return {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith("Vm")}
