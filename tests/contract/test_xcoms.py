"""What operators return and push, and when."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_provider_layers.operators.content import (
    LayersApproveContentOperator,
    LayersCloneFromPostOperator,
    LayersGenerateContentOperator,
    LayersGetContentOperator,
    LayersRegenerateContentOperator,
    LayersScheduleContentOperator,
)
from airflow_provider_layers.sensors.jobs import LayersJobSensor

SUBMITTED = {"job_id", "job_url", "container_id", "container_ids"}
WAYS = {"worker": {"deferrable": False}, "triggerer": {"deferrable": True}}


def generate(api: Any, **arguments: Any) -> LayersGenerateContentOperator:
    return LayersGenerateContentOperator(
        task_id="make", project_id=api.project_id, brief={"topic": "x"}, variant_count=2, **arguments
    )


def starters(api: Any, container: str, **arguments: Any) -> list[Any]:
    clone = {"project_id": api.project_id, "source_platform_post_id": api.top_post_ids[0]}
    return [
        generate(api, **arguments),
        LayersCloneFromPostOperator(task_id="make", **clone, **arguments),
        LayersRegenerateContentOperator(task_id="make", container_id=container, **arguments),
    ]


@pytest.mark.parametrize("which", range(3), ids=["generate", "clone", "regenerate"])
def test_a_job_operator_returns_the_job_and_pushes_its_containers(
    which: int, airflow: Any, api: Any, made: Any
) -> None:
    result = airflow.run(starters(api, made())[which])
    job = api.jobs()[-1]
    assert result.value == job.job_id
    assert {name: result.xcoms[name] for name in SUBMITTED} == {
        "job_id": job.job_id,
        "job_url": f"{api.url}/v1/jobs/{job.job_id}",
        "container_id": job.container_ids[0],
        "container_ids": job.container_ids,
    }
    assert "job" not in result.xcoms


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("which", range(3), ids=["generate", "clone", "regenerate"])
def test_a_job_operator_that_waits_returns_the_containers(
    which: int, way: dict[str, bool], airflow: Any, api: Any, made: Any
) -> None:
    result = airflow.run(starters(api, made(), wait_for_completion=True, **way)[which])
    assert result.error is None
    job = api.jobs()[-1]
    assert result.value == job.container_ids
    assert result.xcoms["container_ids"] == job.container_ids
    assert {**result.xcoms["job"], "result": ...} == {
        "job_id": job.job_id,
        "kind": job.kind,
        "status": "completed",
        "container_ids": job.container_ids,
        "result": ...,
    }
    assert result.xcoms["job"]["result"]["assets"]


def test_both_ways_of_waiting_push_the_same(airflow: Any, api: Any) -> None:
    pushed = []
    for name, way in WAYS.items():
        api.reset(seed=1)
        result = airflow.run(generate(api, wait_for_completion=True, **way), run_id=name)
        pushed.append((result.value, result.xcoms))
    assert pushed[0] == pushed[1]


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_the_job_is_pushed_even_when_the_very_next_request_fails(
    way: dict[str, bool], airflow: Any, api: Any
) -> None:
    api.fault("fail_before", method="GET", status=401, code="UNAUTHENTICATED", times=None)
    result = airflow.run(generate(api, wait_for_completion=True, **way))
    assert isinstance(result.error, AirflowFailException)
    (job,) = api.jobs()
    assert result.xcoms["job_id"] == job.job_id
    assert result.xcoms["container_ids"] == job.container_ids
    assert result.xcoms.keys() >= SUBMITTED


def test_the_job_is_pushed_before_the_task_is_deferred(airflow: Any, api: Any) -> None:
    operator = generate(api, wait_for_completion=True, deferrable=True)
    context = airflow.context(operator)
    with pytest.raises(TaskDeferred):
        airflow.execute(operator, context)
    assert context["ti"].xcoms.keys() >= SUBMITTED
    assert "job" not in context["ti"].xcoms


def respond(api: Any, body: dict[str, Any]) -> None:
    """Respond to the next start with this body, and to the poll of its job."""
    api.fault("garbage", method="POST", status=202, body=json.dumps(body))
    api.fault("garbage", method="GET", path="/v1/jobs/*", body=json.dumps({**body, "status": "running"}))


@pytest.mark.parametrize(
    "location", ["https://evil.example/v1/jobs/j", "//evil.example/x", "https://127.0.0.1/v1/jobs/j", None]
)
def test_a_location_of_a_foreign_host_is_not_shown(location: str | None, airflow: Any, api: Any) -> None:
    body = {"jobId": "job_1", "kind": "content_generate", "status": "running", "containerIds": ["cnt_1"]}
    respond(api, body | {"locationUrl": location})
    result = airflow.run(generate(api))
    assert result.xcoms["job_url"] == f"{api.url}/v1/jobs/job_1"


@pytest.mark.parametrize(
    "sample",
    [
        {
            "jobId": "job_1",
            "kind": "content_generate",
            "status": "running",
            "containerIds": ["cnt_1", "cnt_2"],
        },
        {"jobId": "job_1", "kind": "content_clone_from_post", "status": "running", "containerId": "cnt_1"},
        {"jobId": "job_1", "kind": "content_regenerate", "containerId": "cnt_1"},
    ],
    ids=["containerIds", "containerId", "without a status"],
)
def test_the_vendors_responses_to_a_start_are_read(sample: dict[str, Any], airflow: Any, api: Any) -> None:
    respond(api, {**sample, "locationUrl": "/v1/jobs/job_1"})
    result = airflow.run(generate(api))
    assert result.value == "job_1"
    assert result.xcoms["container_ids"] == (sample.get("containerIds") or [sample["containerId"]])


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_sensor_returns_the_containers_and_pushes_the_job(
    way: dict[str, bool], airflow: Any, api: Any
) -> None:
    job_id = airflow.value(generate(api))
    result = airflow.run(LayersJobSensor(task_id="wait", job_id=job_id, **way))
    (job,) = api.jobs()
    assert result.value == job.container_ids
    assert SUBMITTED | {"job"} <= result.xcoms.keys()
    assert (result.xcoms["job_id"], result.xcoms["container_id"]) == (job_id, job.container_ids[0])


def test_one_job_is_approved_and_scheduled_from_its_xcoms(airflow: Any, api: Any) -> None:
    job_id = airflow.value(generate(api))
    containers = airflow.value(LayersJobSensor(task_id="wait", job_id=job_id))
    approved = airflow.value(LayersApproveContentOperator(task_id="a", container_id=containers))
    schedule = LayersScheduleContentOperator(
        task_id="s",
        container_id=containers,
        scheduled_for="2040-07-01T09:00:00Z",
        targets=[{"social_account_id": api.social_account_ids[0], "mode": "publish"}],
    )
    scheduled = airflow.value(schedule)
    assert [item["approvalStatus"] for item in approved] == ["approved", "approved"]
    assert [item["container_id"] for item in scheduled] == containers
    assert all(len(item["scheduled_post_ids"]) == 1 and item["gate_status"] is None for item in scheduled)


def test_mapped_jobs_are_approved_from_their_xcoms(airflow: Any, api: Any) -> None:
    clones = [
        LayersCloneFromPostOperator(
            task_id="clone", project_id=api.project_id, source_platform_post_id=post, wait_for_completion=True
        )
        for post in api.top_post_ids[:3]
    ]
    lists = [airflow.value(clone, map_index=index) for index, clone in enumerate(clones)]
    each = [
        airflow.value(LayersApproveContentOperator(task_id="a", container_id=ids), map_index=index)
        for index, ids in enumerate(lists)
    ]
    assert [[item["approvalStatus"] for item in row] for row in each] == [["approved"]] * 3
    # Unmapped, it gets all lists at once.
    flat = airflow.value(LayersGetContentOperator(task_id="g", container_id=lists))
    assert [item["id"] for item in flat] == [item for row in lists for item in row]


def test_one_id_gives_one_result_and_a_list_gives_a_list(airflow: Any, made: Any) -> None:
    container = made()
    single = airflow.run(LayersGetContentOperator(task_id="t", container_id=container))
    many = airflow.run(LayersGetContentOperator(task_id="t", container_id=[container]))
    none = airflow.run(LayersGetContentOperator(task_id="t", container_id=[]))
    assert many.value == [single.value]
    assert (none.value, none.error) == ([], None)
    assert single.xcoms["content_url"].endswith(f"/v1/content/{container}")
