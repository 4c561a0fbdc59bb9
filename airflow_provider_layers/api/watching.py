"""What a watcher watches: things that come to an end, and the lists in which many of them show at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from airflow_provider_layers.api.request import zulu
from airflow_provider_layers.exceptions import LayersError, LayersNotFoundError, LayersUnexpectedAnswerError

if TYPE_CHECKING:
    from airflow_provider_layers.api.cadence import Cadence
    from airflow_provider_layers.api.endpoint import Endpoint

T = TypeVar("T")

NOT_FOUND_GRACE = 15.0
"""Seconds from the start of a wait in which 404 may mean that the new job is not visible yet (assumed)."""

UNEXPECTED_IN_A_ROW = 10
"""Answers in a row that nobody documented, after which a wait ends: such a thing does not pass by itself."""


@dataclass
class Patience:
    """Which failures of a look a wait outlives. Any good answer starts the count anew."""

    grace_ends: float
    unexpected: int = 0

    def outlives(self, error: LayersError, *, now: float) -> bool:
        """
        Say whether to go on waiting after a failed look.

        Rate limits, server errors and lost connections never end a wait by themselves.
        """
        if isinstance(error, LayersNotFoundError):
            return now < self.grace_ends
        if isinstance(error, LayersUnexpectedAnswerError):
            self.unexpected += 1
            return self.unexpected < UNEXPECTED_IN_A_ROW
        return not error.permanent


@dataclass(frozen=True)
class Sight:
    """
    What a look tells about when the end comes.

    :param ended: whether it has come
    :param etag: asks whether anything has changed since
    :param likely_end: the moment that the API itself expects it at, in seconds since the epoch
    :param progress: how much is done, from 0 to 1
    :param lasted: how many seconds it took, once it has ended
    """

    ended: bool
    etag: str | None = None
    likely_end: float | None = None
    progress: float | None = None
    lasted: float | None = None


class Row(NamedTuple):
    """
    What counts of a row. There are thousands at a time: a tuple is cheap, also for the garbage collector.

    :param status: its status
    :param completed: when it was completed, as the API writes it
    :param due: when it is to end, as the API writes it
    """

    status: str
    completed: str | None
    due: str | None


def items_of(page: Mapping[str, Any]) -> list[dict[str, Any]]:
    """
    Give the rows of a page of a roll as they came.

    :raises LayersUnexpectedAnswerError: it is no list of objects
    """
    rows = page.get("items")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise LayersUnexpectedAnswerError("The API answered a list without items, or with items of no shape.")
    return rows


def read_rows(page: Mapping[str, Any]) -> dict[str, Row]:
    """
    Read a page of a roll.

    :return: by id
    :raises LayersUnexpectedAnswerError: it is no list of objects
    """
    return {
        bare(str(row.get("id"))): Row(str(row.get("status")), row.get("completedAt"), row.get("scheduledFor"))
        for row in items_of(page)
    }


def bare(row_id: str) -> str:
    """Give an id without its prefix: the API writes those of containers with it and without."""
    return row_id.removeprefix("cnt_")


@dataclass(frozen=True)
class Roll:
    """
    A list of a project in which everything that is under way shows up.

    Two rolls of the same path whose rows are read alike are the same roll.

    :param path: of the list
    :param page_size: most rows that the API gives at once
    :param page: makes the endpoint of a page from the moment to begin at, the cursor, and whether to ask for
        what is under way only
    :param running: the statuses of rows that are under way
    :param read: reads a page's rows by id
    :param filtered: whether it can be asked for what is under way only
    """

    path: str
    page_size: int = field(compare=False)
    page: Callable[[float | None, str | None, bool], Endpoint[dict[str, Any]]] = field(
        compare=False, repr=False
    )
    running: frozenset[str] = field(compare=False)
    read: Callable[[Mapping[str, Any]], dict[str, Row]] = field(default=read_rows, repr=False)
    filtered: bool = field(default=True, compare=False)


def roll_query(
    *, statuses: Sequence[str], since: float | None, page_size: int, cursor: str | None
) -> tuple[tuple[str, str], ...]:
    """
    Write the query of a roll's page.

    :param since: seconds since the epoch
    """
    begin = () if since is None else (("since", zulu(datetime.fromtimestamp(since, timezone.utc))),)
    place = () if cursor is None else (("cursor", cursor),)
    return (*(("status", status) for status in statuses), *begin, ("limit", str(page_size)), *place)


@dataclass(frozen=True)
class Watch(Generic[T]):
    """
    Something to wait for.

    :param name: in words, such as ``job job_1``
    :param look: makes the endpoint that tells how it stands, from the ETag of the last answer; its result is
        ``None`` where nothing has changed
    :param sight: reads what such a result tells
    :param expired: makes the error of a passed deadline, from the last result or ``None``
    :param deadline: seconds since the epoch; one last look is taken after it
    :param cadence: how long to pause between looks
    :param species: those of one species take similarly long; empty where nothing can be learned
    :param began: when it began, in seconds since the epoch; ``None`` where that is unknown
    :param listed_since: when its rows were made, at the earliest; ``None`` where that is unknown
    :param roll: a list in which it shows; ``None`` where there is none
    :param rows: the ids of its rows there
    """

    name: str
    look: Callable[[str | None], Endpoint[T | None]] = field(repr=False)
    sight: Callable[[T], Sight] = field(repr=False)
    expired: Callable[[T | None], LayersError] = field(repr=False)
    deadline: float
    cadence: Cadence
    species: tuple[str, ...] = ()
    began: float | None = None
    listed_since: float | None = None
    roll: Roll | None = None
    rows: tuple[str, ...] = ()
