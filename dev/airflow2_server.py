"""The side of `dev.airflow2_client` that answers, in a process that has imported Airflow 2.11.

Started as ``python -m dev.airflow2_server``; ends when its standard input ends.
"""

# mypy reads the Airflow 3 of the development environment; these are names and shapes of Airflow 2.11.
# mypy: ignore-errors

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.api.common.trigger_dag import trigger_dag
from airflow.jobs.job import Job
from airflow.models import DagModel, DagRun, TaskInstance
from airflow.models.errors import ParseImportError
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.xcom import XCom
from airflow.utils import timezone
from airflow.utils.session import create_session

if TYPE_CHECKING:
    from collections.abc import Callable

ALIVE = timedelta(seconds=15)


def health() -> dict[str, str]:
    """Tell which of the components have sent a heartbeat lately."""
    names = {"SchedulerJob": "scheduler", "TriggererJob": "triggerer"}
    status = dict.fromkeys(names.values(), "unhealthy")
    with create_session() as session:
        jobs = session.query(Job).filter(Job.state == "running", Job.job_type.in_(names))
        for job in jobs.filter(Job.latest_heartbeat > timezone.utcnow() - ALIVE):
            status[names[job.job_type]] = "healthy"
    return status


def dag_ids() -> list[str]:
    """List the DAGs that have been read."""
    with create_session() as session:
        # A DAG is written in two steps; it can be run after the second.
        read = session.query(SerializedDagModel.dag_id).join(
            DagModel, DagModel.dag_id == SerializedDagModel.dag_id
        )
        return [row.dag_id for row in read.filter(DagModel.is_active)]


def import_errors() -> dict[str, str]:
    """List the files that could not be read, with the reason."""
    with create_session() as session:
        return {row.filename: row.stacktrace for row in session.query(ParseImportError)}


def unpause(dag_id: str) -> None:
    """Let a DAG run.

    :param dag_id: the DAG
    """
    DagModel.get_dagmodel(dag_id).set_is_paused(is_paused=False)


def trigger(dag_id: str, conf: dict[str, Any]) -> str:
    """Ask for a run.

    :param dag_id: the DAG
    :param conf: the run's configuration
    """
    return str(trigger_dag(dag_id=dag_id, conf=conf).run_id)


def run_state(dag_id: str, run_id: str) -> str:
    """Tell the state of a run.

    :param dag_id: the DAG
    :param run_id: the run
    """
    with create_session() as session:
        return str(session.query(DagRun.state).filter_by(dag_id=dag_id, run_id=run_id).scalar())


def task_rows(dag_id: str, run_id: str) -> list[tuple[str, int, str, int, str]]:
    """List the task instances of a run.

    :param dag_id: the DAG
    :param run_id: the run
    """
    with create_session() as session:
        return [
            (ti.task_id, ti.map_index, str(ti.state or "none"), ti.try_number, ti.operator or "")
            for ti in session.query(TaskInstance).filter_by(dag_id=dag_id, run_id=run_id)
        ]


def xcoms(dag_id: str, run_id: str, task_id: str, map_index: int) -> dict[str, Any]:
    """Tell what a task instance left.

    :param dag_id: the DAG
    :param run_id: the run
    :param task_id: the task
    :param map_index: its place in a mapped task
    """
    place = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": map_index}
    with create_session() as session:
        # Loading a row has already deserialized it.
        return {row.key: row.value for row in session.query(XCom).filter_by(**place)}


def links(dag_id: str, run_id: str, task_id: str, map_index: int) -> dict[str, str | None]:
    """Compute the operator's extra links, as the web server does.

    :param dag_id: the DAG
    :param run_id: the run
    :param task_id: the task
    :param map_index: its place in a mapped task
    """
    place = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": map_index}
    with create_session() as session:
        ti = session.query(TaskInstance).filter_by(**place).one()
        task = SerializedDagModel.get_dag(dag_id).get_task(task_id)
        ti.task = task
        return {name: task.get_extra_links(ti, name) for name in task.extra_links}


QUESTIONS: dict[str, Callable[..., Any]] = {
    question.__name__: question
    for question in (health, dag_ids, import_errors, unpause, trigger, run_state, task_rows, xcoms, links)
}


def main() -> None:
    """Answer until there is nothing more to read."""
    # Whatever Airflow prints goes to the log; the answers have the old standard output to themselves.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = {"value": QUESTIONS[asked["question"]](**asked["arguments"])}
        except Exception as error:  # noqa: BLE001 - it is the asker's to judge
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer, default=str) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
