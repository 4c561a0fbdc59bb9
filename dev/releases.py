"""How the Airflow releases that the provider supports differ: their processes and their settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

EVERY_RELEASE = {
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__PARALLELISM": "4",
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
    "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
    # A run starts on request only, not because a daily DAG has been unpaused.
    "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
    # Resolving the name of this machine takes seconds where no name server knows it.
    "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
    "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
    "AIRFLOW__SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "5",
    # The triggers of a killed triggerer are reassigned after 10 s instead of 30.
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10",
    "PYTHONUNBUFFERED": "1",
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
}


@dataclass(frozen=True)
class Release:
    """How to run one major release of Airflow on one machine.

    :param components: command line of each process, in starting order
    :param settings: environment variables in addition to `EVERY_RELEASE`
    :param has_rest: whether requests go through its REST API; if not, through its Python modules
    :param unsupported_dags: DAG files, without suffix, that need a later release
    """

    components: Mapping[str, tuple[str, ...]]
    settings: Mapping[str, str] = field(default_factory=dict)
    has_rest: bool = True
    unsupported_dags: tuple[str, ...] = ()


# No component serves logs: the servers would listen on all interfaces, and the log files are on this machine.
AIRFLOW_3 = Release(
    components={
        # It takes longest to start.
        "api-server": ("api-server",),
        "scheduler": ("scheduler", "--skip-serve-logs"),
        "dag-processor": ("dag-processor",),
        "triggerer": ("triggerer", "--skip-serve-logs"),
    },
    settings={
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__AUTH_MANAGER": (
            "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
        ),
        "AIRFLOW__API__MAXIMUM_PAGE_LIMIT": "1000",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "3",
        "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
        # A changed file is parsed at once; an unchanged one need not be parsed again within a demo.
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "120",
        # The scheduler fails a task whose trigger fires within this many seconds of the deferral
        # (apache/airflow#72716); the default is 5.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    },
)

AIRFLOW_2 = Release(
    components={
        "scheduler": ("scheduler", "--skip-serve-logs"),
        "triggerer": ("triggerer", "--skip-serve-logs"),
    },
    settings={
        # The only executor that 2.11 allows on SQLite.
        "AIRFLOW__CORE__EXECUTOR": "SequentialExecutor",
        "AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL": "3",
        "AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL": "30",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    },
    has_rest=False,
    # Reviews need Airflow 3.1.
    unsupported_dags=("example_layers_review",),
)


def airflow_version() -> str:
    """Return the version of the Airflow in this environment."""
    return version("apache-airflow")


def installed_release() -> Release:
    """Return the description of the Airflow in this environment."""
    return AIRFLOW_2 if airflow_version().startswith("2.") else AIRFLOW_3
