"""One client and one watcher for each key and event loop."""

from __future__ import annotations

import asyncio
import gc
import threading
from dataclasses import replace
from types import SimpleNamespace
from weakref import ref

import pytest

from airflow_provider_layers.client import Access
from airflow_provider_layers.exceptions import LayersConnectionError
from airflow_provider_layers.hooks import sharing
from airflow_provider_layers.hooks.settings import Settings
from airflow_provider_layers.hooks.sharing import lease, looked_up
from tests.unit.driving import Clock
from tests.unit.serving import Reply
from tests.unit.watches import watch

SETTINGS = Settings(Access("https://api.layers.com", "lp_test_key"), "shared", None)


def test_two_holders_share_one_lease_and_the_last_closes_it():
    async def run():
        first = lease(SETTINGS)
        second = lease(replace(SETTINGS))
        held = await first.__aenter__()
        assert await second.__aenter__() is held
        await first.__aexit__(None, None, None)
        assert not held.client._http.is_closed
        await second.__aexit__(None, None, None)
        assert held.client._http.is_closed

    asyncio.run(run())


def test_after_the_last_holder_comes_a_new_lease():
    async def run():
        async with lease(SETTINGS) as first:
            pass
        async with lease(SETTINGS) as second:
            assert second is not first
            assert second.watcher is not first.watcher
            assert not second.client._http.is_closed

    asyncio.run(run())


@pytest.mark.parametrize(
    "changed",
    [
        replace(SETTINGS, access=replace(SETTINGS.access, api_key="another")),
        replace(SETTINGS, access=replace(SETTINGS.access, base_url="http://127.0.0.1:1")),
        replace(SETTINGS, poll_budget_rpm=60),
    ],
)
def test_changed_settings_have_a_lease_of_their_own(changed):
    async def run():
        async with lease(SETTINGS) as one, lease(changed) as other:
            assert one.client is not other.client
            assert one.watcher is not other.watcher

    asyncio.run(run())


def test_every_loop_has_a_lease_of_its_own():
    async def borrow():
        async with lease(SETTINGS) as held:
            return held

    assert asyncio.run(borrow()) is not asyncio.run(borrow())


def test_two_loops_at_once_do_not_share():
    both_hold = threading.Barrier(2, timeout=5)
    held = []

    async def borrow():
        async with lease(SETTINGS) as borrowed:
            held.append(borrowed)
            both_hold.wait()

    threads = [threading.Thread(target=asyncio.run, args=(borrow(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert held[0] is not held[1]


def test_a_holder_that_fails_gives_its_lease_back():
    async def run():
        with pytest.raises(KeyError):
            async with lease(SETTINGS) as held:
                raise KeyError
        assert held.client._http.is_closed

    asyncio.run(run())


def test_a_poll_budget_is_that_of_the_watcher():
    async def run():
        async with lease(replace(SETTINGS, poll_budget_rpm=60)) as chosen, lease(SETTINGS) as usual:
            assert chosen.watcher._reader.budget.ceiling == 60
            assert usual.watcher._reader.budget.ceiling == 96

    asyncio.run(run())


def test_what_was_learned_of_an_api_is_kept_from_lease_to_lease():
    async def run():
        async with lease(SETTINGS) as first, lease(replace(SETTINGS, poll_budget_rpm=60)) as other:
            assert first.watcher._agenda._experience is other.watcher._agenda._experience
        async with lease(SETTINGS) as second:
            assert second.watcher._agenda._experience is first.watcher._agenda._experience
        elsewhere = replace(SETTINGS, access=replace(SETTINGS.access, base_url="http://127.0.0.1:1"))
        async with lease(elsewhere) as third:
            assert third.watcher._agenda._experience is not first.watcher._agenda._experience

    asyncio.run(run())


def test_the_last_holder_ends_the_watcher_though_it_is_at_work(server):
    settings = replace(SETTINGS, access=Access(server.url, "lp_test_key"))
    server.replies = [Reply({"status": "running"})]

    async def run():
        async with lease(settings) as held:
            waiting = asyncio.ensure_future(held.watcher.wait(watch(longest=0.01)))
            await asyncio.sleep(0.05)
        assert asyncio.all_tasks() - {asyncio.current_task()} == {waiting}
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(run())
    gc.collect()


class LookUp:
    """Looks a connection up, and counts how often."""

    def __init__(self, *found):
        self.found = list(found)
        self.times = 0
        self.go_on = asyncio.Event()

    async def __call__(self):
        self.times += 1
        await self.go_on.wait()
        found = self.found.pop(0) if len(self.found) > 1 else self.found[0]
        if isinstance(found, Exception):
            raise found
        return found


async def ask(look_up, count=1):
    """Let so many ask at once, and then let the look-up end."""
    given = [asyncio.ensure_future(looked_up("layers_default", look_up)) for _ in range(count)]
    await asyncio.sleep(0)
    look_up.go_on.set()
    return await asyncio.gather(*given, return_exceptions=True)


def test_a_thousand_who_ask_at_once_look_up_once():
    async def run():
        look_up = LookUp(SETTINGS)
        assert await ask(look_up, 1000) == [SETTINGS] * 1000
        assert look_up.times == 1
        await ask(look_up)
        assert look_up.times == 1, "nor do those who ask a moment later"

    asyncio.run(run())


def test_a_changed_connection_is_seen_after_a_while(monkeypatch):
    async def run():
        changed = replace(SETTINGS, poll_budget_rpm=60)
        look_up = LookUp(SETTINGS, changed)
        clock = Clock()
        monkeypatch.setattr(sharing, "time", SimpleNamespace(monotonic=clock))
        assert await ask(look_up) == [SETTINGS]
        clock.now += sharing.LOOKED_UP_FOR - 0.1
        assert await ask(look_up) == [SETTINGS]
        clock.now += 0.1
        assert await ask(look_up) == [changed]

    asyncio.run(run())


def test_every_connection_is_looked_up_for_itself():
    async def run():
        other = replace(SETTINGS, poll_budget_rpm=60)
        look_up, look_up_other = LookUp(SETTINGS), LookUp(other)
        look_up.go_on.set()
        look_up_other.go_on.set()
        assert await looked_up("one", look_up) == SETTINGS
        assert await looked_up("other", look_up_other) == other

    asyncio.run(run())


def test_every_loop_looks_up_for_itself():
    async def run():
        look_up = LookUp(SETTINGS)
        await ask(look_up)
        return look_up.times

    assert [asyncio.run(run()), asyncio.run(run())] == [1, 1]


def test_a_loop_that_has_ended_is_forgotten_with_all_that_was_looked_up_in_it():
    async def run():
        await ask(LookUp(SETTINGS))
        return ref(asyncio.get_running_loop())

    ended = asyncio.run(run())
    gc.collect()
    assert ended() is None


def test_all_who_ask_hear_of_a_failure_and_the_next_one_tries_anew():
    async def run():
        look_up = LookUp(LayersConnectionError("no key"), SETTINGS)
        results = await ask(look_up, 3)
        assert [str(one) for one in results] == ["no key"] * 3
        assert await ask(look_up) == [SETTINGS]
        assert look_up.times == 2

    asyncio.run(run())


@pytest.mark.parametrize("who", [0, 1, 2])
def test_one_who_leaves_does_not_take_the_answer_away_from_the_others(who):
    async def run():
        look_up = LookUp(SETTINGS)
        given = [asyncio.ensure_future(looked_up("layers_default", look_up)) for _ in range(3)]
        await asyncio.sleep(0)
        given[who].cancel()
        await asyncio.sleep(0)
        look_up.go_on.set()
        results = await asyncio.gather(*given, return_exceptions=True)
        assert isinstance(results.pop(who), asyncio.CancelledError)
        assert results == [SETTINGS] * 2
        assert look_up.times == 1

    asyncio.run(run())
