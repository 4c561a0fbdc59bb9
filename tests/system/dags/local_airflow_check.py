"""DAGs for the tests of the local Airflow: one waits in the triggerer for files, one fails."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import DAG, BaseOperator
from airflow.providers.standard.triggers.file import FileTrigger

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class WaitForFileOperator(BaseOperator):
    """Defers until a file exists in the folder that the run is configured with.

    :param file_name: name of the file
    """

    def __init__(self, *, file_name: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.file_name = file_name

    def execute(self, context: Context) -> None:
        """Defer."""
        path = Path(context["dag_run"].conf["folder"], self.file_name)
        self.log.info("waiting for %s", path)
        self.defer(trigger=FileTrigger(filepath=str(path), poke_interval=0.5), method_name="resume")

    def resume(self, context: Context, event: Any = None) -> dict[str, Any]:
        """Return the run's configuration."""
        self.log.info("resumed")
        context["ti"].xcom_push(key="map_index", value=context["ti"].map_index)
        return dict(context["dag_run"].conf)


class FailOperator(BaseOperator):
    """Fails."""

    def execute(self, context: Context) -> None:
        """Raise."""
        raise ValueError("this task fails on purpose")


START = datetime(2026, 1, 1, tzinfo=timezone.utc)

with DAG("local_airflow_waits", schedule=None, start_date=START, catchup=False):
    single = WaitForFileOperator(task_id="single", file_name="single")
    mapped = WaitForFileOperator.partial(task_id="mapped").expand(file_name=["first", "second"])
    single >> mapped

with DAG("local_airflow_fails", schedule=None, start_date=START, catchup=False):
    FailOperator(task_id="fails")
