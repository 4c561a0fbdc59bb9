"""Reading jobs, canceling them, and where they can be looked at."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.jobs import (
    Cancellation,
    Job,
    absolute_url,
    cancel,
    cancel_job,
    container_ids,
    demand_success,
    get_job,
    look,
    read_job,
    starting_job,
)
from airflow_provider_layers.exceptions import (
    LayersConflictError,
    LayersJobCanceledError,
    LayersJobFailedError,
    LayersNotFoundError,
    LayersUnexpectedAnswerError,
)
from tests.unit.driving import LOST, bad, drive, good

RUNNING = {
    "jobId": "job_1",
    "kind": "content_generate",
    "status": "running",
    "stage": "planning",
    "progress": 0.25,
    "startedAt": "2026-04-18T12:04:11.000Z",
}


def test_a_running_job_is_read():
    assert read_job(good(RUNNING, etag='"1"'), job_id="job_1") == Job(
        job_id="job_1",
        kind="content_generate",
        status="running",
        stage="planning",
        progress=0.25,
        started_at="2026-04-18T12:04:11.000Z",
        etag='"1"',
    )


def test_a_job_tells_its_project_and_its_remaining_seconds_where_the_answer_does():
    read = read_job(good(RUNNING | {"projectId": "prj_1", "etaSeconds": 12.5}))
    assert (read.project_id, read.eta_seconds) == ("prj_1", 12.5)
    assert (read_job(good(RUNNING)).project_id, read_job(good(RUNNING)).eta_seconds) == (None, None)


@pytest.mark.parametrize(
    ("body", "found"),
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
def test_containers_are_found_under_either_name_each_once(body, found):
    assert container_ids(body) == found


@pytest.mark.parametrize("given", ["cnt_1", [{"id": "cnt_1"}], 7])
def test_container_ids_of_an_unknown_shape_are_an_unexpected_answer(given):
    with pytest.raises(LayersUnexpectedAnswerError):
        read_job(good(RUNNING | {"containerIds": given}))


@pytest.mark.parametrize("body", [{}, {"jobId": None}, {"jobId": ""}, {"jobId": 7}, {"job": RUNNING}])
def test_an_answer_without_a_job_id_is_unexpected(body):
    with pytest.raises(LayersUnexpectedAnswerError, match="without a jobId"):
        read_job(good({"status": "running"} | body))


def test_another_job_than_the_one_asked_for_is_unexpected():
    with pytest.raises(LayersUnexpectedAnswerError, match="job_2 and answered with job job_1"):
        read_job(good(RUNNING), job_id="job_2")


@pytest.mark.parametrize("status", ["queued", "COMPLETED", "", None, 1, ["running"]])
def test_an_unknown_status_is_unexpected_and_names_the_known_ones(status):
    with pytest.raises(LayersUnexpectedAnswerError) as caught:
        read_job(good(RUNNING | {"status": status}))
    assert f"{status!r}" in str(caught.value)
    assert "running, completed, failed, canceled" in str(caught.value)


def test_only_the_answer_to_a_submission_may_leave_out_the_status():
    body = {"jobId": "job_1", "containerId": "cnt_1"}
    assert starting_job(good(body, status=202)).status == "running"
    with pytest.raises(LayersUnexpectedAnswerError):
        read_job(good(body))


@pytest.mark.parametrize(
    ("status", "ended"), [("running", False), ("completed", True), ("failed", True), ("canceled", True)]
)
def test_every_status_but_running_is_final(status, ended):
    assert Job("job_1", "", status).ended is ended


def test_a_job_as_xcom_is_plain_and_starts_with_the_submitted_containers():
    job = Job("job_1", "content_generate", "completed", ("cnt_2", "cnt_1"), result={"assets": []}, etag="1")
    assert job.as_xcom(["cnt_1"]) == {
        "job_id": "job_1",
        "kind": "content_generate",
        "status": "completed",
        "container_ids": ["cnt_1", "cnt_2"],
        "result": {"assets": []},
    }


def test_signed_addresses_in_a_result_stay_out_of_the_repr():
    assert "https" not in repr(Job("job_1", "", "completed", result={"url": "https://signed"}))


def test_getting_a_job_asks_for_changes_where_it_knows_the_job():
    endpoint = get_job("job/1", etag='"1"')
    assert (endpoint.method, endpoint.path, endpoint.etag) == ("GET", "/v1/jobs/job%2F1", '"1"')
    assert endpoint.read(good(status=304)) is None


def test_looking_reads_the_job_and_outlives_a_lost_answer():
    driven = drive(look("job_1"), [LOST, good(RUNNING)])
    assert driven.result.stage == "planning"
    assert driven.asked == ["GET /v1/jobs/job_1"] * 2


def test_looking_does_not_take_304_for_a_job():
    assert isinstance(drive(look("job_1"), [good(status=304)] * 5).error, LayersUnexpectedAnswerError)


def test_canceling_carries_no_key_so_that_no_old_answer_is_replayed():
    endpoint = cancel_job("job_1")
    assert (endpoint.method, endpoint.path) == ("POST", "/v1/jobs/job_1/cancel")
    assert endpoint.idempotency_key is None
    assert endpoint.body is None
    assert endpoint.repeatable


UNAVAILABLE = bad(409, "CONFLICT", details={"subcode": "JOB_CANCEL_UNAVAILABLE", "stage": "opening_pr"})


@pytest.mark.parametrize(
    ("answer", "accepted", "reason"),
    [
        (good({"jobId": "job_1", "accepted": True}, status=202), True, None),
        (good({"accepted": False, "reason": "ALREADY_COMPLETED"}), False, "ALREADY_COMPLETED"),
        (UNAVAILABLE, False, "JOB_CANCEL_UNAVAILABLE"),
    ],
)
def test_each_answer_to_a_cancel_is_a_result(answer, accepted, reason):
    assert drive(cancel("job_1"), [answer]).result == Cancellation("job_1", accepted, reason)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(bad(409, "CONFLICT"), LayersConflictError), (bad(404, "NOT_FOUND"), LayersNotFoundError)],
)
def test_other_refusals_to_cancel_are_errors(answer, kind):
    assert type(drive(cancel("job_1"), [answer]).error) is kind


@pytest.mark.parametrize("status", ["running", "completed"])
def test_a_job_that_did_not_fail_is_given_back(status):
    job = Job("job_1", "", status)
    assert demand_success(job) is job


def test_a_canceled_job_is_an_error():
    with pytest.raises(LayersJobCanceledError, match="Layers job job_1 was canceled"):
        demand_success(Job("job_1", "", "canceled"))


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ({"code": "SCRAPE_FAILED", "message": "No such app"}, "failed: SCRAPE_FAILED No such app."),
        ({"message": "No such app."}, "failed: No such app."),
        ({"reason": "unheard of"}, "failed: the API gave no reason."),
        (None, "failed: the API gave no reason."),
    ],
)
def test_a_failed_job_tells_why_and_keeps_the_error(error, text):
    with pytest.raises(LayersJobFailedError) as caught:
        demand_success(Job("job_1", "", "failed", error=error))
    assert str(caught.value) == f"Layers job job_1 {text}"
    assert caught.value.error == (error or {})


@pytest.mark.parametrize("error", ["No such app", ["No such app"]])
def test_a_failed_job_fails_whatever_the_shape_of_its_error(error):
    """The vendor does not document the shape."""
    job = read_job(good(RUNNING | {"status": "failed", "error": error}))
    with pytest.raises(LayersJobFailedError, match="No such app"):
        demand_success(job)


BASE = "https://api.layers.com"
OWN = f"{BASE}/v1/jobs/job_1"


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/v1/jobs/job_1", OWN),
        ("v1/jobs/job_1", OWN),
        (f"{BASE}/v2/jobs/job_1?view=full", f"{BASE}/v2/jobs/job_1?view=full"),
        (None, OWN),
        ("", OWN),
        ("https://evil.example/v1/jobs/job_1", OWN),
        ("//evil.example/v1/jobs/job_1", OWN),
        (f"{BASE}@evil.example/", OWN),
        (f"{BASE}.evil.example/", OWN),
        ("http://api.layers.com/v1/jobs/job_1", OWN),
        ("https://api.layers.com:8443/v1/jobs/job_1", OWN),
        ("javascript:alert(1)", OWN),
        ("https://[not-an-address/", OWN),
    ],
)
def test_a_location_stays_on_its_host_or_is_replaced(location, url):
    assert absolute_url(BASE, location, "job_1") == url
