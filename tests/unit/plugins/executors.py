"""Pools whose work is done when a test says so."""

from __future__ import annotations

from concurrent.futures import Executor, Future


class Clock:
    """Time that is pushed."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class AtOnce(Executor):
    """Does the work while it is handed in."""

    def submit(self, work, /, *args, **kwargs):
        future: Future = Future()
        future.set_result(work(*args, **kwargs))
        return future


class WhenTold(Executor):
    """Keeps the work until it is told to do it."""

    def __init__(self) -> None:
        self.waiting: list = []

    def submit(self, work, /, *args, **kwargs):
        future: Future = Future()
        self.waiting.append(lambda: future.set_result(work(*args, **kwargs)))
        return future

    def work(self) -> int:
        """Do all that waits, and say how much it was."""
        waiting, self.waiting = self.waiting, []
        for one in waiting:
            one()
        return len(waiting)
