"""Sensors on jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import PokeReturnValue

from airflow_provider_layers.api.content import as_ids
from airflow_provider_layers.api.jobs import COMPLETED, Job, job_url, raise_unless_completed
from airflow_provider_layers.exceptions import (
    LayersError,
    LayersJobError,
    LayersNotFoundError,
    LayersPartialPermanentError,
    LayersRequestError,
)
from airflow_provider_layers.links.jobs import JOB_URL, LayersJobLink
from airflow_provider_layers.polling.blocking import get_job_with_grace
from airflow_provider_layers.polling.intervals import NOT_FOUND_GRACE
from airflow_provider_layers.sensors.base import LayersSensor
from airflow_provider_layers.task_context import UpstreamJob, publish_ui_data, upstream_jobs
from airflow_provider_layers.triggers import ERROR

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.triggers.jobs import LayersJobsTrigger, LayersJobTrigger

REFUSALS = (LayersNotFoundError, LayersRequestError)
"""Permanent errors that concern one job of a list; those of the key concern all."""


class LayersJobSensor(LayersSensor):
    """
    Wait until a job has completed (``concepts/jobs``), or until all jobs of a list have.

    Returns the list of container ids of the job, and pushes ``job_id``, ``job_url``, ``container_ids``,
    ``container_id`` and ``job``. A job that failed or was canceled fails the sensor at once. Rate limits,
    server errors and lost connections never do. A sensor never cancels a job.

    Of a list, it returns the container ids of all jobs in order, and pushes ``job_id``, ``container_ids``,
    ``container_id`` and ``results``: ``job_id``, ``status``, ``container_ids`` and ``error`` of each. A job
    that did not complete, or is unknown, fails the sensor once the others have ended.

    The containers and the project of a job that a direct upstream task started are found in its XComs.

    :param job_id: the job, or a list of jobs (templated)
    :param container_ids: the containers that its submission named, one or a list; with them and the project,
        the triggerer reads many jobs at once, which a running job itself may not name. Not for a list of jobs
        (templated)
    :param project_id: its project, for the same purpose (templated)
    :param layers_conn_id: the Airflow connection, of type ``layers`` (templated)
    :param deferrable: wait in the triggerer instead of in a worker slot; the default is Airflow's
        ``[operators] default_deferrable``
    :param poke_interval: pause between two polls, in seconds; while deferred the longest pause, as pauses
        start at 2 s and grow
    :param kwargs: ``timeout`` (seconds), ``mode``, ``soft_fail`` and the other arguments of sensors
    :raises LayersJobFailedError: the job failed
    :raises LayersJobCanceledError: the job was canceled
    :raises LayersPartialPermanentError: several jobs of a list did not complete
    """

    template_fields: Sequence[str] = (*LayersSensor.template_fields, "job_id", "container_ids", "project_id")
    operator_extra_links = (LayersJobLink(),)

    def __init__(
        self,
        *,
        job_id: str | list[str],
        container_ids: str | list[str] | None = None,
        project_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.job_id = job_id
        self.container_ids = container_ids
        self.project_id = project_id
        # As last read in this process: of each job its state, or why it cannot be read.
        self._jobs: dict[str, Job | LayersError] = {}
        # Jobs that the trigger of a list has seen completed.
        self._completed: frozenset[str] = frozenset()
        self._upstream_jobs: dict[str, UpstreamJob] | None = None

    @property
    def subject(self) -> str:
        """The job, or the jobs."""
        job_ids = self._job_ids()
        if self._is_single():
            return f"Layers job {job_ids[0]}"
        return f"At least one of {len(job_ids)} Layers jobs ({', '.join(job_ids[:3])}, ...)"

    def announce(self, context: Context) -> None:
        """Publish the link to the job, and what the Layers page shows."""
        job_ids, container_ids = self._job_ids(), self._given_container_ids()
        pushed: dict[str, Any] = {"job_id": job_ids}
        if self._is_single():
            url = job_url(self.layers_hook.settings.api.base_url, None, job_ids[0])
            pushed = {"job_id": job_ids[0], JOB_URL: url, LayersJobLink().xcom_key: url}
        for key, value in pushed.items():
            context["ti"].xcom_push(key=key, value=value)
        self._publish_ui_data(context, container_ids)

    def may_have_ended(self, context: Context) -> bool:
        """Return whether to read before the deferral: not what this DAG run has just started, nor a list."""
        if not self._is_single():
            return not self._job_ids()
        self.prepare_trigger(context)
        known = (self._upstream_jobs or {}).get(self._job_ids()[0])
        return context["ti"].try_number > 1 or known is None or not (self.project_id or known.project_id)

    def check(self, context: Context) -> PokeReturnValue:
        """Read the job, or those of the list that have not ended."""
        if not self._is_single():
            return self._check_all(context)
        job = get_job_with_grace(self.layers_hook.get_conn(), self._job_ids()[0])
        self._jobs[job.job_id] = job
        if not job.ended:
            return PokeReturnValue(is_done=False)
        finished = raise_unless_completed(job).as_xcom()
        context["ti"].xcom_push(key="job", value=finished)
        return self._done(context, list(finished["container_ids"]))

    def check_resumed(self, context: Context, event: dict[str, Any]) -> PokeReturnValue:
        """Read once after the wait; of a list, what the trigger has read as completed is not read again."""
        if not self._is_single():
            self.prepare_trigger(context)
            statuses = event.get("statuses") or {}
            self._completed = frozenset(
                job_id
                for job_id, status in statuses.items()
                if status == COMPLETED and self._known_container_ids(job_id)
            )
        return self.poke(context)

    def _check_all(self, context: Context) -> PokeReturnValue:
        client = self.layers_hook.get_conn()
        # Shared, so that many unknown ids take no longer than one.
        grace_ends = client.clock.time() + NOT_FOUND_GRACE
        for job_id in self._job_ids():
            known = self._jobs.get(job_id)
            if job_id in self._completed or (known and not (isinstance(known, Job) and not known.ended)):
                continue
            try:
                self._jobs[job_id] = get_job_with_grace(client, job_id, grace_ends=grace_ends)
            except REFUSALS as error:
                self.log.warning("%s The sensor waits for the other jobs.", error)
                self._jobs[job_id] = error
        if any(isinstance(job, Job) and not job.ended for job in self._jobs.values()):
            return PokeReturnValue(is_done=False)
        return self._finish_all(context)

    def _finish_all(self, context: Context) -> PokeReturnValue:
        results: list[dict[str, Any]] = []
        errors: dict[str, LayersError] = {}
        for job_id in self._job_ids():
            error: LayersError | None = None
            status, container_ids = COMPLETED, self._known_container_ids(job_id)
            if job_id not in self._completed:
                job = self._jobs[job_id]
                try:
                    if isinstance(job, LayersError):
                        raise job
                    container_ids = list(job.container_ids) or container_ids
                    status = job.status
                    raise_unless_completed(job)
                except (LayersJobError, *REFUSALS) as caught:
                    status = ERROR if isinstance(job, LayersError) else status
                    error = errors[job_id] = caught
            results.append(
                {
                    "job_id": job_id,
                    "status": status,
                    "container_ids": container_ids,
                    "error": str(error) if error else None,
                }
            )
        context["ti"].xcom_push(key="results", value=results)
        if len(errors) == 1:
            raise next(iter(errors.values()))
        if errors:
            texts = " ".join(str(error) for error in errors.values())
            message = f"{len(errors)} of {len(results)} Layers jobs did not complete. {texts}"
            raise LayersPartialPermanentError(message, results, errors)
        return self._done(context, [item for result in results for item in result["container_ids"]])

    def _done(self, context: Context, container_ids: list[str]) -> PokeReturnValue:
        push = context["ti"].xcom_push
        push(key="container_ids", value=container_ids)
        push(key="container_id", value=next(iter(container_ids), None))
        self._publish_ui_data(context, container_ids)
        return PokeReturnValue(is_done=True, xcom_value=container_ids)

    def prepare_trigger(self, context: Context) -> None:
        """Find the containers and the project of each job where its submission left them."""
        if self._upstream_jobs is not None:
            return
        found: dict[str, UpstreamJob] = {}
        self._upstream_jobs = found
        missing = set(self._job_ids())
        is_given = self._is_single() and self.project_id and self._given_container_ids()
        if is_given or not self.upstream_task_ids:
            return
        for task in self.upstream_list:
            links = task.operator_extra_links or ()
            if missing and any(isinstance(link, LayersJobLink) for link in links):
                jobs = {job.job_id: job for job in upstream_jobs(context, task.task_id)}
                found |= {job_id: jobs[job_id] for job_id in missing & jobs.keys()}
                missing -= found.keys()

    def trigger(self, *, deadline: float, not_before: float) -> LayersJobTrigger | LayersJobsTrigger:
        """Return the trigger, with what is known of the jobs, so that it shares list reads with others."""
        from airflow_provider_layers.triggers.jobs import LayersJobsTrigger, LayersJobTrigger

        jobs = [self._known(job_id) for job_id in self._job_ids()]
        wait: dict[str, Any] = {
            "layers_conn_id": self.layers_conn_id,
            "deadline": deadline,
            "poll_interval": self.poke_interval,
            "not_before": not_before,
        }
        if self._is_single():
            return LayersJobTrigger(**jobs[0], **wait, confirm=False)
        return LayersJobsTrigger(jobs=jobs, **wait)

    def _known(self, job_id: str) -> dict[str, Any]:
        """Return the arguments of a trigger that describe a job, without those that are unknown."""
        job, upstream = self._jobs.get(job_id), (self._upstream_jobs or {}).get(job_id)
        read = job if isinstance(job, Job) else None
        known = {
            "job_id": job_id,
            "container_ids": self._known_container_ids(job_id),
            "project_id": (read and read.project_id) or self.project_id or (upstream and upstream.project_id),
            "kind": read and read.kind,
            "started_at": read and read.started_at,
        }
        return {name: value for name, value in known.items() if value}

    def _known_container_ids(self, job_id: str) -> list[str]:
        job, upstream = self._jobs.get(job_id), (self._upstream_jobs or {}).get(job_id)
        if isinstance(job, Job) and job.container_ids:
            return list(job.container_ids)
        given = self._given_container_ids() if self._is_single() else []
        return given or (list(upstream.container_ids) if upstream else [])

    def _is_single(self) -> bool:
        return isinstance(self.job_id, str)

    def _job_ids(self) -> list[str]:
        return as_ids(self.job_id, name="job_id")

    def _given_container_ids(self) -> list[str]:
        return as_ids(self.container_ids or [])

    def _publish_ui_data(self, context: Context, container_ids: list[str]) -> None:
        job_id = self._job_ids()[0] if self._is_single() else None
        publish_ui_data(
            context, layers_conn_id=self.layers_conn_id, job_id=job_id, container_ids=container_ids
        )
