"""How long, how wide and how hard: the numbers of one chaos run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """What a run is to do before it may stop.

    :param seed: all chances are drawn from it
    :param seconds: how long the adversary is at work; it stops then, whatever it has reached
    :param instances: the least number of task instances; DAG runs are started until there are so many
    :param kills: the least number of processes killed
    :param active_runs: how many DAG runs are kept going at once
    :param deed_every: seconds between two marks or clears, on average
    :param rate: the chance that a request meets some fault
    :param drain_seconds: how long the end may take after the adversary has left
    :param strict: whether missing the least numbers, or a kind of fault at a route, counts as a miss
    """

    seed: int = 1
    seconds: float = 480.0
    instances: int = 500
    kills: int = 30
    active_runs: int = 14
    deed_every: float = 7.0
    rate: float = 0.15
    drain_seconds: float = 240.0
    retries: int = 12
    width: int = 2
    parallelism: int = 10
    strict: bool = True

    @property
    def kill_every(self) -> float:
        """Seconds between two kills, on average: a few more than asked for, since some find nobody."""
        return self.seconds / (self.kills * 1.2)


SHORT = Plan(
    seconds=40.0,
    instances=25,
    kills=7,
    active_runs=5,
    deed_every=6.0,
    drain_seconds=120.0,
    parallelism=8,
    strict=False,
)
