"""DAGs for the tests of the local Airflow itself: one waits a little in the triggerer, one fails."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import DAG, BaseOperator
from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class WaitOperator(BaseOperator):
    """Defers for some seconds and returns what its run was configured with.

    :param seconds: how long; taken from the run's ``conf`` if it has the same key
    """

    def __init__(self, *, seconds: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seconds = seconds

    def execute(self, context: Context) -> None:
        """Hand the waiting to the triggerer."""
        seconds = (context["dag_run"].conf or {}).get("seconds", self.seconds)
        self.log.info("deferring for %s s", seconds)
        self.defer(trigger=TimeDeltaTrigger(timedelta(seconds=seconds)), method_name="resume")

    def resume(self, context: Context, event: Any = None) -> dict[str, Any]:
        """Return after the trigger has fired."""
        self.log.info("resumed")
        context["ti"].xcom_push(key="index", value=self.index(context))
        return {"conf": context["dag_run"].conf or {}}

    @staticmethod
    def index(context: Context) -> int:
        """Return the place in a mapped task."""
        return int(context["ti"].map_index)


class FailOperator(BaseOperator):
    """Fails."""

    def execute(self, context: Context) -> None:
        """Raise."""
        raise ValueError("this task fails on purpose")


START = datetime(2026, 1, 1, tzinfo=timezone.utc)

with DAG("local_airflow_waits", schedule=None, start_date=START, catchup=False):
    one = WaitOperator(task_id="one", seconds=2)
    both = WaitOperator.partial(task_id="both").expand(seconds=[2, 3])
    one >> both

with DAG("local_airflow_fails", schedule=None, start_date=START, catchup=False):
    FailOperator(task_id="fails")
