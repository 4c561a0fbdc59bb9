"""How a watcher reads about many waits at once."""

from __future__ import annotations

import asyncio
import logging

import pytest

from airflow_provider_layers.api.cadence import Experience
from airflow_provider_layers.hooks.watcher import Watcher
from tests.unit.driving import LOST, bad, good
from tests.unit.hours import everything, run, things, waits
from tests.unit.watches import roll

ENDED = {"status": "completed"}
LIST = roll().path


def pages(api):
    return [dict(endpoint.query) for _, endpoint in api.sent if endpoint.path == LIST]


def test_a_few_reads_of_a_list_tell_of_many_waits(api, watcher):
    names = things(api, 100, every=0.5, after=60.0)
    assert run(api, watcher, lambda: everything(watcher, names, roll=roll())) == [ENDED] * 100
    looks = len(api.asked("/v1/things/"))
    assert 100 <= looks < 115, "one to confirm each end, and few besides"
    assert len(pages(api)) < 60


def test_every_end_is_noticed_in_time(api, watcher):
    names = things(api, 100, every=0.5, after=60.0)

    async def late(wait, name):
        await wait
        return api.loop.time() - api.ends[name]

    async def work():
        given = waits(watcher, *names, roll=roll())
        return await asyncio.gather(*map(late, given, names))

    assert max(run(api, watcher, work)) < 11.0


def test_every_page_is_a_read_of_the_budget(api):
    watcher = Watcher(api, Experience(), 60)
    names = things(api, 500, every=0.0, after=300.0)
    run(api, watcher, lambda: everything(watcher, names, roll=roll(page_size=50)))
    moments = [moment for moment, _ in api.sent]
    for first in moments[::50]:
        assert sum(1 for one in moments if 0 <= one - first < 60) <= 60 + 7


@pytest.mark.parametrize("failure", [LOST, bad(500), bad(429, retry_after="2"), good({"rows": []})])
def test_a_list_that_cannot_be_read_for_the_moment_is_read_later(api, watcher, failure):
    names = things(api, 20, every=0.0, after=30.0)
    api.answers[LIST] = lambda endpoint: failure if len(api.asked(LIST)) % 2 else api.page(endpoint)
    assert run(api, watcher, lambda: everything(watcher, names, roll=roll())) == [ENDED] * 20
    assert len(pages(api)) > 2


def test_a_rate_limit_of_a_list_makes_the_whole_watcher_wait(api, watcher):
    names = things(api, 20, every=0.0, after=30.0)
    api.answers[LIST] = lambda endpoint: (
        bad(429, retry_after="45") if len(pages(api)) == 1 else api.page(endpoint)
    )
    run(api, watcher, lambda: everything(watcher, names, roll=roll()))
    refused = api.asked(LIST)[0] + api.takes
    assert [one for one in api.asked() if refused + 0.01 < one < refused + 45.0] == []


def test_a_list_that_is_refused_for_good_leaves_the_looks_and_a_warning(api, watcher, caplog):
    caplog.set_level(logging.INFO)
    names = things(api, 20, every=0.0, after=30.0)
    api.answers[LIST] = lambda endpoint: bad(403, "FORBIDDEN_SCOPE")
    assert run(api, watcher, lambda: everything(watcher, names, roll=roll())) == [ENDED] * 20
    assert len(pages(api)) == 1
    (told,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "403 FORBIDDEN_SCOPE" in told.message


def test_a_filter_that_is_refused_is_left_out(api, watcher):
    names = things(api, 20, every=0.0, after=30.0)
    api.answers[LIST] = lambda endpoint: (
        bad(422, "VALIDATION") if ("status", "running") in endpoint.query else api.page(endpoint)
    )
    assert run(api, watcher, lambda: everything(watcher, names, roll=roll())) == [ENDED] * 20
    assert ["status" in page for page in pages(api)] == [True] + [False] * (len(pages(api)) - 1)


def test_an_unfiltered_list_tells_of_the_ended_too(api, watcher):
    names = things(api, 20, every=1.0, after=5.0)
    api.answers[LIST] = lambda endpoint: good(
        {"items": [{"id": name, "status": api.status(name)} for name in names]}
    )
    assert run(api, watcher, lambda: everything(watcher, names, roll=roll())) == [ENDED] * 20
    assert len(api.asked("/v1/things/")) < 30


def test_nobody_is_harmed_when_somebody_leaves_during_a_sweep(api, watcher):
    names = things(api, 20, every=0.0, after=30.0)
    api.takes = 2.0
    under_way = asyncio.Event()
    api.seen = lambda: under_way.set() if pages(api) else None

    async def work():
        given = waits(watcher, *names, roll=roll())
        await under_way.wait()
        for one in given[::2]:
            one.cancel()
        return await asyncio.gather(*given, return_exceptions=True)

    results = run(api, watcher, work)
    assert results[1::2] == [ENDED] * 10
    assert {type(one) for one in results[::2]} == {asyncio.CancelledError}
    assert len(watcher._agenda) == 0


def test_a_thousand_waits_take_little_more_than_a_read_each(api, watcher):
    names = things(api, 1000, every=0.01, after=20.0)
    assert run(api, watcher, lambda: everything(watcher, names, roll=roll())) == [ENDED] * 1000
    assert len(api.sent) < 1300
