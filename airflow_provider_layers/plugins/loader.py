"""Reading what the page shows, many things at once and each of them once for all viewers."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from typing import Any, NamedTuple

from airflow_provider_layers.api.content import get_content
from airflow_provider_layers.api.flow import ask
from airflow_provider_layers.api.jobs import get_job
from airflow_provider_layers.api.retry import asked_wait
from airflow_provider_layers.api.scheduled_posts import get_scheduled_post
from airflow_provider_layers.exceptions import LayersError, LayersRateLimitError
from airflow_provider_layers.plugins.cache import Cache, Share
from airflow_provider_layers.plugins.found import NO_CONNECTION, STILL_PENDING, UNREADABLE, Found, trouble
from airflow_provider_layers.plugins.serializers import show_content, show_job, show_post, show_take
from airflow_provider_layers.plugins.sources import Source, Sources

log = logging.getLogger(__name__)

THREADS = 8
PATIENCE = 3.0
"""Seconds that a viewer waits for reads; the page asks again for what has not come by then."""

JOB, CONTENT, POST, TAKE = "job", "content", "post", "take"


class Wanted(NamedTuple):
    """One thing to read: through which connection, of which kind, by which id."""

    conn_id: str
    kind: str
    name: str


def read_job(source: Source, job_id: str) -> Found:
    """Read a job."""
    return show_job(source.hook.run(ask(get_job(job_id))))


def read_content(source: Source, container_id: str) -> Found:
    """Read a container."""
    return show_content(source.hook.run(ask(get_content(container_id))))


def read_post(source: Source, scheduled_post_id: str) -> Found:
    """Read a scheduled post."""
    return show_post(source.hook.run(ask(get_scheduled_post(scheduled_post_id))))


def read_take(source: Source, name: str) -> Found:
    """
    Read a container, and say whether it is still the take that a review asks about.

    :param name: fingerprint of the take, a slash and the container; another take is another thing to read,
        so that none is ever shown for the one after it
    """
    fingerprint, _, container_id = name.partition("/")
    return show_take(source.hook.run(ask(get_content(container_id))), fingerprint)


READ: dict[str, Callable[[Source, str], Found]] = {
    JOB: read_job,
    CONTENT: read_content,
    POST: read_post,
    TAKE: read_take,
}


class Reader:
    """
    Reads through connections, within what the page allows itself.

    :param clock: seconds, of any beginning
    :param pool: where reads are done
    :param patience: most seconds that :meth:`read` takes
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        pool: Executor | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._clock = clock
        self._patience = patience
        self._sources = Sources(clock=clock)
        pool = pool or ThreadPoolExecutor(THREADS, thread_name_prefix="layers-page")
        self._cache: Cache[Found] = Cache(pool, clock=clock)

    def read(self, wanted: Iterable[Wanted]) -> dict[Wanted, Found]:
        """
        Read what is not known or too old, and give all of it.

        :param wanted: what to read
        :return: what is known by the end of the patience
        """
        sources = {one: self._sources.of(one.conn_id) for one in dict.fromkeys(wanted)}
        known = {one: Found(NO_CONNECTION, error=why) for one, why in sources.items() if isinstance(why, str)}
        readable = {one: source for one, source in sources.items() if isinstance(source, Source)}
        # The oldest first, so that a small allowance goes round.
        order = sorted(readable, key=lambda one: self._cache.since(_key(readable[one], one)))
        shares = {one: self._ask(readable[one], one) for one in order}
        wait([share.future for share in shares.values() if share], timeout=self._patience)
        known |= {one: (share and share.newest) or STILL_PENDING for one, share in shares.items()}
        return {one: known[one] for one in sources}

    def _ask(self, source: Source, wanted: Wanted) -> Share[Found] | None:
        return self._cache.ask(
            _key(source, wanted),
            lambda: self._read(source, wanted),
            allowed=lambda: source.allowance.take(self._clock()),
        )

    def _read(self, source: Source, wanted: Wanted) -> Found:
        try:
            return READ[wanted.kind](source, wanted.name)
        except LayersError as error:
            if isinstance(error, LayersRateLimitError):
                source.allowance.refused(asked_wait(error), now=self._clock())
            log.info("%s", error)
            return trouble(error)
        # Whatever the API answers, the rest of the page is shown.
        except Exception as error:  # noqa: BLE001
            log.warning("%s %s cannot be shown: %s", wanted.kind, wanted.name, type(error).__name__)
            return UNREADABLE


def _key(source: Source, wanted: Wanted) -> tuple[Any, ...]:
    return source.access, wanted.kind, wanted.name
