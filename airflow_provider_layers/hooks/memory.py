"""Where a task instance remembers what it sent, over its tries."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.api.once import Record

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.api.once import Memory

RETENTION = timedelta(days=90)
"""Longer than any DAG run that is still retried; Airflow removes the rows with the run in any case."""


class StoredMemory:
    """
    Records in Airflow's task state store (3.3+), which survives retries, clears and crashes.

    :param store: ``context["task_state_store"]``
    """

    unremembered_since: float | None = None

    def __init__(self, store: Any) -> None:
        self._store = store

    def load(self, key: str) -> Record | None:
        """Give the record of a key."""
        kept = self._store.get(f"layers-{key}")
        return Record(**kept) if kept else None

    def save(self, key: str, record: Record) -> None:
        """Keep the record of a key."""
        self._store.set(f"layers-{key}", record.as_json(), retention=RETENTION)

    def forget(self, key: str) -> None:
        """Drop the record of a key."""
        self._store.delete(f"layers-{key}")


class NoMemory:
    """
    Below Airflow 3.3 nothing survives a try, and the API's own replay has to do.

    :param unremembered_since: the earliest moment at which an earlier try can have sent something, in seconds
        since the epoch; ``None`` when there was none
    """

    def __init__(self, unremembered_since: float | None) -> None:
        self.unremembered_since = unremembered_since

    def load(self, key: str) -> Record | None:
        """Remember nothing."""
        return None

    def save(self, key: str, record: Record) -> None:
        """Keep nothing."""

    def forget(self, key: str) -> None:
        """Have nothing to drop."""


def memory_of(context: Context, *, tries: int) -> Memory:
    """
    Give the memory of a task instance.

    :param context: of the task
    :param tries: how many tries there were that count, this one included
    """
    store = context.get("task_state_store")
    if store is not None:
        return StoredMemory(store)
    # No try can be older than its run. Clearing another task of the run moves this moment forward, so a retry
    # later than a day after that is refused although it might be safe; the other way round cannot be told.
    started = context["dag_run"].start_date if tries > 1 else None
    return NoMemory(started.timestamp() if started else None)
