"""What Airflow's database knows: the XComs that say what task instances are about, and what is unfinished."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from airflow.utils.state import State
from sqlalchemy import select

from airflow_provider_layers.hooks.takes import REVIEW
from airflow_provider_layers.hooks.view import VIEW
from airflow_provider_layers.plugins.mention import Mention, read_mention
from airflow_provider_layers.plugins.review_media import Question, read_question

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

MOST_RECORDS = 1000
"""The most task instances of a run that are looked at."""


@dataclass(frozen=True)
class Records:
    """
    What is known of a run, or of a task in it.

    :param mentions: in the order of their pushing
    :param unfinished: whether Airflow is still at it, so that more may come
    :param cut: whether there are more than are looked at
    """

    mentions: tuple[Mention, ...]
    unfinished: bool
    cut: bool = False


def of_run(dag_id: str, run_id: str) -> Records:
    """
    Read what the task instances of a run are about.

    :param dag_id: the Dag; a run of another Dag is not found
    :param run_id: the run
    """
    return _records(dag_id, run_id)


def of_task(dag_id: str, run_id: str, task_id: str, map_index: int | None = None) -> Records:
    """
    Read what a task instance is about.

    :param dag_id: the Dag; a run of another Dag is not found
    :param run_id: the run
    :param task_id: the task
    :param map_index: its place in a mapped task; ``None`` for all its places
    """
    only: list[Any] = [XComModel.task_id == task_id]
    states: list[Any] = [TaskInstance.task_id == task_id]
    if map_index is not None:
        only.append(XComModel.map_index == map_index)
        states.append(TaskInstance.map_index == map_index)
    return _records(dag_id, run_id, only, states)


def of_review(dag_id: str, run_id: str, task_id: str, map_index: int) -> Question | None:
    """
    Read what a task instance asks a person about.

    :param dag_id: the Dag; a run of another Dag is not found
    :param run_id: the run
    :param task_id: the task
    :param map_index: its place in a mapped task; -1 where it is not mapped
    """
    place = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": map_index}
    pushed = select(XComModel.key, XComModel.value).where(
        XComModel.key.in_((VIEW, REVIEW)), *(getattr(XComModel, name) == one for name, one in place.items())
    )
    with create_session() as session:
        found = {row.key: _json(row.value) for row in session.execute(pushed)}
    mention = read_mention(task_id, map_index, found.get(VIEW))
    return read_question(mention.conn_id, found.get(REVIEW)) if mention else None


def _records(dag_id: str, run_id: str, only: Sequence[Any] = (), states: Sequence[Any] = ()) -> Records:
    pushed = select(XComModel.task_id, XComModel.map_index, XComModel.value).where(
        XComModel.dag_id == dag_id, XComModel.run_id == run_id, XComModel.key == VIEW, *only
    )
    order = (XComModel.timestamp, XComModel.task_id, XComModel.map_index)
    # The session ends before the API is read, which may take seconds.
    with create_session() as session:
        rows = session.execute(pushed.order_by(*order).limit(MOST_RECORDS + 1)).all()
        unfinished = _unfinished(session, dag_id, run_id, states)
    found = (read_mention(row.task_id, row.map_index, _json(row.value)) for row in rows[:MOST_RECORDS])
    return Records(tuple(filter(None, found)), unfinished, cut=len(rows) > MOST_RECORDS)


def _unfinished(session: Session, dag_id: str, run_id: str, states: Sequence[Any]) -> bool:
    run = select(DagRun.state).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)
    if session.scalar(run) not in State.unfinished_dr_states:
        return False
    if not states:
        return True
    of_task = select(TaskInstance.state).where(
        TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id, *states
    )
    return any(state not in State.finished for state in session.scalars(of_task.distinct()))


def _json(value: Any) -> Any:
    """
    Read a value as JSON and no more.

    Airflow's own deserialization makes objects of whatever the value names, which is for workers.
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None
