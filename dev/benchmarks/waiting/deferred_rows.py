"""
Write what deferred tasks leave in Airflow's database, so that its triggerer waits for their jobs.

    python -m dev.benchmarks.waiting.deferred_rows CASE < JOBS.json

The triggerer deletes a trigger that nothing refers to, and leaves out one whose task has no version of its
DAG. So there is a DAG of one task, written as the DAG processor writes it, a run of it, and for each job a
deferred instance of the task, whose map index is the job's number.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow.models.dag_version import DagVersion
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.trigger import Trigger
from airflow.sdk import DAG, BaseOperator
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.serialization.serialized_objects import LazyDeserializedDAG
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState
from airflow.utils.types import DagRunTriggeredByType, DagRunType

from dev.benchmarks.waiting.airflow_home import RESUME
from dev.benchmarks.waiting.cases import CASES, Case
from dev.benchmarks.waiting.workload import Job

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

BUNDLE = DAG_ID = "waiting"
TASK_ID = "wait"
RUN_ID = "bench"


def write(case: Case, jobs: list[Job]) -> None:
    """
    Write the rows of one case.

    :param case: how it waits
    :param jobs: one for each trigger
    """
    module, _, name = case.trigger.rpartition(".")
    trigger = getattr(import_module(module), name)
    with create_session() as session:
        version, task = _written_dag(session)
        session.add(_run(version))
        session.flush()
        for job in jobs:
            instance = TaskInstance(
                task=task,
                dag_version_id=version.id,
                run_id=RUN_ID,
                state=TaskInstanceState.DEFERRED,
                map_index=job.number,
            )
            instance.try_number = 1
            instance.start_date = datetime.now(timezone.utc)
            instance.next_method = RESUME
            instance.next_kwargs = {}
            instance.trigger = Trigger.from_object(trigger(**case.arguments(job)))
            session.add(instance)


def _written_dag(session: Session) -> tuple[DagVersion, Any]:
    with DAG(DAG_ID, schedule=None) as dag:
        BaseOperator(task_id=TASK_ID)
    session.add(DagBundleModel(name=BUNDLE))
    session.flush()
    SerializedDAG.bulk_write_to_db(BUNDLE, None, [dag], session=session)
    SerializedDagModel.write_dag(LazyDeserializedDAG.from_dag(dag), bundle_name=BUNDLE, session=session)
    session.flush()
    version = DagVersion.get_latest_version(DAG_ID, session=session)
    written = SerializedDagModel.get_dag(DAG_ID, session=session)
    assert version is not None
    assert written is not None
    return version, written.get_task(TASK_ID)


def _run(version: DagVersion) -> DagRun:
    run = DagRun(
        dag_id=DAG_ID,
        run_id=RUN_ID,
        run_after=datetime.now(timezone.utc),
        start_date=datetime.now(timezone.utc),
        state=DagRunState.RUNNING,
        run_type=DagRunType.MANUAL,
        triggered_by=DagRunTriggeredByType.TEST,
    )
    run.created_dag_version = version
    return run


if __name__ == "__main__":
    write(CASES[sys.argv[1]], [Job(**job) for job in json.load(sys.stdin)])
