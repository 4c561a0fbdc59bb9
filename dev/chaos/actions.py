"""What the adversary did, so that the end state can be explained."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dev.chaos.metadata_db import Place

CLEAR = "clear"
MARK_FAILED = "mark failed"
MARK_SUCCESS = "mark success"


@dataclass(frozen=True)
class Kill:
    """One kill.

    :param at: seconds since the epoch
    :param kind: what was killed
    :param place: the task instance it was at work on, where that is known
    """

    at: float
    kind: str
    place: Place | None = None


@dataclass(frozen=True)
class Deed:
    """What a person did to one task instance.

    :param at: seconds since the epoch
    :param action: see the constants of this module
    :param place: the task instance
    :param state: the state it was in shortly before, or None
    :param certain: whether Airflow confirmed it
    """

    at: float
    action: str
    place: Place
    state: str | None
    certain: bool = True


@dataclass
class Record:
    """Everything that was done.

    :param kills: the kills, oldest first
    :param deeds: what people did, oldest first; a clear has one entry for each task instance it cleared
    :param acts: how many requests of people those were
    :param notes: what else happened that a reader should know, and how often
    """

    kills: list[Kill] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)
    acts: int = 0
    notes: Counter[str] = field(default_factory=Counter)

    def note(self, text: str, error: Exception | None = None) -> None:
        """Write down what a reader should know.

        :param text: the same for what is the same
        :param error: its reason
        """
        reason = re.search(r"was answered \d+", str(error)) if error else None
        self.notes[f"{text} ({reason[0] if reason else type(error).__name__})" if error else text] += 1

    def of(self, place: Place, *actions: str) -> list[Deed]:
        """Return what was done to a task instance.

        :param place: the task instance
        :param actions: only these; all if none is named
        """
        return [
            deed for deed in self.deeds if deed.place == place and (not actions or deed.action in actions)
        ]

    def certain(self, place: Place) -> bool:
        """Tell whether Airflow confirmed what was done last to a task instance.

        :param place: the task instance
        """
        last = self.last(place)
        return last is None or last.certain

    def last(self, place: Place) -> Deed | None:
        """Return what was done last to a task instance.

        :param place: the task instance
        """
        done = self.of(place)
        return done[-1] if done else None
