"""Starting a job once, as all job operators do."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_layers.exceptions import LayersIdempotencyError, LayersRequestChangedError
from airflow_provider_layers.hooks.task import generation, origin, stops_retries, tries
from airflow_provider_layers.links.jobs import JOB_URL, LayersJobLink
from airflow_provider_layers.operators.job_wait import LayersJobWaitOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.api.endpoint import Answer, Endpoint
    from airflow_provider_layers.api.keys import Origin
    from airflow_provider_layers.api.submission import Submission


class LayersJobOperator(LayersJobWaitOperator):
    """
    Start one job for each task instance and, if asked to, wait for it.

    :param on_clear: what a person's clear means: ``resubmit`` starts a new job, ``reattach`` finds the
        earlier one as long as the rendered parameters are the same
    :param resubmit_after_window: start a job although an earlier try may have started one more than 24 hours
        ago, which the API has forgotten by then; otherwise such a retry fails and says what to check
    :param kwargs: see :class:`~airflow_provider_layers.operators.job_wait.LayersJobWaitOperator`
    """

    def __init__(
        self,
        *,
        on_clear: Literal["resubmit", "reattach"] = "resubmit",
        resubmit_after_window: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if on_clear not in ("resubmit", "reattach"):
            raise ValueError(f"on_clear = {on_clear!r}: should be 'resubmit' or 'reattach'.")
        self.on_clear = on_clear
        self.resubmit_after_window = resubmit_after_window

    @abstractmethod
    def request(self, source: Origin, turn: int) -> Endpoint[Submission]:
        """
        Make the request that starts the job; each operator has its own.

        :param source: names this task instance over all its tries
        :param turn: place in the sequence of keys, from 0
        """

    @stops_retries
    def execute(self, context: Context) -> str | list[str] | None:
        """
        Start the job, or find the one that an earlier try started, and wait if asked to.

        :return: the job id; the list of container ids when it waited
        """
        from airflow_provider_layers.hooks.tenure import Tenure

        self._tenure = Tenure(context)
        submission = self._start(context)
        if not self.wait_for_completion:
            return submission.job.job_id
        return self.wait_for(context, submission, retried=tries(context, since_clear=False) > 1)

    def _start(self, context: Context) -> Submission:
        if self.on_clear == "reattach" and generation(context) > 0:
            try:
                return self._start_as(context, of_clear=False)
            except (LayersIdempotencyError, LayersRequestChangedError):
                self.log.info("The rendered request changed since the task was cleared: this is a new job.")
        return self._start_as(context, of_clear=True)

    def _start_as(self, context: Context, *, of_clear: bool) -> Submission:
        from airflow_provider_layers.api.submission import Start
        from airflow_provider_layers.hooks.memory import memory_of

        source = origin(context, of_clear=of_clear)
        made = tries(context, since_clear=of_clear)
        start = Start(
            request=lambda turn: self._noted(self.request(source, turn)),
            memory=memory_of(context, tries=made),
            tries=made,
            announce=lambda found: self._announce(context, found),
            send_after_window=self.resubmit_after_window,
        )
        return self.layers_hook.run(start.flow())

    def _noted(self, endpoint: Endpoint[Submission]) -> Endpoint[Submission]:
        """Note the key of a request before it is sent, and name its job before anything else can fail."""

        def read(answer: Answer) -> Submission:
            submission = endpoint.read(answer)
            job = submission.job
            if job.job_id != self._job_id:
                makes = ", ".join(job.container_ids)
                self.log.info("Layers job %s (%s) makes %s.", job.job_id, job.kind, makes)
            self._job_id = job.job_id
            return submission

        # Whatever happens to this process from here on, the log tells what to ask the vendor for.
        self.log.info("Idempotency-Key of the start: %s.", endpoint.idempotency_key)
        self._asked_under = endpoint.idempotency_key
        return replace(endpoint, read=read)

    def _announce(self, context: Context, submission: Submission) -> None:
        from airflow_provider_layers.api.jobs import absolute_url

        job = submission.job
        url = absolute_url(self.layers_hook.settings.access.base_url, submission.location, job.job_id)
        push = context["ti"].xcom_push
        push(key="job_id", value=job.job_id)
        push(key="container_ids", value=list(job.container_ids))
        push(key="container_id", value=next(iter(job.container_ids), None))
        push(key=JOB_URL, value=url)
        # Airflow 3 writes links when a phase of the task ends; this shows it while the task still runs.
        push(key=LayersJobLink().xcom_key, value=url)
        self.show_content(context, job.container_ids)
        self.show(context, job_id=job.job_id, container_ids=job.container_ids)
