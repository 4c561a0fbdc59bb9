"""Replay: the same key with the same body gets the first answer again for 24 hours."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.emulator.errors import Refusal
from airflow_provider_layers.emulator.formats import is_idempotency_key

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.routing import Answer, Call

WINDOW = timedelta(hours=24)


@dataclass
class _Kept:
    fingerprint: str
    answer: Answer
    until: datetime


class Replays:
    """The answers that are kept, per API key, method and path."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str, str], _Kept] = {}

    def answer(self, call: Call) -> tuple[Answer, bool]:
        """Answer *call*, or repeat the answer that its key got before; the second value tells which.

        A refusal is not kept: the same key may be used again once the reason is gone.
        """
        key = call.idempotency_key
        if key is None or call.endpoint.method not in ("POST", "PATCH"):
            return call.endpoint.handler(call), False
        if not is_idempotency_key(key):
            raise call.refuse("headers.Idempotency-Key", f"must be a UUID version 4 or a ULID, not {key!r}")
        place = (call.key.key_id, call.endpoint.method, call.path, key.lower())
        kept = self._kept.get(place)
        now = call.world.clock.now()
        if kept is not None and now < kept.until:
            return _repeat(kept, call), True
        # Before the handler runs, because handlers may take the body apart.
        fingerprint = fingerprint_of(call.body)
        answer = call.endpoint.handler(call)
        self._kept[place] = _Kept(fingerprint, copy.deepcopy(answer), now + WINDOW)
        return answer, False


def fingerprint_of(body: Any) -> str:
    """Return a text that is the same for bodies that are equal as JSON."""
    return json.dumps(body, sort_keys=True)


def _repeat(kept: _Kept, call: Call) -> Answer:
    if kept.fingerprint != fingerprint_of(call.body):
        raise Refusal(409, "IDEMPOTENCY_CONFLICT", "This Idempotency-Key was used with another body.")
    return copy.deepcopy(kept.answer)
