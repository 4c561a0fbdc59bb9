"""Telling a person's mark or clear from everything else that ends a process."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.hooks.memory import RETENTION

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

log = logging.getLogger(__name__)

CLEARED = "restarting"
MARKED = ("failed", "success", "skipped")
"""States of a task under way after a person cleared it, and after a person marked it or its run."""

TRY = "layers-try"
"""Under which the task state store keeps the number of the try that began last."""


class Tenure:
    """
    Whether this process still speaks for its task instance.

    Airflow may take a process for dead, and retry the task, while it lives on.

    :param context: of the task, at the start of the process
    """

    def __init__(self, context: Context) -> None:
        self._ti: Any = context["ti"]
        self._try_number = int(self._ti.try_number)
        self._store: Any = context.get("task_state_store")
        if self._store is not None:
            self._note()

    def _note(self) -> None:
        try:
            self._store.set(TRY, self._try_number, retention=RETENTION)
        except Exception:
            # Not worth the task: a kill of this process then cancels nothing, and a retry finds the job.
            log.warning("Airflow did not take note of this try.", exc_info=True)

    def ended_by_person(self) -> bool:
        """
        Tell a person's mark or clear from the shutdown of the worker: both end in the same signal.

        A person changes the task's state first. Airflow itself changes it to others, or begins another try,
        whose own end looks like a mark. Where that cannot be read, nobody is assumed to have ended it: a
        retry finds the job again, while a canceled one was paid for in vain.
        """
        try:
            state = self._state()
            return state == CLEARED or (state in MARKED and self._current())
        except Exception:
            log.warning("Airflow did not tell whether a person ended the task.", exc_info=True)
            return False

    def _current(self) -> bool:
        # Airflow 3 gives each try an id of its own, and the store is asked under that of this try. From 3.0
        # to 3.2, without a store, another try that has ended cannot be told from a person's mark.
        if self._store is not None:
            return bool(self._store.get(TRY) == self._try_number)
        return int(self._ti.try_number) == self._try_number

    def _state(self) -> str | None:
        ti = self._ti
        if not hasattr(ti, "get_task_states"):
            ti.refresh_from_db()
            return str(ti.state) if ti.state else None
        name = ti.task_id if ti.map_index in (None, -1) else f"{ti.task_id}_{ti.map_index}"
        states = ti.get_task_states(
            dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[ti.run_id], map_index=ti.map_index
        )
        state = states.get(ti.run_id, {}).get(name)
        return str(state) if state else None
