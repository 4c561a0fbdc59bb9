"""Ids, timestamps and cursors, in the form in which the API writes them."""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from hashlib import blake2b
from typing import Any, TypeVar

from airflow_provider_layers.emulator.errors import ApiError, invalid

T = TypeVar("T")

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_EPOCH_MS = 1_776_513_851_000
_ULID = re.compile(rf"[0-7][{_CROCKFORD}]{{25}}", re.IGNORECASE)
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)?(?:\.(\d{1,9}))?Z")


class IdGenerator:
    """Ids and random numbers that depend on the seed only.

    Each kind has a sequence, so that more polling, which uses up request ids, does not change the id of the
    next job.

    :param seed: equal seeds give equal sequences
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._drawn: Counter[str] = Counter()

    def uuid(self, kind: str) -> str:
        """Return the next UUID of *kind*, formatted as version 4."""
        return str(uuid.UUID(bytes=self._draw(kind, 16), version=4))

    def ulid(self, prefix: str) -> str:
        """Return the next ULID with *prefix*, such as ``job_01KP…``; later ones sort behind earlier ones."""
        random_bits = int.from_bytes(self._draw(prefix, 10), "big")
        number = ((_EPOCH_MS + self._drawn[prefix]) << 80) | random_bits
        letters = "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))
        return f"{prefix}_{letters}"

    def token(self, kind: str, alphabet: str, length: int) -> str:
        """Return the next *length* letters of *alphabet*."""
        return "".join(alphabet[byte % len(alphabet)] for byte in self._draw(kind, length))

    def random(self, kind: str) -> float:
        """Return the next number of *kind*, at least 0 and below 1."""
        return int.from_bytes(self._draw(kind, 6), "big") / 2**48

    def _draw(self, kind: str, size: int) -> bytes:
        self._drawn[kind] += 1
        return blake2b(f"{self._seed}/{kind}/{self._drawn[kind]}".encode(), digest_size=size).digest()


def bare_uuid(identifier: str, prefix: str) -> str | None:
    """Return the UUID in ``<prefix>_<uuid>`` or ``<uuid>``, ``None`` if *identifier* is neither."""
    text = identifier.removeprefix(f"{prefix}_")
    try:
        parsed = str(uuid.UUID(text))
    except ValueError:
        return None
    return parsed if parsed == text.lower() else None


def is_idempotency_key(text: str) -> bool:
    """Whether *text* is a UUID version 4 or a ULID."""
    if _ULID.fullmatch(text):
        return True
    parsed = bare_uuid(text, "")
    return parsed is not None and uuid.UUID(parsed).version == 4


def format_timestamp(moment: datetime) -> str:
    """Return *moment* as the API writes it: ``2026-04-18T12:04:11.000Z``."""
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def format_optional_timestamp(moment: datetime | None) -> str | None:
    """Return *moment* as the API writes it, ``None`` for ``None``."""
    return None if moment is None else format_timestamp(moment)


def parse_timestamp(text: str) -> datetime | None:
    """Return the moment of *text*, ``None`` unless it is ISO 8601 in UTC and ends in ``Z``."""
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return None
    day, minute, second, fraction = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{minute}{second or ':00'}+00:00")
    except ValueError:
        return None
    return moment.replace(microsecond=int((fraction or "0").ljust(6, "0")[:6]))


def fingerprint_of(body: Any) -> str:
    """Return a text that is the same for bodies that are equal as JSON."""
    return json.dumps(body, sort_keys=True)


def paginate(
    items: Sequence[T],
    key: Callable[[T], list[Any]],
    view: Callable[[T], dict[str, Any]],
    *,
    limit: int,
    cursor: str | None,
) -> dict[str, Any]:
    """Return a page of *items*, greatest *key* first.

    The cursor holds the key of the last item of the page, not a position: an item that is created between
    two pages does not move the others.

    :param items: everything that fits the filters
    :param key: sort key, different for every item
    :param view: returns an item as the API shows it
    :param limit: size of the page
    :param cursor: ``nextCursor`` of the page before
    """
    ordered = sorted(items, key=key, reverse=True)
    if cursor is not None:
        last = _read_cursor(cursor)
        try:
            ordered = [item for item in ordered if key(item) < last]
        except TypeError:
            raise _unknown_cursor() from None
    page = ordered[:limit]
    more = len(ordered) > len(page)
    return {
        "items": [view(item) for item in page],
        "nextCursor": _write_cursor(key(page[-1])) if more else None,
    }


def _write_cursor(key: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> list[Any]:
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        key = None
    if not isinstance(key, list) or not key:
        raise _unknown_cursor()
    return key


def _unknown_cursor() -> ApiError:
    return invalid([{"path": "cursor", "message": "is not a cursor of this list"}])
