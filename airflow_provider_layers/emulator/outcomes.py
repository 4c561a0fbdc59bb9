"""How the next jobs and posts are to end, in the order in which it was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_provider_layers.emulator.checks import Shape, check, integer, number, one_of, optional, text
from airflow_provider_layers.emulator.entities import Outcome

KINDS = ("content_generate", "content_clone_from_post", "content_regenerate", "scheduled_post")
OUTCOME = Shape(
    {
        "status": one_of("completed", "failed", "canceled"),
        "code": text(1),
        "message": text(1),
        "kind": optional(one_of(*KINDS)),
        "times": optional(integer(1)),
        "job_seconds": optional(number(0)),
    },
    ("status",),
)


@dataclass
class _Waiting:
    outcome: Outcome
    kind: str | None
    times: int | None


class Outcomes:
    """The outcomes that wait for a job or a post to take them."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []

    def add(self, asked: dict[str, Any]) -> None:
        """Queue an outcome.

        :param asked: ``status``; ``code`` and ``message`` of a failure; ``kind`` (by default
            jobs of any kind); ``times`` (1 by default, ``None`` for ever); ``job_seconds``.
        """
        check(asked, OUTCOME)
        kind, times = asked.get("kind"), asked.get("times", 1)
        rest = {name: value for name, value in asked.items() if name not in ("kind", "times")}
        self._waiting.append(_Waiting(Outcome(**rest), kind, times))

    def clear(self) -> None:
        """Forget what waits; new jobs complete."""
        self._waiting.clear()

    def take(self, kind: str) -> Outcome:
        """Return how the new job or post of *kind* ends; posts need to be asked for by kind."""
        for waiting in self._waiting:
            if waiting.kind == kind or (waiting.kind is None and kind != "scheduled_post"):
                self._use(waiting)
                return waiting.outcome
        return Outcome()

    def _use(self, waiting: _Waiting) -> None:
        if waiting.times is None:
            return
        waiting.times -= 1
        if waiting.times == 0:
            self._waiting.remove(waiting)
