"""Where things are read from: an Airflow connection, and what may be asked through it."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_layers.exceptions import LayersConnectionError
from airflow_provider_layers.hooks.layers import LayersHook
from airflow_provider_layers.hooks.settings import Settings, read_settings
from airflow_provider_layers.plugins.allowance import PER_MINUTE, Allowance

if TYPE_CHECKING:
    from airflow_provider_layers.client import Access

K = TypeVar("K")
V = TypeVar("V")

log = logging.getLogger(__name__)

LOOK_UP_AGAIN = 30.0
MOST = 100


@dataclass(frozen=True)
class Source:
    """
    A key of the API, and what the page may ask with it.

    :param access: where the API is and how to be let in; two connections that say the same are one source
    """

    access: Access
    hook: LayersHook
    allowance: Allowance


@dataclass(frozen=True)
class _LookedUp:
    source: Source | str
    until: float


class Sources:
    """
    Looks connections up, each at most every 30 seconds.

    :param clock: seconds, of any beginning
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: OrderedDict[str, _LookedUp] = OrderedDict()
        self._sources: OrderedDict[Access, Source] = OrderedDict()
        self._lock = Lock()

    def of(self, conn_id: str) -> Source | str:
        """
        Give the source behind a connection.

        :param conn_id: the Airflow connection
        :return: why there is none, as text, where it cannot be used
        """
        with self._lock:
            known = self._known.get(conn_id)
            if known is None or self._clock() >= known.until:
                known = _LookedUp(self._look_up(conn_id), self._clock() + LOOK_UP_AGAIN)
                _keep(self._known, conn_id, known)
            return known.source

    def _look_up(self, conn_id: str) -> Source | str:
        try:
            connection = LayersHook.get_connection(conn_id)
            if connection.conn_type != LayersHook.conn_type:
                return f'The connection "{conn_id}" is not of type {LayersHook.conn_type}.'
            return self._source(conn_id, read_settings(connection).in_haste())
        except LayersConnectionError as error:
            log.warning("%s", error)
            return f'The connection "{conn_id}" cannot be used as it is filled in.'
        # Secret backends raise what they like, and their texts are not for everybody.
        except Exception as error:  # noqa: BLE001
            log.warning("Connection %s could not be looked up: %s", conn_id, type(error).__name__)
            return f'The connection "{conn_id}" was not found.'

    def _source(self, conn_id: str, settings: Settings) -> Source:
        known = self._sources.get(settings.access)
        if known is None:
            per_minute = min(PER_MINUTE, settings.poll_budget_rpm or PER_MINUTE)
            hook = LayersHook(conn_id, settings=settings)
            known = Source(settings.access, hook, Allowance(per_minute, now=self._clock()))
        _keep(self._sources, settings.access, known)
        return known


def _keep(known: OrderedDict[K, V], key: K, value: V) -> None:
    known[key] = value
    known.move_to_end(key)
    while len(known) > MOST:
        known.popitem(last=False)
