from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from airflow_provider_layers.plugins.cache import Cache
from tests.unit.plugins.executors import AtOnce, Clock, WhenTold


@dataclass
class Kept:
    value: object
    keep: float = 5.0


@pytest.fixture
def clock():
    return Clock()


class Source:
    """Counts how often it is read."""

    def __init__(self, keep=5.0):
        self.reads = 0
        self.keep = keep

    def __call__(self):
        self.reads += 1
        return Kept(self.reads, self.keep)


def allow():
    return True


def refuse():
    return False


def test_it_is_read_once_while_it_is_fresh(clock):
    cache, source = Cache(AtOnce(), clock=clock), Source()
    seen = []
    for now in (0.0, 4.9, 5.0, 9.9, 10.0):
        clock.now = now
        seen.append(cache.ask("a", source, allowed=allow).newest.value)
    assert seen == [1, 1, 2, 2, 3]


def test_it_is_kept_from_the_end_of_the_read_on(clock):
    pool, source = WhenTold(), Source()
    cache = Cache(pool, clock=clock)
    cache.ask("a", source, allowed=allow)
    clock.now += 60.0
    pool.work()
    clock.now += 4.9
    assert cache.ask("a", source, allowed=refuse).newest.value == 1
    assert source.reads == 1


def test_who_comes_while_it_is_read_shares_the_read(clock):
    pool, source = WhenTold(), Source()
    cache = Cache(pool, clock=clock)
    first = cache.ask("a", source, allowed=allow)
    clock.now += 3600.0
    assert cache.ask("a", source, allowed=allow) is first
    assert (first.newest, pool.work(), first.newest.value) == (None, 1, 1)


def test_keys_are_read_apart(clock):
    cache, source = Cache(AtOnce(), clock=clock), Source()
    assert [cache.ask(key, source, allowed=allow).newest.value for key in ("a", "b", "a")] == [1, 2, 1]


def test_what_was_known_is_given_while_it_is_read_anew(clock):
    pool, source = WhenTold(), Source()
    cache = Cache(pool, clock=clock)
    cache.ask("a", source, allowed=allow)
    pool.work()
    clock.now += 5.0
    again = cache.ask("a", source, allowed=allow)
    assert again.newest.value == 1
    pool.work()
    assert again.newest.value == 2


def test_without_an_allowance_what_was_known_is_given(clock):
    cache, source = Cache(AtOnce(), clock=clock), Source()
    assert cache.ask("a", source, allowed=refuse) is None
    cache.ask("a", source, allowed=allow)
    clock.now += 60.0
    assert cache.ask("a", source, allowed=refuse).newest.value == 1
    assert source.reads == 1


def test_the_allowance_is_asked_only_for_a_read(clock):
    asked = []
    cache, source = Cache(AtOnce(), clock=clock), Source()
    for _ in range(3):
        cache.ask("a", source, allowed=lambda: asked.append(1) or True)
    assert asked == [1]


def test_it_knows_what_was_read_the_longest_ago(clock):
    cache, source = Cache(AtOnce(), clock=clock), Source(keep=0.0)
    for key in ("a", "b", "a"):
        clock.now += 1.0
        cache.ask(key, source, allowed=allow)
    assert sorted(["a", "b", "c"], key=cache.since) == ["c", "b", "a"]


def test_its_memory_has_an_end(clock):
    cache, source = Cache(AtOnce(), clock=clock, most=3), Source()
    for key in ("a", "b", "c", "a", "d"):
        cache.ask(key, source, allowed=allow)
    assert [cache.since(key) > 0 for key in "abcd"] == [True, False, True, True]


def test_threads_share_one_read(clock):
    together = threading.Barrier(20)
    source = Source()

    def look():
        together.wait()
        return cache.ask("a", source, allowed=allow).future.result()

    with ThreadPoolExecutor(4) as pool, ThreadPoolExecutor(20) as people:
        cache = Cache(pool, clock=clock)
        seen = [person.result().value for person in [people.submit(look) for _ in range(20)]]
    assert seen == [1] * 20
    assert source.reads == 1
