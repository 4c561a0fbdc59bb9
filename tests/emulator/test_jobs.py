"""Jobs: stages, progress, ends, ETag, cancel."""

import pytest


@pytest.fixture
def get_job(client):
    return lambda job: client.get(f"/v1/jobs/{job['jobId']}").json()


def test_a_completed_job_has_a_result(api, get_job, start_job):
    job = start_job(variantCount=2)
    api.advance(60)
    body = get_job(job)
    assert (body["status"], body["progress"]) == ("completed", 1)
    assert body["finishedAt"] == "2026-04-18T12:01:00.000Z"
    assert body["result"]["containerId"] == job["containerIds"][0]
    assert body["result"]["containerIds"] == job["containerIds"]
    assert len(body["result"]["assets"]) == 6


def test_a_failed_job_and_its_container_have_an_error(api, client, get_job, start_job):
    api.outcome("failed", code="PLATFORM_ERROR", message="TikTok said no.")
    job = start_job()
    api.advance(60)
    body = get_job(job)
    assert body["status"] == "failed"
    assert body["error"] == {"code": "PLATFORM_ERROR", "message": "TikTok said no."}
    assert body["progress"] < 1
    assert "result" not in body
    container = client.get(f"/v1/content/{job['containerIds'][0]}").json()
    assert (container["status"], container["lastError"]) == ("failed", body["error"])
    assert container["failedAt"] == body["finishedAt"]


def test_stages_in_the_documented_order_and_progress_that_never_decreases(api, get_job, start_job):
    job = start_job()
    stages, progress = [], []
    for _ in range(60):
        body = get_job(job)
        stages.append(body["stage"])
        progress.append(body["progress"])
        assert body["status"] == "running"
        api.advance(1)
    assert list(dict.fromkeys(stages)) == [
        "queued",
        "planning",
        "generating_visuals",
        "assembling",
        "finalizing",
    ]
    assert max(set(stages), key=stages.count) == "generating_visuals"
    assert progress == sorted(progress)
    assert progress[0] == 0
    assert progress[-1] < 1
    assert get_job(job)["progress"] == 1


def test_an_ended_job_does_not_change(api, get_job, start_job):
    api.outcome("failed")
    job = start_job()
    api.advance(60)
    first = get_job(job)
    api.advance(600)
    assert get_job(job) == first


def test_jobs_end_in_the_order_of_their_ends(api, start_job):
    api.outcome("completed", job_seconds=30)
    api.outcome("completed", job_seconds=10)
    slow, quick = start_job(), start_job()
    api.advance(3600)
    finished = {job.job_id: job.finished_at for job in api.jobs()}
    assert finished[quick["jobId"]] == "2026-04-18T12:00:10.000Z"
    assert finished[slow["jobId"]] == "2026-04-18T12:00:30.000Z"


def test_304_until_the_job_progresses(api, client, start_job):
    url = start_job()["locationUrl"]
    etag = client.get(url).headers["ETag"]
    unchanged = client.get(url, headers={"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert client.get(url, headers={"If-None-Match": f'W/{etag}, "other"'}).status_code == 304
    api.advance(1)
    assert client.get(url, headers={"If-None-Match": etag}).status_code == 304
    api.advance(9)
    changed = client.get(url, headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != etag


def test_a_cancel_is_accepted_and_has_its_effect_later(api, client, get_job, start_job):
    job = start_job()
    response = client.post(f"{job['locationUrl']}/cancel")
    assert (response.status_code, response.json()) == (202, {"jobId": job["jobId"], "accepted": True})
    assert get_job(job)["status"] == "running"
    api.advance(2)
    assert get_job(job)["status"] == "canceled"
    assert client.get(f"/v1/content/{job['containerIds'][0]}").json()["status"] == "canceled"
    assert api.jobs()[0].cancel_requested


@pytest.mark.parametrize("ended", ["completed", "failed", "canceled"])
def test_a_cancel_of_an_ended_job_is_not_accepted(api, client, get_job, start_job, ended):
    api.outcome(ended)
    job = start_job()
    api.advance(60)
    response = client.post(f"{job['locationUrl']}/cancel")
    assert response.status_code == 200
    assert response.json() == {"jobId": job["jobId"], "accepted": False, "reason": "ALREADY_COMPLETED"}
    assert get_job(job)["status"] == ended


def test_a_cancel_is_unavailable_in_the_last_stage(api, client, start_job, assert_error):
    job = start_job()
    api.advance(55)
    error = assert_error(client.post(f"{job['locationUrl']}/cancel"), 409, "CONFLICT")
    assert error["details"] == {
        "subcode": "JOB_CANCEL_UNAVAILABLE", "jobId": job["jobId"], "stage": "finalizing",
    }  # fmt: skip
    api.configure(uncancelable_stages=[])
    assert client.post(f"{job['locationUrl']}/cancel").status_code == 202


def test_a_job_can_end_before_its_cancel(api, client, get_job, start_job):
    api.configure(cancel_seconds=30)
    job = start_job()
    api.advance(40)
    assert client.post(f"{job['locationUrl']}/cancel").json()["accepted"]
    api.advance(60)
    assert get_job(job)["status"] == "completed"


def test_cancel_has_no_body(client, start_job, assert_error):
    url = start_job()["locationUrl"]
    assert_error(client.post(f"{url}/cancel", json={"reason": "x"}), 422, "VALIDATION", "reason")


def test_an_unknown_job_is_404(client, assert_error):
    assert_error(client.get("/v1/jobs/job_unknown"), 404, "NOT_FOUND")
    assert_error(client.post("/v1/jobs/job_unknown/cancel"), 404, "NOT_FOUND")


def test_durations_are_drawn_from_the_seed(api, start_job):
    def durations():
        api.configure(job_seconds=[10, 20])
        for _ in range(3):
            start_job()
        return [job.job_seconds for job in api.jobs()]

    first = durations()
    assert len(set(first)) == 3
    assert all(10 <= seconds < 20 for seconds in first)
    api.reset()
    assert durations() == first


def test_a_job_of_zero_seconds_completes(api, get_job, start_job):
    api.configure(job_seconds=0)
    assert get_job(start_job())["status"] == "completed"
