"""Task instances and contexts as Airflow passes them to operators, as far as this package reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_layers.hooks.connection import ConnectionSettings
from airflow_provider_layers.hooks.layers import LayersHook
from tests.unit.scripted import CONFIG, NOW, FakeClock

if TYPE_CHECKING:
    from tests.unit.scripted import ScriptedApi

TaskT = TypeVar("TaskT")

STARTED = datetime.fromtimestamp(NOW, timezone.utc)

FOREIGN: list[Any] = [
    {"scheduled_post_id": "sp_1", "status": "published", "reason": "", "deadline": 0.0},
    {"status": "success", "file": "x"},
    {},
    "2026-04-18T12:00:00Z",
    None,
    True,
]
"""Events of other triggers, also of other packages, that Airflow may deliver to a task."""


@dataclass
class TaskInstance:
    """One try of one task; what it pushes to XCom is kept."""

    task: Any
    try_number: int = 1
    max_tries: int = 0
    dag_id: str = "dag"
    run_id: str = "run"
    task_id: str = "task"
    map_index: int | None = -1
    state: str | None = "running"
    start_date: datetime = STARTED
    xcom: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcom[key] = value

    def xcom_pull(self, task_ids: str, key: str, map_indexes: int | None = None) -> Any:
        own = (self.task_id, self.map_index)
        return self.xcom.get(key) if (task_ids, map_indexes) == own else None

    def get_task_states(self, dag_id: str, task_ids: list[str], run_ids: list[str], map_index: int) -> Any:
        """Return the state that a user may have changed meanwhile, as Airflow 3 does."""
        name = self.task_id if self.map_index in (None, -1) else f"{self.task_id}_{self.map_index}"
        return {self.run_id: {name: self.state}}


@dataclass
class DagRun:
    """A run that started when the clock of the tests did."""

    start_date: datetime = STARTED


def context(task: Any, **fields: Any) -> Any:
    """Return the part of Airflow's context that operators read."""
    return {"ti": TaskInstance(task, **fields), "dag_run": DagRun()}


def scripted_hook(
    api: ScriptedApi, *, clock: FakeClock | None = None, content_routes: str = "shared"
) -> LayersHook:
    """Return a hook of a scripted API."""
    settings = ConnectionSettings(CONFIG, content_routes, None)
    return LayersHook(settings=settings, clock=clock or FakeClock(), transport=api)


def connected(task: TaskT, api: ScriptedApi, **options: Any) -> TaskT:
    """Connect an operator to a scripted API; options are those of :func:`scripted_hook`."""
    task.layers_hook = scripted_hook(api, **options)  # type: ignore[attr-defined] # of this package
    return task
