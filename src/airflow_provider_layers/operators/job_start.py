"""Starting a job once and waiting for it, as all job operators do."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from airflow.providers.common.compat.sdk import conf

from airflow_provider_layers.exceptions import LayersError, LayersJobTimeoutError, LayersTransportError
from airflow_provider_layers.hooks.layers import LayersHook
from airflow_provider_layers.hooks.task import earliest_event, origin, stops_retries, tries
from airflow_provider_layers.links.content import LayersContentLink
from airflow_provider_layers.links.jobs import JOB_URL, LayersJobLink
from airflow_provider_layers.operators.base import LayersOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.api.endpoint import Endpoint
    from airflow_provider_layers.api.jobs import Job
    from airflow_provider_layers.api.keys import Origin
    from airflow_provider_layers.api.submission import Submission


class LayersJobOperator(LayersOperator):
    """
    Start one job for each task instance and, if asked to, wait for it.

    :param wait_for_completion: wait until the job has ended, instead of succeeding when it has started
    :param deferrable: wait in the triggerer instead of in a worker slot; the default is Airflow's
        ``[operators] default_deferrable``
    :param poll_interval: longest pause between two looks, in seconds; the pauses start at 2 s and grow
    :param completion_timeout: seconds or ``timedelta`` from submission after which waiting fails; the job
        itself goes on
    :param cancel_on_kill: cancel the job when a person marks or clears the task while it waits
    :param on_clear: what a person's clear means: ``resubmit`` starts a new job, ``reattach`` finds the
        earlier one as long as the rendered parameters are the same and the API remembers it (24 h)
    """

    template_fields: Sequence[str] = LayersOperator.template_fields
    operator_extra_links = (LayersJobLink(), LayersContentLink())
    ui_color = "#d9d2ff"

    def __init__(
        self,
        *,
        wait_for_completion: bool = False,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: float = 10.0,
        completion_timeout: timedelta | float = timedelta(hours=1),
        cancel_on_kill: bool = True,
        on_clear: Literal["resubmit", "reattach"] = "resubmit",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if on_clear not in ("resubmit", "reattach"):
            raise ValueError(f"on_clear = {on_clear!r}: should be 'resubmit' or 'reattach'.")
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.completion_timeout = completion_timeout
        self.cancel_on_kill = cancel_on_kill
        self.on_clear = on_clear
        self._job_id: str | None = None

    def request(self, source: Origin, turn: int) -> Endpoint[Submission]:
        """
        Make the request that starts the job; each operator has its own.

        :param source: names this task instance over all its tries
        :param turn: place in the sequence of keys, from 0
        """
        raise NotImplementedError

    @stops_retries
    def execute(self, context: Context) -> str | list[str] | None:
        """
        Start the job, or find the one that an earlier try started, and wait if asked to.

        :return: the job id; the list of container ids when it waited
        """
        from airflow_provider_layers.api.submission import start

        resubmits = self.on_clear == "resubmit"
        source = origin(context, of_clear=resubmits)
        made = tries(context, since_clear=resubmits)
        submission = self.layers_hook.run(
            start(
                lambda turn: self.request(source, turn),
                tries=made,
                announce=lambda found: self._announce(context, found),
            )
        )
        if not self.wait_for_completion:
            return submission.job.job_id
        return self._wait(context, submission.job, retried=made > 1)

    def _announce(self, context: Context, submission: Submission) -> None:
        from airflow_provider_layers.api.jobs import absolute_url

        job = submission.job
        self._job_id = job.job_id
        self.log.info("Layers job %s (%s) makes %s.", job.job_id, job.kind, ", ".join(job.container_ids))
        url = absolute_url(self.layers_hook.settings.access.base_url, submission.location, job.job_id)
        push = context["ti"].xcom_push
        push(key="job_id", value=job.job_id)
        push(key="container_ids", value=list(job.container_ids))
        push(key="container_id", value=next(iter(job.container_ids), None))
        push(key=JOB_URL, value=url)
        # Airflow 3 writes links when a phase of the task ends; this shows it while the task still runs.
        push(key=LayersJobLink().xcom_key, value=url)
        self.show_content(context, job.container_ids)

    def _wait(self, context: Context, submitted: Job, *, retried: bool) -> list[str]:
        from airflow_provider_layers.api.waiting import Cadence, glance, until_ended

        job = self.layers_hook.run(glance(submitted.job_id))
        known = list(submitted.container_ids)
        if job is not None and job.ended:
            return self._finish(context, job, known)
        deadline = self._deadline(job.started_at if job and retried else None)
        if self.deferrable:
            self._defer(submitted.job_id, known, deadline)
        cadence = Cadence(longest=self.poll_interval)
        ended = self.layers_hook.run(until_ended(submitted.job_id, deadline=deadline, cadence=cadence))
        return self._finish(context, ended, known)

    def _deadline(self, started_at: str | None) -> float:
        """
        Anchor the deadline on the submission: now on the first try, else the start that the API tells.

        :param started_at: ISO 8601, or ``None``
        """
        allowed = self.completion_timeout
        seconds = allowed.total_seconds() if isinstance(allowed, timedelta) else float(allowed)
        if not started_at:
            return time.time() + seconds
        return datetime.fromisoformat(started_at.replace("Z", "+00:00")).timestamp() + seconds

    def _defer(self, job_id: str, container_ids: list[str], deadline: float) -> None:
        from airflow_provider_layers.triggers.jobs import LayersJobTrigger

        self.defer(
            trigger=LayersJobTrigger(
                job_id=job_id,
                layers_conn_id=self.layers_conn_id,
                deadline=deadline,
                poll_interval=self.poll_interval,
                not_before=time.time() + earliest_event(),
                container_ids=container_ids,
                cancel_on_kill=self.cancel_on_kill,
            ),
            method_name="execute_complete",
        )

    @stops_retries
    def execute_complete(self, context: Context, event: dict[str, Any]) -> list[str]:
        """
        Resume after the wait: look at the job itself, since the event is only a hint.

        :param event: see :class:`~airflow_provider_layers.triggers.jobs.LayersJobTrigger`
        :return: the container ids of the finished job
        """
        from airflow_provider_layers.api.jobs import look

        self._job_id = event["job_id"]
        job = self.layers_hook.run(look(event["job_id"]))
        if job.ended:
            return self._finish(context, job, event["container_ids"])
        if event["status"] == "timeout":
            raise LayersJobTimeoutError(job.job_id, event["reason"])
        raise LayersTransportError(
            f"Layers job {job.job_id} is running, and could not be watched: {event['reason']}"
        )

    def _finish(self, context: Context, job: Job, container_ids: list[str]) -> list[str]:
        from airflow_provider_layers.api.jobs import demand_success

        finished = demand_success(job).as_xcom(container_ids)
        context["ti"].xcom_push(key="job", value=finished)
        return list(finished["container_ids"])

    def on_kill(self) -> None:
        """Cancel the job when the task is killed in a worker, unless ``cancel_on_kill`` is off."""
        from airflow_provider_layers.api.jobs import cancel

        if not (self._job_id and self.cancel_on_kill):
            return
        try:
            answer = LayersHook(self.layers_conn_id).run(cancel(self._job_id))
        except LayersError:
            self.log.exception("Layers job %s may still be running: it could not be canceled.", self._job_id)
            return
        self.log.info(
            "Layers job %s: cancel accepted=%s %s", self._job_id, answer.accepted, answer.reason or ""
        )
