"""Memories of a task instance, as tests need them."""

from __future__ import annotations

import json

from airflow_provider_layers.api.once import Record


class Notebook:
    """
    A memory that keeps its records, as JSON does.

    :param unremembered_since: see :class:`~airflow_provider_layers.api.once.Memory`
    """

    def __init__(self, unremembered_since: float | None = None) -> None:
        self.unremembered_since = unremembered_since
        self.records: dict[str, Record] = {}
        self.saved: list[Record] = []

    def load(self, key: str) -> Record | None:
        return self.records.get(key)

    def save(self, key: str, record: Record) -> None:
        self.records[key] = Record(**json.loads(json.dumps(record.as_json())))
        self.saved.append(record)

    def forget(self, key: str) -> None:
        self.records.pop(key, None)


class Forgetful(Notebook):
    """A memory that keeps nothing, as below Airflow 3.3."""

    def load(self, key: str) -> Record | None:
        return None
