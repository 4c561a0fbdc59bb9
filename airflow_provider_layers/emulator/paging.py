"""Pages: ``cursor`` and ``limit`` in, ``items`` and ``nextCursor`` out."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from airflow_provider_layers.emulator.errors import invalid

T = TypeVar("T")


def cut_page(
    items: Sequence[T],
    key: Callable[[T], list[Any]],
    view: Callable[[T], dict[str, Any]],
    asked: dict[str, Any],
) -> dict[str, Any]:
    """Return one page of *items*, the greatest *key* first.

    The cursor names the last item that was shown, not a position: what is created meanwhile moves nothing.

    :param items: everything that fits the filters.
    :param key: the sort key, different for every item.
    :param view: how one item is shown.
    :param asked: the query's ``cursor`` and ``limit``.
    """
    ordered = sorted(items, key=key, reverse=True)
    if asked["cursor"] is not None:
        last = _read(asked["cursor"])
        ordered = [item for item in ordered if key(item) < last]
    shown = ordered[: asked["limit"]]
    more = len(ordered) > len(shown)
    return {"items": [view(item) for item in shown], "nextCursor": _write(key(shown[-1])) if more else None}


def _write(key: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def _read(cursor: str) -> list[Any]:
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        key = None
    if not isinstance(key, list) or not key:
        raise invalid([{"path": "cursor", "message": "is not a cursor of this API"}])
    return key
