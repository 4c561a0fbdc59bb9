from airflow_provider_layers.emulator.ledger import Entry, Ledger


def test_a_request_is_written_down_whole(api, client, content_url):
    key = "8d2f1a3e-0b4c-4a11-9f7e-33c0a2c1bd55"
    answer = client.post(f"{content_url}?dry=1&dry=2", json={"brief": {}}, headers={"Idempotency-Key": key})
    (request,) = api.requests()
    assert (request.method, request.path, request.status) == ("POST", content_url, answer.status_code)
    assert request.query == {"dry": ["1", "2"]}
    assert request.body == {"brief": {}}
    assert request.idempotency_key == key
    assert request.request_id == answer.headers["X-Request-Id"]
    assert request.at == "2026-04-18T12:00:00.000Z"
    assert request.headers["content-type"] == "application/json"


def test_the_key_is_never_written_down(web, api):
    for headers in (
        {"Authorization": f"Bearer {api.api_key}"},
        {"X-Api-Key": api.api_key},
        {"Authorization": api.api_key},
    ):
        web.get(f"{api.url}/v1/whoami", headers=headers)
    assert api.api_key not in web.get(f"{api.url}/_emulator/requests").text
    assert [request.headers.get("authorization") for request in api.requests()] == ["Bearer ***", None, "***"]
    assert api.requests()[1].headers["x-api-key"] == "***"


def test_refused_requests_are_there_too(web, api, client):
    client.post("/v1/jobs/job_1/cancel", content=b"not json")
    (request,) = api.requests()
    assert (request.status, request.executed, request.body) == (422, False, "not json")
    web.get(f"{api.url}/v1/whoami")
    assert (api.requests()[1].status, api.requests()[1].key_id) == (401, None)


def test_requests_can_be_picked(api, client, start):
    client.get(start()["locationUrl"])
    assert [request.path for request in api.requests(path="/v1/projects/*/content")] == [
        f"/v1/projects/{api.project_id}/content"
    ]
    assert len(api.requests(method="get")) == 1
    assert api.requests(method="GET", path="/v1/projects/**") == []


def test_the_oldest_requests_make_room():
    ledger = Ledger(size=2)
    for path in ("/1", "/2", "/3"):
        ledger.add(Entry("GET", path, {}, {}, None, None, "req_1", "now"))
    assert [entry["path"] for entry in ledger.show()] == ["/2", "/3"]


def test_created_jobs_with_their_cost(api, start):
    answer = start(variantCount=2)
    (job,) = api.jobs()
    assert (job.job_id, job.kind, job.status, job.cost) == (
        answer["jobId"],
        "content_generate",
        "running",
        100,
    )
    assert job.container_ids == answer["containerIds"]
    assert (job.project_id, job.job_seconds, job.finished_at) == (api.project_id, 60, None)
    api.advance(60)
    assert (api.jobs()[0].status, api.jobs()[0].finished_at) == ("completed", "2026-04-18T12:01:00.000Z")
