"""Whose job is it: each job of the ledger, matched with the task instance whose key started it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_layers.api.keys import Origin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_layers.emulator.control_client import CreatedJob
    from dev.chaos.metadata_db import Place

PURPOSES = {
    "LayersGenerateContentOperator": "generate",
    "LayersCloneFromPostOperator": "clone",
    "LayersRegenerateContentOperator": "regenerate",
}
TURNS = 16
TRIES = 48


class Submission(NamedTuple):
    """What is to be paid for once.

    :param place: the task instance
    :param generation: ``max_tries`` of its tries, which a person's clear raises
    :param turn: its place in the sequence of keys
    """

    place: Place
    generation: int
    turn: int


@dataclass(frozen=True)
class OwnJob:
    """A job and the submission whose key started it; None for a key that nobody here makes."""

    job: CreatedJob
    submission: Submission | None


def match(jobs: Iterable[CreatedJob], places: Iterable[tuple[Place, str]]) -> list[OwnJob]:
    """Find the submission of each job by deriving every key that could have been sent.

    :param jobs: of the ledger
    :param places: the task instances with the class names of their operators
    """
    purposes = [(place, PURPOSES[operator]) for place, operator in places if operator in PURPOSES]
    keys = {
        Origin(*one.place, generation=one.generation).key(purpose, one.turn): one
        for place, purpose in purposes
        for one in (Submission(place, *turn) for turn in product(range(TRIES), range(TURNS)))
    }
    return [OwnJob(job, keys.get(job.idempotency_key or "")) for job in jobs]


def of_place(jobs: Iterable[OwnJob]) -> dict[Place, list[OwnJob]]:
    """Sort jobs by task instance, those of a later generation or turn last.

    :param jobs: the matched jobs
    """
    found: dict[Place, list[OwnJob]] = {}
    for own in jobs:
        if own.submission:
            found.setdefault(own.submission.place, []).append(own)
    for mine in found.values():
        mine.sort(key=lambda own: own.submission or ())
    return found
