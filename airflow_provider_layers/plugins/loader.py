"""
Reads from the Layers API for the page: in parallel, once for all viewers, and within a rate limit.

The limit keeps viewers from using up the requests that running tasks need.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from cachetools import LRUCache, TTLCache

from airflow_provider_layers.api.content import get_content
from airflow_provider_layers.api.endpoint import retry_after_of
from airflow_provider_layers.api.jobs import get_job
from airflow_provider_layers.api.scheduled_posts import get_scheduled_post
from airflow_provider_layers.exceptions import LayersConnectionError, LayersError, LayersRateLimitError
from airflow_provider_layers.hooks.connection import read_connection
from airflow_provider_layers.hooks.layers import LayersHook
from airflow_provider_layers.plugins.serializers import (
    CONNECTION_ERROR,
    PENDING_RESULT,
    UNREADABLE_RESULT,
    ReadResult,
    error_result,
    serialize_content,
    serialize_job,
    serialize_review,
    serialize_scheduled_post,
)
from airflow_provider_layers.polling.rate_limits import TokenBucket

if TYPE_CHECKING:
    from airflow_provider_layers.client import ApiConfig
    from airflow_provider_layers.hooks.connection import ConnectionSettings

log = logging.getLogger(__name__)

MAX_WAIT = 3.0
"""Seconds that a viewer waits for reads. The page asks again for what is not there by then."""

READ_THREADS = 8

READS_PER_MINUTE = 60.0
"""For each key, in each process of the API server: half of what the smallest tier allows
(``operational/rate-limits``). The rest is for running tasks."""

READ_BURST_SHARE = 0.5
"""Share of these that may be sent at once: 30, so that most pages load in one go."""

MAX_RESULTS = 1000
"""As many as five full pages show."""

MAX_CONNECTIONS = 100
CONNECTION_TTL = 30.0
"""Seconds after which a connection is looked up again, so that a changed key takes effect."""

JOB, CONTENT, POST, REVIEW = "job", "content", "post", "review"


class Resource(NamedTuple):
    """
    What to read, and through which connection.

    :param kind: ``job``, ``content``, ``post``, or ``review`` for content that a review asks about
    :param fingerprint: of the version that the review asks about; each version is a separate resource, so
        that the result of one is never shown for another
    """

    conn_id: str
    kind: str
    resource_id: str
    fingerprint: str = ""


class Loader:
    """
    Reads resources through their connections and keeps the results for a while.

    :param get_connection: looks up an Airflow connection
    :param transport: httpx transport to use instead of the network, for tests
    :param timer: seconds, from any start
    :param pool: runs the reads
    :param max_wait: seconds after which :meth:`load` returns without what is not read yet
    """

    def __init__(
        self,
        *,
        get_connection: Callable[[str], Any] = LayersHook.get_connection,
        transport: Any = None,
        timer: Callable[[], float] = time.monotonic,
        pool: Executor | None = None,
        max_wait: float = MAX_WAIT,
    ) -> None:
        self._timer = timer
        self._max_wait = max_wait
        self._connections = _Connections(get_connection, transport, timer)
        self._bucket_lock = Lock()
        pool = pool or ThreadPoolExecutor(READ_THREADS, thread_name_prefix="layers-page")
        self._cache = ReadCache(pool, timer=timer)

    def load(self, resources: Iterable[Resource]) -> dict[Resource, ReadResult]:
        """Return a result for each resource: read now, or kept from an earlier read, or pending."""
        results: dict[Resource, ReadResult] = {}
        readable: dict[Resource, _Connection] = {}
        for resource in resources:
            connection = self._connections.get(resource.conn_id)
            if isinstance(connection, ReadResult):
                results[resource] = connection
            else:
                readable[resource] = connection
        keys = {resource: _cache_key(connection, resource) for resource, connection in readable.items()}
        # Oldest first: if the rate limit allows only a few reads, each resource gets its turn.
        oldest_first = sorted(readable, key=lambda resource: self._cache.started_at(keys[resource]))
        reads = {
            resource: self._read(keys[resource], readable[resource], resource) for resource in oldest_first
        }
        wait([read.future for read in reads.values() if read], timeout=self._max_wait)
        for resource, read in reads.items():
            results[resource] = (read and read.latest) or PENDING_RESULT
        return results

    def _read(self, key: Hashable, connection: _Connection, resource: Resource) -> Read | None:
        return self._cache.get(
            key,
            lambda: self._result(connection, resource),
            may_read=lambda: self._try_take(connection.bucket),
        )

    def _try_take(self, bucket: TokenBucket) -> bool:
        with self._bucket_lock:
            return bucket.try_take(self._timer())

    def _result(self, connection: _Connection, resource: Resource) -> ReadResult:
        try:
            return _send(connection.hook, resource)
        except LayersError as error:
            if isinstance(error, LayersRateLimitError):
                with self._bucket_lock:
                    connection.bucket.refused(retry_after_of(error), now=self._timer())
            result = error_result(error)
            # Without the text of the API, which may repeat the key.
            log.info(
                "Could not read %s %s: %s", resource.kind, resource.resource_id, result.error or result.state
            )
            return result
        # A response of an unexpected shape must not keep the rest of the page from being shown.
        except Exception as error:  # noqa: BLE001
            log.warning(
                "The response for %s %s cannot be shown: %s",
                resource.kind,
                resource.resource_id,
                type(error).__name__,
            )
            return UNREADABLE_RESULT


def _send(hook: LayersHook, resource: Resource) -> ReadResult:
    # Without retries: a person is waiting, and the page asks again.
    client = hook.get_conn()
    if resource.kind == JOB:
        return serialize_job(client.send(get_job(resource.resource_id)))
    if resource.kind == POST:
        return serialize_scheduled_post(client.send(get_scheduled_post(resource.resource_id)))
    container = client.send(get_content(resource.resource_id))
    if resource.kind == REVIEW:
        return serialize_review(container, resource.fingerprint)
    return serialize_content(container)


def _cache_key(connection: _Connection, resource: Resource) -> Hashable:
    # With all of the configuration, so that no viewer sees what another key, host or organization returned.
    # Without the connection id, so that two connections with the same configuration share their reads.
    return connection.config, resource.kind, resource.resource_id, resource.fingerprint


@dataclass
class Read:
    """
    The latest read of a cache key.

    :param started_at: as the timer counts
    :param previous: the result of the read before it
    """

    started_at: float
    previous: ReadResult | None
    fresh_until: float = float("inf")
    future: Future[ReadResult] = field(default_factory=Future)

    @property
    def latest(self) -> ReadResult | None:
        """Its result, and while it is running the previous one."""
        return self.future.result() if self.future.done() else self.previous


class ReadCache:
    """
    Keeps results for as long as each says, and runs one read at a time for each key.

    A result that is too old stays until the next read of its key ends: viewers see it meanwhile, and also if
    the rate limit allows no read.

    :param pool: runs the reads
    :param timer: seconds, from any start
    :param maxsize: how many results to keep; the least recently used are dropped first
    """

    def __init__(
        self, pool: Executor, *, timer: Callable[[], float] = time.monotonic, maxsize: int = MAX_RESULTS
    ) -> None:
        self._pool = pool
        self._timer = timer
        self._reads: LRUCache[Hashable, Read] = LRUCache(maxsize)
        self._lock = Lock()

    def get(
        self, key: Hashable, read: Callable[[], ReadResult], *, may_read: Callable[[], bool]
    ) -> Read | None:
        """
        Return the latest read of a key, and start one if its result is too old. It does not wait.

        :param read: must not raise
        :param may_read: whether a read may start now; called only if one is needed
        :return: ``None`` if the key was never read and no read may start
        """
        with self._lock:
            latest = self._reads.get(key)
            if latest and self._timer() < latest.fresh_until:
                return latest
            if not may_read():
                return latest
            started = Read(self._timer(), latest.latest if latest else None)
            started.future = self._pool.submit(self._run, started, read)
            self._reads[key] = started
            return started

    def started_at(self, key: Hashable) -> float:
        """Return when the latest read of a key started; minus infinity if there was none."""
        with self._lock:
            latest = self._reads.get(key)
            return latest.started_at if latest else float("-inf")

    def _run(self, started: Read, read: Callable[[], ReadResult]) -> ReadResult:
        result = read()
        started.fresh_until = self._timer() + result.ttl
        return result


@dataclass(frozen=True)
class _Connection:
    config: ApiConfig
    hook: LayersHook
    bucket: TokenBucket


class _Connections:
    """Looks up Airflow connections; those with the same configuration share a client and a rate limit."""

    def __init__(
        self, get_connection: Callable[[str], Any], transport: Any, timer: Callable[[], float]
    ) -> None:
        self._get_connection = get_connection
        self._transport = transport
        self._timer = timer
        self._by_id: TTLCache[str, _Connection | ReadResult] = TTLCache(
            MAX_CONNECTIONS, CONNECTION_TTL, timer=timer
        )
        self._by_config: LRUCache[ApiConfig, _Connection] = LRUCache(MAX_CONNECTIONS)
        self._lock = Lock()

    def get(self, conn_id: str) -> _Connection | ReadResult:
        """Return a connection, or why it is not usable."""
        with self._lock:
            connection = self._by_id.get(conn_id)
            if connection is None:
                connection = self._by_id[conn_id] = self._look_up(conn_id)
            return connection

    def _look_up(self, conn_id: str) -> _Connection | ReadResult:
        try:
            connection = self._get_connection(conn_id)
            # A task can name any connection; only Layers' own may receive requests with its password.
            if connection.conn_type != LayersHook.conn_type:
                return _connection_error(f'The connection "{conn_id}" is not of type {LayersHook.conn_type}.')
            return self._shared(conn_id, read_connection(connection))
        except LayersConnectionError as error:
            log.warning("%s", error)
            return _connection_error(f'The connection "{conn_id}" is not filled in correctly.')
        # Secrets backends raise errors of any kind, whose texts are not for every viewer.
        except Exception as error:  # noqa: BLE001
            log.warning("Connection %s could not be looked up: %s", conn_id, type(error).__name__)
            return _connection_error(f'The connection "{conn_id}" was not found.')

    def _shared(self, conn_id: str, settings: ConnectionSettings) -> _Connection:
        # A person is waiting, and the pool's threads are few.
        settings = settings.with_short_timeout()
        connection = self._by_config.get(settings.api)
        if connection is None:
            hook = LayersHook(conn_id, settings=settings, transport=self._transport)
            # Creates the client under the lock, so that two threads of the pool do not create one each.
            hook.get_conn()
            per_minute = min(READS_PER_MINUTE, settings.poll_budget_rpm or READS_PER_MINUTE)
            bucket = TokenBucket(per_minute, burst=per_minute * READ_BURST_SHARE, now=self._timer())
            connection = self._by_config[settings.api] = _Connection(settings.api, hook, bucket)
        return connection


def _connection_error(message: str) -> ReadResult:
    return ReadResult(CONNECTION_ERROR, error=message)
