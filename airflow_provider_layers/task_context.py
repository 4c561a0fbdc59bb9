"""The running task instance: its tries and clears, who ended it, and what it publishes about itself."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from airflow.providers.common.compat.sdk import conf

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context
    from airflow.providers.openlineage.extractors import OperatorLineage

log = logging.getLogger(__name__)

RETENTION = timedelta(days=90)
"""How long the task state store keeps what is written here: longer than any DAG run that is still retried.
Airflow removes the rows with the run in any case."""

UI_DATA_KEY = "layers"
"""XCom key of what the Layers page in the Airflow UI shows: ids and a connection id, and nothing secret."""

TRY_NUMBER_KEY = "layers-try"

PROJECT_KEY = "project_id"
"""XCom key of the project of the job that a task started, beside its ``job_id``."""

TRIGGER_FAILED = "__fail__"
"""The method that Airflow resumes with if a trigger raised, or if Airflow itself ended the deferral."""

RESUME_SECONDS = 10.0
"""Seconds that a deferred task may need to resume. Below Airflow 3, a task that resumes after its
``execution_timeout`` is failed without being run."""

CLEARED_STATE = "restarting"
MARKED_STATES = ("failed", "success", "skipped")
"""States of a task that still runs after a user cleared it, and after a user marked it or its DAG run."""


# Tries and clears


def clear_count(context: Context) -> int:
    """
    Return a number that grows when a user clears the task, and not when Airflow retries it.

    Airflow raises ``max_tries`` at a clear and leaves it alone at a retry, on 2.11 and on 3.x.
    """
    ti: Any = context["ti"]
    return int(ti.max_tries - (ti.task.retries or 0))


def attempt_count(context: Context, *, since_clear: bool) -> int:
    """
    Return the number of tries of this task instance, this one included.

    :param since_clear: count only those since a user last cleared it
    """
    ti: Any = context["ti"]
    return max(1, int(ti.try_number) - (clear_count(context) if since_clear else 0))


def min_deferral_seconds() -> float:
    """
    Return the seconds after a deferral before which its trigger must not fire.

    Airflow 3.3 notices the end of the deferring process up to one heartbeat late and then fails a task that
    has resumed meanwhile (apache/airflow#72716). Releases without the option have no such heartbeat.
    """
    heartbeat = conf.getfloat("workers", "min_heartbeat_interval", fallback=0.0)
    return heartbeat + 1.0 if heartbeat else 0.0


def try_start(context: Context, *, now: float) -> float:
    """
    Return when this try started, in seconds since the epoch.

    Airflow 3.0 and 3.1 return when it last resumed.

    :param now: returned under ``dag.test()`` of Airflow 2, which keeps no start
    """
    ti: Any = context["ti"]
    return float(ti.start_date.timestamp()) if ti.start_date else now


def execution_deadline(context: Context, *, now: float) -> float | None:
    """
    Return when ``execution_timeout`` ends this try, deferred or not; ``None`` for never.

    Airflow 3 ignores the time during which a task is deferred. Airflow 2 counts it and allows no last read
    after it, so there the deadline is earlier: by a tenth of the timeout, and by 10 s at most.

    :param now: as of :func:`try_start`
    :return: seconds since the epoch
    """
    ti: Any = context["ti"]
    if ti.task.execution_timeout is None:
        return None
    seconds = float(ti.task.execution_timeout.total_seconds())
    margin = 0.0 if hasattr(ti, "get_task_states") else min(RESUME_SECONDS, seconds / 10)
    return try_start(context, now=now) + seconds - margin


# What upstream tasks started


class UpstreamJob(NamedTuple):
    """
    A job as the task that started it published it.

    :param project_id: ``None`` where the task did not know it
    """

    job_id: str
    container_ids: list[str]
    project_id: str | None


def upstream_jobs(context: Context, task_id: str) -> list[UpstreamJob]:
    """
    Return the jobs that an upstream task started: two reads of XComs.

    A mapped task instance reads those of the same map index or, if there are none, of an unmapped task; any
    other reads all instances.
    """
    published = _pull_upstream(context, task_id, UI_DATA_KEY)
    projects = _pull_upstream(context, task_id, PROJECT_KEY) if published else []
    if len(projects) != len(published):
        projects = [None] * len(published)
    return [
        UpstreamJob(data["job_id"], list(data["container_ids"]), project_id)
        for data, project_id in zip(published, projects, strict=True)
        if isinstance(data, dict) and data.get("job_id")
    ]


def _pull_upstream(context: Context, task_id: str, key: str) -> list[Any]:
    ti: Any = context["ti"]
    if ti.map_index is not None and ti.map_index >= 0:
        value = ti.xcom_pull(task_ids=task_id, key=key, map_indexes=ti.map_index)
        value = ti.xcom_pull(task_ids=task_id, key=key, map_indexes=-1) if value is None else value
    else:
        value = ti.xcom_pull(task_ids=task_id, key=key)
    if value is None:
        return []
    # A lazy sequence if the upstream task is mapped, and on Airflow 3 a list.
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]


# Who ended it


class TaskRun:
    """
    One try of a task instance, and whether it is still the current one.

    Airflow may consider a process dead, and retry the task, while the process lives on.

    :param context: of the task, at the start of the process
    """

    def __init__(self, context: Context) -> None:
        self._ti: Any = context["ti"]
        self._try_number = int(self._ti.try_number)
        self._store: Any = context.get("task_state_store")
        if self._store is not None:
            self._record_try()

    def _record_try(self) -> None:
        try:
            self._store.set(TRY_NUMBER_KEY, self._try_number, retention=RETENTION)
        except Exception:
            # Not worth failing the task: a kill then cancels nothing, and a retry finds the job.
            log.warning("Could not record the try number in the task state store.", exc_info=True)

    def ended_by_user(self) -> bool:
        """
        Return whether a user marked or cleared the task, rather than the worker shutting down.

        Both end in the same signal, but a user changes the task's state first. Airflow itself changes it to
        others, or starts another try, whose own end looks like a mark. If the state cannot be read, the
        answer is no: a retry finds the job again, while a canceled job was paid for in vain.
        """
        try:
            state = self._state()
            return state == CLEARED_STATE or (state in MARKED_STATES and self._is_current())
        except Exception:
            log.warning("Could not read whether a user ended the task.", exc_info=True)
            return False

    def _is_current(self) -> bool:
        # Airflow 3 gives each try an id, and the store is read under that of this try. From 3.0 to 3.2,
        # without a store, another try that has ended cannot be distinguished from a user's mark.
        if self._store is not None:
            return bool(self._store.get(TRY_NUMBER_KEY) == self._try_number)
        return int(self._ti.try_number) == self._try_number

    def _state(self) -> str | None:
        ti = self._ti
        if not hasattr(ti, "get_task_states"):
            ti.refresh_from_db()
            return str(ti.state) if ti.state else None
        name = ti.task_id if ti.map_index in (None, -1) else f"{ti.task_id}_{ti.map_index}"
        states = ti.get_task_states(
            dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[ti.run_id], map_index=ti.map_index
        )
        state = states.get(ti.run_id, {}).get(name)
        return str(state) if state else None


# What it publishes


def publish_ui_data(
    context: Context,
    *,
    layers_conn_id: str,
    job_id: str | None = None,
    container_ids: Sequence[str] = (),
    scheduled_post_ids: Sequence[str] = (),
) -> None:
    """
    Publish what the Layers page in the Airflow UI shows for the task instance; the last call of a try counts.

    :param layers_conn_id: the connection through which it can be read
    :param job_id: the job that it started or waits for
    :param container_ids: the content that it makes, reads or decides on
    :param scheduled_post_ids: the posts that it made or waits for
    """
    value = {
        "layers_conn_id": layers_conn_id,
        "job_id": job_id,
        "container_ids": list(container_ids),
        "scheduled_post_ids": list(scheduled_post_ids),
    }
    context["ti"].xcom_push(key=UI_DATA_KEY, value=value)


def review_url(context: Context, part: str, *, version: int) -> str:
    """
    Return the URL, on the Airflow site, of a part of a review that is always up to date.

    It has no host: a browser that came by another name of the same site would not send its cookie there.

    :param part: ``card``, ``media``, or the number of a picture
    :param version: number of the version that the question's text describes
    """
    ti: Any = context["ti"]
    place = {"dag_id": ti.dag_id, "run_id": ti.run_id, "task_id": ti.task_id, "map_index": ti.map_index}
    base = urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")
    return f"{base}/layers/review/{part}?{urlencode({**place, 'version': version})}"


def lineage(base_url: str, *, inputs: Sequence[str], outputs: Sequence[str]) -> OperatorLineage[Any, Any]:
    """
    Return the OpenLineage datasets of a task. Only the OpenLineage provider calls this, so it is installed.

    :param base_url: of the API; its host is the namespace
    :param inputs: names such as ``content/cnt_1`` or ``post/sp_1``
    :param outputs: names of the same kind
    """
    from airflow.providers.common.compat.openlineage.facet import Dataset
    from airflow.providers.openlineage.extractors import OperatorLineage

    namespace = f"layers://{urlsplit(base_url).netloc}"
    return OperatorLineage(
        inputs=[Dataset(namespace=namespace, name=name) for name in inputs],
        outputs=[Dataset(namespace=namespace, name=name) for name in outputs],
    )
