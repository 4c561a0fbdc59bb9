import pytest


def look(client, job):
    return client.get(f"/v1/jobs/{job['jobId']}").json()


def test_a_completed_job_has_a_result(api, client, start):
    job = start(variantCount=2)
    api.advance(60)
    body = look(client, job)
    assert body["status"] == "completed"
    assert body["progress"] == 1
    assert body["finishedAt"] == "2026-04-18T12:01:00.000Z"
    assert body["result"]["containerId"] == job["containerIds"][0]
    assert body["result"]["containerIds"] == job["containerIds"]
    assert len(body["result"]["assets"]) == 6


def test_a_failed_job_has_an_error_and_so_has_its_container(api, client, start):
    api.outcome("failed", code="PLATFORM_ERROR", message="TikTok said no.")
    job = start()
    api.advance(60)
    body = look(client, job)
    assert body["status"] == "failed"
    assert body["error"] == {"code": "PLATFORM_ERROR", "message": "TikTok said no."}
    assert body["progress"] < 1
    assert "result" not in body
    container = client.get(f"/v1/content/{job['containerIds'][0]}").json()
    assert (container["status"], container["lastError"]) == ("failed", body["error"])
    assert container["failedAt"] == body["finishedAt"]


def test_304_until_the_job_moves(api, client, start):
    url = start()["locationUrl"]
    etag = client.get(url).headers["ETag"]
    unchanged = client.get(url, headers={"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert client.get(url, headers={"If-None-Match": f'W/{etag}, "other"'}).status_code == 304
    api.advance(10)
    moved = client.get(url, headers={"If-None-Match": etag})
    assert moved.status_code == 200
    assert moved.headers["ETag"] != etag


def test_a_small_step_of_the_clock_is_still_a_304(api, client, start):
    url = start()["locationUrl"]
    etag = client.get(url).headers["ETag"]
    api.advance(1)
    assert client.get(url, headers={"If-None-Match": etag}).status_code == 304


def test_cancel_is_taken_and_takes_effect_a_little_later(api, client, start):
    job = start()
    answer = client.post(f"{job['locationUrl']}/cancel")
    assert (answer.status_code, answer.json()) == (202, {"jobId": job["jobId"], "accepted": True})
    assert look(client, job)["status"] == "running"
    api.advance(2)
    assert look(client, job)["status"] == "canceled"
    assert client.get(f"/v1/content/{job['containerIds'][0]}").json()["status"] == "canceled"
    assert api.jobs()[0].cancel_requested


@pytest.mark.parametrize("ended", ["completed", "failed", "canceled"])
def test_cancel_of_an_ended_job_is_not_accepted(api, client, start, ended):
    api.outcome(ended)
    job = start()
    api.advance(60)
    answer = client.post(f"{job['locationUrl']}/cancel")
    assert answer.status_code == 200
    assert answer.json() == {"jobId": job["jobId"], "accepted": False, "reason": "ALREADY_COMPLETED"}
    assert look(client, job)["status"] == ended


def test_cancel_is_unavailable_in_the_last_stage(api, client, start, refused):
    job = start()
    api.advance(55)
    error = refused(client.post(f"{job['locationUrl']}/cancel"), 409, "CONFLICT")
    assert error["details"] == {
        "subcode": "JOB_CANCEL_UNAVAILABLE", "jobId": job["jobId"], "stage": "finalizing",
    }  # fmt: skip
    api.configure(uncancelable_stages=[])
    assert client.post(f"{job['locationUrl']}/cancel").status_code == 202


def test_cancel_can_lose_the_race(api, client, start):
    api.configure(cancel_seconds=30)
    job = start()
    api.advance(40)
    assert client.post(f"{job['locationUrl']}/cancel").json()["accepted"]
    api.advance(60)
    assert look(client, job)["status"] == "completed"


def test_cancel_takes_no_body_fields(client, start, refused):
    url = start()["locationUrl"]
    refused(client.post(f"{url}/cancel", json={"reason": "x"}), 422, "VALIDATION", "reason")


def test_an_unknown_job_is_not_found(client, refused):
    refused(client.get("/v1/jobs/job_nobody"), 404, "NOT_FOUND")
    refused(client.post("/v1/jobs/job_nobody/cancel"), 404, "NOT_FOUND")


def test_a_cap_on_running_jobs(api, client, start, content_url, refused):
    api.configure(concurrent_jobs=1)
    start()
    answer = client.post(content_url, json={"brief": {}})
    refused(answer, 429, "RATE_LIMITED")
    assert int(answer.headers["Retry-After"]) > 0
    api.advance(60)
    assert client.post(content_url, json={"brief": {}}).status_code == 202


def test_a_range_of_durations_is_drawn_from_the_seed(api, start):
    def durations():
        api.configure(job_seconds=[10, 20])
        for _ in range(3):
            start()
        return [job.job_seconds for job in api.jobs()]

    first = durations()
    assert len(set(first)) == 3
    assert all(10 <= seconds < 20 for seconds in first)
    api.reset()
    assert durations() == first


def test_a_job_of_no_time_at_all_completes(api, client, start):
    api.configure(job_seconds=0)
    assert look(client, start())["status"] == "completed"
