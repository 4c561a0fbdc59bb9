"""Injected faults: which requests meet them, and what the client sees."""

import time
import uuid

import httpx
import pytest

from airflow_provider_layers.emulator.faults import matches

BODY = {"brief": {"topic": "a"}}


def test_path_patterns():
    for pattern, path, expected in (
        ("*", "/v1/jobs/1/cancel", True),
        ("/v1/jobs/*", "/v1/jobs/1", True),
        ("/v1/jobs/*", "/v1/jobs/1/cancel", False),
        ("/v1/jobs/**", "/v1/jobs/1/cancel", True),
        ("/v1/*/1", "/v1/jobs/1", True),
        ("/v1/projects/*/content", "/v1/projects/p/content/ugc-remix", False),
        ("/v1/job.", "/v1/jobs", False),
        ("/v1/jobs", "/v1/jobs", True),
    ):
        assert matches(pattern, path) is expected, pattern


@pytest.fixture
def statuses(client):
    return lambda count, url="/v1/whoami": [client.get(url).status_code for _ in range(count)]


def test_times_and_skip(api, statuses):
    api.fault("fail_before", times=2, skip=1)
    assert statuses(5) == [200, 503, 503, 200, 200]


def test_a_fault_is_for_a_single_request_unless_it_has_no_limit(api, statuses):
    api.fault("fail_before")
    assert statuses(2) == [503, 200]
    api.fault("fail_before", times=None, status=500)
    assert statuses(3) == [500] * 3
    assert [fault["kind"] for fault in api.faults()] == ["fail_before"]
    api.clear_faults()
    assert statuses(1) == [200]
    assert api.faults() == []


def test_method_and_path_select_requests(api, client, statuses, start_job):
    url = start_job()["locationUrl"]
    api.fault("fail_before", method="get", path="/v1/jobs/*", times=None)
    assert statuses(1) == [200]
    assert statuses(1, url) == [503]
    assert client.post(f"{url}/cancel").status_code == 202


def test_faults_apply_in_order(api, statuses):
    api.fault("fail_before", status=500)
    api.fault("rate_limit")
    assert statuses(3) == [500, 429, 200]


def test_probability_is_drawn_from_the_seed(api, statuses):
    def draw():
        api.fault("fail_before", probability=0.5, times=None)
        return statuses(20)

    first = draw()
    assert set(first) == {200, 503}
    api.reset()
    assert draw() == first


def test_an_invalid_fault_is_an_error(api):
    for kind, arguments, message in (
        ("explode", {}, "kind: must be one of"),
        ("hang", {"status": 503}, "status: unknown field"),
        ("fail_before", {"status": 200}, "status: must be at least 400"),
        ("redirect", {"url": "https://x.example"}, "url: unknown field"),
        ("slow", {"times": 0}, "times: must be at least 1"),
        ("slow", {"probability": 2}, "probability: must be at most 1"),
    ):
        with pytest.raises(ValueError, match=message):
            api.fault(kind, **arguments)
    assert api.faults() == []


def test_faults_are_shown_with_their_defaults(api):
    api.fault("hang", path="/v1/jobs/*")
    (fault,) = api.faults()
    assert fault == {
        "kind": "hang", "method": "*", "path": "/v1/jobs/*", "times": 1, "skip": 0, "probability": 1,
        "seconds": 60, "executed": False,
    }  # fmt: skip


def test_fail_before_does_not_execute(api, client, content_url, assert_error):
    api.fault("fail_before", status=502)
    assert_error(client.post(content_url, json=BODY), 502, "UNAVAILABLE")
    assert api.jobs() == []
    assert client.post(content_url, json=BODY).status_code == 202


def test_fail_after_executes(api, client, content_url, assert_error):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    api.fault("fail_after", method="POST", path="/v1/projects/*/content", times=1, status=503)
    assert_error(client.post(content_url, json=BODY, headers=key), 503, "UNAVAILABLE")
    (job,) = api.jobs()
    assert client.post(content_url, json=BODY, headers=key).json()["jobId"] == job.job_id
    first, second = api.requests(method="POST")
    assert (first.status, first.executed, first.fault) == (503, True, "fail_after")
    assert (second.status, second.replayed) == (202, True)


@pytest.mark.parametrize(("kind", "jobs"), [("disconnect_before", 0), ("disconnect_after", 1)])
def test_a_disconnect_closes_the_socket_without_a_response(api, client, content_url, kind, jobs):
    api.fault(kind)
    with pytest.raises(httpx.RemoteProtocolError):
        client.post(content_url, json=BODY)
    assert len(api.jobs()) == jobs
    (request,) = api.requests()
    assert (request.status, request.executed) == (None, jobs == 1)
    assert client.get("/v1/whoami").status_code == 200


@pytest.mark.parametrize("executed", [False, True])
def test_hang_exceeds_the_timeout_of_the_client(api, client, content_url, executed):
    api.fault("hang", seconds=60, executed=executed)
    with pytest.raises(httpx.ReadTimeout):
        client.post(content_url, json=BODY, timeout=httpx.Timeout(10, read=0.05))
    while not api.requests(method="POST"):
        time.sleep(0.01)
    assert len(api.jobs()) == executed


def test_hang_ends_without_a_response(api, client):
    api.fault("hang", seconds=0.05)
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/v1/whoami")


def test_garbage_is_not_json(api, client, content_url):
    api.fault("garbage")
    response = client.post(content_url, json=BODY)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert response.text.startswith("<html>")
    assert api.jobs() == []
    api.fault("garbage", status=502, body="Bad Gateway", executed=True)
    response = client.post(content_url, json=BODY)
    assert (response.status_code, response.text, len(api.jobs())) == (502, "Bad Gateway", 1)


def test_slow_sends_the_whole_response_in_pieces(api, client):
    whole = client.get("/v1/whoami").json()
    api.fault("slow", seconds=0.2)
    begin = time.monotonic()
    assert client.get("/v1/whoami").json() == whole
    assert time.monotonic() - begin > 0.15


def test_redirect_leads_to_another_host(api, client):
    api.fault("redirect", location="https://evil.example")
    response = client.get("/v1/whoami")
    assert (response.status_code, response.headers["Location"]) == (302, "https://evil.example/v1/whoami")


def test_wrong_job_names_another_job(api, client, start_job):
    api.fault("wrong_job")
    body = start_job()
    (job,) = api.jobs()
    assert body["jobId"] != job.job_id
    assert body["locationUrl"] == f"/v1/jobs/{body['jobId']}"
    api.fault("wrong_job", path="/v1/jobs/*")
    assert client.get(f"/v1/jobs/{job.job_id}").json()["jobId"] not in (job.job_id, body["jobId"])


def test_rate_limit_names_the_wait(api, client, assert_error):
    api.fault("rate_limit", retry_after=7)
    response = client.get("/v1/whoami")
    assert_error(response, 429, "RATE_LIMITED")
    assert response.headers["Retry-After"] == "7"


@pytest.mark.parametrize("name", ["Authorization", "X-Api-Key"])
def test_repeat_key_puts_the_key_into_the_response(api, start_job, name):
    url = f"{api.url}{start_job()['locationUrl']}"
    headers = {name: f"Bearer {api.api_key}" if name == "Authorization" else api.api_key}
    api.fault("repeat_key")
    response = httpx.get(url, headers=headers, trust_env=False)
    assert (response.status_code, response.json()["status"]) == (200, "running")
    assert response.json()["received"] == headers
    assert response.headers[f"X-Received-{name}"] == headers[name]
    api.fault("repeat_key", status=401)
    response = httpx.get(url, headers=headers, trust_env=False)
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (401, "UNAUTHENTICATED")
    assert api.api_key in error["message"]
    assert error["details"]["received"] == headers
    assert not [request for request in api.requests() if api.api_key in str(request)]


def test_unknown_status_replaces_the_status(api, client, start_job):
    url = start_job()["locationUrl"]
    api.fault("unknown_status", job_status="paused")
    assert client.get(url).json()["status"] == "paused"
    assert client.get(url).json()["status"] == "running"
