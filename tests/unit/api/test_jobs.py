"""Reading jobs, canceling them, and their URLs."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.jobs import (
    STATUSES,
    Cancellation,
    Job,
    cancel_job,
    cancellation_from_conflict,
    get_job,
    get_job_if_changed,
    job_url,
    raise_unless_completed,
    read_job,
    read_submission,
)
from airflow_provider_layers.exceptions import (
    LayersConflictError,
    LayersJobCanceledError,
    LayersJobFailedError,
    LayersUnexpectedResponseError,
)
from tests.limits import JOB_STATUSES
from tests.unit.scripted import response

RUNNING = {
    "jobId": "job_1",
    "kind": "content_generate",
    "status": "running",
    "stage": "planning",
    "progress": 0.25,
    "startedAt": "2026-04-18T12:04:11.000Z",
}


def test_a_job_is_read_with_all_that_the_response_names():
    job = Job(
        job_id="job_1",
        kind="content_generate",
        status="running",
        stage="planning",
        progress=0.25,
        started_at="2026-04-18T12:04:11.000Z",
        etag='"1"',
    )
    assert read_job(response(RUNNING, etag='"1"'), job_id="job_1") == job
    more = read_job(response(RUNNING | {"projectId": "prj_1", "etaSeconds": 12.5}))
    assert (more.project_id, more.eta_seconds) == ("prj_1", 12.5)


@pytest.mark.parametrize(
    ("body", "container_ids"),
    [
        ({}, ()),
        ({"containerId": "cnt_1"}, ("cnt_1",)),
        ({"containerIds": ["cnt_1", "cnt_2"]}, ("cnt_1", "cnt_2")),
        ({"containerId": "cnt_1", "containerIds": ["cnt_1", "cnt_2"]}, ("cnt_1", "cnt_2")),
        ({"containerIds": None, "containerId": "cnt_1"}, ("cnt_1",)),
        ({"result": {"containerId": "cnt_1"}}, ("cnt_1",)),
        ({"containerId": "cnt_1", "result": {"containerIds": ["cnt_2", "cnt_1"]}}, ("cnt_1", "cnt_2")),
        ({"result": None}, ()),
        ({"result": ["cnt_1"]}, ()),
    ],
)
def test_containers_are_found_under_either_name_each_once(body, container_ids):
    assert read_job(response(RUNNING | body)).container_ids == container_ids


def test_a_response_of_another_shape_is_unexpected():
    for value in ("cnt_1", [{"id": "cnt_1"}], 7):
        with pytest.raises(LayersUnexpectedResponseError, match="containerIds should be a list of strings"):
            read_job(response(RUNNING | {"containerIds": value}))
    for body in ({}, {"jobId": None}, {"jobId": ""}, {"jobId": 7}, {"job": RUNNING}):
        with pytest.raises(LayersUnexpectedResponseError, match="without a jobId"):
            read_job(response({"status": "running"} | body))


def test_another_job_than_the_requested_one_is_unexpected():
    with pytest.raises(
        LayersUnexpectedResponseError, match=r"Job job_2 was requested, and .* returned job job_1"
    ):
        get_job("job_2").read(response(RUNNING))


def test_an_undocumented_status_is_unexpected_and_the_documented_ones_are_named():
    assert STATUSES == JOB_STATUSES
    for status in ("queued", "COMPLETED", "", None, 1, ["running"]):
        with pytest.raises(LayersUnexpectedResponseError) as caught:
            read_job(response(RUNNING | {"status": status}))
        assert f"has status {status!r}; known are running, completed, failed, canceled" in str(caught.value)


def test_a_submission_is_read_with_its_location():
    body = {"jobId": "job_1", "containerIds": ["cnt_1", "cnt_2"], "locationUrl": "/v1/jobs/job_1"}
    submission = read_submission(response(body, 202))
    assert (submission.job.job_id, submission.job.container_ids) == ("job_1", ("cnt_1", "cnt_2"))
    assert (submission.location, submission.current) == ("/v1/jobs/job_1", None)
    assert read_submission(response({"jobId": "job_1"}, 202)).location is None


def test_only_the_response_to_a_submission_may_leave_out_the_status():
    body = {"jobId": "job_1", "containerId": "cnt_1"}
    assert read_submission(response(body, 202)).job.status == "running"
    with pytest.raises(LayersUnexpectedResponseError):
        read_job(response(body))


def test_every_status_but_running_is_final():
    ended = {status: Job("job_1", "", status).ended for status in JOB_STATUSES}
    assert ended == {"running": False, "completed": True, "failed": True, "canceled": True}


def test_a_job_as_xcom_is_plain_and_starts_with_the_submitted_containers():
    job = Job("job_1", "content_generate", "completed", ("cnt_2", "cnt_1"), result={"assets": []}, etag="1")
    assert job.as_xcom(["cnt_1"]) == {
        "job_id": "job_1",
        "kind": "content_generate",
        "status": "completed",
        "container_ids": ["cnt_1", "cnt_2"],
        "result": {"assets": []},
    }


def test_signed_urls_in_a_result_stay_out_of_the_repr():
    assert "https" not in repr(Job("job_1", "", "completed", result={"url": "https://signed"}))


def test_a_job_is_read_with_and_without_a_condition():
    plain, conditional = get_job("job/1"), get_job_if_changed("job_1", etag='"1"')
    assert (plain.method, plain.path, plain.etag) == ("GET", "/v1/jobs/job%2F1", None)
    assert (conditional.path, conditional.etag) == ("/v1/jobs/job_1", '"1"')
    assert conditional.read(response(status=304)) is None
    assert conditional.read(response(RUNNING)) == get_job("job_1").read(response(RUNNING))


def test_a_cancel_has_no_key_so_that_no_earlier_response_is_replayed():
    endpoint = cancel_job("job_1")
    assert (endpoint.method, endpoint.path) == ("POST", "/v1/jobs/job_1/cancel")
    assert (endpoint.idempotency_key, endpoint.body, endpoint.retryable) == (None, None, True)


def test_both_outcomes_of_a_cancel_are_read():
    read = cancel_job("job_1").read
    assert read(response({"jobId": "job_1", "accepted": True}, 202)) == Cancellation("job_1", accepted=True)
    ended = read(response({"accepted": False, "reason": "ALREADY_COMPLETED"}))
    assert ended == Cancellation("job_1", accepted=False, reason="ALREADY_COMPLETED")


def test_a_stage_that_cannot_be_canceled_is_an_outcome_and_another_conflict_is_not():
    def conflict(**details):
        return LayersConflictError("cancel job job_1", status_code=409, details=details)

    outcome = cancellation_from_conflict(
        "job_1", conflict(subcode="JOB_CANCEL_UNAVAILABLE", stage="opening_pr")
    )
    assert outcome == Cancellation("job_1", accepted=False, reason="JOB_CANCEL_UNAVAILABLE")
    for other in (conflict(), conflict(subcode="OTHER")):
        with pytest.raises(LayersConflictError) as caught:
            cancellation_from_conflict("job_1", other)
        assert caught.value is other


def test_a_job_that_did_not_fail_is_returned():
    for status in ("running", "completed"):
        job = Job("job_1", "", status)
        assert raise_unless_completed(job) is job


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ({"code": "SCRAPE_FAILED", "message": "No such app"}, "failed: SCRAPE_FAILED No such app."),
        ({"message": "No such app."}, "failed: No such app."),
        ({"reason": "undocumented"}, "failed: the API gave no reason."),
        (None, "failed: the API gave no reason."),
    ],
)
def test_a_failed_job_names_its_reason_and_keeps_the_error(error, text):
    with pytest.raises(LayersJobFailedError) as caught:
        raise_unless_completed(Job("job_1", "", "failed", error=error))
    assert str(caught.value) == f"Layers job job_1 {text}"
    assert caught.value.error == (error or {})


def test_a_failed_job_fails_whatever_the_shape_of_its_error():
    """The vendor does not document the shape."""
    for error in ("No such app", ["No such app"]):
        job = read_job(response(RUNNING | {"status": "failed", "error": error}))
        with pytest.raises(LayersJobFailedError, match="No such app"):
            raise_unless_completed(job)


def test_a_canceled_job_is_an_error():
    with pytest.raises(LayersJobCanceledError, match="Layers job job_1 was canceled"):
        raise_unless_completed(Job("job_1", "", "canceled"))


BASE = "https://api.layers.com"
DOCUMENTED = f"{BASE}/v1/jobs/job_1"


def test_a_location_stays_on_its_host_or_is_replaced_by_the_documented_path():
    urls = {
        "/v1/jobs/job_1": DOCUMENTED,
        "v1/jobs/job_1": DOCUMENTED,
        f"{BASE}/v2/jobs/job_1?view=full": f"{BASE}/v2/jobs/job_1?view=full",
        None: DOCUMENTED,
        "": DOCUMENTED,
        7: DOCUMENTED,
        "https://evil.example/v1/jobs/job_1": DOCUMENTED,
        "//evil.example/v1/jobs/job_1": DOCUMENTED,
        f"{BASE}@evil.example/": DOCUMENTED,
        f"{BASE}.evil.example/": DOCUMENTED,
        "http://api.layers.com/v1/jobs/job_1": DOCUMENTED,
        "https://api.layers.com:8443/v1/jobs/job_1": DOCUMENTED,
        "javascript:alert(1)": DOCUMENTED,
        "https://[not-an-address/": DOCUMENTED,
    }
    assert {location: job_url(BASE, location, "job_1") for location in urls} == urls
