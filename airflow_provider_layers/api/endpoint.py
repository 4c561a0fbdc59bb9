"""An endpoint as a value, and what comes back from asking it."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar
from urllib.parse import quote

from airflow_provider_layers.exceptions import LayersParameterError, LayersUnexpectedAnswerError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Answer:
    """
    What the API answered, before anybody judged it.

    :param status: HTTP status
    :param headers: names in lower case
    :param content: the body as it came
    """

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> dict[str, Any]:
        """
        Read the body as a JSON object.

        :raises LayersUnexpectedAnswerError: it is something else
        """
        try:
            value = json.loads(self.content)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            start = self.content[:120].decode("utf-8", "replace")
            raise LayersUnexpectedAnswerError(
                f"The API answered {self.status} with something that is not a JSON object: {start!r}"
            )
        return value


@dataclass(frozen=True)
class NoAnswer:
    """Nothing came back. ``reason`` says why; whether the request was carried out is unknown."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Endpoint(Generic[T_co]):
    """
    One call of the API: what to send and how to read the answer.

    :param asked: the call in words, for messages: ``read job job_1``
    :param method: HTTP method
    :param path: path below the base URL, ids already quoted
    :param read: makes the result of a good answer
    :param query: pairs, in order; a name may repeat
    :param body: JSON object, already in the API's spelling
    :param idempotency_key: sent as ``Idempotency-Key``
    :param etag: sent as ``If-None-Match``; a 304 is then a good answer
    :param repeats_harmlessly: doing it twice does no more than doing it once, even without a key
    """

    asked: str
    method: str
    path: str
    read: Callable[[Answer], T_co] = field(repr=False)
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    idempotency_key: str | None = None
    etag: str | None = None
    repeats_harmlessly: bool = False

    @property
    def repeatable(self) -> bool:
        """Whether it may be sent again when it is unknown what became of it."""
        return self.method == "GET" or self.idempotency_key is not None or self.repeats_harmlessly


@dataclass(frozen=True)
class Send:
    """A step of a flow: exchange this with the API and give back the answer."""

    endpoint: Endpoint[Any]


@dataclass(frozen=True)
class Pause:
    """A step of a flow: let this many seconds pass."""

    seconds: float


Flow: TypeAlias = "Generator[Send | Pause, Answer | NoAnswer | None, T]"
"""Decides, and leaves the doing to its driver: yields steps, is sent answers, returns a result."""


def segment(name: str, value: str) -> str:
    """
    Quote an id for use as one segment of a path.

    :param name: the parameter that it came from, for the message
    :param value: the id
    :raises LayersParameterError: it is not a non-empty string
    """
    if not isinstance(value, str) or not value.strip() or value in (".", ".."):
        raise LayersParameterError(f"{name} = {value!r}: an id is a non-empty string.")
    return quote(value, safe="")


def json_of(answer: Answer) -> dict[str, Any]:
    """Read an answer that needs no further reading."""
    return answer.json()
