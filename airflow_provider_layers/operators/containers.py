"""What operators on containers share: one request for one container, or one for each of several."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_layers.api.content import as_ids
from airflow_provider_layers.exceptions import (
    LayersAuthenticationError,
    LayersError,
    LayersPartialError,
    LayersPartialPermanentError,
    LayersPermanentError,
    LayersRateLimitError,
    LayersServerError,
    LayersSuspendedError,
    LayersTimeoutError,
    LayersTransportError,
)
from airflow_provider_layers.idempotency import (
    IdempotencyScope,
    StoredRequest,
    fingerprint,
    idempotency_scope,
    idempotency_store,
)
from airflow_provider_layers.links.content import LayersContentLink
from airflow_provider_layers.operators.base import RESULTS
from airflow_provider_layers.operators.turns import LayersLimitedOperator
from airflow_provider_layers.task_context import attempt_count

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.api.endpoint import Endpoint

CONCERNS_ALL = (LayersAuthenticationError, LayersSuspendedError, LayersTimeoutError)
"""Errors that every other container of the list would meet as well."""

NO_RESPONSE = (LayersTransportError, LayersServerError)
MAX_FAILED_IN_A_ROW = 3
"""Containers in a row without a response after which the API counts as down: each takes five attempts."""


class LayersContainerOperator(LayersLimitedOperator):
    """
    Send a request for one container, or one for each of several.

    With several containers all of them are tried, in order. Their results are pushed in that order as the
    XCom ``results``: ``{"container_id", "status", "result", "error"}``, with the status ``succeeded``,
    ``failed`` or ``not_tried``. If any failed, one error at the end names them, and the next try sends only
    what did not succeed. An error that concerns all containers alike, such as a wrong key or the end of
    ``start_timeout``, ends the list at once. A single container raises its own error.

    :param container_id: a container or a list of them (templated)
    """

    template_fields: Sequence[str] = (*LayersLimitedOperator.template_fields, "container_id")
    operator_extra_links = (LayersContentLink(),)
    # Whether a result is kept for the next try. Reads are simply repeated.
    keeps_results = True

    def __init__(self, *, container_id: str | list[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.container_id = container_id
        # Of a list, while it is sent.
        self._requests: dict[str, Endpoint[Any]] = {}
        self._results: dict[str, Any] = {}

    @abstractmethod
    def build_request(self, container_id: str, scope: IdempotencyScope) -> Endpoint[Any]:
        """
        Return the request for one container.

        :param scope: of the task instance, for idempotency keys
        """

    def scope(self, context: Context) -> IdempotencyScope:
        """Return the scope of the idempotency keys."""
        return idempotency_scope(context)

    def send_request(self, context: Context, container_id: str, endpoint: Endpoint[Any]) -> Any:
        """
        Send the request for one container and return its result as an XCom.

        :raises LayersRateLimitError: at the first 429, for which the request waits its turn
        """
        return self.send(endpoint)

    def row_result(self, result: Any) -> Any:
        """Return the part of a result that the XCom ``results`` shows."""
        return result

    def publish_result(self, context: Context, result: Any) -> None:
        """Publish what the UI shows of a result, also of one that an earlier try kept."""

    def execute(self, context: Context) -> Any:
        """Return one result for one id, and a list of results for a list of ids."""
        container_ids = as_ids(self.container_id)
        scope = self.scope(context)
        # All requests are built before the first is sent, so that a wrong parameter stops them all.
        requests = {container_id: self.build_request(container_id, scope) for container_id in container_ids}
        self.publish_content_link(context, container_ids)
        self.publish_ui_data(context, container_ids=container_ids)
        if isinstance(self.container_id, str):
            ((container_id, endpoint),) = requests.items()
            result = self.send_in_turn(context, lambda: self.send_request(context, container_id, endpoint))
            self.publish_result(context, result)
            return result
        return self._send_all(context, requests)

    def may_defer(self) -> bool:
        """Return whether a refused request waits in the triggerer, and not where results are not kept."""
        return self.deferrable and self.keeps_results

    def remaining_requests(self) -> int:
        """Return how many containers have no result yet."""
        return max(1, len(self._requests) - len(self._results))

    def defer_for_turn(self, context: Context, error: LayersRateLimitError | None = None) -> NoReturn:
        """Wait in the triggerer, and keep what succeeded so far."""
        rows = [self._row(container_id, self._results, {}) for container_id in self._requests]
        context["ti"].xcom_push(key=RESULTS, value=rows)
        super().defer_for_turn(context, error)

    def _send_all(self, context: Context, requests: dict[str, Endpoint[Any]]) -> list[Any]:
        progress = _Progress(context, requests, now=self.layers_hook.clock.time)
        results = progress.load() if self.keeps_results else {}
        self._requests, self._results = requests, results
        if results:
            self.log.info("Not sent again, since they succeeded before: %s.", ", ".join(results))
        for result in results.values():
            self.publish_result(context, result)
        errors = self._send_missing(context, requests, results)
        rows = [self._row(container_id, results, errors) for container_id in requests]
        context["ti"].xcom_push(key=RESULTS, value=rows)
        if not errors:
            return [results[container_id] for container_id in requests]
        if self.keeps_results:
            progress.save(results)
        raise _list_error(rows, errors)

    def _send_missing(
        self, context: Context, requests: Mapping[str, Endpoint[Any]], results: dict[str, Any]
    ) -> dict[str, LayersError]:
        """Send the requests without a result, add their results, and return the errors of the others."""
        errors: dict[str, LayersError] = {}
        failed_in_a_row = 0
        for container_id in [item for item in requests if item not in results]:
            error = self._try(context, container_id, requests[container_id], results)
            if error is not None:
                errors[container_id] = error
            failed_in_a_row = failed_in_a_row + 1 if isinstance(error, NO_RESPONSE) else 0
            if isinstance(error, CONCERNS_ALL) or failed_in_a_row == MAX_FAILED_IN_A_ROW:
                break
        return errors

    def _try(
        self, context: Context, container_id: str, endpoint: Endpoint[Any], results: dict[str, Any]
    ) -> LayersError | None:
        try:
            result = self.send_in_turn(context, lambda: self.send_request(context, container_id, endpoint))
        except LayersError as error:
            self.log.error("Content %s failed: %s", container_id, error)  # noqa: TRY400 - its text says all
            return error
        results[container_id] = result
        self.publish_result(context, result)
        return None

    def _row(
        self, container_id: str, results: Mapping[str, Any], errors: Mapping[str, LayersError]
    ) -> dict[str, Any]:
        succeeded, error = container_id in results, errors.get(container_id)
        return {
            "container_id": container_id,
            "status": "succeeded" if succeeded else "failed" if error else "not_tried",
            "result": self.row_result(results[container_id]) if succeeded else None,
            "error": str(error) if error else None,
        }


class _Progress:
    """
    Results of a list that the next execution of the task need not send again, until a user clears it.

    The XCom ``results`` has them while a try is deferred and resumes. Airflow deletes it at the next try, for
    which the task state store (3.3+) has them.
    """

    def __init__(
        self, context: Context, requests: Mapping[str, Endpoint[Any]], *, now: Callable[[], float]
    ) -> None:
        attempts = attempt_count(context, since_clear=False)
        self._ti: Any = context["ti"]
        self._requests = requests
        self._now = now
        self._scope = idempotency_scope(context)
        self._is_retry = attempts > 1
        self._store = idempotency_store(context, attempt_count=attempts)
        self._stored: set[str] = set()

    def load(self) -> dict[str, Any]:
        """Return the results by container, in the order of the list."""
        ti = self._ti
        rows = ti.xcom_pull(task_ids=ti.task_id, key=RESULTS, map_indexes=ti.map_index) or []
        kept = {row["container_id"]: row["result"] for row in rows if row["status"] == "succeeded"}
        for container_id, endpoint in self._requests.items() if self._is_retry else ():
            stored = self._store.load(self._key(container_id))
            if stored is not None and stored.fields == fingerprint(endpoint):
                kept[container_id] = stored.response
                self._stored.add(container_id)
        return {container_id: kept[container_id] for container_id in self._requests if container_id in kept}

    def save(self, results: Mapping[str, Any]) -> None:
        """Store the results that are not stored yet."""
        for container_id in results.keys() - self._stored:
            endpoint = self._requests[container_id]
            request = StoredRequest(
                endpoint.description, self._now(), fingerprint(endpoint), results[container_id]
            )
            self._store.save(self._key(container_id), request)

    def _key(self, container_id: str) -> str:
        return self._scope.key("result", container_id)


def _list_error(rows: Sequence[Mapping[str, Any]], errors: Mapping[str, LayersError]) -> LayersError:
    last = list(errors.values())[-1]
    if len(rows) == 1 or isinstance(last, CONCERNS_ALL):
        return last
    is_permanent = all(isinstance(error, LayersPermanentError) for error in errors.values())
    lines = [f"{len(errors)} of {len(rows)} containers failed."]
    lines += [f"{container_id}: {error}" for container_id, error in errors.items()]
    not_tried = [row["container_id"] for row in rows if row["status"] == "not_tried"]
    if not_tried:
        lines.append(f"Not tried, because several in a row had no response: {', '.join(not_tried)}.")
    if is_permanent:
        lines.append("The others succeeded. Remove the causes and clear the task.")
        return LayersPartialPermanentError("\n".join(lines), rows, errors)
    lines.append("The next try sends only what did not succeed.")
    return LayersPartialError("\n".join(lines), rows, errors)
