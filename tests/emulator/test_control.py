"""The control API and its client: clock, reset, settings, outcomes, requests, jobs, the page."""

import json
from dataclasses import fields

import pytest

from airflow_provider_layers.emulator import EmulatorControl, RecordedRequest
from airflow_provider_layers.emulator.entities import LoggedRequest
from airflow_provider_layers.emulator.state import State, StateOptions


def test_control_needs_no_key_and_is_not_logged(anonymous, api):
    assert anonymous.get(f"{api.url}/_emulator/state").json()["api_key"] == api.api_key
    assert api.requests() == []


def test_a_client_controls_an_emulator_that_it_did_not_start(api, start_job):
    with EmulatorControl(api.url + "/") as control:
        assert (control.url, control.api_key, control.project_id) == (api.url, api.api_key, api.project_id)
        start_job()
        control.advance(60)
        assert [job.status for job in control.jobs()] == ["completed"]


def test_a_proxy_of_the_environment_is_not_used(api, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with EmulatorControl(api.url) as control:
        assert control.now() == "2026-04-18T12:00:00.000Z"


def test_airflow_connection(api):
    assert api.connection == {"conn_type": "layers", "host": api.url, "password": api.api_key}
    assert json.loads(api.airflow_connection_json) == api.connection
    assert api.airflow_connection_uri.startswith("layers://:lp_live_")
    assert api.airflow_connection_uri.endswith("@" + api.url.replace(":", "%3A").replace("/", "%2F"))


def test_projects_and_keys(api):
    assert len(set(api.project_ids)) == 3
    assert set(api.keys) == {"default", "second", "read_only", "revoked", "suspended"}
    assert len(set(api.keys.values())) == 5


def test_clock(anonymous, api):
    shown = anonymous.get(f"{api.url}/_emulator/clock").json()
    assert shown == {"now": "2026-04-18T12:00:00.000Z", "frozen": True}
    api.advance(90.5)
    assert api.now() == "2026-04-18T12:01:30.500Z"


def test_reset_removes_everything_and_repeats_the_ids(api, start_job):
    before = (api.project_id, start_job()["jobId"])
    api.configure(credits=3, revoked=True)
    api.fault("fail_before", times=None)
    api.outcome("failed", times=None)
    api.advance(1000)
    api.reset()
    assert (api.jobs(), api.requests(), api.faults(), api.now()) == ([], [], [], "2026-04-18T12:00:00.000Z")
    assert api.settings()["credits"] == 10_000
    assert (api.project_id, start_job()["jobId"]) == before
    api.advance(60)
    assert api.jobs()[0].status == "completed"


def test_reset_with_another_seed_changes_the_ids(api):
    before = api.project_id, api.social_account_ids, api.top_post_ids, api.influencer_ids
    api.reset(seed=9)
    after = api.project_id, api.social_account_ids, api.top_post_ids, api.influencer_ids
    assert all(old != new for old, new in zip(before, after, strict=True))


def test_invalid_bodies_are_errors(anonymous, api):
    for method, command, body in (
        ("POST", "clock", {"seconds": 5}),
        ("POST", "clock", {"advance": -5}),
        ("POST", "reset", {"speed": 1}),
        ("PATCH", "settings", {"tier": "gold"}),
        ("PATCH", "settings", []),
        ("POST", "outcomes", {}),
        ("POST", "faults", []),
    ):
        response = anonymous.request(method, f"{api.url}/_emulator/{command}", json=body)
        code = response.json()["error"]["code"]
        assert (response.status_code, code) == (422, "VALIDATION"), command


def test_a_body_that_is_not_json_is_an_error(anonymous, api):
    response = anonymous.post(f"{api.url}/_emulator/faults", content=b"hang")
    assert response.status_code == 422
    assert "not JSON" in response.json()["error"]["message"]


def test_the_client_raises_with_the_reason(api):
    with pytest.raises(ValueError, match=r"tier: must be one of .*, not 'gold'"):
        api.configure(tier="gold")


def test_every_setting_is_shown_as_it_is_set(api):
    shown = api.settings()
    assert shown["job_seconds"] == 60
    assert api.configure(**shown) == shown


def test_an_invalid_setting_is_named_and_changes_nothing(api):
    before = api.settings()
    for setting, value in (
        ("credits", -1),
        ("job_seconds", [1, 2, 3]),
        ("job_seconds", "90"),
        ("schedule_gate", "open"),
        ("review_policy", "never"),
        ("first_n", 0),
        ("suspended", "me"),
        ("uncancelable_stages", ["sleeping"]),
        ("revision", "newest"),
        ("missing", ["app_icon"]),
        ("publish_secs", 1),
    ):
        with pytest.raises(ValueError, match=setting):
            api.configure(tier="pilot", **{setting: value})
    assert api.settings() == before


def test_settings_change_the_default_project_and_key_only(api, client):
    api.configure(review_policy="auto_approve", scopes=["content:read"])
    policy = client.get(f"/v1/projects/{api.project_id}/content-review-policy").json()
    assert policy["policy"] == "auto_approve"
    headers = {"X-Api-Key": api.keys["read_only"]}
    assert client.get("/v1/whoami", headers=headers).json()["scopes"] != ["content:read"]


@pytest.fixture
def end_jobs(api, start_job):
    def run(count):
        before = len(api.jobs())
        for _ in range(count):
            start_job()
        api.advance(600)
        return [job.status for job in api.jobs()[before:]]

    return run


def test_outcomes_apply_in_order(api, end_jobs):
    api.outcome("failed", times=2)
    api.outcome("canceled")
    assert end_jobs(4) == ["failed", "failed", "canceled", "completed"]


def test_an_outcome_applies_to_its_kind(api, end_jobs, clone):
    api.outcome("failed", kind="content_clone_from_post")
    assert end_jobs(1) == ["completed"]
    clone()
    api.advance(60)
    assert api.jobs()[-1].status == "failed"


def test_an_outcome_without_limit_lasts_until_it_is_cleared(api, end_jobs):
    api.outcome("failed", times=None)
    assert end_jobs(3) == ["failed"] * 3
    api.clear_outcomes()
    assert end_jobs(1) == ["completed"]


def test_an_outcome_can_change_the_duration(api, start_job):
    api.outcome("completed", job_seconds=500)
    start_job(), start_job()
    api.advance(60)
    assert [job.status for job in api.jobs()] == ["running", "completed"]
    api.advance(440)
    assert api.jobs()[0].status == "completed"


def test_an_invalid_outcome_is_an_error(api):
    for status, arguments in (("lost", {}), ("failed", {"kind": "film"}), ("failed", {"error": "x"})):
        with pytest.raises(ValueError, match="VALIDATION"):
            api.outcome(status, **arguments)


def test_a_request_is_recorded_completely(api, client, content_url):
    key = "8d2f1a3e-0b4c-4a11-9f7e-33c0a2c1bd55"
    url = f"{content_url}?dry=1&dry=2"
    response = client.post(url, json={"brief": {}}, headers={"Idempotency-Key": key})
    (request,) = api.requests()
    assert (request.method, request.path, request.status) == ("POST", content_url, response.status_code)
    assert request.query == {"dry": ["1", "2"]}
    assert request.body == {"brief": {}}
    assert request.idempotency_key == key
    assert request.request_id == response.headers["X-Request-Id"]
    assert request.at == "2026-04-18T12:00:00.000Z"
    assert request.headers["content-type"] == "application/json"


def test_the_api_key_is_not_recorded(anonymous, api):
    for headers in (
        {"Authorization": f"Bearer {api.api_key}"},
        {"X-Api-Key": api.api_key},
        {"Authorization": api.api_key},
    ):
        anonymous.get(f"{api.url}/v1/whoami", headers=headers)
    assert api.api_key not in anonymous.get(f"{api.url}/_emulator/requests").text
    assert [request.headers.get("authorization") for request in api.requests()] == ["Bearer ***", None, "***"]
    assert api.requests()[1].headers["x-api-key"] == "***"


def test_failed_requests_are_recorded(anonymous, api, client):
    client.post("/v1/jobs/job_1/cancel", content=b"not json")
    (request,) = api.requests()
    assert (request.status, request.executed, request.body) == (422, False, "not json")
    anonymous.get(f"{api.url}/v1/whoami")
    assert (api.requests()[1].status, api.requests()[1].key_id) == (401, None)


def test_requests_can_be_selected(api, client, start_job):
    client.get(start_job()["locationUrl"])
    project = f"/v1/projects/{api.project_id}/content"
    assert [request.path for request in api.requests(path="/v1/projects/*/content")] == [project]
    assert len(api.requests(method="get")) == 1
    assert api.requests(method="GET", path="/v1/projects/**") == []


def test_the_number_of_recorded_requests_is_limited():
    assert State(StateOptions()).request_log.maxlen == 100_000


def test_the_client_reads_what_the_emulator_records():
    assert {item.name for item in fields(LoggedRequest)} == {item.name for item in fields(RecordedRequest)}


def test_jobs_are_recorded_with_their_cost(api, start_job):
    body = start_job(variantCount=2)
    (job,) = api.jobs()
    assert (job.job_id, job.kind, job.status) == (body["jobId"], "content_generate", "running")
    assert (job.container_ids, job.cost) == (body["containerIds"], 100)
    assert (job.project_id, job.job_seconds, job.finished_at) == (api.project_id, 60, None)
    api.advance(60)
    assert (api.jobs()[0].status, api.jobs()[0].finished_at) == ("completed", "2026-04-18T12:01:00.000Z")


def test_page_shows_containers_with_pictures_and_posts(
    anonymous, api, client, create_approved, schedule_body
):
    container = create_approved(hook="A <b>bold</b> hook")
    client.post(f"/v1/content/{container}/schedule", json=schedule_body())
    page = anonymous.get(f"{api.url}/_emulator/")
    assert page.headers["content-type"].startswith("text/html")
    for text in (container, "approved", "queued", "A &lt;b&gt;bold&lt;/b&gt; hook"):
        assert text in page.text
    assert "<b>bold</b>" not in page.text
    assert page.text.count("<img ") == 3


def test_page_follows_the_clock(anonymous, api, start_job):
    assert "No content yet" in anonymous.get(f"{api.url}/_emulator/").text
    start_job()
    api.advance(30)
    assert "processing" in anonymous.get(f"{api.url}/_emulator/").text
