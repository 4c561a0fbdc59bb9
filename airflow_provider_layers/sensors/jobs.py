"""Sensors on jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import PokeReturnValue

from airflow_provider_layers.hooks.task import stops_retries
from airflow_provider_layers.hooks.view import show
from airflow_provider_layers.links.jobs import JOB_URL, LayersJobLink
from airflow_provider_layers.sensors.base import LayersSensor

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.api.jobs import Job
    from airflow_provider_layers.triggers.jobs import LayersJobTrigger


class LayersJobSensor(LayersSensor):
    """
    Wait until a job has completed (``concepts/jobs``).

    Returns the list of container ids of the job, and pushes ``job_id``, ``job_url``, ``container_ids``,
    ``container_id`` and ``job``. A job that failed or was canceled fails the sensor at once. Rate limits,
    server errors and lost connections never do. A sensor never cancels a job.

    :param job_id: the job (templated)
    :param container_ids: the containers that its submission named, one or a list; with them and the project,
        the triggerer reads about many jobs at once, which a running job itself may not tell (templated)
    :param project_id: its project, for the same (templated)
    :param layers_conn_id: the Airflow connection, of type ``layers`` (templated)
    :param deferrable: wait in the triggerer instead of in a worker slot; the default is Airflow's
        ``[operators] default_deferrable``
    :param poke_interval: pause between two looks, in seconds; while deferred the longest one, as the pauses
        start at 2 s and grow
    :param kwargs: ``timeout`` (seconds), ``mode``, ``soft_fail`` and the other arguments of sensors
    :raises LayersJobFailedError: the job failed
    :raises LayersJobCanceledError: the job was canceled
    """

    template_fields: Sequence[str] = (*LayersSensor.template_fields, "job_id", "container_ids", "project_id")
    operator_extra_links = (LayersJobLink(),)

    def __init__(
        self,
        *,
        job_id: str,
        container_ids: str | list[str] | None = None,
        project_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.job_id = job_id
        self.container_ids = container_ids
        self.project_id = project_id
        self._seen: Job | None = None

    @property
    def subject(self) -> str:
        """The job."""
        return f"Layers job {self.job_id}"

    def execute(self, context: Context) -> Any:
        """Show where the job is, then wait for it."""
        with self.softly():
            self._announce(context)
        return super().execute(context)

    def look(self, context: Context) -> PokeReturnValue:
        """Look at the job."""
        from airflow_provider_layers.api.waiting import look_in_time

        self._seen = job = self.layers_hook.run(look_in_time(self.job_id))
        if not job.ended:
            return PokeReturnValue(is_done=False)
        return PokeReturnValue(is_done=True, xcom_value=self._finish(context, job))

    def trigger(self, *, deadline: float, not_before: float) -> LayersJobTrigger:
        """Make the trigger; what is known of the job lets it share the reads of others."""
        from airflow_provider_layers.triggers.jobs import LayersJobTrigger

        job = self._seen
        return LayersJobTrigger(
            job_id=self.job_id,
            layers_conn_id=self.layers_conn_id,
            deadline=deadline,
            poll_interval=self.poke_interval,
            not_before=not_before,
            container_ids=(list(job.container_ids) if job else None) or self._given(),
            project_id=(job.project_id if job else None) or self.project_id,
            kind=job.kind if job else "",
            started_at=job.started_at if job else None,
        )

    def _given(self) -> list[str]:
        from airflow_provider_layers.api.content import each

        return each(self.container_ids or [])

    @stops_retries
    def _announce(self, context: Context) -> None:
        from airflow_provider_layers.api.jobs import absolute_url

        # Wrong ones are refused before anything is sent.
        self._given()
        url = absolute_url(self.layers_hook.settings.access.base_url, None, self.job_id)
        for key, value in {"job_id": self.job_id, JOB_URL: url, LayersJobLink().xcom_key: url}.items():
            context["ti"].xcom_push(key=key, value=value)
        self._show(context, self._given())

    def _finish(self, context: Context, job: Job) -> list[str]:
        from airflow_provider_layers.api.jobs import demand_success

        finished = demand_success(job).as_xcom()
        container_ids = list(finished["container_ids"])
        push = context["ti"].xcom_push
        push(key="job", value=finished)
        push(key="container_ids", value=container_ids)
        push(key="container_id", value=next(iter(container_ids), None))
        self._show(context, container_ids)
        return container_ids

    def _show(self, context: Context, container_ids: list[str]) -> None:
        show(context, layers_conn_id=self.layers_conn_id, job_id=self.job_id, container_ids=container_ids)
