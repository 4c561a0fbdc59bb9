"""What came of reading one thing: what the page shows of it, or why it shows nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from airflow_provider_layers.api.retry import asked_wait
from airflow_provider_layers.exceptions import (
    LayersAPIError,
    LayersAuthenticationError,
    LayersError,
    LayersNotFoundError,
    LayersParameterError,
    LayersPermissionError,
    LayersRateLimitError,
    LayersSuspendedError,
    LayersTransportError,
)

UNDER_WAY, WAITING, SETTLED = 5.0, 15.0, 30.0
"""Seconds for which a result is kept: while it is being made, while it waits for somebody, and after."""

TROUBLE, LONG_TROUBLE, LONGEST_TROUBLE = 10.0, 30.0, 60.0
PENDING_SECONDS = 2.0

KNOWN, NOT_FOUND, ERROR, PENDING = "known", "not_found", "error", "pending"
NO_CONNECTION = "no_connection"

SAYINGS: dict[type[LayersError], str] = {
    LayersAuthenticationError: "The API refuses the key of the connection.",
    LayersPermissionError: "The key of the connection lacks the scope to read this.",
    LayersSuspendedError: "The key or its organization is suspended.",
    LayersRateLimitError: "The API's rate limit is reached.",
    LayersTransportError: "The API cannot be reached.",
    LayersParameterError: "This is not an id of Layers.",
}
_REQUEST_ID = re.compile(r"[\w.-]{1,80}")


@dataclass(frozen=True)
class Found:
    """
    What came of reading one thing.

    :param state: ``known``; ``not_found``; ``error``; ``no_connection`` where the connection is at fault;
        ``pending`` while it is not read yet
    :param shown: what the page shows of it
    :param error: why it shows nothing, without anything that is secret
    :param keep: seconds for which others are shown the same
    :param settled: whether looking again is of no use
    """

    state: str
    shown: dict[str, Any] | None = None
    error: str | None = None
    keep: float = SETTLED
    settled: bool = False

    @property
    def under_way(self) -> bool:
        """Whether it is being made."""
        return self.state == KNOWN and self.keep == UNDER_WAY

    def as_json(self) -> dict[str, Any]:
        """Give it as plain JSON."""
        return {"state": self.state, "shown": self.shown, "error": self.error}


STILL_PENDING = Found(PENDING, keep=PENDING_SECONDS)
UNREADABLE = Found(ERROR, error="What the API answered cannot be shown.", keep=TROUBLE)


def trouble(error: LayersError) -> Found:
    """
    Say why something could not be read, in words that name neither host nor key.

    :param error: what reading it raised
    """
    if isinstance(error, LayersNotFoundError):
        return Found(NOT_FOUND, settled=True)
    said = next((text for kind, text in SAYINGS.items() if isinstance(error, kind)), None)
    if said is None and isinstance(error, LayersAPIError):
        said = f"The API answered {error.status_code}."
    keep = LONG_TROUBLE if error.permanent else max(TROUBLE, min(asked_wait(error), LONGEST_TROUBLE))
    return Found(ERROR, error=f"{said or UNREADABLE.error}{_reference(error)}", keep=keep)


def _reference(error: LayersError) -> str:
    given = error.request_id if isinstance(error, LayersAPIError) else None
    sound = isinstance(given, str) and _REQUEST_ID.fullmatch(given)
    return f" Request id: {given}." if sound else ""
