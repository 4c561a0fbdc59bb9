"""Names that are the same on every try of a task: idempotency keys and container ids."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """
    The task instance that asks, without its try number: all its tries are one origin.

    :param generation: changes when a person clears the task, stays over Airflow's own retries
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    generation: int

    def key(self, purpose: str, *distinct: str | int) -> str:
        """
        Derive an id from this origin.

        The vendor takes UUIDs of version 4 and ULIDs as keys, so the digest wears the marks of the former.

        :param purpose: what the id is for; two purposes never share an id
        :param distinct: what else sets it apart, such as a container id
        """
        fields = [self.dag_id, self.run_id, self.task_id, self.map_index, self.generation, purpose, *distinct]
        digest = hashlib.sha256(json.dumps(fields).encode()).digest()
        return str(uuid.UUID(bytes=digest[:16], version=4))
