"""Many waits while the API refuses, fails, lies or is slow: none ends wrongly, none is forgotten."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from airflow_provider_layers.sensors.jobs import LayersJobSensor
from tests.contract.bystander import read
from tests.limits import READS_PER_MINUTE

LIST = "/v1/projects/*/content"


def statuses(events: list[dict[str, Any]]) -> Counter[str]:
    return Counter(event["status"] for event in events)


def second(request: Any, clock: Any) -> float:
    """Return when a request came, in pushed seconds."""
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
    "items of no shape": {"kind": "garbage", "body": '{"items": ["x", null, {}]}', "times": 4},
    "no object": {"kind": "garbage", "body": "[1]", "times": 4},
    "items without ids": {"kind": "garbage", "body": '{"items": [{}]}', "times": 4},
    "cursor that repeats": {"kind": "garbage", "body": '{"items": [], "nextCursor": {}}', "times": None},
    "a gateway's error page": {"kind": "garbage", "status": 502, "times": 4},
    "slow": {"kind": "slow", "seconds": 0.2},
    "redirect": {"kind": "redirect", "times": 4},
    "wrong job": {"kind": "wrong_job", "times": None},
    "429": {"kind": "rate_limit", "times": 3},
    "unknown status": {"kind": "unknown_status", "times": None},
    "down": {"kind": "disconnect_before", "times": None},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_faults_of_the_list_neither_end_nor_delay_a_wait(
    fault: dict[str, Any], crowd: Any, api: Any, connect: Any
) -> None:
    connect(timeout=1)
    # At once, and again once the list has been read.
    for skip in (0, 2):
        api.fault(method="GET", path=LIST, skip=skip, **fault)
    events = crowd.wait([crowd.trigger(job) for job in crowd.start(6)])
    assert statuses(events) == {"completed": 6}
    assert all(60 <= event["after"] <= 90 for event in events)
    assert len(crowd.list_reads()) < 40


def test_a_key_that_may_not_list_content_polls_each_job(crowd: Any, api: Any) -> None:
    jobs = crowd.start(12)
    api.configure(scopes=["jobs:read"])
    events = crowd.wait([crowd.trigger(job) for job in jobs])
    assert statuses(events) == {"completed": 12}
    assert [request.status for request in crowd.list_reads()] == [403], "and does not try again soon"


def test_one_empty_list_does_not_end_the_sharing_of_reads(crowd: Any, api: Any) -> None:
    api.fault("garbage", method="GET", path=LIST, body='{"items": [], "nextCursor": null}')
    events = crowd.wait([crowd.trigger(job) for job in crowd.start(60, seconds=600)])
    assert statuses(events) == {"completed": 60}
    # One poll each because of the empty list, one to confirm the end; one by one it would be 1,900.
    assert len(crowd.job_reads()) < 240


def test_jobs_that_stay_unknown_end_their_own_waits_only(crowd: Any) -> None:
    jobs = crowd.start(10)
    unknown = [f"job_01HX9Y6K7EJ4T2ABCDEF0123{n}" for n in range(3)]
    strangers = [crowd.trigger(jobs[0], job_id=job_id, container_ids=[f"cnt_{job_id}"]) for job_id in unknown]
    events = crowd.wait([*(crowd.trigger(job) for job in jobs), *strangers])
    assert statuses(events[:10]) == {"completed": 10}
    assert statuses(events[10:]) == {"error": 3}
    for event in events[10:]:
        assert "404 NOT_FOUND" in event["reason"]
        assert 15 <= event["after"] <= 40, "a grace for what is new"


def test_a_revoked_key_ends_all_waits_soon(crowd: Any, api: Any, clock: Any) -> None:
    jobs = crowd.start(30)
    clock.on_sleep = lambda: api.configure(revoked=True) if clock.elapsed > 20 else None
    events = crowd.wait([crowd.trigger(job) for job in jobs])
    assert statuses(events) == {"error": 30}
    assert all("401" in event["reason"] for event in events)
    assert max(event["after"] for event in events) < 50


# Rate limits


@pytest.mark.parametrize("path", [LIST, "/v1/jobs/*", "/v1/whoami"], ids=["list", "job", "whoami"])
def test_nothing_is_sent_until_a_rate_limit_is_over(path: str, crowd: Any, api: Any, clock: Any) -> None:
    api.fault("rate_limit", method="GET", path=path, retry_after=40, skip=0 if path == "/v1/whoami" else 1)
    alone = {"project_id": None} if path != LIST else {}
    events = crowd.wait([crowd.trigger(job, **alone) for job in crowd.start(60)])
    assert statuses(events) == {"completed": 60}
    sent = [(second(request, clock), request.status) for request in api.requests(method="GET")]
    (refused,) = [moment for moment, status in sent if status == 429]
    # Requests that were sent at the same moment were in flight already.
    assert [moment for moment, _ in sent if refused + 0.01 < moment < refused + 39.99] == []


def test_a_wait_that_joins_during_a_rate_limit_waits_for_its_end(crowd: Any, api: Any, clock: Any) -> None:
    api.fault("rate_limit", method="GET", path="/v1/jobs/*", retry_after=40)
    triggers = [crowd.trigger(job, project_id=None) for job in crowd.start(3)]

    async def join_later() -> list[dict[str, Any]]:
        first = [asyncio.ensure_future(crowd.event_of(trigger)) for trigger in triggers[:2]]
        await clock.asleep(10)
        return list(await asyncio.gather(*first, crowd.event_of(triggers[2])))

    assert statuses(asyncio.run(clock.run_until_death(join_later()))) == {"completed": 3}
    sent = [(second(request, clock), request.status) for request in api.requests(method="GET")]
    (refused,) = [moment for moment, status in sent if status == 429]
    assert not [moment for moment, _ in sent if refused + 0.01 < moment < refused + 39.9]


def test_a_deadline_is_kept_while_the_api_refuses_everything(crowd: Any, api: Any, clock: Any) -> None:
    api.fault("rate_limit", method="GET", times=None, retry_after=3600)
    jobs = crowd.start(5)
    events = crowd.wait([crowd.trigger(job, deadline=clock.time() + 300) for job in jobs])
    assert statuses(events) == {"timeout": 5}
    assert max(event["after"] for event in events) < 330


@pytest.mark.parametrize("shared", [True, False], ids=["lists", "jobs"])
def test_the_limit_of_the_standard_tier_is_kept(shared: bool, crowd: Any, api: Any, clock: Any) -> None:
    api.configure(tier="standard")
    crowd = type(crowd)(api, crowd._airflow, clock)
    jobs = crowd.start(150, seconds=[60, 400])
    events = crowd.wait([crowd.trigger(job, **({} if shared else {"project_id": None})) for job in jobs])
    assert statuses(events) == {"completed": 150}
    assert [request for request in api.requests(method="GET") if request.status == 429] == []
    durations = {job.job_id: job.job_seconds for job in jobs}
    late = sorted(event["after"] - durations[event["job_id"]] for event in events)
    assert late[int(0.95 * len(late))] < (15 if shared else 120)


def test_the_limit_of_the_key_s_own_tier_is_used(crowd: Any, api: Any, clock: Any) -> None:
    jobs = crowd.start(50)
    crowd.wait([crowd.trigger(job, project_id=None) for job in jobs])
    assert len(api.requests(method="GET", path="/v1/whoami")) == 1
    minutes = Counter(int(second(request, clock) // 60) for request in api.requests(method="GET"))
    assert max(minutes.values()) > READS_PER_MINUTE["standard"], "it is of the tier partner"


def test_the_budget_of_the_connection_is_kept(crowd: Any, api: Any, connect: Any, clock: Any) -> None:
    connect(poll_budget_rpm=30)
    crowd.wait([crowd.trigger(job, project_id=None) for job in crowd.start(40)])
    assert api.requests(method="GET", path="/v1/whoami") == []
    moments = [second(request, clock) for request in api.requests(method="GET")]
    for start in moments:
        assert len([moment for moment in moments if start <= moment < start + 59.99]) <= 30


def test_two_watchers_of_one_key_both_finish(
    crowd: Any, api: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
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
    refused = [request for request in api.requests(method="GET") if request.status == 429]
    assert len(refused) < 40, "they converge to shares of what there is"


# Who joins and who leaves


def test_a_wait_that_joins_while_the_list_is_read_is_not_missed(crowd: Any, api: Any, clock: Any) -> None:
    api.fault("slow", method="GET", path=LIST, seconds=0.4)
    jobs = crowd.start(6)

    async def join_later() -> list[dict[str, Any]]:
        first = [asyncio.ensure_future(crowd.event_of(crowd.trigger(job))) for job in jobs]
        while not crowd.list_reads():  # noqa: ASYNC110 - the log of the API sends no signal
            await asyncio.sleep(0.01)
        late = [asyncio.ensure_future(crowd.event_of(crowd.trigger(job))) for job in crowd.start(20)]
        return list(await asyncio.gather(*first, *late))

    assert statuses(asyncio.run(clock.run_until_death(join_later()))) == {"completed": 26}
    assert len(crowd.job_reads()) < 35


def test_two_event_loops_both_finish(crowd: Any) -> None:
    jobs = crowd.start(40)
    events: dict[int, list[dict[str, Any]]] = {}

    def triggerer(number: int) -> None:
        events[number] = crowd.wait([crowd.trigger(job) for job in jobs[number::2]])

    threads = [threading.Thread(target=triggerer, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses([*events[0], *events[1]]) == {"completed": 40}


def test_waits_that_are_canceled_leave_the_others_alone(crowd: Any, clock: Any) -> None:
    jobs = crowd.start(12)

    async def cancel_some() -> list[Any]:
        waiting = [asyncio.ensure_future(crowd.event_of(crowd.trigger(job))) for job in jobs]
        clock.on_sleep = lambda: [wait.cancel() for wait in waiting[:6]] if clock.elapsed > 10 else None
        return await asyncio.gather(*waiting, return_exceptions=True)

    events = asyncio.run(clock.run_until_death(cancel_some()))
    assert {type(event) for event in events[:6]} == {asyncio.CancelledError}
    assert statuses(events[6:]) == {"completed": 6}
    read = {request.path.rpartition("/")[2] for request in crowd.job_reads()}
    assert read == {job.job_id for job in jobs[6:]}


def test_a_sensor_recognizes_its_event_whatever_the_api_named_meanwhile(
    crowd: Any, airflow: Any, api: Any, clock: Any
) -> None:
    (job,) = crowd.start(1, seconds=10**5)
    body = {**read(api, f"/v1/jobs/{job.job_id}"), "containerIds": job.container_ids}
    # The first poll fails; later ones name containers, which the vendor's pages do not promise.
    api.fault("fail_before", method="GET", path="/v1/jobs/*", times=5)
    api.fault("garbage", method="GET", path="/v1/jobs/*", times=None, body=json.dumps(body))
    sensor = LayersJobSensor(task_id="s", job_id=job.job_id, deferrable=True, timeout=300)
    assert type(airflow.run(sensor).error).__name__ == "AirflowSensorTimeout"
    assert clock.elapsed < 400
