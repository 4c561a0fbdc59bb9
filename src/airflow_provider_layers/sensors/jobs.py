"""Sensors on jobs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from airflow_provider_layers.exceptions import (
    LayersError,
    LayersRateLimitError,
    LayersServerError,
    LayersTransportError,
)
from airflow_provider_layers.hooks.layers import LayersHook
from airflow_provider_layers.hooks.task import earliest_event, stops_retries
from airflow_provider_layers.links.jobs import JOB_URL, LayersJobLink

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.api.jobs import Job


class LayersJobSensor(BaseSensorOperator):
    """
    Wait until a job has completed (``concepts/jobs``).

    Returns the list of container ids of the job, and pushes ``job_id``, ``job_url``, ``container_ids``,
    ``container_id`` and ``job``. A job that failed or was canceled fails the sensor at once. Rate limits,
    server errors and lost connections never do. A sensor never cancels a job.

    :param job_id: the job (templated)
    :param layers_conn_id: the Airflow connection, of type ``layers`` (templated)
    :param deferrable: wait in the triggerer instead of in a worker slot; the default is Airflow's
        ``[operators] default_deferrable``
    :param poke_interval: pause between two looks, in seconds; while deferred the longest one, as the pauses
        start at 2 s and grow
    :param kwargs: ``timeout`` (seconds), ``mode``, ``soft_fail`` and the other arguments of sensors
    :raises LayersJobFailedError: the job failed
    :raises LayersJobCanceledError: the job was canceled
    """

    template_fields: Sequence[str] = ("job_id", "layers_conn_id")
    operator_extra_links = (LayersJobLink(),)
    ui_color = "#d9d2ff"

    def __init__(
        self,
        *,
        job_id: str,
        layers_conn_id: str = LayersHook.default_conn_name,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poke_interval: float = 10.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.job_id = job_id
        self.layers_conn_id = layers_conn_id
        self.deferrable = deferrable

    @cached_property
    def layers_hook(self) -> LayersHook:
        """The hook, made once the connection id is rendered."""
        return LayersHook(self.layers_conn_id)

    def execute(self, context: Context) -> Any:
        """Wait in the way that was asked for."""
        with self._softly():
            self._announce(context)
            if not self.deferrable:
                return super().execute(context)
            seen = self.poke(context)
        return seen.xcom_value if seen.is_done else self._defer()

    @stops_retries
    def poke(self, context: Context) -> PokeReturnValue:
        """Look at the job once."""
        from airflow_provider_layers.api.waiting import look_in_time

        try:
            job = self.layers_hook.run(look_in_time(self.job_id))
        except (LayersTransportError, LayersRateLimitError, LayersServerError) as error:
            self.log.warning("%s Waiting goes on.", error)
            return PokeReturnValue(is_done=False)
        if not job.ended:
            return PokeReturnValue(is_done=False)
        return PokeReturnValue(is_done=True, xcom_value=self._finish(context, job))

    @stops_retries
    def _announce(self, context: Context) -> None:
        from airflow_provider_layers.api.jobs import absolute_url

        url = absolute_url(self.layers_hook.settings.access.base_url, None, self.job_id)
        for key, value in {"job_id": self.job_id, JOB_URL: url, LayersJobLink().xcom_key: url}.items():
            context["ti"].xcom_push(key=key, value=value)

    def _defer(self) -> None:
        from airflow_provider_layers.triggers.jobs import LayersJobTrigger

        now = time.time()
        self.defer(
            trigger=LayersJobTrigger(
                job_id=self.job_id,
                layers_conn_id=self.layers_conn_id,
                deadline=now + self.timeout,
                poll_interval=self.poke_interval,
                not_before=now + earliest_event(),
            ),
            method_name="execute_complete",
        )

    def execute_complete(self, context: Context, event: dict[str, Any]) -> list[str]:
        """
        Resume after the wait: look at the job itself, since the event is only a hint.

        :param event: see :class:`~airflow_provider_layers.triggers.jobs.LayersJobTrigger`
        :return: the container ids of the finished job
        """
        with self._softly():
            return self._complete(context, event)

    @stops_retries
    def _complete(self, context: Context, event: dict[str, Any]) -> list[str]:
        from airflow_provider_layers.api.jobs import look

        job = self.layers_hook.run(look(event["job_id"]))
        if job.ended:
            return self._finish(context, job)
        if event["status"] == "timeout":
            raise AirflowSensorTimeout(f"Layers job {job.job_id} {event['reason']}")
        raise LayersTransportError(
            f"Layers job {job.job_id} is running, and could not be watched: {event['reason']}"
        )

    def _finish(self, context: Context, job: Job) -> list[str]:
        from airflow_provider_layers.api.jobs import demand_success

        finished = demand_success(job).as_xcom()
        container_ids = list(finished["container_ids"])
        push = context["ti"].xcom_push
        push(key="job", value=finished)
        push(key="container_ids", value=container_ids)
        push(key="container_id", value=next(iter(container_ids), None))
        return container_ids

    @contextmanager
    def _softly(self) -> Iterator[None]:
        """
        Skip instead of failing, in the same cases in every mode; on passing errors only with ``never_fail``.

        Airflow's own rules differ between its releases, and between a sensor that pokes and one that defers.
        """
        try:
            yield
        except (AirflowFailException, AirflowSensorTimeout, LayersError) as error:
            if self.never_fail or (self.soft_fail and not isinstance(error, LayersError)):
                name = "never_fail" if self.never_fail else "soft_fail"
                raise AirflowSkipException(f"Skipping due to {name} is set to True.") from error
            raise
