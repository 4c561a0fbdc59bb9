"""Rate limits and credits."""

from datetime import datetime, timezone

import pytest

from airflow_provider_layers.emulator.errors import ApiError
from airflow_provider_layers.emulator.limits import WRITE, RateLimits
from airflow_provider_layers.emulator.state import EmulatorClock
from tests.limits import READS_PER_MINUTE, STARTS_PER_MINUTE, WRITES_PER_DAY, WRITES_PER_MINUTE


def send_until_429(send, limit):
    """Return how many requests were accepted, and the first 429."""
    for count in range(limit + 1):
        response = send()
        if response.status_code == 429:
            return count, response
    raise AssertionError(f"no 429 in {limit + 1} requests")


def test_each_class_has_a_bucket_that_fills_by_the_clock(api, client, content_url, assert_error):
    api.configure(tier="standard")
    limit = READS_PER_MINUTE["standard"]
    count, response = send_until_429(lambda: client.get("/v1/whoami"), limit)
    assert count == limit
    assert "frozen" in assert_error(response, 429, "RATE_LIMITED")["message"]
    assert response.headers["Retry-After"] == "1"
    assert response.headers["X-RateLimit-Endpoint-Class"] == "read-light"

    limit = WRITES_PER_MINUTE["standard"]
    count, response = send_until_429(lambda: client.post("/v1/jobs/job_1/cancel"), limit)
    assert (count, response.headers["X-RateLimit-Endpoint-Class"]) == (limit, "write-light")

    limit = STARTS_PER_MINUTE["standard"]
    count, response = send_until_429(lambda: client.post(content_url, json={"brief": {}}), limit)
    assert (count, response.headers["Retry-After"]) == (limit, "3")
    assert response.headers["X-RateLimit-Endpoint-Class"] == "long-running"

    api.advance(3)
    assert client.post(content_url, json={"brief": {}}).status_code == 202
    assert client.post(content_url, json={"brief": {}}).status_code == 429
    assert client.get("/v1/whoami").status_code == 200


@pytest.mark.parametrize("tier", ["pilot", "partner"])
def test_higher_tiers(api, client, content_url, tier):
    api.configure(tier=tier)
    limit = STARTS_PER_MINUTE[tier]
    assert send_until_429(lambda: client.post(content_url, json={}), limit)[0] == limit


def test_unlimited_tier(api, client):
    api.configure(tier="unlimited")
    count = READS_PER_MINUTE["standard"] + 10
    assert {client.get("/v1/whoami").status_code for _ in range(count)} == {200}


def test_a_bucket_holds_no_more_than_a_minute(api, client):
    api.configure(tier="standard")
    client.get("/v1/whoami")
    api.advance(3600)
    limit = READS_PER_MINUTE["standard"]
    assert send_until_429(lambda: client.get("/v1/whoami"), limit)[0] == limit


def test_writes_have_a_limit_per_day():
    clock = EmulatorClock(frozen=True, start=datetime(2026, 1, 1, tzinfo=timezone.utc))
    limits = RateLimits(clock)
    # A write per second does not empty the bucket of a minute, but that of the day.
    day = WRITES_PER_DAY["standard"]
    refill = day / 86_400
    sustained = int(day / (1 - refill))
    for _ in range(sustained - 10):
        limits.consume("standard", WRITE)
        clock.advance(1)
    with pytest.raises(ApiError, match="tier standard is empty"):
        [limits.consume("standard", WRITE) for _ in range(30)]


def test_a_limit_of_running_jobs(api, client, start_job, content_url, assert_error):
    api.configure(concurrent_jobs=1)
    start_job()
    response = client.post(content_url, json={"brief": {}})
    assert_error(response, 429, "RATE_LIMITED")
    assert int(response.headers["Retry-After"]) > 0
    api.advance(60)
    assert client.post(content_url, json={"brief": {}}).status_code == 202


def test_credits_are_reserved_by_a_running_job_and_spent_by_a_completed_job(api, client, start_job):
    api.configure(credits=100)
    start_job()
    body = client.get("/v1/credits").json()
    assert (body["balance"], body["available"], body["reservedCredits"]) == (100, 50, 50)
    api.advance(60)
    body = client.get("/v1/credits").json()
    assert (body["balance"], body["available"], body["reservedCredits"]) == (50, 50, 0)
    assert body["usedThisPeriod"] == 50


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_job_that_does_not_complete_costs_nothing(api, client, start_job, status):
    api.configure(credits=100)
    api.outcome(status)
    start_job()
    api.advance(60)
    assert client.get("/v1/credits").json()["available"] == 100


def test_too_few_credits_are_402_and_create_nothing(api, client, start_job, content_url, assert_error):
    api.configure(credits=70)
    start_job()
    body = {"format": "slideshow-builder", "hook": "Another."}
    error = assert_error(client.post(content_url, json=body), 402, "BILLING_EXHAUSTED")
    assert error["details"] == {"required": 50, "available": 20}
    assert len(api.jobs()) == 1
    assert len(client.get(content_url).json()["items"]) == 1


@pytest.mark.parametrize(
    ("body", "cost"),
    [
        ({"brief": {}}, 120),
        ({"brief": {}, "format": "slideshow_remix", "variantCount": 3}, 150),
        ({"brief": {}, "format": "ugc_remix"}, 120),
        ({"hook": "x", "format": "slideshow-builder", "variantCount": 2}, 100),
    ],
)
def test_documented_costs(api, client, content_url, body, cost):
    assert client.post(content_url, json=body).status_code == 202
    assert api.jobs()[0].cost == cost


def test_credits_list_the_costs_per_format(client):
    costs = client.get("/v1/credits").json()["estimatedCreditsPerFormat"]
    assert costs == {
        "video_remix": 120, "slideshow_remix": 50, "ugc_remix": 120, "auto": 120, "slideshow_builder": 50,
    }  # fmt: skip


def test_a_budget_below_the_cost_is_402(api, client, content_url, assert_error):
    body = {"brief": {}, "format": "slideshow_remix", "budget": {"maxCredits": 49}}
    error = assert_error(client.post(content_url, json=body), 402, "BILLING_EXHAUSTED")
    assert error["details"]["required"] == 50
    body["budget"]["maxCredits"] = 50
    assert client.post(content_url, json=body).status_code == 202
