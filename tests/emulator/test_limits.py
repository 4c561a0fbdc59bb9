from datetime import datetime, timezone

import pytest

from airflow_provider_layers.emulator import Emulator
from airflow_provider_layers.emulator.clock import Clock
from airflow_provider_layers.emulator.errors import Refusal
from airflow_provider_layers.emulator.limits import WRITE, Limits


def drain(send, most):
    for count in range(most + 1):
        answer = send()
        if answer.status_code == 429:
            return count, answer
    raise AssertionError(f"no 429 in {most + 1} requests")


def test_each_class_has_its_bucket_and_fills_by_the_clock(api, client, content_url, refused):
    api.configure(tier="standard")
    count, answer = drain(lambda: client.get("/v1/whoami"), 120)
    assert count == 120
    error = refused(answer, 429, "RATE_LIMITED")
    assert "frozen" in error["message"]
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["X-RateLimit-Endpoint-Class"] == "read-light"

    count, answer = drain(lambda: client.post("/v1/jobs/job_1/cancel"), 60)
    assert (count, answer.headers["X-RateLimit-Endpoint-Class"]) == (60, "write-light")
    count, answer = drain(lambda: client.post(content_url, json={"brief": {}}), 20)
    assert (count, answer.headers["Retry-After"]) == (20, "3")
    assert answer.headers["X-RateLimit-Endpoint-Class"] == "long-running"

    api.advance(3)
    assert client.post(content_url, json={"brief": {}}).status_code == 202
    assert client.post(content_url, json={"brief": {}}).status_code == 429
    assert client.get("/v1/whoami").status_code == 200


@pytest.mark.parametrize(("tier", "starts"), [("pilot", 60), ("partner", 300)])
def test_wider_tiers(api, client, content_url, tier, starts):
    api.configure(tier=tier)
    assert drain(lambda: client.post(content_url, json={}), starts)[0] == starts


def test_unlimited_is_unlimited(api, client):
    api.configure(tier="unlimited")
    assert {client.get("/v1/whoami").status_code for _ in range(130)} == {200}


def test_a_bucket_is_never_fuller_than_its_size(api, client):
    api.configure(tier="standard")
    client.get("/v1/whoami")
    api.advance(3600)
    assert drain(lambda: client.get("/v1/whoami"), 120)[0] == 120


def test_writes_have_a_limit_per_day_too():
    clock = Clock(frozen=True, start=datetime(2026, 1, 1, tzinfo=timezone.utc))
    limits = Limits(clock)
    # In one second a sixtieth of a minute's bucket comes back, but only a ninth of a write of the day's.
    for _ in range(11_300):
        limits.take("standard", WRITE)
        clock.advance(1)
    with pytest.raises(Refusal, match="tier standard is empty"):
        [limits.take("standard", WRITE) for _ in range(20)]


def test_an_emulator_starts_in_its_tier():
    with Emulator(tier="pilot") as emulator:
        assert emulator.settings()["tier"] == "pilot"
