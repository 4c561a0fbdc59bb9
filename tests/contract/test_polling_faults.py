"""Many waits at once while the API refuses, fails, lies or is slow: none ends wrongly, none is forgotten."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from airflow_provider_layers.api.agenda import Agenda

LIST = "/v1/projects/*/content"


def statuses(events: list[dict[str, Any]]) -> Counter[str]:
    return Counter(event["status"] for event in events)


def second(request: Any, clock: Any) -> float:
    """Give when a request came, in pushed seconds."""
    return datetime.fromisoformat(request.at.replace("Z", "+00:00")).timestamp() - clock.start


FAULTS: dict[str, dict[str, Any]] = {
    "503": {"kind": "fail_before", "times": 4},
    "503 after": {"kind": "fail_after", "times": 4},
    "404": {"kind": "fail_before", "status": 404, "code": "NOT_FOUND", "times": None},
    "409": {"kind": "fail_before", "status": 409, "code": "CONFLICT", "times": None},
    "422": {"kind": "fail_before", "status": 422, "code": "VALIDATION", "times": None},
    "403": {"kind": "fail_before", "status": 403, "code": "FORBIDDEN_SCOPE", "times": None},
    "401 of the list only": {"kind": "fail_before", "status": 401, "code": "UNAUTHENTICATED"},
    "suspended for the list only": {"kind": "fail_before", "code": "KILL_SWITCH"},
    "hang": {"kind": "hang", "seconds": 1.5},
    "disconnect before": {"kind": "disconnect_before", "times": 4},
    "disconnect after": {"kind": "disconnect_after", "times": 4},
    "no JSON": {"kind": "garbage", "times": 4},
    "no items": {"kind": "garbage", "body": "{}", "times": 4},
    "items that are no list": {"kind": "garbage", "body": '{"items": {}}', "times": 4},
    "a page of a gateway": {"kind": "garbage", "status": 502, "times": 4},
    "slow": {"kind": "slow", "seconds": 0.2},
    "redirect": {"kind": "redirect", "times": 4},
    "wrong job": {"kind": "wrong_job", "times": None},
    "429": {"kind": "rate_limit", "times": 3},
    "unknown status": {"kind": "unknown_status", "times": None},
}


@pytest.mark.parametrize("skip", [0, 2], ids=["at once", "later"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_trouble_with_the_list_neither_ends_nor_falsifies_a_wait(
    fault: dict[str, Any], skip: int, crowd: Any, api: Any, connect: Any
) -> None:
    connect(timeout=1)
    api.fault(method="GET", path=LIST, skip=skip, **fault)
    jobs = crowd.start(5)
    events = crowd.wait([crowd.trigger(job) for job in jobs])
    assert statuses(events) == {"completed": 5}
    assert all(60 <= event["after"] <= 90 for event in events)


def test_a_key_that_may_not_list_content_waits_by_looking_at_jobs(crowd: Any, api: Any) -> None:
    jobs = crowd.start(12)
    api.configure(scopes=["jobs:read"])
    events = crowd.wait([crowd.trigger(job) for job in jobs])
    assert statuses(events) == {"completed": 12}
    assert [one.status for one in crowd.sweeps()] == [403], "asked once in a quarter of an hour"


def test_each_wait_tells_how_its_own_job_ended(crowd: Any, api: Any) -> None:
    api.outcome("failed", code="RENDER_FAILED", times=5)
    api.outcome("canceled", times=5)
    jobs = crowd.start(30)
    events = crowd.wait([crowd.trigger(job) for job in jobs])
    ended = {job.job_id: job.status for job in api.jobs()}
    assert {event["job_id"]: event["status"] for event in events} == ended
    assert statuses(events) == {"failed": 5, "canceled": 5, "completed": 20}


def test_jobs_that_stay_unknown_end_their_own_waits_only(crowd: Any) -> None:
    jobs = crowd.start(10)
    unknown = [f"job_01HX9Y6K7EJ4T2ABCDEF0123{n}" for n in range(3)]
    strangers = [crowd.trigger(jobs[0], job_id=one, container_ids=[f"cnt_{one}"]) for one in unknown]
    events = crowd.wait([*(crowd.trigger(job) for job in jobs), *strangers])
    assert statuses(events[:10]) == {"completed": 10}
    assert statuses(events[10:]) == {"error": 3}
    for event in events[10:]:
        assert "404 NOT_FOUND" in event["reason"]
        assert 15 <= event["after"] <= 40, "a grace for what is new"


def test_a_revoked_key_ends_all_waits_at_once(crowd: Any, api: Any, clock: Any) -> None:
    jobs = crowd.start(30)
    clock.on_sleep = lambda: api.configure(revoked=True) if clock.elapsed > 20 else None
    events = crowd.wait([crowd.trigger(job) for job in jobs])
    assert statuses(events) == {"error": 30}
    assert all("401" in event["reason"] for event in events)
    assert max(event["after"] for event in events) < 50


@pytest.mark.parametrize("path", [LIST, "/v1/jobs/*", "/v1/whoami"], ids=["list", "job", "whoami"])
@pytest.mark.parametrize("chance", [0.0, 0.9], ids=["all at once", "spread"])
def test_nothing_is_sent_until_a_rate_limit_is_over(
    path: str, chance: float, crowd: Any, api: Any, clock: Any, monkeypatch: Any
) -> None:
    monkeypatch.setitem(Agenda.__init__.__kwdefaults__, "chance", lambda: chance)
    api.fault("rate_limit", method="GET", path=path, retry_after=40, skip=0 if path == "/v1/whoami" else 1)
    jobs = crowd.start(60)
    direct = {"project_id": None} if path != LIST else {}
    events = crowd.wait([crowd.trigger(job, **direct) for job in jobs])
    assert statuses(events) == {"completed": 60}
    sent = api.requests(method="GET")
    refused = [second(one, clock) for one in sent if one.status == 429]
    assert len(refused) == 1
    assert [one for one in sent if refused[0] + 0.01 < second(one, clock) < refused[0] + 39.99] == []


@pytest.mark.parametrize("shared", [True, False], ids=["lists", "jobs"])
def test_the_standard_tier_is_not_overdrawn(shared: bool, crowd: Any, api: Any, clock: Any) -> None:
    api.configure(tier="standard")
    crowd = type(crowd)(api, crowd._airflow, clock)
    jobs = crowd.start(150, seconds=[60, 400])
    events = crowd.wait([crowd.trigger(job, **({} if shared else {"project_id": None})) for job in jobs])
    assert statuses(events) == {"completed": 150}
    sent = api.requests(method="GET")
    assert [one for one in sent if one.status == 429 and second(one, clock) > 60] == []
    lasted = {job.job_id: job.job_seconds for job in jobs}
    late = sorted(event["after"] - lasted[event["job_id"]] for event in events)
    assert late[int(0.95 * len(late))] < (15 if shared else 120)


def test_what_the_key_may_read_is_learned(crowd: Any, api: Any, clock: Any) -> None:
    jobs = crowd.start(50)
    crowd.wait([crowd.trigger(job, project_id=None) for job in jobs])
    assert len(api.requests(method="GET", path="/v1/whoami")) == 1
    busiest = Counter(int(second(one, clock) // 60) for one in api.requests(method="GET")).most_common(1)
    assert busiest[0][1] > 120, "it is of the tier partner"


def test_a_budget_in_the_connection_is_kept(crowd: Any, api: Any, connect: Any, clock: Any) -> None:
    connect(poll_budget_rpm=30)
    crowd.wait([crowd.trigger(job, project_id=None) for job in crowd.start(40)])
    assert api.requests(method="GET", path="/v1/whoami") == []
    moments = [second(one, clock) for one in api.requests(method="GET")]
    for begin in moments:
        assert len([one for one in moments if begin <= one < begin + 60]) <= 34


def test_two_watchers_of_one_key_both_finish(
    crowd: Any, api: Any, connect: Any, clock: Any, monkeypatch: Any
) -> None:
    api.configure(tier="standard")
    crowd = type(crowd)(api, crowd._airflow, clock)
    # Another timeout makes other settings, and so another watcher.
    other = json.dumps({**api.connection, "extra": {"timeout": 29}})
    monkeypatch.setenv("AIRFLOW_CONN_LAYERS_OTHER", other)
    triggers = [
        crowd.trigger(job, project_id=None, layers_conn_id=("layers_default", "layers_other")[number % 2])
        for number, job in enumerate(crowd.start(100, seconds=150))
    ]
    events = crowd.wait(triggers)
    assert statuses(events) == {"completed": 100}
    refused = [second(one, clock) for one in api.requests(method="GET") if one.status == 429]
    assert len(refused) < 40, "they come to share what there is"


def test_two_event_loops_both_finish(crowd: Any, api: Any) -> None:
    jobs = crowd.start(40)
    found: dict[int, list[dict[str, Any]]] = {}

    def triggerer(number: int) -> None:
        found[number] = crowd.wait([crowd.trigger(job) for job in jobs[number::2]])

    threads = [threading.Thread(target=triggerer, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses([*found[0], *found[1]]) == {"completed": 40}


def test_a_canceled_waiter_leaves_the_others_alone(crowd: Any, clock: Any) -> None:
    jobs = crowd.start(12)

    async def all_but_some() -> list[Any]:
        waiting = [asyncio.ensure_future(crowd.event_of(crowd.trigger(job))) for job in jobs]
        clock.on_sleep = lambda: [one.cancel() for one in waiting[:6]] if clock.elapsed > 10 else None
        return await asyncio.gather(*waiting, return_exceptions=True)

    events = asyncio.run(clock.run_until_death(all_but_some()))
    assert {type(event) for event in events[:6]} == {asyncio.CancelledError}
    assert statuses(events[6:]) == {"completed": 6}
    assert {one.path.rpartition("/")[2] for one in crowd.looks()} == {job.job_id for job in jobs[6:]}


def test_the_last_to_leave_closes_everything(crowd: Any, clock: Any) -> None:
    jobs = crowd.start(12)

    async def given_up() -> set[Any]:
        waiting = [asyncio.ensure_future(crowd.event_of(crowd.trigger(job))) for job in jobs]
        clock.on_sleep = lambda: [one.cancel() for one in waiting] if clock.elapsed > 10 else None
        await asyncio.gather(*waiting, return_exceptions=True)
        await asyncio.sleep(0.05)
        return {str(one.get_coro()) for one in asyncio.all_tasks() - {asyncio.current_task()}}

    left = asyncio.run(given_up())
    assert not [one for one in left if "Watcher" in one], left


def test_the_deadline_of_one_wait_among_many_is_its_own(crowd: Any, clock: Any) -> None:
    jobs = crowd.start(20)
    impatient = clock.time() + 30
    triggers = [
        crowd.trigger(job, **({"deadline": impatient} if n == 7 else {})) for n, job in enumerate(jobs)
    ]
    events = crowd.wait(triggers)
    assert statuses(events) == {"completed": 19, "timeout": 1}
    late = events[7]
    assert "still running" in late["reason"]
    assert 30 <= late["after"] <= 50
    assert len(crowd.looks(jobs[7].job_id)) == 1, "one last look after the deadline"
