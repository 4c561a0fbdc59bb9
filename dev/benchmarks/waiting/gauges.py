"""What a process says about itself: how long its event loop was busy, and its memory."""

from __future__ import annotations

import gc
import selectors
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

PROCESS = Path("/proc/self")


class Gap(NamedTuple):
    """
    The longest turns of an event loop.

    :param whole: seconds
    :param own: seconds of the longest without what Python's garbage collector took of it
    """

    whole: float = 0.0
    own: float = 0.0


class GapSelector(selectors.EpollSelector):
    """
    Measures how long the event loop did not look for what is due.

    It costs two readings of the clock for each turn of the loop, and wakes nothing up; a timer that fires
    every 10 ms would itself cost more than a hundred cheap waits.
    """

    def __init__(self) -> None:
        super().__init__()
        self._largest = Gap()
        self._collected = 0.0
        self._left = time.perf_counter()
        self._collecting = self._left
        gc.callbacks.append(self._collect)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Look for what is due, as the loop asks for at each of its turns."""
        turn = time.perf_counter() - self._left
        self._largest = Gap(max(self._largest.whole, turn), max(self._largest.own, turn - self._collected))
        found = super().select(timeout)
        self._left, self._collected = time.perf_counter(), 0.0
        return found

    def restart(self) -> Gap:
        """Give the largest gap so far and forget it."""
        found, self._largest = self._largest, Gap()
        return found

    def close(self) -> None:
        """Stop to measure."""
        gc.callbacks.remove(self._collect)
        super().close()

    def _collect(self, phase: str, info: Mapping[str, int]) -> None:
        now = time.perf_counter()
        if phase == "start":
            self._collecting = now
        else:
            self._collected += now - self._collecting


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
