"""Operators on jobs: start one exactly once, wait for it, end it with the task, and cancel one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from airflow.providers.common.compat.sdk import conf
from airflow.triggers.base import BaseTrigger

from airflow_provider_layers.api.endpoint import Endpoint, Response
from airflow_provider_layers.api.jobs import Cancellation, Job, Submission, job_url, raise_unless_completed
from airflow_provider_layers.api.schemas import parse_timestamp
from airflow_provider_layers.exceptions import (
    LayersError,
    LayersIdempotencyError,
    LayersJobTimeoutError,
    LayersRequestChangedError,
    LayersTransportError,
)
from airflow_provider_layers.idempotency import (
    IdempotencyScope,
    JobSubmitter,
    idempotency_scope,
    idempotency_store,
)
from airflow_provider_layers.links.content import LayersContentLink
from airflow_provider_layers.links.jobs import JOB_URL, LayersJobLink
from airflow_provider_layers.operators.base import LayersOperator
from airflow_provider_layers.polling.blocking import wait_until_finished
from airflow_provider_layers.polling.targets import job_target
from airflow_provider_layers.task_context import TaskRun, attempt_count, clear_count, min_deferral_seconds

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

RequestBuilder = Callable[[IdempotencyScope, int], Endpoint[Submission]]
"""Returns the request that starts a job, from the scope of its key and its position in the sequence."""

SIGNAL_HANDLER_SECONDS = 3.0
"""Seconds that a signal handler waits for its cancel. Airflow kills the process 5 s after the signal."""

TRIGGER_FAILED = "__fail__"
"""The method that Airflow resumes with if a trigger raised or ``execution_timeout`` ended it."""


class LayersJobLifecycleOperator(LayersOperator):
    """
    Start jobs exactly once, wait for them, and cancel them when a user ends the task.

    Pushes ``job_id``, ``job_url``, ``container_id`` and ``container_ids`` right after the submission, and
    ``job`` once it has completed. Subclasses say when a job is started, and set ``_task_run`` first.

    :param deferrable: wait in the triggerer instead of in a worker slot; the default is Airflow's
        ``[operators] default_deferrable``
    :param poll_interval: longest pause between two polls, in seconds; the pauses start at 2 s and grow. The
        triggerer may pause three times as long while such a job cannot well have ended
    :param completion_timeout: seconds or ``timedelta`` from submission after which the wait fails; the job
        itself continues
    :param cancel_on_kill: cancel the job when a user marks or clears the task while it waits; restarts of
        workers and triggerers never do
    :param cancel_on_timeout: cancel the job when ``completion_timeout`` has passed
    :param on_clear: what a user's clear means: ``resubmit`` starts a new job, ``reattach`` finds the
        earlier one as long as the rendered parameters are the same
    :param resubmit_after_window: start a job although an earlier try may have started one more than 24 hours
        ago, which the API no longer knows; otherwise such a retry fails and says what to check
    """

    operator_extra_links = (LayersJobLink(), LayersContentLink())
    ui_color = "#d9d2ff"
    makes_content = True
    # Of the job, where the operator knows them: the watcher then polls many jobs with one list.
    project_id: str | None = None
    format: str | None = None

    def __init__(
        self,
        *,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: float = 10.0,
        completion_timeout: timedelta | float = timedelta(hours=1),
        cancel_on_kill: bool = True,
        cancel_on_timeout: bool = False,
        on_clear: Literal["resubmit", "reattach"] = "resubmit",
        resubmit_after_window: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if poll_interval <= 0:
            raise ValueError(f"poll_interval = {poll_interval!r}: should be more than 0 seconds.")
        if on_clear not in ("resubmit", "reattach"):
            raise ValueError(f"on_clear = {on_clear!r}: should be 'resubmit' or 'reattach'.")
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.completion_timeout = completion_timeout
        self.cancel_on_kill = cancel_on_kill
        self.cancel_on_timeout = cancel_on_timeout
        self.on_clear = on_clear
        self.resubmit_after_window = resubmit_after_window
        # What `on_kill` needs to know.
        self._task_run: TaskRun | None = None
        self._idempotency_key: str | None = None
        self._job_id: str | None = None

    # Starting

    def submit(self, context: Context, build_request: RequestBuilder) -> Submission:
        """Start the job, or find the one that an earlier try started."""
        if self.on_clear == "reattach" and clear_count(context) > 0:
            try:
                return self._submit_in_scope(context, build_request, per_clear=False)
            except (LayersIdempotencyError, LayersRequestChangedError):
                self.log.info("The rendered request changed since the task was cleared: starting a new job.")
        return self._submit_in_scope(context, build_request, per_clear=True)

    def _submit_in_scope(
        self, context: Context, build_request: RequestBuilder, *, per_clear: bool
    ) -> Submission:
        scope = idempotency_scope(context, per_clear=per_clear)
        attempts = attempt_count(context, since_clear=per_clear)
        return JobSubmitter(
            client=self.layers_hook.get_conn(),
            request=lambda sequence: self._recorded(build_request(scope, sequence)),
            store=idempotency_store(context, attempt_count=attempts),
            attempt_count=attempts,
            announce=lambda submission: self._announce(context, submission),
            send_after_window=self.resubmit_after_window,
        ).submit()

    def _recorded(self, endpoint: Endpoint[Submission]) -> Endpoint[Submission]:
        """Log the key of a request before it is sent, and its job before anything else can fail."""

        def read(response: Response) -> Submission:
            submission = endpoint.read(response)
            job = submission.job
            if job.job_id != self._job_id:
                containers = ", ".join(job.container_ids)
                self.log.info("Layers job %s (%s) makes %s.", job.job_id, job.kind, containers)
            self._job_id = job.job_id
            return submission

        # If the process dies from here on, this line is what to quote to the vendor.
        self.log.info("Starting a Layers job. Idempotency-Key: %s.", endpoint.idempotency_key)
        self._idempotency_key = endpoint.idempotency_key
        return endpoint.with_reader(read)

    def _announce(self, context: Context, submission: Submission) -> None:
        job = submission.job
        url = job_url(self.layers_hook.settings.api.base_url, submission.location, job.job_id)
        push = context["ti"].xcom_push
        push(key="job_id", value=job.job_id)
        push(key="container_ids", value=list(job.container_ids))
        push(key="container_id", value=next(iter(job.container_ids), None))
        push(key=JOB_URL, value=url)
        # Airflow 3 writes links when a phase of the task ends; this shows it while the task still runs.
        push(key=LayersJobLink().xcom_key, value=url)
        self.publish_content_link(context, job.container_ids)
        self.publish_ui_data(context, job_id=job.job_id, container_ids=job.container_ids)

    # Waiting

    def wait_for(self, context: Context, submission: Submission, *, is_retry: bool) -> list[str]:
        """
        Wait for the job, in the worker or deferred, and return its container ids.

        :param is_retry: whether the job may be older than this try
        """
        submitted, job = submission.job, submission.current
        container_ids = list(submitted.container_ids)
        if job is not None and job.ended:
            return self._finish(context, job, container_ids)
        deadline = self._deadline(job.started_at if job and is_retry else None)
        if self.deferrable:
            self._defer(job or submitted, container_ids, deadline)
        client = self.layers_hook.get_conn()
        target = job_target(
            submitted.job_id, deadline=deadline, max_interval=self.poll_interval, clock=client.clock
        )
        try:
            ended = wait_until_finished(client, target)
        except LayersJobTimeoutError as error:
            self._time_out(error)
        return self._finish(context, ended, container_ids)

    def _time_out(self, error: LayersJobTimeoutError) -> NoReturn:
        if self.cancel_on_timeout:
            self._cancel(error.job_id)
        raise error

    def _deadline(self, started_at: str | None) -> float:
        """Return the deadline, counted from the job's start if the API returned it, else from now."""
        timeout = self.completion_timeout
        seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else float(timeout)
        started = parse_timestamp(started_at)
        return (started.timestamp() if started else self.layers_hook.clock.time()) + seconds

    def _defer(self, job: Job, container_ids: list[str], deadline: float) -> NoReturn:
        from airflow_provider_layers.triggers.jobs import LayersJobTrigger

        self.log.info("Waiting for Layers job %s in the triggerer.", job.job_id)
        if self.cancel_on_kill and not hasattr(BaseTrigger, "on_kill"):
            self.log.warning(
                "If a user ends the task while it is deferred, Layers job %s continues: Airflow notifies "
                "triggers from 3.3 on.",
                job.job_id,
            )
        trigger = LayersJobTrigger(
            job_id=job.job_id,
            layers_conn_id=self.layers_conn_id,
            deadline=deadline,
            poll_interval=self.poll_interval,
            not_before=self.layers_hook.clock.time() + min_deferral_seconds(),
            container_ids=container_ids,
            cancel_on_kill=self.cancel_on_kill,
            project_id=job.project_id or self.project_id,
            kind=job.kind,
            content_format=self.format,
            started_at=job.started_at,
        )
        self.defer(trigger=trigger, method_name="execute_complete")

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume, and log the job if Airflow itself ended the wait, as ``execution_timeout`` does."""
        job_id = self._pushed(context, "job_id") if next_method == TRIGGER_FAILED else None
        if job_id:
            self.log.error("Airflow ended the wait for Layers job %s. The job itself continues.", job_id)
        return super().resume_execution(next_method, next_kwargs, context)

    def resume(self, context: Context, event: dict[str, Any]) -> list[str]:
        """Read the job, since the event is only a hint, and return its container ids."""
        job_id, container_ids = self._submitted(context, event)
        self._job_id = job_id
        job = self.layers_hook.get_job(job_id)
        if job.ended:
            return self._finish(context, job, container_ids)
        if not isinstance(event, dict) or event.get("job_id") != job_id:
            self.log.warning("Ignoring an event of another task; deferring again: %s", event)
            self._defer(job, container_ids, self._deadline(job.started_at))
        if event["status"] == "timeout":
            reason = event["reason"].removeprefix(f"Layers job {job_id} ")
            self._time_out(LayersJobTimeoutError(job_id, reason))
        raise LayersTransportError(
            f"Layers job {job_id} is running and could not be polled: {event['reason']}"
        )

    def _submitted(self, context: Context, event: dict[str, Any]) -> tuple[str, list[str]]:
        # The event may be of another task: on SQLite, Airflow reuses the number of an ended trigger and
        # delivers a late event of the first to the task of the second.
        job_id = self._pushed(context, "job_id")
        if job_id is None:
            return event["job_id"], event["container_ids"]
        return job_id, list(self._pushed(context, "container_ids") or [])

    def _pushed(self, context: Context, key: str) -> Any:
        ti = context["ti"]
        return ti.xcom_pull(task_ids=self.task_id, key=key, map_indexes=ti.map_index)

    def _finish(self, context: Context, job: Job, container_ids: list[str]) -> list[str]:
        finished = raise_unless_completed(job).as_xcom(container_ids)
        context["ti"].xcom_push(key="job", value=finished)
        self.publish_ui_data(context, job_id=job.job_id, container_ids=finished["container_ids"])
        return list(finished["container_ids"])

    # Ending

    def on_kill(self) -> None:
        """Cancel the job if a user ended the task, unless ``cancel_on_kill`` is off."""
        if self._job_id is None:
            self.log.warning(
                "A Layers job may be running: the task was killed while it started one. Idempotency-Key: %s.",
                self._idempotency_key or "none was sent",
            )
        elif not self.cancel_on_kill:
            self.log.info("Layers job %s continues: cancel_on_kill is off.", self._job_id)
        else:
            # In a thread, because this is a signal handler: what it interrupted may hold the channel to
            # Airflow and releases it only after the handler. The process lives for some seconds after that;
            # a non-daemon thread would keep it from ending.
            thread = Thread(target=self._cancel_if_ended_by_user, args=(self._job_id,), daemon=True)
            thread.start()
            thread.join(timeout=SIGNAL_HANDLER_SECONDS)

    def _cancel_if_ended_by_user(self, job_id: str) -> None:
        if self._task_run is not None and self._task_run.ended_by_user():
            self._cancel(job_id)
        else:
            self.log.info("Layers job %s continues: no user ended the task. A retry finds the job.", job_id)

    def _cancel(self, job_id: str) -> None:
        self.log.info("Canceling Layers job %s.", job_id)
        try:
            # A separate client: this may interrupt the other one in the middle of a request.
            cancellation = self.layers_hook.with_short_timeout().cancel_job_soon(job_id)
        except LayersError:
            self.log.exception("Layers job %s may still be running: it could not be canceled.", job_id)
            return
        self.log.info("%s", _in_words(cancellation))


class LayersJobOperator(LayersJobLifecycleOperator):
    """
    Start one job per task instance and, optionally, wait for it.

    Returns the job id, or the list of container ids if it waited.

    :param wait_for_completion: wait until the job has ended, instead of succeeding once it has started
    :param kwargs: see :class:`LayersJobLifecycleOperator`
    """

    def __init__(self, *, wait_for_completion: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.wait_for_completion = wait_for_completion

    @abstractmethod
    def build_request(self, scope: IdempotencyScope, sequence: int) -> Endpoint[Submission]:
        """
        Return the request that starts the job.

        :param scope: of the task instance, for idempotency keys
        :param sequence: position in the sequence of keys, from 0
        """

    def execute(self, context: Context) -> str | list[str] | None:
        """Start the job, or find the one that an earlier try started, and wait if requested."""
        self._task_run = TaskRun(context)
        submission = self.submit(context, self.build_request)
        if not self.wait_for_completion:
            return submission.job.job_id
        return self.wait_for(context, submission, is_retry=attempt_count(context, since_clear=False) > 1)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> list[str]:
        """
        Resume after the wait.

        :param event: see :class:`~airflow_provider_layers.triggers.jobs.LayersJobTrigger`
        """
        self._task_run = TaskRun(context)
        return self.resume(context, event)


def _in_words(cancellation: Cancellation) -> str:
    accepted, reason = cancellation.accepted, cancellation.reason or ""
    return f"Layers job {cancellation.job_id}: cancel accepted={accepted} {reason}".rstrip()


class LayersCancelJobOperator(LayersOperator):
    """
    Cancel a job (``reference/jobs/cancel-job``).

    A job that ended already, or is in a stage that cannot be canceled, does not fail the task. Canceling is
    cooperative: an accepted job may still complete, so wait for it with a sensor where that matters.

    Returns ``{"job_id", "accepted", "reason"}``; ``reason`` is ``None``, ``ALREADY_COMPLETED`` or
    ``JOB_CANCEL_UNAVAILABLE``.

    :param job_id: the job (templated)
    :param layers_conn_id: the Airflow connection (templated)
    :raises LayersNotFoundError: the job is unknown to the key
    """

    template_fields: Sequence[str] = (*LayersOperator.template_fields, "job_id")

    def __init__(self, *, job_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job_id = job_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Cancel the job and return the API's answer."""
        self.publish_ui_data(context, job_id=self.job_id)
        cancellation = self.layers_hook.cancel_job(self.job_id)
        self.log.info("%s", _in_words(cancellation))
        return asdict(cancellation)
