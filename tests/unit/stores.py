"""Stores of a task instance, as tests need them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.idempotency import TaskStateStore

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


def memory() -> TaskStateStore:
    """Return an empty store that survives from try to try, as from Airflow 3.3 on."""
    return TaskStateStore(AirflowStore())
