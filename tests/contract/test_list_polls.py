"""Many waits at once: few requests, every end noticed, none made up."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from airflow_provider_layers.sensors.jobs import LayersJobSensor
from tests.contract.asking import ask


def statuses(events: list[dict[str, Any]]) -> Counter[str]:
    return Counter(event["status"] for event in events)


def test_sixty_waits_share_their_reads(crowd: Any, api: Any) -> None:
    jobs = crowd.start(60)
    events = crowd.wait([crowd.trigger(job) for job in jobs])
    assert statuses(events) == {"completed": 60}
    assert {event["job_id"]: event["container_ids"] for event in events} == {
        job.job_id: job.container_ids for job in jobs
    }
    assert all(60 <= event["after"] <= 75 for event in events)
    looks = Counter(one.path for one in crowd.looks())
    assert len(looks) == 60, "each end is confirmed by the job itself"
    assert sum(looks.values()) <= 66
    # One wait alone makes about ten looks.
    assert 3 <= len(crowd.sweeps()) <= 30
    assert len(api.requests(method="GET")) < 100


def test_ends_at_many_moments_are_each_confirmed_once(crowd: Any) -> None:
    jobs = crowd.start(60, seconds=[20, 200])
    events = crowd.wait([crowd.trigger(job) for job in jobs])
    lasted = {job.job_id: job.job_seconds for job in jobs}
    late = [event["after"] - lasted[event["job_id"]] for event in events]
    assert min(late) >= -0.01
    assert max(late) < 15
    assert Counter(Counter(one.path for one in crowd.looks()).values())[1] >= 55
    assert len(crowd.sweeps()) < 80


def test_the_list_is_asked_for_what_is_under_way_since_the_oldest_of_them(
    crowd: Any, api: Any, clock: Any
) -> None:
    crowd.start(3)
    clock.sleep(3600)
    jobs = crowd.start(8)
    crowd.wait([crowd.trigger(job) for job in jobs])
    for sweep in crowd.sweeps():
        assert sweep.query["status"] == ["queued", "processing", "generating"]
        assert sweep.query["limit"] == ["200"]
        since = sweep.query["since"][0]
        assert api.jobs()[0].started_at < since < jobs[0].started_at
        assert sweep.status == 200


def test_a_list_of_several_pages_is_walked(crowd: Any, api: Any) -> None:
    jobs = crowd.start(90, variantCount=5)
    events = crowd.wait([crowd.trigger(job) for job in jobs])
    assert statuses(events) == {"completed": 90}
    cursors = [one.query.get("cursor") for one in crowd.sweeps()]
    assert len({one[0] for one in cursors if one}) >= 2
    assert cursors.count(None) < len(cursors) < 60
    assert Counter(one.path for one in crowd.looks()).total() <= 99


def test_a_list_is_walked_no_further_than_there_are_waits(crowd: Any) -> None:
    crowd.start(60, variantCount=5, seconds=3000)
    jobs = crowd.start(20, seconds=60)
    crowd.wait([crowd.trigger(job, started_at=None) for job in jobs])
    first = crowd.sweeps()[0]
    assert "since" not in first.query
    assert len([one for one in crowd.sweeps() if "cursor" in one.query]) < len(crowd.sweeps())
    assert crowd.sweeps()[1].query.get("cursor") is None


@pytest.mark.parametrize("known", [True, False], ids=["start known", "start unknown"])
def test_a_regenerate_is_not_taken_for_done_because_of_its_last_life(
    known: bool, crowd: Any, clock: Any
) -> None:
    before = crowd.start(12)
    clock.sleep(3600)
    began = clock.elapsed
    jobs = crowd.regenerate(before)
    events = crowd.wait([crowd.trigger(job, **({} if known else {"started_at": None})) for job in jobs])
    assert statuses(events) == {"completed": 12}
    assert all(60 <= event["after"] - began <= 75 for event in events)


def test_a_list_that_lags_ends_no_wait(crowd: Any, api: Any, clock: Any) -> None:
    before = crowd.start(12)
    clock.sleep(3600)
    path = f"/v1/projects/{api.project_id}/content"
    rows = ask(api, path)["items"]
    assert {row["status"] for row in rows} == {"completed"}
    began = clock.elapsed
    jobs = crowd.regenerate(before)
    # It still shows the last life of each, although it was asked for what is under way only.
    stale = json.dumps({"items": rows, "nextCursor": None})
    api.fault("garbage", method="GET", path=path, body=stale, times=4)
    api.fault("garbage", method="GET", path=path, body='{"items": [], "nextCursor": null}', times=2)
    events = crowd.wait([crowd.trigger(job, started_at=None) for job in jobs])
    assert statuses(events) == {"completed": 12}
    assert all(60 <= event["after"] - began <= 75 for event in events)


def test_old_words_for_what_is_under_way_are_understood(crowd: Any, api: Any) -> None:
    api.configure(revision="old")
    jobs = crowd.start(30)
    assert statuses(crowd.wait([crowd.trigger(job) for job in jobs])) == {"completed": 30}
    assert len(crowd.looks()) <= 33


def test_an_api_that_refuses_the_filter_is_asked_without_it(crowd: Any, api: Any) -> None:
    refusal = {"status": 422, "code": "VALIDATION", "path": "/v1/projects/*/content"}
    api.fault("fail_before", method="GET", **refusal)
    jobs = crowd.start(30)
    assert statuses(crowd.wait([crowd.trigger(job) for job in jobs])) == {"completed": 30}
    first, *rest = crowd.sweeps()
    assert "status" in first.query
    assert rest
    assert not [one for one in rest if "status" in one.query]
    assert len(crowd.looks()) <= 33


def test_jobs_of_an_unknown_project_are_looked_at_one_by_one(crowd: Any, api: Any) -> None:
    jobs = crowd.start(5)
    triggers = [crowd.trigger(job, project_id=None, kind="", started_at=None) for job in jobs]
    assert statuses(crowd.wait(triggers)) == {"completed": 5}
    assert crowd.sweeps() == []
    for job in jobs:
        first, *later = crowd.looks(job.job_id)
        assert "if-none-match" not in first.headers
        assert all(one.headers["if-none-match"] for one in later)
    assert {one.status for one in crowd.looks()} == {200, 304}


def test_one_wait_alone_is_looked_at_by_itself(crowd: Any) -> None:
    (job,) = crowd.start(1)
    assert statuses(crowd.wait([crowd.trigger(job)])) == {"completed": 1}
    assert crowd.sweeps() == []


def test_a_sensor_tells_the_trigger_what_the_job_told_it(crowd: Any, airflow: Any) -> None:
    (job,) = crowd.start(1)
    result = airflow.run(LayersJobSensor(task_id="s", job_id=job.job_id, deferrable=True))
    ((_, arguments),) = result.triggers
    told = (arguments["project_id"], arguments["started_at"], arguments["kind"])
    assert told == (job.project_id, job.started_at, job.kind)
    assert arguments["container_ids"] == [], "the API does not name them while a job runs"


def test_a_sensors_wait_among_those_of_operators_is_not_forgotten(crowd: Any) -> None:
    jobs = crowd.start(12)
    triggers = [crowd.trigger(job, **({} if n % 4 else {"container_ids": []})) for n, job in enumerate(jobs)]
    assert statuses(crowd.wait(triggers)) == {"completed": 12}


def test_waits_in_several_projects_each_have_their_own_list(crowd: Any, api: Any) -> None:
    jobs = crowd.start(10)
    # To the watcher it is only a name; what the list of the other says of these jobs is nothing.
    other = api.project_ids[1]
    triggers = [crowd.trigger(job, **({"project_id": other} if n % 2 else {})) for n, job in enumerate(jobs)]
    events = crowd.wait(triggers)
    assert statuses(events) == {"completed": 10}
    assert all(60 <= event["after"] <= 75 for event in events)
    assert {one.path.split("/")[3] for one in crowd.sweeps()} == {api.project_id, other}
