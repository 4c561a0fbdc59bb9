"""Operators on jobs: start one exactly once, wait for it, end it with the task, and cancel one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from airflow.providers.common.compat.sdk import AirflowTaskTimeout

from airflow_provider_layers.api.endpoint import Endpoint, Response
from airflow_provider_layers.api.jobs import Cancellation, Job, Submission, job_url, raise_unless_completed
from airflow_provider_layers.api.schemas import parse_timestamp
from airflow_provider_layers.exceptions import (
    LayersError,
    LayersIdempotencyError,
    LayersJobCanceledError,
    LayersJobFailedError,
    LayersJobRetryError,
    LayersJobTimeoutError,
    LayersNotFoundError,
    LayersRequestChangedError,
    LayersTransportError,
    LayersUnexpectedResponseError,
)
from airflow_provider_layers.idempotency import (
    IdempotencyScope,
    JobSubmitter,
    idempotency_scope,
    idempotency_store,
)
from airflow_provider_layers.links.content import LayersContentLink
from airflow_provider_layers.links.jobs import JOB_URL, LayersJobLink
from airflow_provider_layers.operators.turns import LayersLimitedOperator
from airflow_provider_layers.polling.blocking import wait_for_job
from airflow_provider_layers.polling.rate_limits import SMALLEST_TIER, START, requests_per_minute
from airflow_provider_layers.task_context import (
    TaskRun,
    attempt_count,
    clear_count,
    execution_deadline,
    min_deferral_seconds,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

RequestBuilder = Callable[[IdempotencyScope, int], Endpoint[Submission]]
"""Returns the request that starts a job, from the scope of its key and its position in the sequence."""

FLEET_SIZE = requests_per_minute(SMALLEST_TIER, START)
"""Map index from which a task waits for its turn before its first request: what the smallest tier accepts at
once (``operational/rate-limits``)."""

EXECUTION_MARGIN = 3.0
"""Seconds before ``execution_timeout`` at which a wait ends: when Airflow ends the task, it does so with a
signal, after which there is no time for a last look and a cancel."""

SIGNAL_HANDLER_SECONDS = 3.0
"""Seconds that a signal handler waits for its cancel. Airflow kills the process 5 s after the signal."""

TRIGGER_FAILED = "__fail__"
"""The method that Airflow resumes with if a trigger raised or ``execution_timeout`` ended it."""


class LayersJobLifecycleOperator(LayersLimitedOperator):
    """
    Start jobs exactly once, wait for them, and cancel them when a user ends the task.

    Pushes ``job_id``, ``job_url``, ``project_id``, ``container_id`` and ``container_ids`` right after the
    submission, and ``job`` once it has completed. Subclasses say when a job is started, and set
    ``_task_run`` first.

    :param deferrable: wait in the triggerer instead of in a worker slot, for the job and for the turn to
        start it; the default is Airflow's ``[operators] default_deferrable``
    :param start_timeout: seconds or ``timedelta`` for which a start that the API refuses for its rate limit
        (429) waits its turn; it neither fails the task nor uses up a try
    :param poll_interval: longest pause between two polls, in seconds; the pauses start at 2 s and grow. The
        triggerer may pause three times as long while such a job cannot well have ended
    :param completion_timeout: seconds or ``timedelta`` from submission after which the wait fails; the job
        itself continues
    :param cancel_on_kill: cancel the job when a user marks or clears the task while it waits; restarts of
        workers and triggerers never do
    :param cancel_on_timeout: cancel the job when ``completion_timeout`` or ``execution_timeout`` has passed
    :param retry_on_job_failure: leave the task's ``retries`` on after a job that failed or was canceled; each
        retry then starts another job, which is paid for
    :param on_clear: what a user's clear means: ``resubmit`` starts a new job, ``reattach`` finds the
        earlier one as long as the rendered parameters are the same
    :param resubmit_after_window: start a job although an earlier try may have started one more than 24 hours
        ago, which the API no longer knows; otherwise such a retry fails and says what to check
    """

    operator_extra_links = (LayersJobLink(), LayersContentLink())
    ui_color = "#d9d2ff"
    makes_content = True
    route_class = START
    # Of the job, where the operator knows them: the watcher then polls many jobs with one list.
    project_id: str | None = None
    format: str | None = None

    def __init__(
        self,
        *,
        poll_interval: float = 10.0,
        completion_timeout: timedelta | float = timedelta(hours=1),
        cancel_on_kill: bool = True,
        cancel_on_timeout: bool = False,
        retry_on_job_failure: bool = False,
        on_clear: Literal["resubmit", "reattach"] = "resubmit",
        resubmit_after_window: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if poll_interval <= 0:
            raise ValueError(f"poll_interval = {poll_interval!r}: should be more than 0 seconds.")
        if on_clear not in ("resubmit", "reattach"):
            raise ValueError(f"on_clear = {on_clear!r}: should be 'resubmit' or 'reattach'.")
        self.poll_interval = poll_interval
        self.completion_timeout = completion_timeout
        self.cancel_on_kill = cancel_on_kill
        self.cancel_on_timeout = cancel_on_timeout
        self.retry_on_job_failure = retry_on_job_failure
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
            before_start=lambda endpoint: self._before_start(context, endpoint),
            send_in_turn=lambda send: self.send_in_turn(context, send),
            send_after_window=self.resubmit_after_window,
        ).submit()

    def _before_start(self, context: Context, endpoint: Endpoint[Submission]) -> None:
        # Of a mapped task, all instances start at about the same time, and the API accepts a minute's starts
        # at once: those of the first instances. The others would only be refused.
        map_index: Any = context["ti"].map_index
        if self.deferrable and self._turn is None and map_index is not None and map_index >= FLEET_SIZE:
            self.defer_for_turn(context)
        # If the process dies from here on, this line is what to quote to the vendor.
        self.log.info("Starting a Layers job. Idempotency-Key: %s.", endpoint.idempotency_key)
        self._idempotency_key = endpoint.idempotency_key

    def _recorded(self, endpoint: Endpoint[Submission]) -> Endpoint[Submission]:
        """Record the job of a response before anything else can fail."""

        def read(response: Response) -> Submission:
            submission = endpoint.read(response)
            job = submission.job
            if job.job_id != self._job_id:
                containers = ", ".join(job.container_ids)
                self.log.info("Layers job %s (%s) makes %s.", job.job_id, job.kind, containers)
            self._job_id = job.job_id
            return submission

        return endpoint.with_reader(read)

    def _announce(self, context: Context, submission: Submission) -> None:
        job = submission.job
        url = job_url(self.layers_hook.settings.api.base_url, submission.location, job.job_id)
        push = context["ti"].xcom_push
        push(key="job_id", value=job.job_id)
        push(key="container_ids", value=list(job.container_ids))
        push(key="container_id", value=next(iter(job.container_ids), None))
        # With it, a sensor on the job shares list reads with the other waits of the project.
        push(key="project_id", value=job.project_id or self.project_id)
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
        deadline = self._deadline(context, (job or submitted).started_at if is_retry else None)
        if self.deferrable:
            self._defer(job or submitted, container_ids, deadline)
        client = self.layers_hook.get_conn()
        try:
            ended = wait_for_job(client, submitted.job_id, deadline=deadline, max_interval=self.poll_interval)
        except LayersJobTimeoutError as error:
            self._time_out(context, error)
        except LayersNotFoundError as error:
            raise self._unknown_job(submitted.job_id) from error
        return self._finish(context, ended, container_ids)

    def _unknown_job(self, job_id: str) -> LayersUnexpectedResponseError:
        # Not for good: a retry requests the job once more, under the key that started it.
        key = f" Idempotency-Key: {self._idempotency_key}." if self._idempotency_key else ""
        return LayersUnexpectedResponseError(
            f"The API returned job {job_id}, and does not know it. No other job was started.{key}"
        )

    def _time_out(self, context: Context, error: LayersJobTimeoutError) -> NoReturn:
        if self.cancel_on_timeout:
            self._cancel(error.job_id)
        now = self.layers_hook.clock.time()
        limit = execution_deadline(context, now=now)
        if limit is not None and now >= limit - EXECUTION_MARGIN:
            # As Airflow itself ends it: the task's retries are left on.
            raise AirflowTaskTimeout(f"{error} This is the task's execution_timeout.") from error
        raise error

    def _deadline(self, context: Context, started_at: str | None) -> float:
        """Return the deadline, counted from the job's start if the API returned it, else from now."""
        timeout = self.completion_timeout
        seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else float(timeout)
        started = parse_timestamp(started_at)
        now = self.layers_hook.clock.time()
        deadline = (started.timestamp() if started else now) + seconds
        limit = execution_deadline(context, now=now)
        return deadline if limit is None else min(deadline, limit - EXECUTION_MARGIN)

    def _defer(self, job: Job, container_ids: list[str], deadline: float) -> NoReturn:
        from airflow_provider_layers.triggers.jobs import LayersJobTrigger

        self.log.info("Waiting for Layers job %s in the triggerer.", job.job_id)
        if self.cancel_on_kill and not LayersJobTrigger.is_notified_of_kills():
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
        try:
            job = self.layers_hook.get_job(job_id)
        except LayersNotFoundError as error:
            raise self._unknown_job(job_id) from error
        if job.ended:
            return self._finish(context, job, container_ids)
        if not isinstance(event, dict) or event.get("job_id") != job_id:
            self.log.warning("Ignoring an event of another task; deferring again: %s", event)
            self._defer(job, container_ids, self._deadline(context, job.started_at))
        if event["status"] == "timeout":
            reason = event["reason"].removeprefix(f"Layers job {job_id} ")
            self._time_out(context, LayersJobTimeoutError(job_id, reason))
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
        try:
            finished = raise_unless_completed(job).as_xcom(container_ids)
        except (LayersJobFailedError, LayersJobCanceledError) as error:
            if not self.retry_on_job_failure:
                raise
            raise LayersJobRetryError(f"{error} A retry of the task starts another.") from error
        context["ti"].xcom_push(key="job", value=finished)
        self.publish_ui_data(context, job_id=job.job_id, container_ids=finished["container_ids"])
        return list(finished["container_ids"])

    # Ending

    def on_kill(self) -> None:
        """Cancel the job if a user ended the task, unless ``cancel_on_kill`` is off."""
        if self._job_id is None and self._idempotency_key is None:
            return
        if self._job_id is None:
            self.log.warning(
                "A Layers job may be running: the task was killed while it started one. Idempotency-Key: %s.",
                self._idempotency_key,
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


class LayersCancelJobOperator(LayersLimitedOperator):
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

    template_fields: Sequence[str] = (*LayersLimitedOperator.template_fields, "job_id")

    def __init__(self, *, job_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job_id = job_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Cancel the job and return the API's answer."""
        self.publish_ui_data(context, job_id=self.job_id)
        cancellation = self.send_in_turn(context, lambda: self.layers_hook.cancel_job(self.job_id))
        self.log.info("%s", _in_words(cancellation))
        return asdict(cancellation)
