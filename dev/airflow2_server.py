"""The process behind `dev.airflow2_client`: it has imported Airflow 2.11 and reads its database.

Started as ``python -m dev.airflow2_server``; ends when its standard input ends.
"""

# mypy reads the Airflow 3 of the development environment; these are names of Airflow 2.11.
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

HEARTBEAT_LIMIT = timedelta(seconds=15)


def health() -> dict[str, str]:
    """Return which components have sent a heartbeat lately."""
    names = {"SchedulerJob": "scheduler", "TriggererJob": "triggerer"}
    status = dict.fromkeys(names.values(), "unhealthy")
    with create_session() as session:
        jobs = session.query(Job).filter(Job.state == "running", Job.job_type.in_(names))
        for job in jobs.filter(Job.latest_heartbeat > timezone.utcnow() - HEARTBEAT_LIMIT):
            status[names[job.job_type]] = "healthy"
    return status


def dag_ids() -> list[str]:
    """Return the DAGs that can be run."""
    with create_session() as session:
        # A DAG is written in two steps; it can be run after the second.
        parsed = session.query(SerializedDagModel.dag_id).join(
            DagModel, DagModel.dag_id == SerializedDagModel.dag_id
        )
        return [row.dag_id for row in parsed.filter(DagModel.is_active)]


def import_errors() -> dict[str, str]:
    """Return the traceback of each file that could not be imported."""
    with create_session() as session:
        return {row.filename: row.stacktrace for row in session.query(ParseImportError)}


def unpause(dag_id: str) -> None:
    """Unpause a DAG."""
    DagModel.get_dagmodel(dag_id).set_is_paused(is_paused=False)


def trigger(dag_id: str, conf: dict[str, Any]) -> str:
    """Start a run and return its id."""
    return str(trigger_dag(dag_id=dag_id, conf=conf).run_id)


def run_state(dag_id: str, run_id: str) -> str:
    """Return the state of a run."""
    with create_session() as session:
        return str(session.query(DagRun.state).filter_by(dag_id=dag_id, run_id=run_id).scalar())


def task_rows(dag_id: str, run_id: str) -> list[tuple[str, int, str, int, str]]:
    """Return the fields of a `TaskRow` for each task instance of a run."""
    with create_session() as session:
        return [
            (ti.task_id, ti.map_index, str(ti.state or "none"), ti.try_number, ti.operator or "")
            for ti in session.query(TaskInstance).filter_by(dag_id=dag_id, run_id=run_id)
        ]


def xcoms(**task_instance: Any) -> dict[str, Any]:
    """Return the XComs of a task instance by key."""
    with create_session() as session:
        # Loading a row has already deserialized it.
        return {row.key: row.value for row in session.query(XCom).filter_by(**task_instance)}


def links(**task_instance: Any) -> dict[str, str | None]:
    """Compute the operator's extra links, as the web server does."""
    with create_session() as session:
        ti = session.query(TaskInstance).filter_by(**task_instance).one()
        task = SerializedDagModel.get_dag(ti.dag_id).get_task(ti.task_id)
        ti.task = task
        return {name: task.get_extra_links(ti, name) for name in task.extra_links}


FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (health, dag_ids, import_errors, unpause, trigger, run_state, task_rows, xcoms, links)
}


def main() -> None:
    """Serve requests until standard input ends."""
    # Whatever Airflow prints goes to the log; only responses are written to the original standard output.
    responses = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    for line in sys.stdin:
        request = json.loads(line)
        try:
            response = {"value": FUNCTIONS[request["function"]](**request["arguments"])}
        except Exception as error:  # noqa: BLE001 - the client raises it
            response = {"error": f"{type(error).__name__}: {error}"}
        responses.write(json.dumps(response, default=str) + "\n")
        responses.flush()


if __name__ == "__main__":
    main()
