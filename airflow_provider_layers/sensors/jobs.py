"""Sensors on jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import PokeReturnValue

from airflow_provider_layers.api.content import as_ids
from airflow_provider_layers.api.jobs import Job, job_url, raise_unless_completed
from airflow_provider_layers.links.jobs import JOB_URL, LayersJobLink
from airflow_provider_layers.polling.blocking import get_job_with_grace
from airflow_provider_layers.sensors.base import LayersSensor
from airflow_provider_layers.task_context import publish_ui_data
from airflow_provider_layers.triggers.jobs import LayersJobTrigger

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class LayersJobSensor(LayersSensor):
    """
    Wait until a job has completed (``concepts/jobs``).

    Returns the list of container ids of the job, and pushes ``job_id``, ``job_url``, ``container_ids``,
    ``container_id`` and ``job``. A job that failed or was canceled fails the sensor at once. Rate limits,
    server errors and lost connections never do. A sensor never cancels a job.

    :param job_id: the job (templated)
    :param container_ids: the containers that its submission named, one or a list; with them and the project,
        the triggerer reads many jobs at once, which a running job itself may not name (templated)
    :param project_id: its project, for the same purpose (templated)
    :param layers_conn_id: the Airflow connection, of type ``layers`` (templated)
    :param deferrable: wait in the triggerer instead of in a worker slot; the default is Airflow's
        ``[operators] default_deferrable``
    :param poke_interval: pause between two polls, in seconds; while deferred the longest pause, as pauses
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
        # As last read in this process.
        self._job: Job | None = None

    @property
    def subject(self) -> str:
        """The job."""
        return f"Layers job {self.job_id}"

    def announce(self, context: Context) -> None:
        """Publish the link to the job, and what the Layers page shows."""
        container_ids = self._given_container_ids()
        url = job_url(self.layers_hook.settings.api.base_url, None, self.job_id)
        for key, value in {"job_id": self.job_id, JOB_URL: url, LayersJobLink().xcom_key: url}.items():
            context["ti"].xcom_push(key=key, value=value)
        self._publish_ui_data(context, container_ids)

    def check(self, context: Context) -> PokeReturnValue:
        """Read the job."""
        self._job = job = get_job_with_grace(self.layers_hook.get_conn(), self.job_id)
        if not job.ended:
            return PokeReturnValue(is_done=False)
        finished = raise_unless_completed(job).as_xcom()
        container_ids = list(finished["container_ids"])
        push = context["ti"].xcom_push
        push(key="job", value=finished)
        push(key="container_ids", value=container_ids)
        push(key="container_id", value=next(iter(container_ids), None))
        self._publish_ui_data(context, container_ids)
        return PokeReturnValue(is_done=True, xcom_value=container_ids)

    def trigger(self, *, deadline: float, not_before: float) -> LayersJobTrigger:
        """Return the trigger, with what is known of the job, so that it shares list reads with others."""
        job = self._job
        return LayersJobTrigger(
            job_id=self.job_id,
            layers_conn_id=self.layers_conn_id,
            deadline=deadline,
            poll_interval=self.poke_interval,
            not_before=not_before,
            container_ids=(list(job.container_ids) if job else None) or self._given_container_ids(),
            project_id=(job.project_id if job else None) or self.project_id,
            kind=job.kind if job else "",
            started_at=job.started_at if job else None,
        )

    def _given_container_ids(self) -> list[str]:
        return as_ids(self.container_ids or [])

    def _publish_ui_data(self, context: Context, container_ids: list[str]) -> None:
        publish_ui_data(
            context, layers_conn_id=self.layers_conn_id, job_id=self.job_id, container_ids=container_ids
        )
