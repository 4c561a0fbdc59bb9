"""Waiting for a job, in a worker or in the triggerer, and ending it with the task."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat.sdk import conf

from airflow_provider_layers.exceptions import LayersError, LayersJobTimeoutError, LayersTransportError
from airflow_provider_layers.hooks.layers import LayersHook
from airflow_provider_layers.hooks.task import earliest_event, stops_retries
from airflow_provider_layers.links.content import LayersContentLink
from airflow_provider_layers.links.jobs import LayersJobLink
from airflow_provider_layers.operators.base import LayersOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.api.jobs import Job
    from airflow_provider_layers.api.submission import Submission
    from airflow_provider_layers.hooks.tenure import Tenure

SIGNAL_SECONDS = 3.0
"""Seconds that a signal handler waits for its cancel. Airflow kills the process 5 s after the signal."""

TRIGGER_FAILED = "__fail__"
"""What Airflow resumes a task with when its trigger raised or ran out of time."""


class LayersJobWaitOperator(LayersOperator):
    """
    Wait for the job of this task.

    :param wait_for_completion: wait until the job has ended, instead of succeeding when it has started
    :param deferrable: wait in the triggerer instead of in a worker slot; the default is Airflow's
        ``[operators] default_deferrable``
    :param poll_interval: longest pause between two looks, in seconds; the pauses start at 2 s and grow. The
        triggerer may take three times that while it knows that such a job cannot well have ended
    :param completion_timeout: seconds or ``timedelta`` from submission after which waiting fails; the job
        itself goes on
    :param cancel_on_kill: cancel the job when a person marks or clears the task while it waits; restarts of
        workers and triggerers never do
    :param cancel_on_timeout: cancel the job when ``completion_timeout`` is over
    """

    template_fields: Sequence[str] = LayersOperator.template_fields
    operator_extra_links = (LayersJobLink(), LayersContentLink())
    ui_color = "#d9d2ff"
    makes_content = True
    # Of the job, where the operator knows them: the watcher then reads about many jobs at once.
    project_id: str | None = None
    format: str | None = None

    def __init__(
        self,
        *,
        wait_for_completion: bool = False,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: float = 10.0,
        completion_timeout: timedelta | float = timedelta(hours=1),
        cancel_on_kill: bool = True,
        cancel_on_timeout: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if poll_interval <= 0:
            raise ValueError(f"poll_interval = {poll_interval!r}: should be more than 0 seconds.")
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.completion_timeout = completion_timeout
        self.cancel_on_kill = cancel_on_kill
        self.cancel_on_timeout = cancel_on_timeout
        self._job_id: str | None = None
        self._asked_under: str | None = None
        self._tenure: Tenure | None = None

    def wait_for(self, context: Context, submission: Submission, *, retried: bool) -> list[str]:
        """
        Wait in the way that was asked for.

        :param context: of the task
        :param submission: of the job
        :param retried: whether the job may be older than this try
        :return: the container ids of the finished job
        """
        from airflow_provider_layers.api.cadence import Cadence
        from airflow_provider_layers.api.waiting import until_ended

        submitted, job = submission.job, submission.seen
        known = list(submitted.container_ids)
        if job is not None and job.ended:
            return self._finish(context, job, known)
        deadline = self._deadline(job.started_at if job and retried else None)
        if self.deferrable:
            self._defer(job or submitted, known, deadline)
        cadence = Cadence(longest=self.poll_interval)
        try:
            ended = self.layers_hook.run(until_ended(submitted.job_id, deadline=deadline, cadence=cadence))
        except LayersJobTimeoutError as error:
            self._time_out(error)
        return self._finish(context, ended, known)

    def _time_out(self, error: LayersJobTimeoutError) -> NoReturn:
        if self.cancel_on_timeout:
            self._cancel(error.job_id)
        raise error

    def _deadline(self, started_at: str | None) -> float:
        """
        Anchor the deadline on the submission: now on the first try, else the start that the API tells.

        :param started_at: ISO 8601, or ``None``
        """
        from airflow_provider_layers.api.request import moment

        allowed = self.completion_timeout
        seconds = allowed.total_seconds() if isinstance(allowed, timedelta) else float(allowed)
        started = moment(started_at)
        return (started.timestamp() if started else time.time()) + seconds

    def _defer(self, job: Job, container_ids: list[str], deadline: float) -> None:
        from airflow.triggers.base import BaseTrigger

        from airflow_provider_layers.triggers.jobs import LayersJobTrigger

        self.log.info("Waiting for Layers job %s in the triggerer.", job.job_id)
        if self.cancel_on_kill and not hasattr(BaseTrigger, "on_kill"):
            self.log.warning(
                "If somebody ends the task while it is deferred, Layers job %s goes on: Airflow tells its "
                "triggers from 3.3 on.",
                job.job_id,
            )
        self.defer(
            trigger=LayersJobTrigger(
                job_id=job.job_id,
                layers_conn_id=self.layers_conn_id,
                deadline=deadline,
                poll_interval=self.poll_interval,
                not_before=time.time() + earliest_event(),
                container_ids=container_ids,
                cancel_on_kill=self.cancel_on_kill,
                project_id=job.project_id or self.project_id,
                kind=job.kind,
                content_format=self.format,
                started_at=job.started_at,
            ),
            method_name="execute_complete",
        )

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume, and name the job where Airflow itself ended the wait, as ``execution_timeout`` does."""
        if next_method == TRIGGER_FAILED:
            job_id = self._pushed(context, "job_id")
            self.log.error("Airflow ended the wait for Layers job %s. The job itself goes on.", job_id)
        return super().resume_execution(next_method, next_kwargs, context)

    @stops_retries
    def execute_complete(self, context: Context, event: dict[str, Any]) -> list[str]:
        """
        Resume after the wait.

        :param event: see :class:`~airflow_provider_layers.triggers.jobs.LayersJobTrigger`
        :return: the container ids of the finished job
        """
        return self.waited(context, event)

    def waited(self, context: Context, event: dict[str, Any]) -> list[str]:
        """
        Look at the job itself, since the event is only a hint.

        :param context: of the task
        :param event: of the trigger
        :return: the container ids of the finished job
        """
        from airflow_provider_layers.api.jobs import look
        from airflow_provider_layers.hooks.tenure import Tenure

        self._tenure = Tenure(context)
        self._job_id, container_ids = self._submitted(context, event)
        job = self.layers_hook.run(look(self._job_id))
        if job.ended:
            return self._finish(context, job, container_ids)
        if not isinstance(event, dict) or event.get("job_id") != self._job_id:
            self.log.warning("An event of another task was delivered to this one, which waits on: %s", event)
            self._defer(job, container_ids, self._deadline(job.started_at))
        if event["status"] == "timeout":
            said = event["reason"].removeprefix(f"Layers job {job.job_id} ")
            self._time_out(LayersJobTimeoutError(job.job_id, said))
        raise LayersTransportError(
            f"Layers job {job.job_id} is running, and could not be watched: {event['reason']}"
        )

    def _submitted(self, context: Context, event: dict[str, Any]) -> tuple[str, list[str]]:
        """
        Give the job of this task and its containers as the submission noted them.

        An event may belong to another task: on SQLite Airflow gives the number of an ended trigger to the
        next one, and delivers to that what the first still tells.
        """
        job_id = self._pushed(context, "job_id")
        if job_id is None:
            return event["job_id"], event["container_ids"]
        return job_id, list(self._pushed(context, "container_ids") or [])

    def _pushed(self, context: Context, key: str) -> Any:
        ti = context["ti"]
        return ti.xcom_pull(task_ids=self.task_id, key=key, map_indexes=ti.map_index)

    def _finish(self, context: Context, job: Job, container_ids: list[str]) -> list[str]:
        from airflow_provider_layers.api.jobs import demand_success

        finished = demand_success(job).as_xcom(container_ids)
        context["ti"].xcom_push(key="job", value=finished)
        self.show(context, job_id=job.job_id, container_ids=finished["container_ids"])
        return list(finished["container_ids"])

    def on_kill(self) -> None:
        """Cancel the job when a person ended the task, unless ``cancel_on_kill`` is off."""
        if self._job_id is None:
            self.log.warning(
                "A Layers job may be running: the task was killed while it started one. Idempotency-Key: %s.",
                self._asked_under or "none was sent",
            )
        elif not self.cancel_on_kill:
            self.log.info("Layers job %s goes on: cancel_on_kill is off.", self._job_id)
        else:
            # In a thread, since this is a signal handler: what it interrupted may hold the channel to
            # Airflow, and gives it back only after the handler. The process lives on for some seconds then.
            ending = Thread(target=self._cancel_for_person, args=(self._job_id,), daemon=True)
            ending.start()
            ending.join(timeout=SIGNAL_SECONDS)

    def _cancel_for_person(self, job_id: str) -> None:
        if self._tenure is not None and self._tenure.ended_by_person():
            self._cancel(job_id)
        else:
            self.log.info("Layers job %s goes on: nobody ended the task. A retry finds the job.", job_id)

    def _cancel(self, job_id: str) -> None:
        from airflow_provider_layers.api.jobs import cancel_soon

        self.log.info("Canceling Layers job %s.", job_id)
        try:
            # A client of its own: this may interrupt the other one in the middle of a request.
            settings = self.layers_hook.settings.in_haste()
            answer = LayersHook(self.layers_conn_id, settings=settings).run(cancel_soon(job_id))
        except LayersError:
            self.log.exception("Layers job %s may still be running: it could not be canceled.", job_id)
            return
        self.log.info("Layers job %s: cancel accepted=%s %s", job_id, answer.accepted, answer.reason or "")
