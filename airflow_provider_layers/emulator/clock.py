"""The one clock that everything in the emulator reads."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)?(?:\.(\d{1,9}))?Z")


class Clock:
    """A clock that runs, or stands still until it is advanced.

    :param frozen: whether time moves only through :meth:`advance`.
    :param start: what a frozen clock shows at first; the real time by default, so that moments which a
        client reckons from its own clock are in the emulator's future as well.
    """

    def __init__(self, *, frozen: bool = False, start: datetime | None = None) -> None:
        self.frozen = frozen
        self._start = start
        self.reset()

    def reset(self) -> None:
        """Go back to the start (frozen) or to the real time."""
        self._standing = self._start or datetime.now(timezone.utc).replace(microsecond=0)
        self._offset = timedelta()

    def now(self) -> datetime:
        """Return the present moment, in UTC."""
        return (self._standing if self.frozen else datetime.now(timezone.utc)) + self._offset

    def advance(self, seconds: float) -> None:
        """Move *seconds* ahead; a running clock jumps and runs on."""
        self._offset += timedelta(seconds=seconds)


def write_moment(moment: datetime) -> str:
    """Return *moment* as the API writes it: ``2026-04-18T12:04:11.000Z``."""
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write_optional(moment: datetime | None) -> str | None:
    """Return *moment* as the API writes it, or ``None``."""
    return None if moment is None else write_moment(moment)


def read_moment(text: str) -> datetime | None:
    """Return the moment that *text* names, or ``None`` unless it is ISO 8601 in UTC ending in ``Z``."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        return None
    day, minute, second, fraction = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{minute}{second or ':00'}+00:00")
    except ValueError:
        return None
    return moment.replace(microsecond=int((fraction or "0").ljust(6, "0")[:6]))
