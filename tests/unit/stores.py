"""Stores of a task instance, as tests need them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.idempotency import NullStore, StoredRequest, TaskStateStore

if TYPE_CHECKING:
    from datetime import timedelta


class AirflowStore:
    """Airflow's task state store, as far as this package uses it: JSON values by key."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.retention: timedelta | None = None

    def get(self, key: str, default: Any = None) -> Any:
        return json.loads(self.values[key]) if key in self.values else default

    def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
        self.values[key] = json.dumps(value)
        self.retention = retention

    def delete(self, key: str) -> None:
        del self.values[key]


class UnavailableStore(AirflowStore):
    """A store that Airflow does not respond for."""

    def get(self, key: str, default: Any = None) -> Any:
        raise RuntimeError("the task instance is unknown")

    def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
        raise RuntimeError("the task instance is unknown")


def memory() -> TaskStateStore:
    """Return a store that keeps what it is given."""
    return TaskStateStore(AirflowStore())


class RecordingNullStore(NullStore):
    """
    A store that keeps nothing, as below Airflow 3.3, and counts what it was given.

    :ivar saved: the requests, in order
    """

    def __init__(self, earliest_unrecorded_attempt: float | None = None) -> None:
        super().__init__(earliest_unrecorded_attempt)
        self.saved: list[StoredRequest] = []

    def save(self, key: str, request: StoredRequest) -> None:
        self.saved.append(request)
