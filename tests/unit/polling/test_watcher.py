"""One watcher for many waits: results, errors, rate limits, lists, and who leaves."""

from __future__ import annotations

import asyncio
import logging
from contextvars import ContextVar
from dataclasses import replace

import pytest

from airflow_provider_layers.exceptions import (
    LayersAuthenticationError,
    LayersNotFoundError,
    LayersTimeoutError,
)
from airflow_provider_layers.polling.intervals import DurationHistory
from airflow_provider_layers.polling.rate_limits import polling_limit
from airflow_provider_layers.polling.scheduler import OUTAGE_SECONDS
from airflow_provider_layers.polling.watcher import MAX_CONCURRENT_READS, Watcher
from tests.unit.polling.things import FINISHED, RUNNING, source, target
from tests.unit.polling.virtual_time import run, wait_for_all, waits
from tests.unit.scripted import LOST, error, ok

LIST = source().path


def limited(api, poll_budget_rpm=None):
    return Watcher(api.client(), DurationHistory(), poll_budget_rpm)


def bug(*_):
    raise KeyError("bug")


# Results


def test_each_wait_gets_the_result_of_its_own_target(api, watcher):
    names = api.things(30)
    for name in names:
        api.replies[f"/v1/things/{name}"] = lambda _, name=name: ok(
            {"status": api.status(name), "etag": name}
        )
    results = run(api, watcher, lambda: wait_for_all(watcher, names))
    assert [result["etag"] for result in results] == names


@pytest.mark.parametrize("fields", [{}, {"list_source": source()}], ids=["alone", "in a list"])
def test_an_end_is_detected_within_the_longest_pause(api, watcher, fields):
    names = api.things(30, every=7.0)

    async def lateness(wait, name):
        await wait
        return api.loop.time() - api.ends[name]

    async def work():
        return await asyncio.gather(*map(lateness, waits(watcher, *names, **fields), names))

    late = run(api, watcher, work)
    assert min(late) > 0
    assert max(late) < 11.0


def test_an_unchanged_target_is_requested_by_its_etag(api, watcher):
    (name,) = api.things(1, after=20.0)

    def reply(request):
        if request.headers.get("if-none-match") and api.status(name) == "running":
            return ok(status=304)
        return ok({"status": api.status(name), "etag": '"1"'})

    api.replies["/v1/things/thing0"] = reply
    assert run(api, watcher, lambda: watcher.wait(target(name)))["status"] == "completed"
    etags = [request.headers.get("if-none-match") for _, request in api.requests]
    assert etags == [None] + ['"1"'] * (len(etags) - 1)


def test_all_waits_share_one_task_that_starts_with_the_first(api, watcher):
    names = api.things(20, every=0.0, after=30.0)

    async def work():
        assert watcher._runner is None
        pending = waits(watcher, *names)
        await asyncio.sleep(5.0)
        runner = watcher._runner
        tasks = asyncio.all_tasks() - {asyncio.current_task(), *pending}
        assert {task for task in tasks if "Watcher._run" in repr(task)} == {runner}
        await asyncio.gather(*pending)
        await asyncio.gather(*waits(watcher, *names))
        assert watcher._runner is runner

    run(api, watcher, work)


def test_it_sleeps_until_there_is_something_to_do(api, watcher):
    api.things(1, after=3600.0)
    turns = 0
    select = api.loop._virtual.select

    def count(timeout=None):
        nonlocal turns
        turns += 1
        return select(timeout)

    api.loop._virtual.select = count
    run(api, watcher, lambda: watcher.wait(target("thing0")))
    assert turns < 15 * len(api.requests)


def test_at_most_so_many_requests_are_in_flight(api, watcher):
    api.takes = 3.0
    names = api.things(100, every=0.0)
    assert run(api, watcher, lambda: wait_for_all(watcher, names)) == [FINISHED] * 100
    assert api.most_in_flight == MAX_CONCURRENT_READS


def test_it_runs_in_no_trigger_s_context(api, watcher):
    """Airflow logs into the file of the trigger that a context belongs to."""
    variable = ContextVar("variable", default=None)
    seen = []
    api.on_request = lambda: seen.append(variable.get())
    names = api.things(5)

    async def work():
        variable.set("the first trigger")
        await asyncio.gather(*waits(watcher, *names, list_source=source()))

    run(api, watcher, work)
    assert set(seen) == {None}


# Errors


@pytest.mark.parametrize("failure", [LOST, error(500), error(429), ok("<html>")], ids=repr)
def test_transient_errors_are_survived(api, watcher, failure):
    (name,) = api.things(1, after=60.0)
    every_other = iter([failure, None] * 100)
    api.replies["/v1/things/thing0"] = lambda _: next(every_other) or ok({"status": api.status(name)})
    assert run(api, watcher, lambda: watcher.wait(target(name))) == FINISHED


@pytest.mark.parametrize(
    ("reply", "kind"), [(error(401), LayersAuthenticationError), (error(404), LayersNotFoundError)]
)
def test_a_permanent_error_ends_only_its_own_wait(api, watcher, reply, kind):
    names = api.things(2, after=40.0)
    api.replies["/v1/things/thing1"] = lambda _: reply
    result, failed = run(api, watcher, lambda: wait_for_all(watcher, names))
    assert (result, type(failed)) == (FINISHED, kind)


def test_a_deadline_ends_a_wait_with_its_last_state(api, watcher):
    (name,) = api.things(1, after=1e6)
    deadline = api.loop.time() + 100.0

    async def work():
        with pytest.raises(LayersTimeoutError, match="thing0 was running at the deadline"):
            await watcher.wait(target(name, deadline=deadline))
        return api.loop.time() - deadline

    assert 0 <= run(api, watcher, work) < 1.0


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"poll": bug}, KeyError),
        ({"observe": bug}, KeyError),
        ({"timeout_error": bug, "deadline": 1005.0}, KeyError),
        ({"deadline": "soon", "list_source": source()}, TypeError),
    ],
    ids=["poll", "observe", "timeout_error", "deadline"],
)
def test_a_bug_in_one_target_fails_only_its_own_wait(api, watcher, fields, kind):
    names = api.things(3, after=20.0)

    async def work():
        pending = waits(watcher, *names) + waits(watcher, "thing0", **fields)
        return await asyncio.gather(*pending, return_exceptions=True)

    *results, failed = run(api, watcher, work)
    assert (results, type(failed)) == ([FINISHED] * 3, kind)
    assert (len(watcher._scheduler), watcher._futures) == (0, {})


def test_a_crash_of_the_watcher_fails_all_its_waits_and_none_that_come_later(api, watcher):
    (name,) = api.things(1, after=10.0)

    async def work():
        first = waits(watcher, name, "thing1")
        await asyncio.sleep(3.0)
        # Corrupt its state, which its own task meets next.
        watcher._scheduler._groups[source()] = None
        watcher._wake()
        failed = await asyncio.wait_for(asyncio.gather(*first, return_exceptions=True), 100.0)
        del watcher._scheduler._groups[source()]
        return failed, await asyncio.wait_for(wait_for_all(watcher, [name]), 100.0)

    api.ends["thing1"] = 1e6
    failed, later = run(api, watcher, work)
    assert [isinstance(one, Exception) for one in failed] == [True, True]
    assert later == [FINISHED]


class Crash(BaseException):
    """What no handler of a request catches."""


def test_a_crash_of_a_request_fails_all_waits_instead_of_leaving_them(api, watcher):
    names = api.things(3, after=1e6)

    def crash(page):
        raise Crash

    async def work():
        shared = replace(source(), read_rows=crash)
        first = waits(watcher, *names, list_source=shared)
        return await asyncio.wait_for(asyncio.gather(*first, return_exceptions=True), 100.0)

    assert [type(result) for result in run(api, watcher, work)] == [Crash] * 3


# Leaving


@pytest.mark.parametrize("after", [0.0, 0.01, 1.0, 2.03, 5.0])
@pytest.mark.parametrize("who", [0, 1, 2])
def test_a_wait_that_is_canceled_disturbs_no_other(api, watcher, who, after):
    names = api.things(3, every=0.0, after=8.0)

    async def work():
        pending = waits(watcher, *names)
        await asyncio.sleep(after)
        pending[who].cancel()
        return await asyncio.gather(*pending, return_exceptions=True)

    results = run(api, watcher, work)
    assert isinstance(results.pop(who), asyncio.CancelledError)
    assert results == [FINISHED] * 2
    assert (len(watcher._scheduler), watcher._futures) == (0, {})


@pytest.mark.parametrize("fields", [{}, {"list_source": source()}], ids=["alone", "in a list"])
def test_a_wait_that_is_canceled_while_it_is_polled_is_not_polled_again(api, watcher, fields, caplog):
    api.takes = 2.0
    leaving, staying = api.things(2, every=0.0, after=3600.0)

    async def work():
        # Apart, so that each is polled on its own first.
        (first,) = waits(watcher, leaving, **fields)
        await api.reached(leaving)
        (second,) = waits(watcher, staying, **fields)
        first.cancel()
        return await asyncio.gather(first, second, return_exceptions=True)

    canceled, result = run(api, watcher, work)
    assert isinstance(canceled, asyncio.CancelledError)
    assert result == FINISHED
    assert len(api.moments(leaving)) == 1
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("after", [0.0, 0.5, 2.02, 60.0])
def test_a_watcher_that_is_closed_leaves_nothing_running(api, watcher, after, recwarn):
    names = api.things(40, after=1e6)
    api.takes = 1.0

    async def work():
        pending = waits(watcher, *names, list_source=source()) + waits(watcher, *names)
        await asyncio.sleep(after)
        await watcher.close()
        assert asyncio.all_tasks() - {asyncio.current_task()} == set(pending)
        for wait in pending:
            wait.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    run(api, watcher, work)
    assert [str(warning.message) for warning in recwarn] == []


def test_a_watcher_that_never_started_can_be_closed(api, watcher):
    run(api, watcher, lambda: asyncio.sleep(0))
    assert api.requests == []


# Rate limits


@pytest.mark.parametrize("path", ["/v1/things/thing7", LIST], ids=["target", "list"])
def test_a_429_blocks_the_whole_watcher_for_retry_after(api, watcher, path):
    names = api.things(40, after=100.0)
    fields = {"list_source": source()} if path == LIST else {}
    refused = []

    def once(request):
        if not refused:
            refused.append(api.loop.time())
            return error(429, retry_after="60")
        return api.page(request) if path == LIST else ok(FINISHED)

    api.replies[path] = once
    assert run(api, watcher, lambda: wait_for_all(watcher, names, **fields)) == [FINISHED] * 40
    assert [moment for moment in api.moments() if refused[0] + 0.01 < moment < refused[0] + 60.0] == []
    assert [moment for moment in api.moments() if moment >= refused[0] + 60.0]


@pytest.mark.parametrize("fields", [{}, {"list_source": source(page_size=10)}], ids=["targets", "pages"])
def test_no_minute_has_more_requests_than_the_budget(api, fields):
    watcher = limited(api, 60)
    names = api.things(150, after=300.0, every=0.0)
    run(api, watcher, lambda: wait_for_all(watcher, names, **fields))
    assert api.moments("whoami") == [], "a budget is kept whatever the tier"
    moments = api.moments()
    for start in moments[::25]:
        assert sum(1 for moment in moments if 0 <= moment - start < 60) <= 60


def test_a_clock_that_is_set_back_lengthens_no_block(api, watcher):
    api.things(2, every=0.0, after=30.0)
    api.replies["/v1/things/thing0"] = lambda _: (
        error(429, retry_after="60") if len(api.moments("thing0")) == 1 else ok(FINISHED)
    )

    async def work():
        first = waits(watcher, "thing0")
        await asyncio.sleep(10.0)
        api.loop.clock.set_back = 7200.0
        second = waits(watcher, "thing1")
        return await asyncio.gather(*second), first[0].cancel()

    (result,), _ = run(api, watcher, work)
    assert result == FINISHED
    assert api.moments("thing1")[0] < 1100.0


def lateness_lines(caplog):
    return [record for record in caplog.records if "detected about" in record.message]


def test_lateness_is_logged_once(api, caplog):
    watcher = limited(api, 6)
    names = api.things(20, every=0.0, after=300.0)
    run(api, watcher, lambda: wait_for_all(watcher, names))
    (line,) = lateness_lines(caplog)
    assert line.levelno == logging.WARNING
    assert "20 waits share 6 reads a minute" in line.message
    assert "poll_budget_rpm" in line.message


@pytest.mark.parametrize("fields", [{}, {"list_source": source()}], ids=["targets", "list"])
def test_where_requests_suffice_nothing_is_logged(api, watcher, caplog, fields):
    caplog.set_level(logging.INFO)
    names = api.things(20, every=0.0, after=300.0)
    run(api, watcher, lambda: wait_for_all(watcher, names, **fields))
    assert [record.message for record in caplog.records if "polling" in record.name] == []


def test_the_tier_is_not_read_while_the_smallest_suffices(api):
    watcher = limited(api)
    (name,) = api.things(1, after=60.0)
    run(api, watcher, lambda: watcher.wait(target(name)))
    assert api.moments("whoami") == []
    assert watcher._bucket.limit == polling_limit("standard")


@pytest.mark.parametrize("tier", ["standard", "pilot", "partner", "a new one"])
def test_the_tier_is_read_once_when_it_does_not_and_is_used(api, tier):
    watcher = limited(api)
    api.replies["/v1/whoami"] = lambda _: ok({"rateLimitTier": tier})
    names = api.things(120, every=0.0, after=30.0)
    run(api, watcher, lambda: wait_for_all(watcher, names))
    assert len(api.moments("whoami")) == 1
    assert watcher._bucket.limit == polling_limit(tier)
    assert (len(api.moments()) > 500) is (tier in ("pilot", "partner"))


@pytest.mark.parametrize(
    "failure", [LOST, error(401), ok("<html>"), RuntimeError("the client has been closed")], ids=repr
)
def test_a_tier_that_cannot_be_read_is_tried_again_later_and_ends_no_wait(api, failure):
    watcher = limited(api)
    replies = [failure, ok({"rateLimitTier": "pilot"})]
    api.replies["/v1/whoami"] = lambda _: replies.pop(0)
    names = api.things(200, every=0.0, after=30.0)
    assert run(api, watcher, lambda: wait_for_all(watcher, names)) == [FINISHED] * 200
    first, second = api.moments("whoami")
    assert OUTAGE_SECONDS <= second - first < OUTAGE_SECONDS + 10.0


async def while_blocked(watcher, work):
    """Do something after the first thing was refused, and wait for that no longer."""
    (first,) = waits(watcher, "thing0")
    await asyncio.sleep(3.0)
    result = await work()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    return result


def refuse_first(api, retry_after):
    api.replies["/v1/things/thing0"] = lambda _: (
        error(429, retry_after=str(retry_after)) if len(api.moments("thing0")) == 1 else ok(RUNNING)
    )


def test_while_it_is_blocked_not_even_the_tier_is_read(api):
    watcher = limited(api)
    names = api.things(120, every=0.0, after=150.0)
    refuse_first(api, 120)
    api.replies["/v1/whoami"] = lambda _: ok({"rateLimitTier": "partner"})

    def rest():
        return wait_for_all(watcher, names[1:])

    assert run(api, watcher, lambda: while_blocked(watcher, rest)) == [FINISHED] * 119
    refused_at = api.moments("thing0")[0] + api.takes
    assert min(api.moments("whoami")) >= refused_at + 120.0
    assert sorted(api.moments())[1] >= refused_at + 120.0


def test_a_deadline_that_passes_while_it_is_blocked_ends_the_wait_on_time(api, watcher):
    api.things(2, every=0.0, after=1e6)
    refuse_first(api, 3600)
    deadline = api.loop.time() + 30.0

    async def expire(deadline):
        with pytest.raises(LayersTimeoutError, match="thing1 was never read at the deadline"):
            await watcher.wait(target("thing1", deadline=deadline))
        return api.loop.time() - deadline

    async def both():
        return await asyncio.gather(expire(deadline), expire(deadline + 60.0))

    late = run(api, watcher, lambda: while_blocked(watcher, both))
    assert 0 <= min(late) <= max(late) < 1.0
    assert api.moments("thing1") == []


def test_a_request_in_flight_counts_although_the_deadline_passes_while_it_is_blocked(api, watcher):
    """The response of the slow request is the end, and must not be discarded for a timeout."""
    api.things(2, every=0.0, after=1e6)
    api.replies["/v1/things/thing1"] = lambda _: ok(FINISHED)
    deadline = api.loop.time() + 12.0

    async def work():
        api.takes = 20.0
        (slow,) = waits(watcher, "thing1", deadline=deadline)
        await api.reached("thing1")
        api.takes = 0.05
        refuse_first(api, 3600)
        (refused,) = waits(watcher, "thing0")
        result = await slow
        refused.cancel()
        await asyncio.gather(refused, return_exceptions=True)
        return result

    assert run(api, watcher, work) == FINISHED
    assert api.loop.time() > deadline


def test_a_wait_that_outlasts_the_block_gets_its_result(api, watcher):
    names = api.things(5, every=0.0, after=100.0)
    refuse_first(api, 600)
    deadline = api.loop.time() + 700.0

    def rest():
        return wait_for_all(watcher, names[1:], deadline=deadline)

    assert run(api, watcher, lambda: while_blocked(watcher, rest)) == [FINISHED] * 4


# Lists


def test_a_thousand_waits_take_little_more_than_a_request_each(api, watcher):
    names = api.things(1000, every=0.01, after=20.0)
    results = run(api, watcher, lambda: wait_for_all(watcher, names, list_source=source()))
    assert results == [FINISHED] * 1000
    assert 1000 <= len(api.moments("/v1/things/")) < 1150, "one to confirm each end, and few besides"
    assert len(api.requests) < 1300


@pytest.mark.parametrize(
    ("sought", "pages"),
    [(range(150, 160), 2), ([0, "gone"], 3), ([0], 1)],
    ids=["second page", "gone", "first"],
)
def test_a_list_is_read_as_far_as_there_are_rows_to_find(api, watcher, sought, pages):
    """The project has more unfinished things than those that are waited for."""
    api.things(250, every=0.0, after=1e6)
    paged = source(page_size=100)
    names = [f"thing{number}" for number in sought]

    async def work():
        # Others that are found on the first page, so that the list is worth reading.
        pending = waits(watcher, *names, *(f"thing{number}" for number in range(1, 10)), list_source=paged)
        await api.reached(LIST)
        await asyncio.sleep(1.0)
        for wait in pending:
            wait.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    run(api, watcher, work)
    cursors = [query.get("cursor") for query in api.queries(LIST)]
    assert cursors == [None, "100", "200"][:pages]
    assert api.queries(LIST)[0] == {"status": "running", "limit": "100"}


def test_a_list_is_read_from_the_oldest_row_that_is_waited_for(api, watcher):
    names = api.things(3, every=0.0, after=30.0)
    run(api, watcher, lambda: wait_for_all(watcher, names, list_source=source(), listed_since=700.0))
    assert {query["since"] for query in api.queries(LIST)} == {"700.0"}


def test_an_unfiltered_list_is_not_read_from_the_beginning_of_a_project(api, watcher, caplog):
    names = api.things(20, every=0.0, after=30.0)
    unfiltered = replace(source(), filtered=False)
    results = run(api, watcher, lambda: wait_for_all(watcher, names, list_source=unfiltered))
    assert (results, api.moments(LIST)) == ([FINISHED] * 20, [])
    assert "would have to be read from its beginning" in caplog.text


def test_the_next_page_waits_while_the_watcher_is_blocked(api, watcher):
    names = api.things(30, every=0.0, after=300.0)
    paged = source(page_size=10)
    api.replies[LIST] = api.page

    async def work():
        pending = waits(watcher, *names, list_source=paged)
        api.on_request = lambda: (
            watcher._bucket.refused(45.0, now=api.loop.time()) if len(api.moments(LIST)) == 1 else None
        )
        await asyncio.gather(*pending)

    run(api, watcher, work)
    first, second, *_ = api.moments(LIST)
    assert second - first >= 45.0


@pytest.mark.parametrize(
    "failure", [LOST, error(500), error(429, retry_after="2"), ok({"rows": []})], ids=repr
)
def test_a_list_that_fails_for_the_moment_is_read_later(api, watcher, failure):
    names = api.things(20, every=0.0, after=30.0)
    api.replies[LIST] = lambda request: failure if len(api.moments(LIST)) % 2 else api.page(request)
    results = run(api, watcher, lambda: wait_for_all(watcher, names, list_source=source()))
    assert results == [FINISHED] * 20
    assert len(api.moments(LIST)) > 2


def cycle(request):
    cursors = {None: "a", "a": "b", "b": "c", "c": "a"}
    return ok({"items": [], "nextCursor": cursors[request.url.params.get("cursor")]})


@pytest.mark.parametrize(
    "reply",
    [lambda _: error(500), lambda _: ok({"rows": []}), cycle, bug, lambda _: ok({"items": ["row"]})],
    ids=["500", "no items", "cycle", "bug", "items of no shape"],
)
def test_a_list_that_is_never_readable_does_not_delay_the_ends(api, watcher, reply):
    names = api.things(20, every=0.0, after=30.0)
    api.replies[LIST] = reply
    deadline = api.loop.time() + 900.0

    async def work():
        first = wait_for_all(watcher, names[:10], list_source=source(), deadline=deadline)
        await api.reached(LIST)
        # These join while the list is read.
        rest = wait_for_all(watcher, names[10:], list_source=source(), deadline=deadline)
        return await first + await rest, api.loop.time()

    results, ended_at = run(api, watcher, work)
    assert results == [FINISHED] * 20
    assert ended_at < deadline - 750.0


def test_a_list_that_leads_in_a_circle_is_abandoned_where_it_repeats(api, watcher):
    names = api.things(100, every=0.0, after=30.0)
    api.replies[LIST] = cycle
    assert run(api, watcher, lambda: wait_for_all(watcher, names, list_source=source())) == [FINISHED] * 100
    cursors = [query.get("cursor", "") for query in api.queries(LIST)]
    assert set("".join(cursor or " " for cursor in cursors).split()) == {"abc"}


def test_a_list_without_end_is_read_no_further_than_polling_each_would_cost(api, watcher):
    names = api.things(20, every=0.0, after=30.0)
    api.replies[LIST] = lambda _: ok({"items": [], "nextCursor": str(len(api.requests))})
    results = run(api, watcher, lambda: wait_for_all(watcher, names, list_source=source()))
    assert results == [FINISHED] * 20
    assert len(api.moments(LIST)) == 20


def test_a_permanent_error_of_a_list_is_logged_and_leaves_single_polls(api, watcher, caplog):
    names = api.things(20, every=0.0, after=30.0)
    api.replies[LIST] = lambda _: error(403, "FORBIDDEN_SCOPE")
    results = run(api, watcher, lambda: wait_for_all(watcher, names, list_source=source()))
    assert results == [FINISHED] * 20
    assert len(api.moments(LIST)) == 1
    (line,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "403 FORBIDDEN_SCOPE" in line.message


def test_a_filter_that_is_refused_is_left_out(api, watcher):
    names = api.things(20, every=0.0, after=30.0)
    api.replies[LIST] = lambda request: (
        error(422, "VALIDATION") if "status" in request.url.params else api.page(request)
    )
    fields = {"list_source": source(), "listed_since": 0.0}
    assert run(api, watcher, lambda: wait_for_all(watcher, names, **fields)) == [FINISHED] * 20
    queries = api.queries(LIST)
    assert ["status" in query for query in queries] == [True] + [False] * (len(queries) - 1)


def test_waits_that_are_canceled_while_their_list_is_read_disturb_no_other(api, watcher):
    names = api.things(20, every=0.0, after=30.0)
    api.takes = 2.0

    async def work():
        pending = waits(watcher, *names, list_source=source())
        await api.reached(LIST)
        for wait in pending[::2]:
            wait.cancel()
        return await asyncio.gather(*pending, return_exceptions=True)

    results = run(api, watcher, work)
    assert results[1::2] == [FINISHED] * 10
    assert {type(result) for result in results[::2]} == {asyncio.CancelledError}
    assert len(watcher._scheduler) == 0
