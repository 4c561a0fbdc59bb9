"""Reads that several viewers share: each is done once, and its result is kept for a while."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, Protocol, TypeVar


class Keepable(Protocol):
    """A result that knows for how many seconds it may be shown to others."""

    @property
    def keep(self) -> float:
        """Seconds."""


T = TypeVar("T", bound=Keepable)


@dataclass
class Share(Generic[T]):
    """
    A read that several share.

    :param before: what the read before this one found
    :param since: when it was asked for
    """

    before: T | None
    since: float
    fresh_until: float = float("-inf")
    future: Future[T] = field(default_factory=Future)

    @property
    def newest(self) -> T | None:
        """What is known: what it found, or what was found before while it is under way."""
        return self.future.result() if self.future.done() else self.before


class Cache(Generic[T]):
    """
    Keeps results, and never reads the same twice at a time.

    :param pool: where reads are done; they do not raise
    :param clock: seconds, of any beginning
    :param most: how many results are kept; those that were asked for the longest ago go first
    """

    def __init__(
        self, pool: Executor, *, clock: Callable[[], float] = time.monotonic, most: int = 1000
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._most = most
        self._shares: OrderedDict[Hashable, Share[T]] = OrderedDict()
        self._lock = Lock()

    def ask(self, key: Hashable, read: Callable[[], T], *, allowed: Callable[[], bool]) -> Share[T] | None:
        """
        Give what is known, and begin to read where that is too old. It does not wait.

        :param key: names what is read
        :param read: reads it
        :param allowed: whether a read may begin now; asked only where one is needed
        :return: ``None`` where nothing is known and no read may begin
        """
        with self._lock:
            share = self._shares.get(key)
            if share and (not share.future.done() or self._clock() < share.fresh_until):
                self._shares.move_to_end(key)
                return share
            return self._begin(key, read, share) if allowed() else share

    def since(self, key: Hashable) -> float:
        """Give the moment of the last read of a key, so that the oldest can be read first."""
        with self._lock:
            share = self._shares.get(key)
            return share.since if share else float("-inf")

    def _begin(self, key: Hashable, read: Callable[[], T], old: Share[T] | None) -> Share[T]:
        share: Share[T] = Share(old.newest if old else None, self._clock())
        share.future = self._pool.submit(self._read, share, read)
        self._shares[key] = share
        self._shares.move_to_end(key)
        while len(self._shares) > self._most:
            self._shares.popitem(last=False)
        return share

    def _read(self, share: Share[T], read: Callable[[], T]) -> T:
        found = read()
        share.fresh_until = self._clock() + found.keep
        return found
