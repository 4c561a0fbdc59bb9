"""What differs between the Airflow releases that the provider supports. It is all on this page."""

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
    # Runs start when somebody asks for one, not because a daily DAG has been unpaused.
    "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
    # Names and look-ups of this machine's network are none of a laptop's demo's business.
    "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
    "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
    "AIRFLOW__SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "5",
    # A triggerer that was killed is given up, and its triggers taken over, after 10 s instead of 30.
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10",
    "PYTHONUNBUFFERED": "1",
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
}


@dataclass(frozen=True)
class Release:
    """One generation of Airflow, as far as running it on one machine goes.

    :param components: the processes it consists of, in starting order, with their command lines
    :param settings: environment, on top of `EVERY_RELEASE`
    :param has_rest: whether it is driven through its REST API; if not, through its own Python modules
    :param has_admin_file: whether users and passwords come from files of the simple auth manager
    :param unreadable: DAG files, without suffix, that ask for more than it has
    """

    components: Mapping[str, tuple[str, ...]]
    settings: Mapping[str, str] = field(default_factory=dict)
    has_rest: bool = True
    has_admin_file: bool = True
    unreadable: tuple[str, ...] = ()


# Log servers are left out everywhere: they would listen on all interfaces, and the log files are here.
AIRFLOW_3 = Release(
    components={
        # The slowest to start, so the first.
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
        # A changed file is read again at once; an unchanged one need not be, within a demo's lifetime.
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "120",
        # A task that ends its first half within this many seconds of its trigger's event is failed by
        # the scheduler (apache/airflow#72716); the default is 5.
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
    has_admin_file=False,
    # People are asked from 3.1 on.
    unreadable=("example_layers_review",),
)


def airflow_version() -> str:
    """Return the version of the Airflow in this environment."""
    return version("apache-airflow")


def installed_release() -> Release:
    """Return the description of the Airflow in this environment."""
    return AIRFLOW_2 if airflow_version().startswith("2.") else AIRFLOW_3
