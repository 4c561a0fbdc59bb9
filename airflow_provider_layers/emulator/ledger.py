"""What was asked of the API, and what came of it."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.emulator.clock import write_moment, write_optional
from airflow_provider_layers.emulator.faults import matches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_layers.emulator.entities import Job


@dataclass
class Entry:
    """One request, from its arrival on; ``status`` is what the client was sent, ``None`` for nothing."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any
    idempotency_key: str | None
    request_id: str
    at: str
    status: int | None = None
    executed: bool = False
    replayed: bool = False
    fault: str | None = None
    key_id: str | None = None


class Ledger:
    """The requests since the last reset.

    :param size: how many of them are kept, the latest; the memory of a server that runs for weeks has an end.
    """

    def __init__(self, size: int = 100_000) -> None:
        self._entries: deque[Entry] = deque(maxlen=size)

    def add(self, entry: Entry) -> None:
        """Write *entry* down; it is filled in while the request is answered."""
        self._entries.append(entry)

    def show(self, method: str | None = None, path: str | None = None) -> list[dict[str, Any]]:
        """Return the requests with that *method* whose path fits the glob *path*, oldest first."""
        return [
            asdict(entry)
            for entry in self._entries
            if (method is None or entry.method == method.upper())
            and (path is None or matches(path, entry.path))
        ]


def hide_key(headers: Mapping[str, str]) -> dict[str, str]:
    """Return *headers* without the value of the key; an ``Authorization`` keeps its scheme."""
    shown = dict(headers)
    if "authorization" in shown:
        scheme, _, secret = shown["authorization"].partition(" ")
        shown["authorization"] = f"{scheme} ***" if secret else "***"
    if "x-api-key" in shown:
        shown["x-api-key"] = "***"
    return shown


def show_job(job: Job) -> dict[str, Any]:
    """Return a created job as the ledger shows it."""
    return {
        "job_id": job.id,
        "kind": job.kind,
        "status": job.status,
        "project_id": f"prj_{job.project}",
        "container_ids": [f"cnt_{container}" for container in job.containers],
        "idempotency_key": job.idempotency_key,
        "key_id": job.key_id,
        "cost": job.cost,
        "job_seconds": job.seconds,
        "started_at": write_moment(job.started_at),
        "finished_at": write_optional(job.finished_at),
        "cancel_requested": job.cancel_at is not None,
    }
