"""A process with its descendants: what the kernel says that they cost together."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
PARENT, CPU = 1, slice(11, 15)
"""Fields of ``stat`` after the name: the parent; and user and system time, own and of children that ended."""


@dataclass(frozen=True)
class Mark:
    """
    CPU seconds so far of each process of a family, at one moment.

    :param moment: seconds since the Unix epoch
    :param cpu: by process id
    """

    moment: float
    cpu: dict[int, float]

    def since(self, before: Mark) -> dict[int, float]:
        """Give the CPU seconds of each process since another mark."""
        return {pid: cpu - before.cpu.get(pid, 0.0) for pid, cpu in self.cpu.items()}


def mark(ancestor: int) -> Mark:
    """
    Take a mark.

    :param ancestor: process id of the oldest
    """
    return Mark(
        time.time(), {pid: sum(map(int, stat[CPU])) / TICKS for pid, stat in _members(ancestor).items()}
    )


def members(ancestor: int) -> list[int]:
    """Give the ids of a process and its descendants, the oldest first."""
    return list(_members(ancestor))


def resident(ancestor: int) -> int:
    """Give the resident memory of all together in kB; what they share counts for each."""
    return sum(_memory(pid, "status", "VmRSS") for pid in members(ancestor))


def proportional(ancestor: int) -> int:
    """Give the same with what is shared counted once."""
    return sum(_memory(pid, "smaps_rollup", "Pss") for pid in members(ancestor))


def _members(ancestor: int) -> dict[int, list[str]]:
    everybody = dict(_everybody())
    found = {ancestor: everybody[ancestor]}
    generation = [ancestor]
    while generation:
        parents = set(map(str, generation))
        generation = [pid for pid, stat in everybody.items() if stat[PARENT] in parents]
        found |= {pid: everybody[pid] for pid in generation}
    return found


def _everybody() -> Iterator[tuple[int, list[str]]]:
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            # It may have ended since the folder was listed.
            with contextlib.suppress(OSError):
                yield int(folder.name), (folder / "stat").read_text().rpartition(")")[2].split()


def _memory(pid: int, file: str, name: str) -> int:
    lines = (PROC / str(pid) / file).read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
