"""CPU, memory and event-loop gaps: of this process, and of a process with its descendants."""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Fields of ``stat`` after the name: the parent; and user and system time, including children that ended.
PARENT_FIELD, CPU_FIELDS = 1, slice(11, 15)


class Gap(NamedTuple):
    """The longest iterations of an event loop.

    :param total: seconds of the longest iteration
    :param own: seconds of the longest iteration without Python's garbage collector
    """

    total: float = 0.0
    own: float = 0.0


class GapSelector(selectors.EpollSelector):
    """Measures how long the event loop is busy between two selects.

    It costs two readings of the clock for each iteration and wakes nothing up. A timer that fires every 10 ms
    would cost more than a hundred cheap waits.
    """

    def __init__(self) -> None:
        super().__init__()
        self._largest = Gap()
        self._collected = 0.0
        self._left = time.perf_counter()
        self._collecting = self._left
        gc.callbacks.append(self._on_collection)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Select as the event loop requests it, and measure the iteration that ends here."""
        busy = time.perf_counter() - self._left
        self._largest = Gap(max(self._largest.total, busy), max(self._largest.own, busy - self._collected))
        ready = super().select(timeout)
        self._left, self._collected = time.perf_counter(), 0.0
        return ready

    def reset(self) -> Gap:
        """Return the largest gap so far and start again."""
        largest, self._largest = self._largest, Gap()
        return largest

    def close(self) -> None:
        """Stop measuring."""
        gc.callbacks.remove(self._on_collection)
        super().close()

    def _on_collection(self, phase: str, info: Mapping[str, int]) -> None:
        now = time.perf_counter()
        if phase == "start":
            self._collecting = now
        else:
            self._collected += now - self._collecting


def reset_peak_memory() -> int:
    """Reset the peak of this process's resident memory and return the present value in kB."""
    (PROC / "self" / "clear_refs").write_text("5")
    return _memory(os.getpid(), "status", "VmRSS")


def peak_memory() -> int:
    """Return the peak of this process's resident memory in kB."""
    return _memory(os.getpid(), "status", "VmHWM")


@dataclass(frozen=True)
class CpuTimes:
    """CPU seconds so far of each process of a tree, at one moment.

    :param moment: epoch seconds
    :param by_pid: CPU seconds by process id, the oldest process first
    """

    moment: float
    by_pid: dict[int, float]

    def since(self, before: CpuTimes) -> dict[int, float]:
        """Return the CPU seconds of each process since an earlier moment."""
        return {pid: cpu - before.by_pid.get(pid, 0.0) for pid, cpu in self.by_pid.items()}


def cpu_times(root: int) -> CpuTimes:
    """Return the CPU times of a process and its descendants."""
    stats = _tree(root)
    return CpuTimes(
        time.time(),
        {pid: sum(map(int, stat[CPU_FIELDS])) / TICKS_PER_SECOND for pid, stat in stats.items()},
    )


def process_ids(root: int) -> list[int]:
    """Return the ids of a process and its descendants, the oldest first."""
    return list(_tree(root))


def resident_memory(root: int) -> int:
    """Return the resident memory of the tree in kB; shared memory counts for each process."""
    return sum(_memory(pid, "status", "VmRSS") for pid in process_ids(root))


def proportional_memory(root: int) -> int:
    """Return the memory of the tree in kB with shared memory counted once."""
    return sum(_memory(pid, "smaps_rollup", "Pss") for pid in process_ids(root))


def _tree(root: int) -> dict[int, list[str]]:
    stats = dict(_all_stats())
    tree = {root: stats[root]}
    level = [root]
    while level:
        parents = set(map(str, level))
        level = [pid for pid, stat in stats.items() if stat[PARENT_FIELD] in parents]
        tree |= {pid: stats[pid] for pid in level}
    return tree


def _all_stats() -> Iterator[tuple[int, list[str]]]:
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            # It may have ended since the directory was listed.
            with contextlib.suppress(OSError):
                yield int(folder.name), (folder / "stat").read_text().rpartition(")")[2].split()


def _memory(pid: int, file: str, name: str) -> int:
    lines = (PROC / str(pid) / file).read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
