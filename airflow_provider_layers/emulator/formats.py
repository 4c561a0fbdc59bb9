"""Ids and chances drawn from a seed.

Each kind of id has its own sequence, so that polling more often (which uses up request ids) does not change
which id the next job gets.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter
from hashlib import blake2b

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_EPOCH_MS = 1_776_513_851_000
ULID = re.compile(rf"[0-7][{_CROCKFORD}]{{25}}", re.IGNORECASE)


class Ids:
    """Sequences of ids that depend on the seed and on nothing else.

    :param seed: worlds with one seed have the same ids.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._drawn: Counter[str] = Counter()

    def uuid(self, kind: str) -> str:
        """Return the next UUID (version 4 in form) of *kind*."""
        return str(uuid.UUID(bytes=self._draw(kind, 16), version=4))

    def ulid(self, prefix: str) -> str:
        """Return the next ULID with *prefix*, as in ``job_01KP…``; later ones sort behind earlier ones."""
        chance = int.from_bytes(self._draw(prefix, 10), "big")
        number = ((_EPOCH_MS + self._drawn[prefix]) << 80) | chance
        letters = "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))
        return f"{prefix}_{letters}"

    def token(self, kind: str, alphabet: str, length: int) -> str:
        """Return the next *length* letters of *alphabet*."""
        return "".join(alphabet[byte % len(alphabet)] for byte in self._draw(kind, length))

    def chance(self, kind: str) -> float:
        """Return the next number of *kind* from 0 up to, but not including, 1."""
        return int.from_bytes(self._draw(kind, 6), "big") / 2**48

    def _draw(self, kind: str, size: int) -> bytes:
        self._drawn[kind] += 1
        return blake2b(f"{self.seed}/{kind}/{self._drawn[kind]}".encode(), digest_size=size).digest()


def bare_uuid(identifier: str, prefix: str) -> str | None:
    """Return the UUID in ``<prefix>_<uuid>`` or ``<uuid>``, or ``None`` if *identifier* is neither."""
    text = identifier.removeprefix(f"{prefix}_")
    try:
        parsed = str(uuid.UUID(text))
    except ValueError:
        return None
    return parsed if parsed == text.lower() else None


def is_idempotency_key(text: str) -> bool:
    """Tell whether *text* is a UUID version 4 or a ULID."""
    if ULID.fullmatch(text):
        return True
    parsed = bare_uuid(text, "")
    return parsed is not None and uuid.UUID(parsed).version == 4
