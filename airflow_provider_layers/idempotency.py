"""Sending a request that costs money or publishes something exactly once, over all tries of a task.

A key is derived from the task instance, so every try sends the same request under the same key, and the API
replays its first response for 24 hours. From Airflow 3.3 on the task state store also keeps each request and
its response, so that recovery does not depend on that window.
"""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from airflow_provider_layers.api.endpoint import Response
from airflow_provider_layers.api.jobs import CANCELED, FAILED, Job, Submission, get_job
from airflow_provider_layers.exceptions import (
    LayersAPIError,
    LayersConflictError,
    LayersError,
    LayersNotFoundError,
    LayersParameterError,
    LayersPermanentError,
    LayersRateLimitError,
    LayersReplayWindowError,
    LayersRequestChangedError,
    LayersUnexpectedResponseError,
)
from airflow_provider_layers.polling.blocking import get_job_with_grace, wait_for_job
from airflow_provider_layers.task_context import RETENTION

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.api.endpoint import Endpoint
    from airflow_provider_layers.client import LayersClient

T = TypeVar("T")

log = logging.getLogger(__name__)

REPLAY_WINDOW = 24 * 3600.0 - 600.0
"""Seconds for which the API replays a response to its key, less ten minutes for clocks that differ."""

CONFLICT_WAIT = 60.0
"""Seconds to wait for another job on the same container: canceling one takes the API some seconds."""


# Keys


@dataclass(frozen=True)
class IdempotencyScope:
    """
    The task instance that sends, without its try number: all its tries share one scope.

    :param clear_count: changes when a user clears the task, and not when Airflow retries it
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    clear_count: int

    def key(self, purpose: str, *parts: str | int) -> str:
        """
        Return a key that is the same on every try.

        :param purpose: two purposes never share a key
        :param parts: what else distinguishes it, such as a container id
        """
        return derive_key(
            self.dag_id, self.run_id, self.task_id, self.map_index, self.clear_count, purpose, *parts
        )


def derive_key(*fields: str | int) -> str:
    """
    Return a key that is always the same for the same fields.

    The vendor accepts UUIDs of version 4 and ULIDs, so the digest is formatted as a UUIDv4.
    """
    digest = hashlib.sha256(json.dumps(fields).encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))


def idempotency_scope(context: Context, *, per_clear: bool = True) -> IdempotencyScope:
    """
    Return the scope of the running task instance.

    ``max_tries`` itself identifies the clear here: unlike the clear count, it stays when ``retries``
    of a running task is edited, which must not pay for another job.

    :param per_clear: whether a user's clear starts another scope
    """
    ti: Any = context["ti"]
    return IdempotencyScope(
        dag_id=ti.dag_id,
        run_id=ti.run_id,
        task_id=ti.task_id,
        map_index=-1 if ti.map_index is None else ti.map_index,
        clear_count=int(ti.max_tries if per_clear else ti.task.retries or 0),
    )


# The store


@dataclass(frozen=True)
class StoredRequest:
    """
    A request as the store keeps it.

    :param description: the request in words, for readers of the store
    :param sent_at: seconds since the epoch, recorded before sending
    :param fields: a digest of each field of the request
    :param response: the body of the API's response; ``None`` while it is unknown
    """

    description: str
    sent_at: float
    fields: Mapping[str, str]
    response: Mapping[str, Any] | None = None


class IdempotencyStore(Protocol):
    """
    Keeps the requests of a task instance over its tries.

    ``earliest_unrecorded_attempt`` is the earliest moment at which an earlier try may have sent a request
    that is not stored, in seconds since the epoch; ``None`` if that is impossible.
    """

    earliest_unrecorded_attempt: float | None

    def load(self, key: str) -> StoredRequest | None:
        """Return the request of a key."""

    def save(self, key: str, request: StoredRequest) -> None:
        """Store the request of a key; once this returns, it survives the death of the process."""

    def delete(self, key: str) -> None:
        """Remove the request of a key."""


class TaskStateStore:
    """
    Airflow's task state store (3.3+), which survives retries, clears and crashes.

    :param store: ``context["task_state_store"]``
    """

    earliest_unrecorded_attempt: float | None = None

    def __init__(self, store: Any) -> None:
        self._store = store

    def load(self, key: str) -> StoredRequest | None:
        stored = self._store.get(f"layers-{key}")
        return StoredRequest(**stored) if stored else None

    def save(self, key: str, request: StoredRequest) -> None:
        self._store.set(f"layers-{key}", asdict(request), retention=RETENTION)

    def delete(self, key: str) -> None:
        self._store.delete(f"layers-{key}")


class NullStore:
    """
    No store, as below Airflow 3.3: recovery relies on the API's replay alone.

    :param earliest_unrecorded_attempt: see :class:`IdempotencyStore`
    """

    def __init__(self, earliest_unrecorded_attempt: float | None) -> None:
        self.earliest_unrecorded_attempt = earliest_unrecorded_attempt

    def load(self, key: str) -> StoredRequest | None:
        return None

    def save(self, key: str, request: StoredRequest) -> None:
        pass

    def delete(self, key: str) -> None:
        pass


def idempotency_store(context: Context, *, attempt_count: int) -> IdempotencyStore:
    """
    Return the store of the running task instance.

    :param attempt_count: the number of tries in the scope, this one included
    """
    store = context.get("task_state_store")
    if store is not None:
        return TaskStateStore(store)
    # No try can be older than its run. Clearing another task of the run moves this moment forward, so a retry
    # later than a day after that is refused although it might be safe; the opposite error would pay twice.
    started = context["dag_run"].start_date if attempt_count > 1 else None
    return NullStore(started.timestamp() if started else None)


# Sending once


@dataclass(frozen=True)
class SendResult:
    """
    The outcome of :func:`send_once`.

    :param result: as the endpoint reads it
    :param is_first_send: whether it is certain that no earlier try had sent the request
    """

    result: Any
    is_first_send: bool


def send_once(
    client: LayersClient,
    endpoint: Endpoint[Any],
    store: IdempotencyStore,
    *,
    send_after_window: bool = False,
) -> SendResult:
    """
    Send a request, unless its response is stored.

    :param endpoint: with its idempotency key
    :param send_after_window: send even if the API may no longer know an earlier request with this key
    :raises LayersRateLimitError: it was refused, at the first 429: nothing was carried out
    :raises LayersRequestChangedError: an earlier try sent a different request under this key
    :raises LayersReplayWindowError: an earlier try may have sent it so long ago that it would count as new
    """
    key = _required_key(endpoint)
    stored = store.load(key)
    if stored is not None:
        _refuse_changed(stored, endpoint)
        if stored.response is not None:
            return SendResult(_read_stored(endpoint, stored.response), is_first_send=False)

    def check_window(sent_at: float) -> None:
        if not send_after_window:
            _refuse_late(endpoint, sent_at, now=client.clock.time())

    earlier_send = stored.sent_at if stored else store.earliest_unrecorded_attempt
    if earlier_send is not None:
        check_window(earlier_send)
    request = stored or StoredRequest(endpoint.description, client.clock.time(), fingerprint(endpoint))
    store.save(key, request)

    def on_failure(attempt: int, error: LayersError) -> None:
        if earlier_send is None and attempt == 1 and _was_refused(error):
            store.delete(key)
        raise_rate_limit(attempt, error)

    with_response = endpoint.with_reader(lambda response: (response, endpoint.read(response)))
    response, result = client.send_with_retries(
        with_response,
        on_failure=on_failure,
        # A machine may have been suspended since the last attempt.
        before_retry=lambda: check_window(request.sent_at),
    )
    store.save(key, replace(request, response=response.json()))
    return SendResult(result, is_first_send=earlier_send is None)


def raise_rate_limit(_: int, error: LayersError) -> None:
    """Let no attempt follow a 429: the request was not carried out, and waits its turn elsewhere."""
    if isinstance(error, LayersRateLimitError):
        raise error


def _required_key(endpoint: Endpoint[Any]) -> str:
    if endpoint.idempotency_key is None:
        raise LayersParameterError(f"To {endpoint.description} exactly once requires an idempotency key.")
    return endpoint.idempotency_key


def load_response(endpoint: Endpoint[T], store: IdempotencyStore) -> T | None:
    """Return the stored result of a request; ``None`` if there is none."""
    stored = store.load(endpoint.idempotency_key or "")
    return _read_stored(endpoint, stored.response) if stored and stored.response is not None else None


def discard_response(endpoint: Endpoint[Any], store: IdempotencyStore) -> None:
    """Remove a stored response that turned out wrong, and keep that the request was sent."""
    key = endpoint.idempotency_key or ""
    stored = store.load(key)
    if stored is not None:
        store.save(key, replace(stored, response=None))


def record_response(endpoint: Endpoint[Any], store: IdempotencyStore, body: Mapping[str, Any]) -> None:
    """Store a response that was lost, once it is known by other means what the request did."""
    key = endpoint.idempotency_key or ""
    stored = store.load(key)
    if stored is not None and stored.response is None and stored.fields == fingerprint(endpoint):
        store.save(key, replace(stored, response=body))


def fingerprint(endpoint: Endpoint[Any]) -> dict[str, str]:
    """Return a digest of the path and of each field, so that a change can be named without storing values."""
    fields = {"path": endpoint.path, **(endpoint.body or {})}
    return {
        name: hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
        for name, value in fields.items()
    }


def _read_stored(endpoint: Endpoint[T], body: Mapping[str, Any]) -> T:
    return endpoint.read(Response(200, {}, json.dumps(body).encode()))


def _was_refused(error: LayersError) -> bool:
    # A conflict is not counted: it may be the effect of the request itself.
    if not isinstance(error, LayersAPIError) or isinstance(error, LayersConflictError):
        return False
    is_refusal = isinstance(error, (LayersPermanentError, LayersRateLimitError))
    return is_refusal and 400 <= error.status_code < 500


def _refuse_changed(stored: StoredRequest, endpoint: Endpoint[Any]) -> None:
    now = fingerprint(endpoint)
    changed = sorted(name for name in {*now, *stored.fields} if now.get(name) != stored.fields.get(name))
    if changed:
        raise LayersRequestChangedError(
            f"Could not {endpoint.description}: an earlier try of this task sent a different request. "
            f"Changed: {', '.join(changed)}. Nothing was sent. A template with another value on every try, "
            "such as the current time, does that: make it the same on every try, or clear the task to start "
            "over."
        )


def _refuse_late(endpoint: Endpoint[Any], sent_at: float, *, now: float) -> None:
    if now - sent_at <= REPLAY_WINDOW:
        return
    hours = (now - sent_at) / 3600
    raise LayersReplayWindowError(
        f"Could not {endpoint.description}: an earlier try may have sent this {hours:.0f} hours ago, and the "
        "API remembers requests for 24 hours only, so sending it again could be paid for or published twice. "
        "Nothing was sent. Check in Layers whether it was carried out. If it was not, set "
        "resubmit_after_window=True, or clear the task where a clear sends a new request."
    )


# Submitting jobs


@dataclass(frozen=True)
class JobSubmitter:
    """
    Starts a job, or finds the job that an earlier try started.

    Every try sends the same requests under the same keys, or reads their stored responses. If a job failed or
    was canceled, the next key of the sequence starts another. One try starts at most one job, so by the Nth
    try at most N keys can be in use, and the Nth is the last.

    :param request: returns the request of a position in the sequence, from 0
    :param attempt_count: the number of tries in the scope, this one included
    :param announce: called with each job as soon as its id is known, before anything else can fail
    :param before_start: called with a request before it is sent, unless its job is known already
    :param send_in_turn: calls a function that starts a job until it is not refused for its rate limit
    :param send_after_window: see :func:`send_once`
    """

    client: LayersClient
    request: Callable[[int], Endpoint[Submission]]
    store: IdempotencyStore
    attempt_count: int
    announce: Callable[[Submission], None]
    before_start: Callable[[Endpoint[Submission]], None]
    send_in_turn: Callable[[Callable[[], SendResult]], SendResult]
    send_after_window: bool = False

    def submit(self) -> Submission:
        """
        Return the one job. ``current`` is its state now, and ``None`` if it was started by this call.

        :raises LayersError: it is unknown whether a job was started; no other is started then
        """
        sequence = 0
        while True:
            endpoint = self.request(sequence)
            sequence += 1
            earlier = self._stored_job(endpoint)
            if earlier is not None and earlier.status in (FAILED, CANCELED):
                self._log_end(earlier)
                continue
            if earlier is None:
                self.before_start(endpoint)
            sent = self._send(endpoint)
            submission = self._verify(endpoint, sent, earlier)
            job = submission.current
            if job is None or job.status not in (FAILED, CANCELED) or sequence >= self.attempt_count:
                return submission
            self._log_end(job)

    def _log_end(self, job: Job) -> None:
        log.info("Layers job %s, which an earlier try started, %s. Starting another.", job.job_id, job.status)

    def _stored_job(self, endpoint: Endpoint[Submission]) -> Job | None:
        submission = load_response(endpoint, self.store)
        if submission is None:
            return None
        self.announce(submission)
        try:
            return self.client.send_with_retries(get_job(submission.job.job_id))
        except LayersNotFoundError:
            discard_response(endpoint, self.store)
            return None

    def _send(self, endpoint: Endpoint[Submission]) -> SendResult:
        """Send once; if another job on the same container is named as the conflict, wait for it first."""
        try:
            return self._send_once(endpoint)
        except LayersConflictError as error:
            other_job = error.details.get("jobId")
            if not isinstance(other_job, str):
                raise
        deadline = self.client.clock.time() + CONFLICT_WAIT
        wait_for_job(self.client, other_job, deadline=deadline)
        return self._send_once(endpoint)

    def _send_once(self, endpoint: Endpoint[Submission]) -> SendResult:
        def send() -> SendResult:
            return send_once(self.client, endpoint, self.store, send_after_window=self.send_after_window)

        return self.send_in_turn(send)

    def _verify(self, endpoint: Endpoint[Submission], sent: SendResult, earlier: Job | None) -> Submission:
        """
        Read a job that an earlier try may have started: whether it failed decides what happens next.

        A fresh response is believed. One with an id that the API itself does not know would lose the job, so
        it is requested once more, under the same key.
        """
        submission: Submission = sent.result
        if earlier is not None:
            return replace(submission, current=earlier)
        self.announce(submission)
        if sent.is_first_send:
            return submission
        try:
            return replace(submission, current=get_job_with_grace(self.client, submission.job.job_id))
        except LayersNotFoundError:
            discard_response(endpoint, self.store)
        again: Submission = self._send(endpoint).result
        if again.job.job_id == submission.job.job_id:
            raise LayersUnexpectedResponseError(
                f"The API returned job {again.job.job_id}, and does not know it. "
                f"No other job was started. Idempotency-Key: {endpoint.idempotency_key}."
            )
        self.announce(again)
        return replace(again, current=self.client.send_with_retries(get_job(again.job.job_id)))
