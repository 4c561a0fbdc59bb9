import threading
import time
import uuid

import httpx
import pytest

from airflow_provider_layers.emulator import Emulator

BODY = {"brief": {"topic": "a"}}


def test_fail_before_does_nothing(api, client, content_url, refused):
    api.fault("fail_before", status=502)
    refused(client.post(content_url, json=BODY), 502, "UNAVAILABLE")
    assert api.jobs() == []
    assert client.post(content_url, json=BODY).status_code == 202


def test_fail_after_has_done_it(api, client, content_url, refused):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    api.fault("fail_after", method="POST", path="/v1/projects/*/content", times=1, status=503)
    refused(client.post(content_url, json=BODY, headers=key), 503, "UNAVAILABLE")
    (job,) = api.jobs()
    assert client.post(content_url, json=BODY, headers=key).json()["jobId"] == job.job_id
    first, second = api.requests(method="POST")
    assert (first.status, first.executed, first.fault) == (503, True, "fail_after")
    assert (second.status, second.replayed) == (202, True)


@pytest.mark.parametrize(("kind", "jobs"), [("disconnect_before", 0), ("disconnect_after", 1)])
def test_a_disconnect_is_a_socket_closed_without_an_answer(api, client, content_url, kind, jobs):
    api.fault(kind)
    with pytest.raises(httpx.RemoteProtocolError):
        client.post(content_url, json=BODY)
    assert len(api.jobs()) == jobs
    (request,) = api.requests()
    assert (request.status, request.executed) == (None, jobs == 1)
    assert client.get("/v1/whoami").status_code == 200


@pytest.mark.parametrize("executed", [False, True])
def test_a_hang_outlasts_the_clients_patience(api, client, content_url, executed):
    api.fault("hang", seconds=20, executed=executed)
    with pytest.raises(httpx.ReadTimeout):
        client.post(content_url, json=BODY, timeout=0.05)
    assert len(api.jobs()) == executed


def test_a_hang_ends_without_an_answer(api, client):
    api.fault("hang", seconds=0.05)
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/v1/whoami")


def test_a_server_with_hanging_requests_stops_at_once():
    failures = []

    def ask(url):
        try:
            httpx.get(f"{url}/v1/whoami", timeout=30)
        except httpx.RemoteProtocolError as error:
            failures.append(error)

    with Emulator() as emulator:
        emulator.fault("hang", seconds=60)
        thread = threading.Thread(target=ask, args=(emulator.url,))
        thread.start()
        while not emulator.requests():
            pass
        begin = time.monotonic()
    assert time.monotonic() - begin < 1.5
    thread.join(5)
    assert len(failures) == 1


def test_garbage_is_200_and_no_json(api, client, content_url):
    api.fault("garbage")
    answer = client.post(content_url, json=BODY)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<html>")
    assert api.jobs() == []
    api.fault("garbage", status=502, body="Bad Gateway", executed=True)
    answer = client.post(content_url, json=BODY)
    assert (answer.status_code, answer.text, len(api.jobs())) == (502, "Bad Gateway", 1)


def test_slow_bytes_trickle_and_are_all_there(api, client):
    whole = client.get("/v1/whoami").json()
    api.fault("slow", seconds=0.2)
    begin = time.monotonic()
    assert client.get("/v1/whoami").json() == whole
    assert time.monotonic() - begin > 0.15


def test_redirect_goes_to_another_host(api, client):
    api.fault("redirect", location="https://evil.example")
    answer = client.get("/v1/whoami")
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://evil.example/v1/whoami")


def test_wrong_job_names_another_job(api, client, start):
    api.fault("wrong_job")
    answer = start()
    (job,) = api.jobs()
    assert answer["jobId"] != job.job_id
    assert answer["locationUrl"] == f"/v1/jobs/{answer['jobId']}"
    api.fault("wrong_job", path="/v1/jobs/*")
    assert client.get(f"/v1/jobs/{job.job_id}").json()["jobId"] not in (job.job_id, answer["jobId"])


def test_rate_limit_says_when_to_come_back(api, client, refused):
    api.fault("rate_limit", retry_after=7)
    answer = client.get("/v1/whoami")
    refused(answer, 429, "RATE_LIMITED")
    assert answer.headers["Retry-After"] == "7"


def test_unknown_status_is_one_that_nobody_documented(api, client, start):
    url = start()["locationUrl"]
    api.fault("unknown_status", job_status="paused")
    assert client.get(url).json()["status"] == "paused"
    assert client.get(url).json()["status"] == "running"
