"""Spacing reads so that they stay inside a budget. Pure arithmetic."""

from __future__ import annotations


class Pace:
    """
    Hands out moments to send at, evenly spaced.

    :param per_minute: most moments a minute
    """

    def __init__(self, per_minute: int) -> None:
        self._gap = 60.0 / per_minute
        self._next = 0.0

    def reserve(self, now: float) -> float:
        """
        Reserve the next free moment.

        :param now: seconds of a clock that never goes back
        :return: seconds until that moment
        """
        moment = max(now, self._next)
        self._next = moment + self._gap
        return moment - now
