"""One client and one watcher for each connection and event loop."""

from __future__ import annotations

import asyncio
import gc
import threading
from dataclasses import dataclass, replace
from weakref import ref

import pytest

from airflow_provider_layers.client import ApiConfig, AsyncLayersClient
from airflow_provider_layers.exceptions import LayersConnectionError
from airflow_provider_layers.polling.rate_limits import polling_limit
from airflow_provider_layers.polling.watcher import SETTINGS_CACHE_SECONDS, cached_settings, shared_client
from tests.unit.polling.things import target
from tests.unit.polling.virtual_time import FakeApi
from tests.unit.scripted import CONFIG


@dataclass(frozen=True)
class Settings:
    """As much of a connection's settings as is read here."""

    api: ApiConfig = CONFIG
    poll_budget_rpm: int | None = None


SETTINGS = Settings()
ELSEWHERE = Settings(replace(CONFIG, base_url="http://127.0.0.1:1"))


def share(settings=SETTINGS):
    return shared_client(settings, lambda: AsyncLayersClient(settings.api))


def is_closed(shared):
    return shared.client._http.is_closed


def test_holders_share_a_client_and_the_last_closes_it():
    async def run():
        async with share() as shared:
            async with share(replace(SETTINGS)) as same:
                assert same is shared
            assert not is_closed(shared)
        assert is_closed(shared)
        async with share() as another:
            assert another is not shared
            assert another.watcher is not shared.watcher
            assert not is_closed(another)

    asyncio.run(run())


@pytest.mark.parametrize(
    "changed", [Settings(replace(CONFIG, api_key="another")), ELSEWHERE, Settings(poll_budget_rpm=60)]
)
def test_changed_settings_have_another_client(changed):
    async def run():
        async with share() as first, share(changed) as second:
            assert first.client is not second.client
            assert first.watcher is not second.watcher

    asyncio.run(run())


def test_every_event_loop_has_another_client():
    both_hold = threading.Barrier(2, timeout=60)
    held = []

    async def hold():
        async with share() as shared:
            held.append(shared)
            both_hold.wait()

    threads = [threading.Thread(target=asyncio.run, args=(hold(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert held[0] is not held[1]


def test_a_holder_that_fails_releases_the_client():
    async def run():
        with pytest.raises(KeyError):
            async with share() as shared:
                raise KeyError
        assert is_closed(shared)

    asyncio.run(run())


def test_the_budget_of_the_connection_is_the_watcher_s_limit():
    async def run():
        async with share(Settings(poll_budget_rpm=60)) as chosen, share() as default:
            assert chosen.watcher._bucket.limit == 60
            assert default.watcher._bucket.limit == polling_limit("standard")

    asyncio.run(run())


def test_durations_are_remembered_for_an_api_over_all_its_clients():
    async def history_of(settings):
        async with share(settings) as shared:
            return shared.watcher._scheduler._history

    async def run():
        first = await history_of(SETTINGS)
        assert await history_of(SETTINGS) is first
        assert await history_of(Settings(poll_budget_rpm=60)) is first
        assert await history_of(ELSEWHERE) is not first

    asyncio.run(run())


def test_the_last_holder_stops_the_watcher_with_requests_in_flight(loop):
    api = FakeApi(loop, takes=60.0)
    api.things(1, after=1e6)

    async def run():
        async with shared_client(SETTINGS, api.client) as shared:
            waiting = asyncio.ensure_future(shared.watcher.wait(target("thing0")))
            await api.reached("thing0")
        assert asyncio.all_tasks() - {asyncio.current_task()} == {waiting}
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    loop.run(run())


class LookUp:
    """Looks settings up once it may, and counts how often."""

    def __init__(self, *results):
        self.results = list(results)
        self.count = 0
        self.may_end = asyncio.Event()

    async def __call__(self):
        self.count += 1
        await self.may_end.wait()
        result = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        if isinstance(result, Exception):
            raise result
        return result


async def ask(look_up, count=1, conn_id="layers_default"):
    """Let so many ask at once, and then let the look-up end."""
    asking = [asyncio.ensure_future(cached_settings(conn_id, look_up)) for _ in range(count)]
    await asyncio.sleep(0)
    look_up.may_end.set()
    return await asyncio.gather(*asking, return_exceptions=True)


def test_a_thousand_that_ask_at_once_cause_one_look_up(loop):
    async def run():
        look_up = LookUp(SETTINGS)
        assert await ask(look_up, 1000) == [SETTINGS] * 1000
        assert await ask(look_up) == [SETTINGS]
        assert look_up.count == 1

    loop.run(run())


def test_a_changed_connection_is_noticed_after_a_while(loop):
    async def run():
        look_up = LookUp(SETTINGS, ELSEWHERE)
        assert await ask(look_up) == [SETTINGS]
        await asyncio.sleep(SETTINGS_CACHE_SECONDS - 1)
        assert await ask(look_up) == [SETTINGS]
        await asyncio.sleep(1)
        assert await ask(look_up) == [ELSEWHERE]

    loop.run(run())


def test_every_connection_and_every_event_loop_looks_up_separately(loop):
    async def run():
        look_up, other = LookUp(SETTINGS), LookUp(ELSEWHERE)
        assert await ask(look_up, conn_id="one") == [SETTINGS]
        assert await ask(other, conn_id="other") == [ELSEWHERE]
        return look_up.count

    assert [loop.run(run()), asyncio.run(run())] == [1, 1]


def test_a_loop_that_has_ended_is_forgotten_with_its_settings():
    async def run():
        await ask(LookUp(SETTINGS))
        return ref(asyncio.get_running_loop())

    ended = asyncio.run(run())
    gc.collect()
    assert ended() is None


def test_all_that_ask_get_a_failure_and_the_next_tries_again(loop):
    async def run():
        look_up = LookUp(LayersConnectionError("no key"), SETTINGS)
        assert [str(result) for result in await ask(look_up, 3)] == ["no key"] * 3
        assert await ask(look_up) == [SETTINGS]
        assert look_up.count == 2

    loop.run(run())


@pytest.mark.parametrize("who", [0, 1, 2])
def test_one_that_is_canceled_does_not_cancel_the_look_up_of_the_others(loop, who):
    async def run():
        look_up = LookUp(SETTINGS)
        asking = [asyncio.ensure_future(cached_settings("layers_default", look_up)) for _ in range(3)]
        await asyncio.sleep(0)
        asking[who].cancel()
        await asyncio.sleep(0)
        look_up.may_end.set()
        results = await asyncio.gather(*asking, return_exceptions=True)
        assert isinstance(results.pop(who), asyncio.CancelledError)
        assert results == [SETTINGS] * 2
        assert look_up.count == 1

    loop.run(run())
