"""Many waits at once: few requests, every end detected, none made up."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from airflow_provider_layers.sensors.jobs import LayersJobSensor
from tests.contract.bystander import read


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
    reads = Counter(request.path for request in crowd.job_reads())
    assert len(reads) == 60, "each end is confirmed by the job itself"
    assert sum(reads.values()) <= 66
    # One wait alone makes about ten polls.
    assert 3 <= len(crowd.list_reads()) <= 30
    assert len(api.requests(method="GET")) < 100


def test_ends_at_many_moments_are_each_confirmed_once(crowd: Any) -> None:
    jobs = crowd.start(60, seconds=[20, 200])
    events = crowd.wait([crowd.trigger(job) for job in jobs])
    durations = {job.job_id: job.job_seconds for job in jobs}
    late = [event["after"] - durations[event["job_id"]] for event in events]
    assert min(late) >= -0.01
    assert max(late) < 15
    assert Counter(Counter(request.path for request in crowd.job_reads()).values())[1] >= 55
    assert len(crowd.list_reads()) < 80


def test_the_list_is_filtered_by_what_is_unfinished_since_the_oldest_job(
    crowd: Any, api: Any, clock: Any
) -> None:
    crowd.start(3)
    clock.sleep(3600)
    jobs = crowd.start(8)
    crowd.wait([crowd.trigger(job) for job in jobs])
    for request in crowd.list_reads():
        assert request.query["status"] == ["queued", "processing", "generating"]
        assert request.query["limit"] == ["200"]
        assert api.jobs()[0].started_at < request.query["since"][0] < jobs[0].started_at
        assert request.status == 200


def test_a_list_of_several_pages_is_read(crowd: Any) -> None:
    jobs = crowd.start(90, variantCount=5)
    events = crowd.wait([crowd.trigger(job) for job in jobs])
    assert statuses(events) == {"completed": 90}
    cursors = [request.query.get("cursor") for request in crowd.list_reads()]
    assert len({cursor[0] for cursor in cursors if cursor}) >= 2
    assert cursors.count(None) < len(cursors) < 60
    assert len(crowd.job_reads()) <= 99


def test_a_list_is_read_no_further_than_there_are_rows_to_find(crowd: Any) -> None:
    crowd.start(60, variantCount=5, seconds=3000)
    jobs = crowd.start(20, seconds=60)
    crowd.wait([crowd.trigger(job, started_at=None) for job in jobs])
    first, second, *_ = crowd.list_reads()
    assert "since" not in first.query
    assert "cursor" not in second.query


@pytest.mark.parametrize("known", [True, False], ids=["start known", "start unknown"])
def test_a_regenerate_is_not_completed_by_the_earlier_version_of_its_content(
    known: bool, crowd: Any, clock: Any
) -> None:
    before = crowd.start(12)
    clock.sleep(3600)
    began = clock.elapsed
    jobs = crowd.regenerate(before)
    events = crowd.wait([crowd.trigger(job, **({} if known else {"started_at": None})) for job in jobs])
    assert statuses(events) == {"completed": 12}
    assert all(60 <= event["after"] - began <= 75 for event in events)


def test_regenerates_share_reads_as_well(crowd: Any, clock: Any) -> None:
    before = crowd.start(60)
    clock.sleep(3600)
    events = crowd.wait([crowd.trigger(job) for job in crowd.regenerate(before)])
    assert statuses(events) == {"completed": 60}
    assert len(crowd.job_reads()) < 130


def test_a_list_that_lags_ends_no_wait(crowd: Any, api: Any, clock: Any) -> None:
    before = crowd.start(12)
    clock.sleep(3600)
    path = f"/v1/projects/{api.project_id}/content"
    rows = read(api, path)["items"]
    assert {row["status"] for row in rows} == {"completed"}
    began = clock.elapsed
    jobs = crowd.regenerate(before)
    # It still shows the earlier version of each, although it was filtered by what is unfinished.
    stale = json.dumps({"items": rows, "nextCursor": None})
    api.fault("garbage", method="GET", path=path, body=stale, times=4)
    api.fault("garbage", method="GET", path=path, body='{"items": [], "nextCursor": null}', times=2)
    events = crowd.wait([crowd.trigger(job, started_at=None) for job in jobs])
    assert statuses(events) == {"completed": 12}
    assert all(60 <= event["after"] - began <= 75 for event in events)


def test_the_statuses_of_the_old_revision_are_understood(crowd: Any, api: Any) -> None:
    api.configure(revision="old")
    jobs = crowd.start(30)
    assert statuses(crowd.wait([crowd.trigger(job) for job in jobs])) == {"completed": 30}
    assert len(crowd.job_reads()) <= 33


def test_an_api_that_refuses_the_filter_is_asked_without_it(crowd: Any, api: Any) -> None:
    refusal = {"status": 422, "code": "VALIDATION", "path": "/v1/projects/*/content"}
    api.fault("fail_before", method="GET", **refusal)
    jobs = crowd.start(30)
    assert statuses(crowd.wait([crowd.trigger(job) for job in jobs])) == {"completed": 30}
    first, *rest = crowd.list_reads()
    assert "status" in first.query
    assert rest
    assert not [request for request in rest if "status" in request.query]
    assert len(crowd.job_reads()) <= 33


def test_jobs_of_an_unknown_project_are_polled_one_by_one(crowd: Any) -> None:
    jobs = crowd.start(5)
    triggers = [crowd.trigger(job, project_id=None, kind="", started_at=None) for job in jobs]
    assert statuses(crowd.wait(triggers)) == {"completed": 5}
    assert crowd.list_reads() == []
    for job in jobs:
        first, *later = crowd.job_reads(job.job_id)
        assert "if-none-match" not in first.headers
        assert all(request.headers["if-none-match"] for request in later)
    assert {request.status for request in crowd.job_reads()} == {200, 304}


def test_one_wait_alone_reads_no_list(crowd: Any) -> None:
    (job,) = crowd.start(1)
    assert statuses(crowd.wait([crowd.trigger(job)])) == {"completed": 1}
    assert crowd.list_reads() == []


def test_a_sensor_passes_what_the_job_names_to_its_trigger(crowd: Any, airflow: Any) -> None:
    (job,) = crowd.start(1)
    result = airflow.run(LayersJobSensor(task_id="s", job_id=job.job_id, deferrable=True))
    ((_, arguments),) = result.triggers
    known = (arguments["project_id"], arguments["started_at"], arguments["kind"])
    assert known == (job.project_id, job.started_at, job.kind)
    assert arguments["container_ids"] == [], "the API does not name them while a job runs"


def test_a_wait_without_containers_among_others_ends_as_well(crowd: Any) -> None:
    jobs = crowd.start(12)
    triggers = [crowd.trigger(job, **({} if n % 4 else {"container_ids": []})) for n, job in enumerate(jobs)]
    assert statuses(crowd.wait(triggers)) == {"completed": 12}


def test_each_project_has_its_own_list(crowd: Any, api: Any) -> None:
    jobs = crowd.start(10)
    # The list of the other project says nothing about these jobs.
    other = api.project_ids[1]
    triggers = [crowd.trigger(job, **({"project_id": other} if n % 2 else {})) for n, job in enumerate(jobs)]
    events = crowd.wait(triggers)
    assert statuses(events) == {"completed": 10}
    assert all(60 <= event["after"] <= 75 for event in events)
    assert {request.path.split("/")[3] for request in crowd.list_reads()} == {api.project_id, other}


def test_each_wait_has_the_status_of_its_own_job(crowd: Any, api: Any) -> None:
    api.outcome("failed", code="RENDER_FAILED", times=5)
    api.outcome("canceled", times=5)
    events = crowd.wait([crowd.trigger(job) for job in crowd.start(30)])
    ended = {job.job_id: job.status for job in api.jobs()}
    assert {event["job_id"]: event["status"] for event in events} == ended
    assert statuses(events) == {"failed": 5, "canceled": 5, "completed": 20}


def test_each_wait_has_its_own_deadline(crowd: Any, clock: Any) -> None:
    jobs = crowd.start(20)
    early = clock.time() + 30
    triggers = [crowd.trigger(job, **({"deadline": early} if n == 7 else {})) for n, job in enumerate(jobs)]
    events = crowd.wait(triggers)
    assert statuses(events) == {"completed": 19, "timeout": 1}
    late = events[7]
    assert "still running" in late["reason"]
    assert 30 <= late["after"] <= 50
    assert len(crowd.job_reads(jobs[7].job_id)) == 1, "one last poll at the deadline"
