"""Write the rows of deferred tasks into Airflow's database, so that its triggerer waits for their jobs.

    python -m dev.benchmarks.waiting.deferred_rows CASE < JOBS.json

The triggerer deletes a trigger without a task instance, and skips a trigger whose task instance has no DAG
version. So there is a DAG with a task, written as the DAG processor writes it, a run of it, and for each job
a deferred instance of the task, with the job's number as map index.
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

from dev.benchmarks.waiting.cases import CASES, RESUME_METHOD, Case
from dev.benchmarks.waiting.workload import PlannedJob

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

BUNDLE = DAG_ID = "waiting"
TASK_ID = "wait"
RUN_ID = "bench"


def write_rows(case: Case, jobs: list[PlannedJob]) -> None:
    """Write a DAG, a run, and a deferred task instance with a trigger for each job."""
    module, _, name = case.trigger.rpartition(".")
    trigger = getattr(import_module(module), name)
    with create_session() as session:
        version, task = _write_dag(session)
        session.add(_new_run(version))
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
            instance.next_method = RESUME_METHOD
            instance.next_kwargs = {}
            instance.trigger = Trigger.from_object(trigger(**case.arguments(job)))
            session.add(instance)


def _write_dag(session: Session) -> tuple[DagVersion, Any]:
    with DAG(DAG_ID, schedule=None) as dag:
        BaseOperator(task_id=TASK_ID)
    session.add(DagBundleModel(name=BUNDLE))
    session.flush()
    SerializedDAG.bulk_write_to_db(BUNDLE, None, [dag], session=session)
    SerializedDagModel.write_dag(LazyDeserializedDAG.from_dag(dag), bundle_name=BUNDLE, session=session)
    session.flush()
    version = DagVersion.get_latest_version(DAG_ID, session=session)
    serialized = SerializedDagModel.get_dag(DAG_ID, session=session)
    assert version is not None
    assert serialized is not None
    return version, serialized.get_task(TASK_ID)


def _new_run(version: DagVersion) -> DagRun:
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
    write_rows(CASES[sys.argv[1]], [PlannedJob(**job) for job in json.load(sys.stdin)])
