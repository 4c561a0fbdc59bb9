"""Every example DAG, in a real scheduler and triggerer, against the emulator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from dev.airflow_client import UNMAPPED, AirflowClient, follow_run, start_run
from dev.releases import installed_release
from tests.system.conftest import EXAMPLES, JOB_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_layers.emulator import CreatedJob, Emulator, RecordedRequest
    from dev.airflow_client import TaskRow
    from dev.local_airflow import LocalAirflow

APPROVAL = "example_layers_approval"
BATCH = "example_layers_batch"
PIPELINE = "example_layers_content_pipeline"
GENERATE = "example_layers_generate"
REGENERATE = "example_layers_regenerate"
CANCEL = "example_layers_cancel"
DECIDE = "example_layers_decide"
HTTP = "example_layers_http"
PUBLISH = "example_layers_publish"
WINNERS = "example_layers_winners"

# The emulator has two posts of the last seven days that are good enough to clone.
POSTS = range(2)
# The task instances of each example.
TASKS = {
    PIPELINE: {"top_performers", "tomorrow_at_nine"}
    | {f"{task}[{index}]" for task in ("clone", "wait", "approve", "schedule") for index in POSTS},
    APPROVAL: {"generate", "approved", "tomorrow", "schedule"},
    BATCH: {"batch", "approve", "schedule"},
    GENERATE: {"generate", "read"},
    REGENERATE: {"generate", "regenerate"},
    CANCEL: {"generate", "cancel"},
    DECIDE: {"finished", "sort_out", "approve", "reject"},
    HTTP: {"credits", "accounts"},
    PUBLISH: {"generate", "approve", "publish", "published_post", "public"}
    | {"days", "schedule", "first_post", "move", "cancel"},
    WINNERS: {"winners"} | {f"clone[{index}]" for index in POSTS},
}
# The task instances that wait in the triggerer. The clock moves after each step, once all of it is deferred.
DEFERRED_STEPS = (
    {
        PIPELINE: [f"wait[{index}]" for index in POSTS],
        APPROVAL: ["generate"],
        BATCH: ["batch"],
        GENERATE: ["generate"],
        REGENERATE: ["generate"],
        PUBLISH: ["generate"],
    },
    {APPROVAL: ["approved"], REGENERATE: ["regenerate"], PUBLISH: ["public"]},
)
# Airflow 2.11 with SQLite runs one task at a time, and all examples take minutes there. This one shows that
# deferring works.
ON_2_11 = (GENERATE,)
JOB_KINDS = {"content_clone_from_post": 2 * len(POSTS), "content_generate": 8, "content_regenerate": 1}


@dataclass(frozen=True)
class FinishedExamples:
    """All examples after their runs.

    :param client: the Airflow
    :param run_ids: run id of each DAG
    :param states: final state of each run
    :param rows: task instances of each run
    :param jobs: jobs that the runs started
    :param requests: requests that the runs sent
    :param pending: the containers that the example of approving and rejecting decides on
    :param approved: the container that was approved in Layers while a task waited for it
    :param started: time before the first run
    """

    client: AirflowClient
    run_ids: Mapping[str, str]
    states: Mapping[str, str]
    rows: Mapping[str, list[TaskRow]]
    jobs: list[CreatedJob]
    requests: list[RecordedRequest]
    pending: list[str]
    approved: str | None
    started: datetime

    def xcom(self, dag_id: str, task_id: str, key: str = "return_value", map_index: int = UNMAPPED) -> Any:
        return self.client.xcoms(dag_id, self.run_ids[dag_id], task_id, map_index).get(key)


@pytest.fixture(scope="module")
def api(emulator: Emulator) -> Iterator[httpx.Client]:
    """A client of the API that shares nothing with the provider."""
    headers = {"Authorization": f"Bearer {emulator.api_key}"}
    url = f"{emulator.url}/v1"
    with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as client:
        yield client


def send(api: httpx.Client, method: str, path: str, **body: Any) -> Any:
    return api.request(method, path, json=body or None).raise_for_status().json()


def create_pending_content(api: httpx.Client, emulator: Emulator) -> list[str]:
    """Create three completed containers without an approval, in a project that no other example uses."""
    project_id = emulator.project_ids[1]
    send(api, "PATCH", f"/projects/{project_id}/content-review-policy", policy="review_all")
    # The project has two layers, and the error names them.
    error = api.post(f"/projects/{project_id}/content", json={"brief": {}}).json()["error"]
    layer = error["details"]["candidates"][0]
    body = {"brief": {"topic": "x"}, "variantCount": 3, "projectLayerId": layer}
    containers = send(api, "POST", f"/projects/{project_id}/content", **body)["containerIds"]
    emulator.advance(JOB_SECONDS)
    return list(containers)


def decide_in_layers(api: httpx.Client, client: AirflowClient, run_id: str) -> str:
    """Approve a container of the approval example and reject the other, as a user of Layers does."""
    approved, rejected = client.xcoms(APPROVAL, run_id, "generate")["container_ids"]
    send(api, "POST", f"/content/{approved}/approve")
    send(api, "POST", f"/content/{rejected}/reject", reason="One is enough.")
    return str(approved)


@pytest.fixture(scope="module")
def examples(emulator: Emulator, api: httpx.Client, airflow: LocalAirflow) -> FinishedExamples:
    """All examples, run at the same time; it fails if one of `DEFERRED_STEPS` is not deferred."""
    emulator.configure(publish_seconds=JOB_SECONDS)
    pending = create_pending_content(api, emulator)
    jobs, requests = len(emulator.jobs()), len(emulator.requests())
    client, approved, started = airflow.client, None, datetime.now(timezone.utc)
    run_ids = {}
    for dag_id in TASKS if installed_release().has_rest else ON_2_11:
        project_id = emulator.project_ids[1 if dag_id == DECIDE else 0]
        conf = {"project_id": project_id, "social_account_id": emulator.social_account_ids[0]}
        run_ids[dag_id] = start_run(client, dag_id, conf)
    for step in DEFERRED_STEPS:
        for dag_id, labels in step.items():
            if dag_id in run_ids:
                airflow.wait_until_deferred(dag_id, run_ids[dag_id], *labels)
        if "approved" in step.get(APPROVAL, ()) and APPROVAL in run_ids:
            approved = decide_in_layers(api, client, run_ids[APPROVAL])
        emulator.advance(JOB_SECONDS)
    states = {dag_id: follow_run(client, dag_id, run_id) for dag_id, run_id in run_ids.items()}
    rows = {dag_id: client.task_rows(dag_id, run_id) for dag_id, run_id in run_ids.items()}
    return FinishedExamples(
        client,
        run_ids,
        states,
        rows,
        emulator.jobs()[jobs:],
        emulator.requests()[requests:],
        pending,
        approved,
        started,
    )


def test_every_example_file_is_run_here() -> None:
    # The review example needs a reviewer: test_review.
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {*TASKS, "example_layers_review"}


@pytest.mark.parametrize(
    "dag_id", [pytest.param(name, marks=[] if name in ON_2_11 else pytest.mark.airflow3) for name in TASKS]
)
def test_every_task_succeeds_in_its_first_try(dag_id: str, examples: FinishedExamples) -> None:
    rows = examples.rows[dag_id]
    assert {row.label: row.state for row in rows} == dict.fromkeys(TASKS[dag_id], "success")
    assert examples.states[dag_id] == "success"
    assert {row.label: row.try_number for row in rows if row.try_number > 1} == {}


@pytest.mark.airflow3
def test_each_submission_starts_exactly_one_job(examples: FinishedExamples) -> None:
    assert Counter(job.kind for job in examples.jobs) == JOB_KINDS
    assert len({job.idempotency_key for job in examples.jobs}) == sum(JOB_KINDS.values())
    assert not [request for request in examples.requests if request.replayed]
    job_ids = [
        examples.xcom(dag_id, "clone", "job_id", index) for dag_id in (PIPELINE, WINNERS) for index in POSTS
    ]
    job_ids += [
        examples.xcom(dag_id, "generate", "job_id")
        for dag_id in (APPROVAL, GENERATE, REGENERATE, CANCEL, PUBLISH)
    ]
    job_ids += [examples.xcom(REGENERATE, "regenerate", "job_id")]
    job_ids += [result["job_id"] for result in examples.xcom(BATCH, "batch", "results")]
    assert sorted(job_ids) == sorted(job.job_id for job in examples.jobs)


@pytest.mark.airflow3
def test_the_pipeline_schedules_each_clone_for_tomorrow_at_nine_in_the_timezone_of_the_project(
    examples: FinishedExamples, emulator: Emulator, api: httpx.Client
) -> None:
    zone = ZoneInfo("America/New_York")
    # The day may have changed since the task ran.
    moments = (examples.started, datetime.now(zone))
    tomorrow = {(moment.astimezone(zone) + timedelta(days=1)).date() for moment in moments}
    results = [examples.xcom(PIPELINE, "schedule", map_index=index) for index in POSTS]
    posts = [send(api, "GET", f"/scheduled-posts/{result[0]['scheduled_post_ids'][0]}") for result in results]
    clones = [examples.xcom(PIPELINE, "clone", "container_id", index) for index in POSTS]
    assert [post["containerId"] for post in posts] == clones
    for post in posts:
        moment = datetime.fromisoformat(post["scheduledFor"].replace("Z", "+00:00")).astimezone(zone)
        assert moment.date() in tomorrow
        assert (moment.hour, moment.minute) == (9, 0)
        assert post["socialAccountId"] == emulator.social_account_ids[0]
    for clone in clones:
        assert send(api, "GET", f"/content/{clone}")["approvalStatus"] == "approved"


def test_the_generated_content_is_complete(examples: FinishedExamples) -> None:
    containers = examples.xcom(GENERATE, "read")
    assert [container["status"] for container in containers] == ["completed", "completed"]
    assert [container["id"] for container in containers] == examples.xcom(GENERATE, "generate")
    for container in containers:
        response = httpx.get(container["preview"]["primaryUrl"], timeout=60, trust_env=False)
        assert response.status_code == 200


@pytest.mark.airflow3
def test_a_new_version_stays_in_its_container(examples: FinishedExamples) -> None:
    assert examples.xcom(REGENERATE, "regenerate") == examples.xcom(REGENERATE, "generate")


@pytest.mark.airflow3
def test_the_running_job_is_canceled(examples: FinishedExamples) -> None:
    (job,) = [job for job in examples.jobs if job.job_id == examples.xcom(CANCEL, "generate")]
    assert job.cancel_requested
    assert examples.xcom(CANCEL, "cancel")["accepted"] is True


@pytest.mark.airflow3
def test_one_post_is_published_and_the_other_rescheduled_and_canceled(
    examples: FinishedExamples, api: httpx.Client
) -> None:
    (published,), (canceled,) = (
        examples.xcom(PUBLISH, task)["scheduled_post_ids"] for task in ("publish", "schedule")
    )
    assert send(api, "GET", f"/scheduled-posts/{published}")["status"] == "published"
    post = send(api, "GET", f"/scheduled-posts/{canceled}")
    assert post["status"] == "canceled"
    rescheduled = datetime.fromisoformat(examples.xcom(PUBLISH, "days", "later"))
    moment = datetime.fromisoformat(post["scheduledFor"].replace("Z", "+00:00"))
    # The API keeps milliseconds.
    assert abs(moment - rescheduled) < timedelta(seconds=1)


@pytest.mark.airflow3
def test_a_batch_is_approved_and_scheduled_as_a_list(examples: FinishedExamples, api: httpx.Client) -> None:
    containers = examples.xcom(BATCH, "batch")
    assert len(containers) == 3
    assert [row["status"] for row in examples.xcom(BATCH, "batch", "results")] == ["completed"] * 3
    results = examples.xcom(BATCH, "schedule")
    assert [result["container_id"] for result in results] == containers
    for result in results:
        (post,) = result["scheduled_post_ids"]
        assert send(api, "GET", f"/scheduled-posts/{post}")["status"] == "queued"


@pytest.mark.airflow3
def test_one_container_is_approved_and_the_rest_rejected(
    examples: FinishedExamples, api: httpx.Client
) -> None:
    statuses = [send(api, "GET", f"/content/{name}")["approvalStatus"] for name in examples.pending]
    assert sorted(statuses) == ["approved", "rejected", "rejected"]


@pytest.mark.airflow3
def test_only_what_was_approved_in_layers_is_scheduled(examples: FinishedExamples, api: httpx.Client) -> None:
    assert examples.xcom(APPROVAL, "approved") == [examples.approved]
    assert sorted(examples.xcom(APPROVAL, "approved", "approvals").values()) == ["approved", "rejected"]
    (result,) = examples.xcom(APPROVAL, "schedule")
    assert result["container_id"] == examples.approved
    (post,) = result["scheduled_post_ids"]
    assert send(api, "GET", f"/scheduled-posts/{post}")["status"] == "queued"


@pytest.mark.airflow3
def test_routes_without_an_operator_are_read_page_by_page(examples: FinishedExamples) -> None:
    assert examples.xcom(HTTP, "credits") > 0
    assert examples.xcom(HTTP, "accounts") == ["@acmetodo", "@acmetodo"]


@pytest.mark.airflow3
@pytest.mark.parametrize(
    ("dag_id", "task_id", "map_index"), [(PIPELINE, "clone", 0), (GENERATE, "generate", -1)]
)
def test_links_lead_to_the_job(
    dag_id: str, task_id: str, map_index: int, examples: FinishedExamples, emulator: Emulator
) -> None:
    links = examples.client.links(dag_id, examples.run_ids[dag_id], task_id, map_index)
    job_id = examples.xcom(dag_id, task_id, "job_id", map_index)
    assert links["Layers job"] == f"{emulator.url}/v1/jobs/{job_id}"


def test_no_task_log_contains_the_api_key(examples: FinishedExamples, emulator: Emulator) -> None:
    secret = emulator.api_key.rpartition("_")[2]
    for dag_id, run_id in examples.run_ids.items():
        for row in examples.rows[dag_id]:
            log = examples.client.log(dag_id, run_id, row.task_id, 1, row.map_index)
            assert log
            assert secret not in log
