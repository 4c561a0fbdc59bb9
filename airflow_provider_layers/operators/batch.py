"""The operator that starts many jobs in one task. Import it from ``operators.content``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from airflow_provider_layers.api.content import (
    clone_from_post,
    generate_content,
    regenerate_content,
    single_id,
)
from airflow_provider_layers.api.jobs import CANCELED, COMPLETED, FAILED, RUNNING, Job, raise_unless_completed
from airflow_provider_layers.exceptions import (
    LayersAuthenticationError,
    LayersBillingError,
    LayersConnectionError,
    LayersJobCanceledError,
    LayersJobFailedError,
    LayersJobTimeoutError,
    LayersNotFoundError,
    LayersParameterError,
    LayersPartialError,
    LayersPartialPermanentError,
    LayersPermanentError,
    LayersRateLimitError,
    LayersRequestError,
    LayersSuspendedError,
    LayersTimeoutError,
    LayersTransportError,
)
from airflow_provider_layers.idempotency import IdempotencyScope
from airflow_provider_layers.operators.base import RESULTS
from airflow_provider_layers.operators.jobs import LayersJobLifecycleOperator
from airflow_provider_layers.polling.blocking import wait_for_job
from airflow_provider_layers.task_context import TaskRun, min_deferral_seconds
from airflow_provider_layers.triggers import ERROR

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.api.endpoint import Endpoint
    from airflow_provider_layers.api.jobs import Submission

REFUSED = "refused"
"""Status of a request that the API refused: there is no job."""

ENDS_ALL = (LayersAuthenticationError, LayersSuspendedError, LayersConnectionError, LayersTimeoutError)
"""Errors that every other request would meet as well."""

UNREADABLE = (LayersNotFoundError, LayersRequestError)
"""Errors of one job that say nothing about the others."""


class LayersContentBatchOperator(LayersJobLifecycleOperator):
    """
    Start any number of jobs in one task, each exactly once, and wait for all of them (``concepts/jobs``).

    The requests are sent in order, as fast as the key's tier allows (``operational/rate-limits``), and with
    ``deferrable`` the task holds no worker in between. A request that the API refuses and a job that fails do
    not keep the others from being started and waited for. On a retry or a clear, only what has no job, or
    one that failed or was canceled, is started; a request is recognized by its position in the list.

    Returns the container ids of the completed jobs, in the order of the requests. The XCom ``results`` has
    ``{"job_id", "status", "container_ids", "error"}`` for each request, where ``status`` is that of the job,
    ``refused``, ``error`` if the job cannot be read, or ``None`` for one that was not sent.

    :param requests: each with ``operation``, one of ``generate``, ``clone`` and ``regenerate``, and the
        parameters of the operator of that name (templated)
    :param fail_on_partial_error: fail the task if any request was refused or any job did not complete, once
        the others have; otherwise only if none completed
    :param on_clear: what a user's clear means: ``reattach`` starts only what is missing, ``resubmit`` starts
        all jobs again
    :param kwargs: see :class:`~airflow_provider_layers.operators.jobs.LayersJobLifecycleOperator`
    :raises LayersParameterError: a request is wrong; nothing was sent
    :raises LayersPartialError: names every request that was refused or whose job did not complete; permanent
        unless ``retry_on_job_failure`` lets a retry start the failed jobs again
    """

    template_fields: Sequence[str] = (*LayersJobLifecycleOperator.template_fields, "requests")
    template_fields_renderers = {"requests": "json"}  # noqa: RUF012

    def __init__(
        self,
        *,
        requests: list[dict[str, Any]],
        fail_on_partial_error: bool = True,
        on_clear: Literal["resubmit", "reattach"] = "reattach",
        **kwargs: Any,
    ) -> None:
        super().__init__(on_clear=on_clear, **kwargs)
        self.requests = requests
        self.fail_on_partial_error = fail_on_partial_error
        self._results: list[dict[str, Any]] = []

    def execute(self, context: Context) -> list[str]:
        """Start what is missing, and wait for all jobs."""
        self._task_run = TaskRun(context)
        builders = self._builders()
        self._results = self._saved_results(context) or [_result() for _ in builders]
        self._start_missing(context, builders)
        return self._wait_for_all(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> list[str]:
        """
        Resume after the wait.

        :param event: see :class:`~airflow_provider_layers.triggers.jobs.LayersJobsTrigger`
        """
        self._task_run = TaskRun(context)
        saved = self._saved_results(context)
        if saved is None:
            return self.execute(context)
        self._results = saved
        running = self._running()
        # Another event belongs to another task: on SQLite, Airflow reuses the number of an ended trigger.
        is_own = isinstance(event, dict) and event.get("job_ids") == [result["job_id"] for result in running]
        statuses = event["statuses"] if is_own else {}
        for result in running:
            # The trigger's own poll is believed for what completed; the others are read for the reason.
            if statuses.get(result["job_id"]) == COMPLETED and result["container_ids"]:
                result["status"] = COMPLETED
            else:
                _read(result, partial(self.layers_hook.get_job, result["job_id"]))
        if self._running() and is_own and event["status"] == "timeout":
            self._give_up(context)
        if self._running() and is_own and event["status"] == "error":
            raise LayersTransportError(f"The jobs of the batch could not be polled: {event['reason']}")
        return self._wait_for_all(context)

    def on_kill(self) -> None:
        """Cancel the jobs that run if a user ended the task, unless ``cancel_on_kill`` is off."""
        # First the start that is interrupted, of which only the key is known.
        super().on_kill()
        for result in self._running():
            self._job_id = result["job_id"]
            super().on_kill()

    def remaining_requests(self) -> int:
        """Return how many jobs are to be started."""
        return sum(1 for result in self._results if result["status"] is None)

    def defer_for_turn(self, context: Context, error: LayersRateLimitError | None = None) -> NoReturn:
        """Wait in the triggerer, and keep what was started so far."""
        self._save_results(context)
        super().defer_for_turn(context, error)

    # Starting

    def _builders(self) -> list[Callable[[IdempotencyScope, int], Endpoint[Submission]]]:
        """Return a function for each request that builds it; a wrong one stops them all."""
        if not isinstance(self.requests, list) or not self.requests:
            raise LayersParameterError(
                f"requests = {self.requests!r}: should be a list of at least one request."
            )
        return [self._builder(index, request) for index, request in enumerate(self.requests)]

    def _builder(self, index: int, request: Any) -> Callable[[IdempotencyScope, int], Endpoint[Submission]]:
        operation = request.get("operation") if isinstance(request, Mapping) else None
        if operation not in OPERATIONS:
            raise LayersParameterError(
                f"requests[{index}]: operation = {operation!r}: should be one of {', '.join(OPERATIONS)}."
            )
        fields = {name: value for name, value in request.items() if name != "operation"}
        build = partial(OPERATIONS[operation], fields, self.layers_hook.settings.content_routes, index)
        try:
            build(IdempotencyScope("", "", "", -1, 0), 0)
        except (LayersParameterError, TypeError) as error:
            raise LayersParameterError(f"requests[{index}]: {error}") from error
        return build

    def _start_missing(
        self, context: Context, builders: Sequence[Callable[[IdempotencyScope, int], Endpoint[Submission]]]
    ) -> None:
        for result, build in zip(self._results, builders, strict=True):
            if result["status"] is not None:
                continue
            try:
                submission = self.submit(context, build)
            except LayersBillingError as error:
                # The others would be refused as well, one request each.
                result.update(status=REFUSED, error=str(error))
                break
            except LayersPermanentError as error:
                if isinstance(error, ENDS_ALL) and not isinstance(error, LayersJobTimeoutError):
                    raise
                result.update(status=REFUSED, error=str(error))
            else:
                _record(result, submission.current or submission.job)
            self._job_id = self._idempotency_key = None
        self._save_results(context)
        container_ids = [name for result in self._results for name in result["container_ids"]]
        self.publish_ui_data(context, container_ids=container_ids)

    def _before_start(self, context: Context, endpoint: Endpoint[Submission]) -> None:
        turn = self._turn
        if self.deferrable and turn is not None and not turn.requests:
            self.defer_for_turn(context)
        super()._before_start(context, endpoint)

    def _announce(self, context: Context, submission: Submission) -> None:
        # Nothing for each job: hundreds would send thousands of XComs.
        pass

    # Waiting

    def _wait_for_all(self, context: Context) -> list[str]:
        running = self._running()
        if not running:
            return self._conclude(context)
        deadline = self._deadline(context, None)
        if self.deferrable:
            self._defer_for_all(context, running, deadline)
        client = self.layers_hook.get_conn()
        for result in running:
            limits = {"deadline": deadline, "max_interval": self.poll_interval}
            try:
                _read(result, partial(wait_for_job, client, result["job_id"], **limits))
            except LayersJobTimeoutError:
                self._give_up(context)
        return self._conclude(context)

    def _defer_for_all(self, context: Context, running: list[dict[str, Any]], deadline: float) -> NoReturn:
        from airflow_provider_layers.triggers.jobs import LayersJobsTrigger

        self._save_results(context)
        self.log.info("Waiting for %d Layers jobs in the triggerer.", len(running))
        known = ("job_id", "container_ids", "project_id", "kind", "started_at")
        trigger = LayersJobsTrigger(
            jobs=[{name: result[name] for name in known} for result in running],
            layers_conn_id=self.layers_conn_id,
            deadline=deadline,
            poll_interval=self.poll_interval,
            not_before=self.layers_hook.clock.time() + min_deferral_seconds(),
            cancel_on_kill=self.cancel_on_kill,
        )
        self.defer(trigger=trigger, method_name="execute_complete")

    def _give_up(self, context: Context) -> NoReturn:
        running = self._running()
        self._save_results(context)
        if self.cancel_on_timeout:
            for result in running[1:]:
                self._cancel(result["job_id"])
        others = f" So were {len(running) - 1} others." if len(running) > 1 else ""
        self._time_out(
            context,
            LayersJobTimeoutError(running[0]["job_id"], f"was still running at the deadline.{others}"),
        )

    def _running(self) -> list[dict[str, Any]]:
        return [result for result in self._results if result["status"] == RUNNING]

    # Concluding

    def _conclude(self, context: Context) -> list[str]:
        self._save_results(context)
        completed = [result for result in self._results if result["status"] == COMPLETED]
        container_ids = [name for result in completed for name in result["container_ids"]]
        self.publish_ui_data(context, container_ids=container_ids)
        self.publish_content_link(context, container_ids)
        missing = [
            f"requests[{index}]: {result['error'] or 'not sent.'}"
            for index, result in enumerate(self._results)
            if result["status"] != COMPLETED
        ]
        for line in missing:
            self.log.warning(line)
        if missing and (self.fail_on_partial_error or not completed):
            text = f"{len(missing)} of {len(self._results)} requests made no content. " + " ".join(missing)
            ended_badly = any(result["status"] in (FAILED, CANCELED) for result in self._results)
            if self.retry_on_job_failure and ended_badly:
                raise LayersPartialError(text, self._results)
            raise LayersPartialPermanentError(text, self._results)
        return container_ids

    def _save_results(self, context: Context) -> None:
        context["ti"].xcom_push(key=RESULTS, value=self._results)

    def _saved_results(self, context: Context) -> list[dict[str, Any]] | None:
        # Airflow clears XComs at the start of each try, so these are of this one, from before a deferral.
        results = self._pushed(context, RESULTS)
        return [dict(result) for result in results] if results else None


def _result() -> dict[str, Any]:
    return {"job_id": None, "status": None, "container_ids": [], "error": None}


def _record(result: dict[str, Any], job: Job) -> None:
    result.update(
        job_id=job.job_id,
        status=job.status,
        container_ids=list(dict.fromkeys([*result["container_ids"], *job.container_ids])),
        project_id=job.project_id or result.get("project_id"),
        kind=job.kind,
        started_at=job.started_at or result.get("started_at"),
    )
    try:
        raise_unless_completed(job)
    except (LayersJobFailedError, LayersJobCanceledError) as error:
        result["error"] = str(error)


def _read(result: dict[str, Any], read: Callable[[], Job]) -> None:
    try:
        _record(result, read())
    except UNREADABLE as error:
        result.update(status=ERROR, error=str(error))


# Requests

Fields = Mapping[str, Any]


def _generate(
    fields: Fields, content_routes: str, index: int, scope: IdempotencyScope, sequence: int
) -> Endpoint[Submission]:
    project_id, rest = _required(fields, "project_id")
    key = scope.key("batch-generate", index, sequence)
    return generate_content(project_id, rest, content_routes=content_routes, idempotency_key=key)


def _clone(
    fields: Fields, _: str, index: int, scope: IdempotencyScope, sequence: int
) -> Endpoint[Submission]:
    container_id = scope.key("batch-container", index, sequence)
    fields = {"mode": "fork", "variations": 1, **fields}
    return clone_from_post(container_id, fields, idempotency_key=scope.key("batch-clone", index, sequence))


def _regenerate(
    fields: Fields, _: str, index: int, scope: IdempotencyScope, sequence: int
) -> Endpoint[Submission]:
    container_id, rest = _required(fields, "container_id")
    key = scope.key("batch-regenerate", index, sequence)
    return regenerate_content(single_id(container_id), rest, idempotency_key=key)


def _required(fields: Fields, name: str) -> tuple[Any, dict[str, Any]]:
    rest = dict(fields)
    if not rest.get(name):
        raise LayersParameterError(f"{name} is required.")
    return rest.pop(name), rest


OPERATIONS = {"generate": _generate, "clone": _clone, "regenerate": _regenerate}
