"""A timer and executors that a test controls."""

from __future__ import annotations

from concurrent.futures import Executor, Future


class ManualTimer:
    """Seconds that pass only when a test adds them."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class ImmediateExecutor(Executor):
    """Runs the work within ``submit``."""

    def submit(self, work, /, *args, **kwargs):
        future: Future = Future()
        future.set_result(work(*args, **kwargs))
        return future


class ManualExecutor(Executor):
    """Runs the work when a test calls :meth:`run_all`."""

    def __init__(self) -> None:
        self.waiting: list = []

    def submit(self, work, /, *args, **kwargs):
        future: Future = Future()
        self.waiting.append(lambda: future.set_result(work(*args, **kwargs)))
        return future

    def run_all(self) -> int:
        """Run all that waits and return how much it was."""
        waiting, self.waiting = self.waiting, []
        for work in waiting:
            work()
        return len(waiting)
