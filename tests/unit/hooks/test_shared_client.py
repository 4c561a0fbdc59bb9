"""One client for each key and event loop."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest

from airflow_provider_layers.client import Access
from airflow_provider_layers.hooks.settings import Settings
from airflow_provider_layers.hooks.shared_client import lease

SETTINGS = Settings(Access("https://api.layers.com", "lp_test_key"), "shared", None)


def test_two_holders_share_one_client_and_the_last_closes_it():
    async def run():
        first = lease(SETTINGS)
        second = lease(replace(SETTINGS))
        client = await first.__aenter__()
        assert await second.__aenter__() is client
        await first.__aexit__(None, None, None)
        assert not client._http.is_closed
        await second.__aexit__(None, None, None)
        assert client._http.is_closed

    asyncio.run(run())


def test_after_the_last_holder_comes_a_new_client():
    async def run():
        async with lease(SETTINGS) as first:
            pass
        async with lease(SETTINGS) as second:
            assert second is not first
            assert not second._http.is_closed

    asyncio.run(run())


@pytest.mark.parametrize(
    "changed",
    [
        replace(SETTINGS, access=replace(SETTINGS.access, api_key="another")),
        replace(SETTINGS, access=replace(SETTINGS.access, base_url="http://127.0.0.1:1")),
        replace(SETTINGS, poll_budget_rpm=60),
    ],
)
def test_changed_settings_have_a_client_of_their_own(changed):
    async def run():
        async with lease(SETTINGS) as one, lease(changed) as other:
            assert one is not other

    asyncio.run(run())


def test_every_loop_has_a_client_of_its_own():
    async def borrow():
        async with lease(SETTINGS) as client:
            return client

    assert asyncio.run(borrow()) is not asyncio.run(borrow())


def test_two_loops_at_once_do_not_share():
    both_hold = threading.Barrier(2, timeout=5)
    held = []

    async def borrow():
        async with lease(SETTINGS) as client:
            held.append(client)
            both_hold.wait()

    threads = [threading.Thread(target=asyncio.run, args=(borrow(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert held[0] is not held[1]


def test_a_holder_that_fails_gives_its_client_back():
    async def run():
        with pytest.raises(KeyError):
            async with lease(SETTINGS) as client:
                raise KeyError
        assert client._http.is_closed

    asyncio.run(run())


def test_a_poll_budget_spaces_the_reads_of_all_holders():
    async def run():
        settings = replace(SETTINGS, poll_budget_rpm=60)
        async with lease(settings) as one, lease(replace(settings)) as other:
            assert [one._pace.reserve(0.0), other._pace.reserve(0.0)] == [0.0, 1.0]

    asyncio.run(run())


def test_there_is_no_spacing_without_a_budget():
    async def run():
        async with lease(SETTINGS) as client:
            assert client._pace is None

    asyncio.run(run())
