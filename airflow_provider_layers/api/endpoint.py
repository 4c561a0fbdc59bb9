"""An endpoint of the API as a value, its response, and when a request may be sent again. No I/O."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from airflow_provider_layers.exceptions import (
    LayersAPIError,
    LayersConflictError,
    LayersError,
    LayersIdempotencyError,
    LayersNotFoundError,
    LayersParameterError,
    LayersPermanentError,
    LayersUnexpectedResponseError,
)

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

MAX_ATTEMPTS = 5
"""How often a request is sent within one call. Its pauses add up to at most 7.5 s without ``Retry-After``:
long enough for a restart behind a load balancer, short enough for a worker; Airflow's retries do the rest."""

BACKOFF_BASE = 0.5
BACKOFF_FACTOR = 2.0
"""Seconds before the second attempt, and by how much each later pause is longer."""

MAX_RETRY_AFTER = 60.0
"""Seconds. If the API asks to wait longer, the call gives up: a task retry holds no worker meanwhile."""

STATE_FIELDS = ("status", "approvalStatus", "scheduledFor")
"""Fields of a state that an error quotes."""


@dataclass(frozen=True)
class Response:
    """
    An HTTP response.

    :param headers: names in lower case
    :param content: the body, undecoded
    """

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> dict[str, Any]:
        """
        Return the body as a JSON object.

        :raises LayersUnexpectedResponseError: it is something else
        """
        try:
            value = json.loads(self.content)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            start = self.content[:120].decode("utf-8", "replace")
            raise LayersUnexpectedResponseError(
                f"The API returned {self.status_code} with a body that is not a JSON object: {start!r}"
            )
        return value


@dataclass(frozen=True, kw_only=True)
class Endpoint(Generic[T_co]):
    """
    One request, and how to read its response.

    :param description: the request in words, for messages: ``read job job_1``
    :param path: path below the base URL, ids already quoted
    :param read: returns the result from a successful response
    :param query: pairs, in order; a name may repeat
    :param body: JSON object, in the API's spelling
    :param idempotency_key: sent as ``Idempotency-Key``
    :param etag: sent as ``If-None-Match``; a 304 is then a successful response
    :param idempotent: sending it twice has the effect of sending it once, even without a key
    :param on_conflict: how to tell whether a 409 is the effect of an earlier request whose response was lost;
        ``None`` if every 409 is an error
    """

    description: str
    method: str
    path: str
    read: Callable[[Response], T_co] = field(repr=False)
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    idempotency_key: str | None = None
    etag: str | None = None
    idempotent: bool = False
    on_conflict: ConflictResolution[T_co] | None = None

    @property
    def retryable(self) -> bool:
        """Whether it may be sent again when it is unknown whether it was carried out."""
        return self.method == "GET" or self.idempotency_key is not None or self.idempotent

    def with_reader(self, read: Callable[[Response], T]) -> Endpoint[T]:
        """Return the same request with another way to read its response."""
        return replace(self, read=read)  # type: ignore[arg-type, return-value] # `replace` keeps the type


@dataclass(frozen=True, kw_only=True)
class ConflictResolution(Generic[T_co]):
    """
    How to tell whether a 409 is the effect of an earlier request whose response was lost.

    :param current: the request that reads the current state
    :param has_effect: whether a state, as read or as named by the details of the 409, has the effect of the
        request: ``False`` if it rules it out, ``None`` if it leaves it open
    :param result: returns the result of the request from a state that has its effect
    """

    current: Endpoint[dict[str, Any]]
    has_effect: Callable[[Mapping[str, Any]], bool | None]
    result: Callable[[Mapping[str, Any]], T_co]

    def reading(self, conflict: LayersConflictError) -> Endpoint[T_co]:
        """
        Return the request whose result is that of the conflict.

        Its reader raises the conflict itself if the conflict stands. A state that leaves it open is older
        than the conflict, as a lagging replica returns it, or is not documented: if the details of the
        conflict leave it open, too, it is read again.
        """

        def read(response: Response) -> T_co:
            state = response.json()
            has_effect = self.has_effect(state)
            if has_effect:
                return self.result(state)
            if has_effect is False or isinstance(conflict, LayersIdempotencyError):
                raise conflict
            shown = {name: state[name] for name in STATE_FIELDS if name in state}
            error = LayersUnexpectedResponseError(
                f"{conflict} The state after it ({shown}) does not explain it, so it is unknown whether an "
                "earlier attempt was carried out; the next try finds out."
            )
            return self._from_details(conflict, error)

        return self.current.with_reader(read)

    def without_state(self, conflict: LayersConflictError, error: LayersError) -> T_co:
        """
        Return the result where the state could not be read.

        :param error: why; never permanent for a state that was not found, because the conflict proves that
            there is one
        :raises LayersError: the conflict if its details say that it stands, otherwise the error
        """
        if isinstance(error, LayersNotFoundError):
            error = LayersUnexpectedResponseError(f"{conflict} Reading the state after it failed: {error}")
        return self._from_details(conflict, error)

    def _from_details(self, conflict: LayersConflictError, error: LayersError) -> T_co:
        has_effect = self.has_effect(conflict.details)
        if has_effect:
            return self.result(conflict.details)
        raise error if has_effect is None else conflict


def quote_path_segment(name: str, value: str) -> str:
    """
    Quote an id for use as one segment of a path.

    :param name: the parameter that it came from, for the message
    :raises LayersParameterError: it is not a non-empty string
    """
    if not isinstance(value, str) or not value.strip() or value in (".", ".."):
        raise LayersParameterError(f"{name} = {value!r}: an id is a non-empty string.")
    return quote(value, safe="")


def read_json(response: Response) -> dict[str, Any]:
    """Return the body of a response that needs no further reading."""
    return response.json()


def paged(
    description: str, path: str, query: tuple[tuple[str, str], ...] = ()
) -> Callable[[int, str | None], Endpoint[dict[str, Any]]]:
    """Return a function that returns the endpoint of a list's page by its size and cursor."""

    def page(size: int, cursor: str | None) -> Endpoint[dict[str, Any]]:
        position = (("cursor", cursor),) if cursor else ()
        return Endpoint(
            description=description,
            method="GET",
            path=path,
            query=(*query, ("limit", str(size)), *position),
            read=read_json,
        )

    return page


def parse_retry_after(value: str | None, *, date: str | None = None) -> float | None:
    """
    Parse a ``Retry-After`` header.

    The vendor implies seconds and does not say so; HTTP also allows a date, so both are accepted.

    :param date: the response's own ``Date`` header, which a date is counted from
    :return: seconds, never negative; ``None`` if there is no readable value
    """
    try:
        seconds = float(value or "")
        return max(0.0, seconds) if math.isfinite(seconds) else None
    except ValueError:
        pass
    try:
        wait = parsedate_to_datetime(value or "") - parsedate_to_datetime(date or "")
    except (TypeError, ValueError):
        return None
    return max(0.0, wait.total_seconds())


def retry_after_of(error: LayersError) -> float:
    """Return the seconds that the API asked to wait; 0 if it did not ask."""
    return (error.retry_after or 0.0) if isinstance(error, LayersAPIError) else 0.0


def retry_delay(attempt: int, error: LayersError, *, jitter: float) -> float | None:
    """
    Return how long to wait before sending a request again.

    :param attempt: how often it was sent so far, from 1
    :param error: the outcome of the last attempt
    :param jitter: a random number from 0 to 1, so that many clients do not return together
    :return: seconds, at least those that the API asked for; ``None`` if it is not to be sent again
    """
    requested = retry_after_of(error)
    if isinstance(error, LayersPermanentError) or attempt >= MAX_ATTEMPTS or requested > MAX_RETRY_AFTER:
        return None
    return requested + BACKOFF_BASE * BACKOFF_FACTOR ** (attempt - 1) * (0.5 + jitter / 2)
