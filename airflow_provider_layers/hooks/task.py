"""What a task instance tells about itself, and what it tells Airflow when it fails."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

from airflow.providers.common.compat.sdk import AirflowFailException, conf

from airflow_provider_layers.exceptions import LayersError

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.api.keys import Origin

S = TypeVar("S")
P = ParamSpec("P")
R = TypeVar("R")


def generation(context: Context) -> int:
    """
    Count the tries that people's clears have closed.

    Airflow raises ``max_tries`` when a person clears the task and leaves it alone when it retries, on 2.11
    and on 3.x, so the difference names the clear.
    """
    ti: Any = context["ti"]
    return int(ti.max_tries - (ti.task.retries or 0))


def tries(context: Context, *, since_clear: bool) -> int:
    """
    Count the tries of this task instance, this one included.

    :param since_clear: only those since a person cleared it last
    """
    ti: Any = context["ti"]
    return max(1, int(ti.try_number) - (generation(context) if since_clear else 0))


def origin(context: Context, *, of_clear: bool = True) -> Origin:
    """
    Name the task instance in a way that all its tries share.

    ``max_tries`` itself names the clear here: unlike the difference it stays when somebody changes
    ``retries`` of a task under way, which must not pay for another job.

    :param of_clear: whether a person's clear makes another origin of it
    """
    from airflow_provider_layers.api.keys import Origin

    ti: Any = context["ti"]
    return Origin(
        dag_id=ti.dag_id,
        run_id=ti.run_id,
        task_id=ti.task_id,
        map_index=-1 if ti.map_index is None else ti.map_index,
        generation=int(ti.max_tries if of_clear else ti.task.retries or 0),
    )


def earliest_event() -> float:
    """
    Seconds after a deferral before which its trigger must not fire.

    Airflow 3.3 notices the end of the deferring process up to one heartbeat late and then fails a task that
    has resumed meanwhile (apache/airflow#72716). Releases without the option have no such heartbeat.
    """
    heartbeat = conf.getfloat("workers", "min_heartbeat_interval", fallback=0.0)
    return heartbeat + 1.0 if heartbeat else 0.0


def stops_retries(
    method: Callable[Concatenate[S, Context, P], R],
) -> Callable[Concatenate[S, Context, P], R]:
    """
    Turn a permanent error of a task's method into the one that stops Airflow's retries.

    The error itself stays as ``__cause__``. Errors that can pass keep their type, and Airflow's retries.
    """

    @wraps(method)
    def guarded(self: S, context: Context, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(self, context, *args, **kwargs)
        except LayersError as error:
            if not error.permanent:
                raise
            raise AirflowFailException(str(error)) from error

    return cast("Callable[Concatenate[S, Context, P], R]", guarded)
