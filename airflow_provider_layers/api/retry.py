"""When to send a request again, and after how long. Pure arithmetic."""

from __future__ import annotations

import math
from email.utils import parsedate_to_datetime

from airflow_provider_layers.exceptions import LayersAPIError, LayersError

ATTEMPTS = 5
FIRST_PAUSE = 0.5
GROWTH = 2.0
LONGEST_PAUSE = 8.0
PATIENCE = 60.0
"""Seconds. Asked to wait longer than this, a call gives up, so that Airflow's own retry does the waiting."""


def retry_after(value: str | None, *, date: str | None = None) -> float | None:
    """
    Read a ``Retry-After`` header.

    The vendor implies seconds and does not say so; HTTP also allows a moment, so both are read.

    :param value: the header, or ``None``
    :param date: the answer's own ``Date`` header, which a moment is counted from
    :return: seconds, never negative; ``None`` where nothing readable was given
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


def asked_wait(error: LayersError) -> float:
    """Give the seconds that the API asked to wait with this error; 0 where it did not ask."""
    return (error.retry_after or 0.0) if isinstance(error, LayersAPIError) else 0.0


def pause_before(attempt: int, error: LayersError, *, chance: float) -> float | None:
    """
    Decide how long to wait before sending a request again.

    :param attempt: how many times it was sent so far, from 1
    :param error: what became of it the last time
    :param chance: a random number from 0 to 1, so that many clients do not come back together
    :return: seconds, at least those that the API asked for; ``None`` where asking again is no use
    """
    wait = asked_wait(error)
    if error.permanent or attempt >= ATTEMPTS or wait > PATIENCE:
        return None
    backoff = min(LONGEST_PAUSE, FIRST_PAUSE * GROWTH ** (attempt - 1))
    return wait + backoff * (0.5 + chance / 2)
