import pytest


def test_the_door_needs_no_key_and_is_not_in_the_ledger(web, api):
    world = web.get(f"{api.url}/_emulator/state").json()
    assert world["api_key"] == api.api_key
    assert api.requests() == []


def test_the_clock_is_advanced_by_hand(web, api):
    assert web.get(f"{api.url}/_emulator/clock").json() == {
        "now": "2026-04-18T12:00:00.000Z",
        "frozen": True,
    }
    moved = web.post(f"{api.url}/_emulator/clock", json={"advance": 90.5}).json()
    assert moved["now"] == "2026-04-18T12:01:30.500Z"


def test_reset_forgets_everything_and_keeps_the_ids(web, api, client, start):
    before = (api.project_id, start()["jobId"])
    api.configure(credits=3, revoked=True)
    api.fault("fail_before", times=None)
    api.advance(1000)
    web.post(f"{api.url}/_emulator/reset")
    assert (api.jobs(), api.requests(), api.now()) == ([], [], "2026-04-18T12:00:00.000Z")
    assert api.settings()["credits"] == 10_000
    assert (api.project_id, start()["jobId"]) == before


def test_another_seed_is_another_world(web, api):
    before = api.project_id
    web.post(f"{api.url}/_emulator/reset", json={"seed": 2})
    assert web.get(f"{api.url}/_emulator/state").json()["project_id"] != before


@pytest.mark.parametrize(
    ("method", "command", "body"),
    [
        ("POST", "clock", {"seconds": 5}),
        ("POST", "clock", {"advance": -5}),
        ("POST", "reset", {"speed": 1}),
        ("PATCH", "settings", {"tier": "gold"}),
        ("POST", "outcomes", {}),
    ],
)
def test_what_the_door_does_not_understand_it_refuses(web, api, method, command, body):
    answer = web.request(method, f"{api.url}/_emulator/{command}", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "VALIDATION")


def test_a_body_that_is_no_json_is_refused(web, api):
    answer = web.post(f"{api.url}/_emulator/faults", content=b"hang")
    assert answer.status_code == 422
    assert "not JSON" in answer.json()["error"]["message"]


def test_the_ledger_over_http(web, api, client):
    client.get("/v1/whoami")
    ledger = web.get(f"{api.url}/_emulator/requests", params={"method": "GET", "path": "/v1/who*"}).json()
    assert [entry["path"] for entry in ledger["requests"]] == ["/v1/whoami"]
    assert web.get(f"{api.url}/_emulator/jobs").json() == {"jobs": []}
