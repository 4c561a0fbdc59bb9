"""
Queries of Airflow's database: which jobs, content and posts task instances refer to, and what is unfinished.

Any task can push any XCom, so each value is checked before it is used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.trigger import Trigger
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from airflow.utils.state import State
from sqlalchemy import select

from airflow_provider_layers.review.state import REVIEW_KEY
from airflow_provider_layers.task_context import UI_DATA_KEY

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

MAX_TASK_INSTANCES = 1000
"""How many task instances of a run are read: several times what fits on a page."""

MAX_IDS = 200
"""How many ids of one kind one task instance may refer to: as many as fit on a page."""

MAX_WAITING = 10_000
"""How many tasks that wait for their turn are read: more than a triggerer runs."""

TURN_TRIGGER = "airflow_provider_layers.triggers.turns.LayersTurnTrigger"

_ID = re.compile(r"[\x21-\x7e]{1,200}")
# What Airflow accepts as a connection id.
_CONN_ID = re.compile(r"[\w#!()\-.:/\\]{1,200}")


@dataclass(frozen=True)
class TaskReference:
    """
    What one task instance refers to.

    :param map_index: -1 if the task is not mapped
    :param conn_id: the connection through which it can be read
    """

    task_id: str
    map_index: int
    conn_id: str
    job_id: str | None
    container_ids: tuple[str, ...]
    scheduled_post_ids: tuple[str, ...]


@dataclass(frozen=True)
class WaitingTask:
    """
    A task instance that waits for its turn to start.

    :param map_index: -1 if the task is not mapped
    :param ahead: about how many wait that came earlier, of all DAGs and connections
    """

    task_id: str
    map_index: int
    ahead: int


@dataclass(frozen=True)
class PageReferences:
    """
    What the task instances of a run, or of a task in it, refer to.

    :param tasks: in the order in which they were pushed
    :param waiting: those that wait for their turn to start, in order of arrival
    :param unfinished: whether a task instance is unfinished, so that more may follow
    :param truncated: whether the run has more task instances than were read
    """

    tasks: tuple[TaskReference, ...]
    unfinished: bool
    waiting: tuple[WaitingTask, ...] = ()
    truncated: bool = False


@dataclass(frozen=True)
class ReviewReference:
    """
    The version that a task instance asks a reviewer about.

    :param conn_id: the connection through which it can be read
    :param shown: its fingerprint, by container id
    :param notice: why the last answer was not carried out
    """

    conn_id: str
    version: int
    shown: Mapping[str, str]
    notice: str | None = None


def run_references(dag_id: str, run_id: str, *, limit: int = MAX_TASK_INSTANCES) -> PageReferences:
    """
    Return what the task instances of a run refer to.

    :param dag_id: a run of another DAG is not found
    :param limit: how many task instances to read
    """
    return _references(dag_id, run_id, limit=limit)


def task_references(dag_id: str, run_id: str, task_id: str, map_index: int | None = None) -> PageReferences:
    """
    Return what a task instance refers to.

    :param dag_id: a run of another DAG is not found
    :param map_index: ``None`` for all task instances of a mapped task
    """
    of_xcoms: list[Any] = [XComModel.task_id == task_id]
    of_tasks: list[Any] = [TaskInstance.task_id == task_id]
    if map_index is not None:
        of_xcoms.append(XComModel.map_index == map_index)
        of_tasks.append(TaskInstance.map_index == map_index)
    return _references(dag_id, run_id, of_xcoms, of_tasks)


def review_reference(dag_id: str, run_id: str, task_id: str, map_index: int) -> ReviewReference | None:
    """
    Return what a task instance asks a reviewer about.

    :param dag_id: a run of another DAG is not found
    :param map_index: -1 if the task is not mapped
    """
    query = select(XComModel.key, XComModel.value).where(
        XComModel.dag_id == dag_id,
        XComModel.run_id == run_id,
        XComModel.task_id == task_id,
        XComModel.map_index == map_index,
        XComModel.key.in_((UI_DATA_KEY, REVIEW_KEY)),
    )
    with create_session() as session:
        xcoms = {row.key: _parse_json(row.value) for row in session.execute(query)}
    task = parse_task_reference(task_id, map_index, xcoms.get(UI_DATA_KEY))
    return parse_review_reference(task.conn_id, xcoms.get(REVIEW_KEY)) if task else None


def parse_task_reference(task_id: str, map_index: int, value: Any) -> TaskReference | None:
    """
    Parse the XCom that :func:`~airflow_provider_layers.task_context.publish_ui_data` pushes.

    :return: ``None`` for a value of another shape; ids of another shape are left out
    """
    if not isinstance(value, Mapping):
        return None
    conn_id, job_id = value.get("layers_conn_id"), value.get("job_id")
    if not isinstance(conn_id, str) or not _CONN_ID.fullmatch(conn_id):
        return None
    return TaskReference(
        task_id,
        map_index,
        conn_id,
        job_id if _is_id(job_id) else None,
        _ids(value.get("container_ids")),
        _ids(value.get("scheduled_post_ids")),
    )


def parse_review_reference(conn_id: str, value: Any) -> ReviewReference | None:
    """
    Parse the XCom of a :class:`~airflow_provider_layers.review.state.ReviewState`.

    :param conn_id: of the same task instance
    :return: ``None`` for a value of another shape
    """
    if not isinstance(value, Mapping) or not isinstance(value.get("version"), int):
        return None
    shown, notice = value.get("shown"), value.get("notice")
    if not isinstance(shown, Mapping) or not all(isinstance(text, str) for text in (*shown, *shown.values())):
        return None
    return ReviewReference(conn_id, value["version"], shown, notice if isinstance(notice, str) else None)


def _references(
    dag_id: str,
    run_id: str,
    of_xcoms: Sequence[Any] = (),
    of_tasks: Sequence[Any] = (),
    *,
    limit: int = MAX_TASK_INSTANCES,
) -> PageReferences:
    query = (
        select(XComModel.task_id, XComModel.map_index, XComModel.value)
        .where(
            XComModel.dag_id == dag_id, XComModel.run_id == run_id, XComModel.key == UI_DATA_KEY, *of_xcoms
        )
        .order_by(XComModel.timestamp, XComModel.task_id, XComModel.map_index)
        .limit(limit + 1)
    )
    # The session ends before the API is read, which may take seconds.
    with create_session() as session:
        rows = session.execute(query).all()
        unfinished = _is_unfinished(session, dag_id, run_id, of_tasks)
        waiting = _waiting_tasks(session, dag_id, run_id, of_tasks) if unfinished else ()
    parsed = (
        parse_task_reference(row.task_id, row.map_index, _parse_json(row.value)) for row in rows[:limit]
    )
    return PageReferences(tuple(filter(None, parsed)), unfinished, waiting, truncated=len(rows) > limit)


def _waiting_tasks(
    session: Session, dag_id: str, run_id: str, of_tasks: Sequence[Any]
) -> tuple[WaitingTask, ...]:
    query = (
        select(TaskInstance.trigger_id, TaskInstance.task_id, TaskInstance.map_index)
        .join(Trigger, TaskInstance.trigger_id == Trigger.id)
        .where(Trigger.classpath == TURN_TRIGGER)
        .order_by(Trigger.created_date, Trigger.id)
        .limit(MAX_WAITING)
    )
    here = query.where(TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id, *of_tasks)
    found = session.execute(here).all()
    places = {row.trigger_id: place for place, row in enumerate(session.execute(query))} if found else {}
    return tuple(
        WaitingTask(row.task_id, row.map_index, places[row.trigger_id])
        for row in found
        if row.trigger_id in places
    )


def _is_unfinished(session: Session, dag_id: str, run_id: str, of_tasks: Sequence[Any]) -> bool:
    run_state = select(DagRun.state).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)
    if session.scalar(run_state) not in State.unfinished_dr_states:
        return False
    if not of_tasks:
        return True
    task_states = select(TaskInstance.state).where(
        TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id, *of_tasks
    )
    return any(state not in State.finished for state in session.scalars(task_states.distinct()))


def _parse_json(value: Any) -> Any:
    # Not with Airflow's deserialization, which creates whatever object the value names.
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and bool(_ID.fullmatch(value))


def _ids(values: Any) -> tuple[str, ...]:
    several = values[:MAX_IDS] if isinstance(values, list) else []
    return tuple(dict.fromkeys(filter(_is_id, several)))
