"""Sending a request that costs money or makes something public once, over all tries of a task."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from airflow_provider_layers.api.endpoint import Answer
from airflow_provider_layers.api.flow import call
from airflow_provider_layers.exceptions import (
    LayersAPIError,
    LayersConflictError,
    LayersParameterError,
    LayersReplayWindowError,
    LayersRequestChangedError,
)

if TYPE_CHECKING:
    from airflow_provider_layers.api.endpoint import Endpoint, Flow
    from airflow_provider_layers.exceptions import LayersError

T = TypeVar("T")

REPLAY_WINDOW = 24 * 3600.0 - 600.0
"""Seconds that the API replays an answer for its key, less ten minutes for clocks that differ."""


@dataclass(frozen=True)
class Record:
    """
    What a task instance remembers of a request.

    :param asked: the request in words, for people who look into the store
    :param sent_at: seconds since the epoch, noted before sending
    :param fields: a digest of each field of the request
    :param answer: the body of the API's answer; ``None`` while it is unknown whether it arrived there
    """

    asked: str
    sent_at: float
    fields: Mapping[str, str]
    answer: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Give it as plain JSON."""
        return asdict(self)


class Memory(Protocol):
    """
    Where a task instance keeps its records over its tries.

    ``unremembered_since`` is the earliest moment at which an earlier try can have sent a request that is not
    remembered, in seconds since the epoch; ``None`` when there can be none.
    """

    unremembered_since: float | None

    def load(self, key: str) -> Record | None:
        """Give the record of a key."""

    def save(self, key: str, record: Record) -> None:
        """Keep the record of a key; when this returns, it survives the death of the process."""

    def forget(self, key: str) -> None:
        """Drop the record of a key."""


@dataclass(frozen=True)
class Sent:
    """
    What became of a request.

    :param result: as its endpoint reads it
    :param fresh: whether it is certain that no earlier try had sent it
    """

    result: Any
    fresh: bool


def fingerprint(endpoint: Endpoint[Any]) -> dict[str, str]:
    """Digest each field of a request, so that a change can be named without keeping what was said."""
    fields = {"path": endpoint.path, **(endpoint.body or {})}
    return {name: _digest(value) for name, value in fields.items()}


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def once(
    endpoint: Endpoint[Any],
    memory: Memory,
    *,
    send_after_window: bool = False,
    clock: Callable[[], float] = time.time,
) -> Flow[Sent]:
    """
    Send a request, unless its answer is remembered.

    :param endpoint: with its idempotency key
    :param memory: of the task instance
    :param send_after_window: send even when the API may have forgotten an earlier request with this key
    :param clock: gives the seconds since the epoch
    :raises LayersRequestChangedError: an earlier try sent another request under this key
    :raises LayersReplayWindowError: an earlier try may have sent it so long ago that it would count as new
    """
    key = endpoint.idempotency_key
    if key is None:
        raise LayersParameterError(f"To {endpoint.asked} once takes an idempotency key.")
    record = memory.load(key)
    if record is not None:
        _refuse_change(record, endpoint)
        if record.answer is not None:
            return Sent(endpoint.read(_remembered(record.answer)), fresh=False)
    sent_at = record.sent_at if record else memory.unremembered_since
    if sent_at is not None and not send_after_window:
        _refuse_late(endpoint, sent_at, now=clock())
    record = record or Record(endpoint.asked, clock(), fingerprint(endpoint))
    memory.save(key, record)

    def failed(attempt: int, error: LayersError) -> None:
        if sent_at is None and attempt == 1 and _refused(error):
            memory.forget(key)

    sending = replace(endpoint, read=lambda answer: (answer, endpoint.read(answer)))
    answer, result = yield from call(sending, failed=failed)
    memory.save(key, replace(record, answer=answer.json()))
    return Sent(result, fresh=sent_at is None)


def recall(endpoint: Endpoint[T], memory: Memory) -> T | None:
    """Give the remembered result of a request; ``None`` where there is none."""
    record = memory.load(endpoint.idempotency_key or "")
    return endpoint.read(_remembered(record.answer)) if record and record.answer is not None else None


def forget_answer(endpoint: Endpoint[Any], memory: Memory) -> None:
    """Keep that a request was sent, and forget an answer that turned out wrong."""
    key = endpoint.idempotency_key or ""
    record = memory.load(key)
    if record is not None:
        memory.save(key, replace(record, answer=None))


def _remembered(body: Mapping[str, Any]) -> Answer:
    return Answer(200, {}, json.dumps(body).encode())


def _refused(error: LayersError) -> bool:
    """
    Say whether the API refused a request for good, so that nothing came of it.

    A conflict is no such answer: it may tell of what the request itself has done.
    """
    if not isinstance(error, LayersAPIError) or isinstance(error, LayersConflictError):
        return False
    return error.permanent and 400 <= error.status_code < 500


def _refuse_change(record: Record, endpoint: Endpoint[Any]) -> None:
    now = fingerprint(endpoint)
    changed = sorted(name for name in {*now, *record.fields} if now.get(name) != record.fields.get(name))
    if changed:
        raise LayersRequestChangedError(
            f"Could not {endpoint.asked}: an earlier try of this task asked for something else. Changed: "
            f"{', '.join(changed)}. Nothing was sent. A template that gives another value on every try, such "
            "as the current time, does that: make it the same on every try, or clear the task to start anew."
        )


def _refuse_late(endpoint: Endpoint[Any], sent_at: float, *, now: float) -> None:
    if now - sent_at <= REPLAY_WINDOW:
        return
    hours = (now - sent_at) / 3600
    raise LayersReplayWindowError(
        f"Could not {endpoint.asked}: an earlier try may have sent this {hours:.0f} hours ago, and the API "
        "remembers requests for 24 hours only, so sending it again could be paid for or published twice. "
        "Nothing was sent. Look in Layers whether it was carried out. If it was not, set "
        "resubmit_after_window=True, or clear the task where a clear asks anew."
    )
