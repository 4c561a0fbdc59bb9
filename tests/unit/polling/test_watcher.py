"""One watcher for many waits."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar

import pytest

from airflow_provider_layers.exceptions import (
    LayersAuthenticationError,
    LayersNotFoundError,
    LayersTimeoutError,
)
from airflow_provider_layers.hooks.watcher import AT_ONCE
from tests.unit.driving import LOST, bad, good
from tests.unit.hours import everything, run, things, waits
from tests.unit.watches import roll, watch

ENDED = {"status": "completed"}


def test_everyone_gets_the_answer_to_what_they_wait_for(api, watcher):
    names = things(api, 30)
    api.answers = {
        f"/v1/things/{name}": lambda endpoint, name=name: good({"status": api.status(name), "etag": name})
        for name in names
    }

    assert [seen["etag"] for seen in run(api, watcher, lambda: everything(watcher, names))] == names


def test_an_end_is_noticed_within_the_longest_pause(api, watcher):
    names = things(api, 30, every=7.0)

    async def work():
        async def late(name):
            await watcher.wait(watch(name))
            return api.loop.time() - api.ends[name]

        return await asyncio.gather(*map(late, names))

    late = run(api, watcher, work)
    assert min(late) > 0
    assert max(late) < 11.0


def test_all_waits_share_one_runner_that_begins_with_the_first(api, watcher):
    names = things(api, 20, every=0.0, after=30.0)

    async def work():
        assert watcher._runner is None, "and costs nothing before"
        given = waits(watcher, *names)
        await asyncio.sleep(5.0)
        runner = watcher._runner
        tasks = asyncio.all_tasks() - {asyncio.current_task(), *given}
        assert {task for task in tasks if "Watcher._run" in repr(task)} == {runner}
        await asyncio.gather(*given)
        await asyncio.gather(*waits(watcher, *names))
        assert watcher._runner is runner

    run(api, watcher, work)


def test_a_watcher_rests_until_there_is_something_to_do(api, watcher):
    turns = []
    begin_due = watcher._begin_due
    watcher._begin_due = lambda: turns.append(None) or begin_due()
    names = things(api, 3, every=0.0, after=20.0)
    run(api, watcher, lambda: everything(watcher, names))
    assert len(turns) < 3 * len(api.sent) + 10


@pytest.mark.parametrize("after", [0.0, 0.01, 1.0, 2.03, 5.0])
@pytest.mark.parametrize("who", [0, 1, 2])
def test_nobody_is_harmed_when_somebody_leaves(api, watcher, who, after):
    names = things(api, 3, every=0.0, after=8.0)

    async def work():
        given = waits(watcher, *names)
        await asyncio.sleep(after)
        given[who].cancel()
        return await asyncio.gather(*given, return_exceptions=True)

    results = run(api, watcher, work)
    assert isinstance(results.pop(who), asyncio.CancelledError)
    assert results == [ENDED] * 2
    assert len(watcher._agenda) == 0
    assert watcher._answers == {}


def test_what_nobody_waits_for_any_more_is_not_asked_for(api, watcher):
    things(api, 1, after=1e6)

    async def work():
        (only,) = waits(watcher, "thing0")
        await asyncio.sleep(5.0)
        only.cancel()
        asked = len(api.sent)
        await asyncio.sleep(3600.0)
        assert len(api.sent) == asked

    run(api, watcher, work)


@pytest.mark.parametrize("after", [0.0, 0.5, 2.02, 60.0])
def test_a_watcher_that_is_closed_leaves_nothing_under_way(api, watcher, after, recwarn):
    names = things(api, 40, after=1e6)
    api.takes = 1.0

    async def work():
        given = waits(watcher, *names, roll=roll()) + waits(watcher, *names)
        await asyncio.sleep(after)
        await watcher.close()
        assert asyncio.all_tasks() - {asyncio.current_task()} == set(given)
        for one in given:
            one.cancel()
        await asyncio.gather(*given, return_exceptions=True)

    run(api, watcher, work)
    assert [str(one.message) for one in recwarn] == []


def test_a_watcher_that_never_began_can_be_closed(api, watcher):
    run(api, watcher, lambda: asyncio.sleep(0))
    assert api.sent == []


@pytest.mark.parametrize("where", ["look", "sight"])
def test_a_bug_in_one_watch_fails_only_that_wait(api, watcher, where):
    names = things(api, 3)

    def bug(given):
        raise KeyError("bug")

    async def work():
        given = waits(watcher, *names)
        given += waits(watcher, "thing0", **{where: bug})
        return await asyncio.gather(*given, return_exceptions=True)

    *others, failed = run(api, watcher, work)
    assert others == [ENDED] * 3
    assert isinstance(failed, KeyError)


def test_a_bug_in_the_error_of_a_deadline_fails_only_that_wait(api, watcher):
    (name,) = things(api, 1, after=20.0)

    def bug(seen):
        raise KeyError("bug")

    async def work():
        given = waits(watcher, name) + waits(watcher, name, expired=bug, deadline=api.loop.time() + 5)
        return await asyncio.gather(*given, return_exceptions=True)

    seen, failed = run(api, watcher, work)
    assert (seen, type(failed)) == (ENDED, KeyError)


@pytest.mark.parametrize(
    ("answer", "kind"), [(bad(401), LayersAuthenticationError), (bad(404), LayersNotFoundError)]
)
def test_an_error_that_waiting_does_not_mend_ends_only_that_wait(api, watcher, answer, kind):
    names = things(api, 2, after=40.0)
    api.answers["/v1/things/thing1"] = lambda endpoint: answer

    seen, failed = run(api, watcher, lambda: everything(watcher, names))
    assert (seen, type(failed)) == (ENDED, kind)


@pytest.mark.parametrize("failure", [LOST, bad(500), bad(429), good("<html>")])
def test_failures_that_pass_are_outlived(api, watcher, failure):
    (name,) = things(api, 1, after=60.0)
    usual = iter([failure, None] * 100)

    def answer(endpoint):
        return next(usual) or good({"status": api.status(name)})

    api.answers["/v1/things/thing0"] = answer
    assert run(api, watcher, lambda: watcher.wait(watch(name))) == ENDED


def test_a_deadline_ends_the_wait_and_says_where_it_was(api, watcher):
    (name,) = things(api, 1, after=1e6)
    deadline = api.loop.time() + 100.0

    async def work():
        with pytest.raises(LayersTimeoutError, match="thing0 was running at the deadline"):
            await watcher.wait(watch(name, deadline=deadline))
        return api.loop.time() - deadline

    assert 0 <= run(api, watcher, work) < 1.0


def test_what_has_not_changed_is_asked_for_by_its_etag(api, watcher):
    (name,) = things(api, 1, after=20.0)

    def answer(endpoint):
        if endpoint.etag and api.status(name) == "running":
            return good(status=304)
        return good({"status": api.status(name), "etag": '"1"'})

    api.answers["/v1/things/thing0"] = answer
    assert run(api, watcher, lambda: watcher.wait(watch(name)))["status"] == "completed"
    assert [endpoint.etag for _, endpoint in api.sent] == [None] + ['"1"'] * (len(api.sent) - 1)


def test_at_most_so_many_reads_are_under_way(api, watcher):
    api.takes = 3.0
    names = things(api, 100, every=0.0)

    assert run(api, watcher, lambda: everything(watcher, names)) == [ENDED] * 100
    assert api.most_at_once == AT_ONCE


def test_the_watcher_works_in_nobodys_name(api, watcher):
    """Airflow logs into the file of whichever trigger a context belongs to."""
    variable = ContextVar("variable", default=None)
    seen = []
    api.seen = lambda: seen.append(variable.get())
    names = things(api, 5)

    async def work():
        variable.set("the first trigger")
        await asyncio.gather(*waits(watcher, *names, roll=roll()))

    run(api, watcher, work)
    assert set(seen) == {None}
