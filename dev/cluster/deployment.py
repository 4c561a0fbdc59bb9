"""Airflow on PostgreSQL, Redis and Celery: two workers, two triggerers, and users in its database."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from celery import Celery

from dev.airflow_client import POLL_INTERVAL, WAIT_TIMEOUT, AirflowError
from dev.cluster import COMPONENT, SLOTS, SLOTS_PER_WORKER, TRIGGERERS, WORKERS
from dev.local_airflow import LocalAirflow, run_airflow
from dev.releases import AIRFLOW_3

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from dev.cluster.services import Services

QUEUE = "default"
RELEASE = replace(
    AIRFLOW_3,
    components={
        **{name: args for name, args in AIRFLOW_3.components.items() if name != "triggerer"},
        **dict.fromkeys(TRIGGERERS, AIRFLOW_3.components["triggerer"]),
        **{
            worker: (
                *("celery", "worker", "--celery-hostname", worker, "--concurrency", str(SLOTS_PER_WORKER)),
                *("--skip-serve-logs", "--without-gossip", "--without-mingle"),
            )
            for worker in WORKERS
        },
    },
)
SETTINGS = {
    "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
    "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
    "AIRFLOW__CORE__HOSTNAME_CALLABLE": "dev.cluster.component_name",
    # Not more than the slots, so that a task does not wait in Redis and count as stuck there.
    "AIRFLOW__CORE__PARALLELISM": str(SLOTS),
    "AIRFLOW__CELERY__SYNC_PARALLELISM": "1",
    "AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE": "True",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "60",
    "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "60",
    # Tries whose worker was killed end after a minute instead of five, and what its queue held is sent again.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "120",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "15",
    # Airflow's defaults: what it costs is measured here, and a busy machine delays heartbeats.
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "1",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "30",
}


class ClusterAirflow(LocalAirflow):
    """Airflow on PostgreSQL, Redis and Celery.

    :param name: name of the AIRFLOW_HOME
    :param dags: DAG files
    :param services: the running PostgreSQL and Redis
    :param connections: connection URIs or JSON texts by connection id
    :param settings: further environment variables of all components
    """

    def __init__(
        self,
        name: str,
        dags: Sequence[Path],
        services: Services,
        connections: Mapping[str, str],
        settings: Mapping[str, str],
    ) -> None:
        addresses = {
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2{services.database}",
            "AIRFLOW__CELERY__BROKER_URL": services.broker,
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+postgresql{services.database}",
        }
        super().__init__(
            name,
            dags,
            connections=connections,
            settings={**SETTINGS, **addresses, **settings},
            release=RELEASE,
        )
        for component, child in self._children.items():
            child.env = {**child.env, COMPONENT: component}
        self._services = services
        self._celery = Celery(broker=services.broker)

    def create_database(self) -> None:
        """Create Airflow's tables and the user ``admin``."""
        run_airflow(self.env, self.home, "db", "migrate")
        person = ("--firstname", "Ada", "--lastname", "Min", "--email", "admin@example.com")
        credentials = ("--username", self.user, "--password", self.password, "--role", "Admin")
        run_airflow(self.env, self.home, "users", "create", *credentials, *person)

    def wait_until_healthy(self) -> None:
        """Wait until every component is healthy, both triggerers and both workers included."""
        super().wait_until_healthy()
        deadline = time.monotonic() + WAIT_TIMEOUT
        sql = "SELECT DISTINCT hostname FROM job WHERE job_type = 'TriggererJob' AND state = 'running'"
        while True:
            workers = {name for reply in self._celery.control.ping(timeout=1.0) for name in reply}
            triggerers = {hostname for (hostname,) in self._services.query(sql)}
            if workers == set(map(_node, WORKERS)) and triggerers == set(TRIGGERERS):
                return
            if time.monotonic() > deadline:
                raise AirflowError(f"only {sorted(workers | triggerers)} have reported for work")
            time.sleep(POLL_INTERVAL)

    def stop_taking_tasks(self, worker: str) -> None:
        """Let a worker finish its tasks and take no others, until it is started again."""
        self._celery.control.cancel_consumer(QUEUE, destination=[_node(worker)], reply=True)

    def has_no_tasks(self, worker: str) -> bool:
        """Return whether a worker runs no task and holds none back."""
        inspect = self._celery.control.inspect([_node(worker)], timeout=5.0)
        replies = (inspect.active(), inspect.reserved())
        return all(reply is not None and not reply.get(_node(worker), True) for reply in replies)


def _node(worker: str) -> str:
    return f"celery@{worker}"
