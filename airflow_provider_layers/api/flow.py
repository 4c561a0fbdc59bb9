"""The flows that every call is made of. A worker and the triggerer drive the same ones."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, TypeVar

from airflow_provider_layers.api.endpoint import Answer, Endpoint, Flow, Pause, Send
from airflow_provider_layers.api.retry import pause_before
from airflow_provider_layers.api.verdict import judge
from airflow_provider_layers.exceptions import LayersError, LayersUnexpectedAnswerError

T = TypeVar("T")


def ask(endpoint: Endpoint[T]) -> Flow[T]:
    """
    Send once and read the answer.

    :param endpoint: what to send
    :raises LayersError: whatever became of it
    """
    answer = yield Send(endpoint)
    error = judge(endpoint, answer)
    if error is not None:
        raise error
    assert isinstance(answer, Answer)  # noqa: S101 - `judge` has refused everything else
    return endpoint.read(answer)


def call(
    endpoint: Endpoint[T],
    *,
    chance: Callable[[], float] = random.random,
    failed: Callable[[int, LayersError], None] | None = None,
) -> Flow[T]:
    """
    Send, and send again while that can help and cannot do anything twice.

    :param endpoint: what to send
    :param chance: source of jitter, numbers from 0 to 1
    :param failed: is told of each attempt that failed: its number, from 1, and why
    :raises LayersError: the last error, once asking again is of no use
    """
    attempt = 1
    while True:
        try:
            return (yield from ask(endpoint))
        except LayersError as error:
            if failed:
                failed(attempt, error)
            pause = pause_before(attempt, error, chance=chance()) if endpoint.repeatable else None
            if pause is None:
                raise
        yield Pause(pause)
        attempt += 1


def collect(
    page: Callable[[int, str | None], Endpoint[dict[str, Any]]], *, limit: int | None, page_size: int
) -> Flow[list[dict[str, Any]]]:
    """
    Walk a list to its end or to a limit (``getting-started/common-patterns``).

    :param page: makes the endpoint of a page from its size and cursor
    :param limit: most rows to return; ``None`` for all
    :param page_size: most rows that the API gives at once
    :raises LayersUnexpectedAnswerError: a cursor came back twice, which would never end
    """
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    seen: set[str] = set()
    while True:
        size = page_size if limit is None else min(page_size, limit - len(rows))
        endpoint = page(size, cursor)
        answer = yield from call(endpoint)
        rows += answer.get("items") or []
        cursor = answer.get("nextCursor")
        if not cursor or (limit is not None and len(rows) >= limit):
            return rows[:limit]
        if cursor in seen:
            raise LayersUnexpectedAnswerError(f"Could not {endpoint.asked}: the same page came back twice.")
        seen.add(cursor)
