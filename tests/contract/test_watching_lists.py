"""A list may be down, empty, endless or nonsense: waits go on, evenly and at a bearable cost."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from airflow_provider_layers.sensors.jobs import LayersJobSensor
from tests.contract.asking import ask

LIST = "/v1/projects/*/content"


def statuses(events: list[dict[str, Any]]) -> Counter[str]:
    return Counter(event["status"] for event in events)


@pytest.mark.parametrize("body", ['{"items": ["x"]}', '{"items": [null]}', "[1]", '{"items": [{}]}', "7"])
def test_rows_that_are_none_end_no_wait(body: str, crowd: Any, api: Any) -> None:
    api.fault("garbage", method="GET", path=LIST, body=body, times=2)
    events = crowd.wait([crowd.trigger(job) for job in crowd.start(12)])
    assert statuses(events) == {"completed": 12}
    assert max(event["after"] for event in events) < 80


@pytest.mark.parametrize("kind", ["fail_before", "garbage", "disconnect_before"])
def test_a_list_that_stays_down_leaves_the_jobs_to_be_looked_at(kind: str, crowd: Any, api: Any) -> None:
    api.fault(kind, method="GET", path=LIST, times=None)
    events = crowd.wait([crowd.trigger(job) for job in crowd.start(12)])
    assert statuses(events) == {"completed": 12}
    assert max(event["after"] for event in events) < 120


def test_one_empty_list_does_not_end_the_sharing_of_reads(crowd: Any, api: Any) -> None:
    api.fault("garbage", method="GET", path=LIST, body='{"items": [], "nextCursor": null}')
    events = crowd.wait([crowd.trigger(job) for job in crowd.start(60, seconds=600)])
    assert statuses(events) == {"completed": 60}
    # One look each because of the empty list, one to confirm the end; one by one it would be 1,900.
    assert len(crowd.looks()) < 240


@pytest.mark.parametrize("cursor", ['"abc"', "5", "{}"])
def test_a_cursor_that_leads_nowhere_costs_little(cursor: str, crowd: Any, api: Any) -> None:
    api.fault("garbage", method="GET", path=LIST, times=None, body=f'{{"items": [], "nextCursor": {cursor}}}')
    events = crowd.wait([crowd.trigger(job) for job in crowd.start(12)])
    assert statuses(events) == {"completed": 12}
    assert max(event["after"] for event in events) < 90
    assert len(crowd.sweeps()) < 60


def test_regenerates_share_reads_too(crowd: Any, clock: Any) -> None:
    before = crowd.start(60)
    clock.sleep(3600)
    events = crowd.wait([crowd.trigger(job) for job in crowd.regenerate(before)])
    assert statuses(events) == {"completed": 60}
    assert len(crowd.looks()) < 130


def test_who_joins_while_the_list_is_read_is_not_missed_in_it(crowd: Any, api: Any, clock: Any) -> None:
    api.fault("slow", method="GET", path=LIST, seconds=0.4)
    jobs = crowd.start(6)

    async def joined_later() -> list[dict[str, Any]]:
        first = [asyncio.ensure_future(crowd.event_of(crowd.trigger(job))) for job in jobs]
        while not crowd.sweeps():  # noqa: ASYNC110 - the API's ledger tells nobody
            await asyncio.sleep(0.01)
        late = [asyncio.ensure_future(crowd.event_of(crowd.trigger(job))) for job in crowd.start(20)]
        return list(await asyncio.gather(*first, *late))

    assert statuses(asyncio.run(clock.run_until_death(joined_later()))) == {"completed": 26}
    assert len(crowd.looks()) < 35


def test_a_deadline_is_kept_while_the_api_refuses_everything(crowd: Any, api: Any, clock: Any) -> None:
    api.fault("rate_limit", method="GET", times=None, retry_after=3600)
    jobs = crowd.start(5)
    events = crowd.wait([crowd.trigger(job, deadline=clock.time() + 300) for job in jobs])
    assert statuses(events) == {"timeout": 5}
    assert max(event["after"] for event in events) < 330


def test_who_joins_during_a_rate_limit_waits_for_its_end(crowd: Any, api: Any, clock: Any) -> None:
    api.fault("rate_limit", method="GET", path="/v1/jobs/*", retry_after=40)
    triggers = [crowd.trigger(job, project_id=None) for job in crowd.start(3)]

    async def joined_later() -> list[dict[str, Any]]:
        first = [asyncio.ensure_future(crowd.event_of(one)) for one in triggers[:2]]
        await clock.asleep(10)
        return list(await asyncio.gather(*first, crowd.event_of(triggers[2])))

    assert statuses(asyncio.run(clock.run_until_death(joined_later()))) == {"completed": 3}
    sent = [
        (datetime.fromisoformat(one.at.replace("Z", "+00:00")).timestamp(), one.status)
        for one in api.requests(method="GET")
    ]
    (refused,) = [at for at, status in sent if status == 429]
    assert not [at for at, _ in sent if refused < at < refused + 39.9]


def test_a_sensor_knows_its_own_event_whatever_the_api_told_in_between(
    crowd: Any, airflow: Any, api: Any, clock: Any
) -> None:
    (job,) = crowd.start(1, seconds=10**5)
    told = {**ask(api, f"/v1/jobs/{job.job_id}"), "containerIds": job.container_ids}
    # The first look fails; later ones name containers, which the vendor's pages do not promise.
    api.fault("fail_before", method="GET", path="/v1/jobs/*", times=5)
    api.fault("garbage", method="GET", path="/v1/jobs/*", times=None, body=json.dumps(told))
    sensor = LayersJobSensor(task_id="s", job_id=job.job_id, deferrable=True, timeout=300)
    assert type(airflow.run(sensor).error).__name__ == "AirflowSensorTimeout"
    assert clock.elapsed < 400
