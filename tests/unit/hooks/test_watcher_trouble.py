"""What a watcher makes of bugs, of lists that tell nothing and of an API that wants to be left alone."""

from __future__ import annotations

import asyncio

import pytest

from airflow_provider_layers.api.cadence import Experience
from airflow_provider_layers.api.waiting import watch_job
from airflow_provider_layers.exceptions import LayersTimeoutError
from airflow_provider_layers.hooks.watcher import Watcher
from tests.unit.driving import bad, good
from tests.unit.hours import everything, run, things, waits
from tests.unit.watches import ENDED, RUNNING, roll, watch

LIST = roll().path


def bug(*given):
    raise KeyError("bug")


@pytest.mark.parametrize("answer", [bug, lambda endpoint: good({"items": ["row"]})], ids=["bug", "no row"])
def test_a_list_that_cannot_be_read_keeps_nobody_who_came_meanwhile(api, watcher, answer):
    names = things(api, 20, every=0.0, after=30.0)
    api.answers[LIST] = answer
    deadline = api.loop.time() + 100.0

    async def work():
        first = everything(watcher, names[:10], roll=roll(), deadline=deadline)
        api.takes, under_way = 1.0, asyncio.Event()
        api.seen = lambda: under_way.set() if api.asked(LIST) else None
        await under_way.wait()
        rest = everything(watcher, names[10:], roll=roll(), deadline=deadline)
        return await asyncio.wait_for(asyncio.gather(first, rest), 200.0)

    first, rest = run(api, watcher, work)
    assert first + rest == [ENDED] * 20


@pytest.mark.parametrize(
    "failure", [bad(500), good({"rows": []}), good({"items": [], "nextCursor": "again"})], ids=str
)
def test_a_list_that_is_never_readable_does_not_put_the_ends_off(api, watcher, failure):
    names = things(api, 20, every=0.0, after=30.0)
    api.answers[LIST] = lambda endpoint: failure
    deadline = api.loop.time() + 900.0

    async def work():
        seen = await everything(watcher, names, roll=roll(), deadline=deadline)
        return seen, api.loop.time()

    seen, ended_at = run(api, watcher, work)
    assert seen == [ENDED] * 20
    assert ended_at < deadline - 700.0


def test_an_end_is_noticed_though_its_row_stays_under_way(api, watcher):
    names = things(api, 20, every=0.0, after=30.0)
    api.answers[LIST] = lambda endpoint: good({"items": [{"id": name} | RUNNING for name in names]})
    deadline = api.loop.time() + 3600.0

    async def work():
        seen = await everything(watcher, names, roll=roll(), deadline=deadline)
        return seen, api.loop.time()

    seen, ended_at = run(api, watcher, work)
    assert seen == [ENDED] * 20
    assert ended_at < deadline - 1700.0


def test_a_watcher_that_failed_answers_those_who_come_later(api, watcher):
    (name,) = things(api, 1, after=10.0)
    take, broken = watcher._agenda.take, [True]

    def once(now):
        return bug() if broken and broken.pop() else take(now)

    watcher._agenda.take = once

    async def work():
        first = await everything(watcher, [name])
        return first, await asyncio.wait_for(everything(watcher, [name]), 100.0)

    (failed,), later = run(api, watcher, work)
    assert isinstance(failed, KeyError)
    assert later == [ENDED]


def test_a_wait_that_cannot_even_be_planned_fails_alone(api, watcher):
    (name,) = things(api, 1, after=10.0)

    async def work():
        given = waits(watcher, name, roll=roll()) + waits(watcher, name, roll=roll(), deadline="soon")
        return await asyncio.gather(*given, return_exceptions=True)

    seen, failed = run(api, watcher, work)
    assert (seen, type(failed)) == (ENDED, TypeError)
    assert (len(watcher._agenda), watcher._agenda._groups, watcher._answers) == (0, {}, {})


@pytest.mark.parametrize(
    "hint",
    [
        {"etaSeconds": "30"},
        {"etaSeconds": {"p50": 30}},
        {"progress": "40%"},
        {"progress": {"done": 1}},
        {"startedAt": 17},
        {"finishedAt": {"at": "noon"}},
    ],
    ids=str,
)
def test_a_hint_of_another_shape_does_not_end_a_wait(api, watcher, hint):
    ends_at = api.loop.time() + 100.0

    def answer(endpoint):
        status = "running" if api.loop.time() < ends_at else "completed"
        return good({"jobId": "job_1", "kind": "content_generate", "status": status} | hint)

    api.answers["/v1/jobs/job_1"] = answer
    job = watch_job(
        "job_1",
        deadline=1e6,
        longest=10.0,
        kind="content_generate",
        started_at="1970-01-01T00:16:00Z",
        clock=api.loop.time,
    )
    assert run(api, watcher, lambda: watcher.wait(job)).status == "completed"


def asked_for_rest(api, seconds):
    """Let the first thing be refused, with so many seconds to wait."""
    api.answers["/v1/things/thing0"] = lambda endpoint: (
        bad(429, retry_after=str(seconds)) if len(api.asked("thing0")) == 1 else good(RUNNING)
    )


async def leaving(watcher, work):
    """Do something after the first thing was refused, and wait for that no longer."""
    (first,) = waits(watcher, "thing0")
    await asyncio.sleep(3.0)
    result = await work()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    return result


def test_while_the_api_is_left_alone_not_even_the_tier_is_asked_for(api):
    watcher = Watcher(api, Experience(), None)
    names = things(api, 300, every=0.0, after=200.0)
    asked_for_rest(api, 120)
    api.answers["/v1/whoami"] = lambda endpoint: good({"rateLimitTier": "partner"})

    def rest():
        return everything(watcher, names[1:])

    assert run(api, watcher, lambda: leaving(watcher, rest)) == [ENDED] * 299
    refused = api.asked("thing0")[0] + api.takes
    later = [one for one in api.asked() if one > refused]
    assert min(later) >= refused + 120.0
    assert min(api.asked("whoami")) in later


def test_a_deadline_that_passes_while_the_api_is_left_alone_ends_the_wait_without_a_look(api, watcher):
    things(api, 2, every=0.0, after=1e6)
    asked_for_rest(api, 3600)
    deadline = api.loop.time() + 30.0

    async def expire(deadline):
        with pytest.raises(LayersTimeoutError, match="thing1 was never seen at the deadline"):
            await watcher.wait(watch("thing1", deadline=deadline))
        return api.loop.time() - deadline

    async def both():
        return await asyncio.gather(expire(deadline), expire(deadline + 60.0))

    late = run(api, watcher, lambda: leaving(watcher, both))
    assert 0 <= min(late) <= max(late) < 1.0
    assert api.asked("thing1") == []


def test_whoever_waits_longer_than_the_api_is_left_alone_gets_the_answer(api, watcher):
    names = things(api, 5, every=0.0, after=100.0)
    asked_for_rest(api, 600)
    deadline = api.loop.time() + 700.0

    def rest():
        return everything(watcher, names[1:], deadline=deadline)

    assert run(api, watcher, lambda: leaving(watcher, rest)) == [ENDED] * 4
