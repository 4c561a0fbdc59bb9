"""What the page receives, for how long it is shown to others, and what errors say."""

from __future__ import annotations

import json
import math

import pytest

from airflow_provider_layers import exceptions
from airflow_provider_layers.api.jobs import Job
from airflow_provider_layers.plugins.serializers import (
    error_result,
    serialize_content,
    serialize_job,
    serialize_review,
    serialize_scheduled_post,
)
from airflow_provider_layers.review.preview import content_preview

# Jobs


def test_a_job():
    job = Job("job_1", "content_generate", "running", ("cnt_1",), "assembling", 0.25, "2026-01-01T00:00:00Z")
    result = serialize_job(job)
    assert result.as_json() == {
        "state": "loaded",
        "error": None,
        "data": {
            "job_id": "job_1",
            "kind": "content_generate",
            "status": "running",
            "stage": "assembling",
            "progress": 0.25,
            "eta_seconds": None,
            "started_at": "2026-01-01T00:00:00Z",
            "finished_at": None,
            "container_ids": ["cnt_1"],
            "error": None,
        },
    }
    assert (result.ttl, result.final) == (5.0, False)


@pytest.mark.parametrize("status", ["completed", "failed", "canceled"])
def test_a_job_that_ended_is_not_read_again(status):
    result = serialize_job(Job("job_1", "x", status))
    assert (result.ttl, result.final) == (30.0, True)


@pytest.mark.parametrize(
    ("value", "progress"),
    [
        (None, None),
        (math.nan, None),
        (math.inf, None),
        ("1", None),
        (-0.1, 0.0),
        (0, 0.0),
        (0.5, 0.5),
        (1.0, 1.0),
        (7, 1.0),
    ],
)
def test_progress_is_a_fraction(value, progress):
    assert serialize_job(Job("job_1", "x", "running", progress=value)).data["progress"] == progress


def test_fields_of_another_type_are_left_out():
    job = Job("job_1", "x", "failed", stage={"a": 1}, eta_seconds=math.inf, started_at=5, error={"x": 1})
    data = serialize_job(job).data
    assert [data[name] for name in ("stage", "eta_seconds", "started_at", "error")] == [None] * 4


def test_the_error_of_a_job():
    job = Job("job_1", "x", "failed", error={"code": "A", "message": "b"})
    assert serialize_job(job).data["error"] == "A b"


# Content


@pytest.mark.parametrize(
    ("status", "approval", "ttl", "final"),
    [
        ("queued", "pending", 5.0, False),
        ("processing", "not_required", 5.0, False),
        ("generating", "pending", 5.0, False),
        ("completed", "pending", 15.0, False),
        ("completed", "approved", 30.0, True),
        ("completed", "not_required", 30.0, True),
        ("failed", "pending", 30.0, True),
        ("archived", "pending", 30.0, True),
        (None, None, 30.0, True),
    ],
)
def test_how_soon_content_is_read_again(status, approval, ttl, final):
    result = serialize_content({"id": "cnt_1", "status": status, "approvalStatus": approval})
    assert (result.ttl, result.final) == (ttl, final)


@pytest.mark.parametrize("container", [{}, {"id": None, "preview": 3, "assets": {}, "captions": [1]}])
def test_content_of_any_shape_can_be_shown(container):
    assert json.loads(json.dumps(serialize_content(container).as_json()))["state"] == "loaded"


def test_a_review_shows_only_the_version_that_it_asks_about():
    container = {"id": "cnt_1", "hook": "Rain"}
    preview = content_preview(container)
    result = serialize_review(container, preview.fingerprint)
    assert (result.state, result.data, result.ttl) == ("loaded", {"preview": preview}, 30.0)
    changed = serialize_review({**container, "hook": "Snow"}, preview.fingerprint)
    assert (changed.state, changed.data, changed.ttl) == ("changed", None, 2.0)


# Scheduled posts

POST = {
    "id": "sp_1",
    "containerId": "cnt_1",
    "platform": "tiktok",
    "mode": "publish",
    "status": "published",
    "scheduledFor": "2040-01-01T09:00:00.000Z",
    "publishedAt": "2040-01-01T09:00:30.000Z",
    "externalUrl": "https://www.tiktok.com/@a/1",
    "lastError": None,
}


def test_a_scheduled_post():
    assert serialize_scheduled_post(POST).data == {
        "container_id": "cnt_1",
        "platform": "tiktok",
        "mode": "publish",
        "status": "published",
        "scheduled_for": "2040-01-01T09:00:00.000Z",
        "published_at": "2040-01-01T09:00:30.000Z",
        "url": "https://www.tiktok.com/@a/1",
        "error": None,
    }


@pytest.mark.parametrize(
    ("status", "ttl", "final"),
    [
        ("queued", 15.0, False),
        ("publishing", 5.0, False),
        ("published", 30.0, True),
        ("failed", 30.0, True),
        (None, 30.0, True),
    ],
)
def test_how_soon_a_post_is_read_again(status, ttl, final):
    result = serialize_scheduled_post({**POST, "status": status})
    assert (result.ttl, result.final) == (ttl, final)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//a.example", 5, None])
def test_a_post_links_only_to_web_pages(url):
    assert serialize_scheduled_post({**POST, "externalUrl": url}).data["url"] is None


def test_a_post_of_another_shape_is_shown_as_far_as_possible():
    result = serialize_scheduled_post({"status": ["x"], "platform": 3, "lastError": {"message": "Gone."}})
    assert result.data["error"] == "Gone."
    assert set(result.data.values()) == {None, "Gone."}


# Errors

HOST, KEY = "api.internal.example", "lp_live_0123456789_s3cret"
SECRETS = f"https://{HOST}/v1 {KEY}"


def api_error(kind, status=500, **fields):
    quoted = {"code": SECRETS, "message": SECRETS, "details": {"a": SECRETS}, "request_id": "req_1"}
    return kind(SECRETS, status_code=status, **{**quoted, **fields})


def error_of(kind):
    if issubclass(kind, exceptions.LayersAPIError):
        return api_error(kind)
    return kind("job_1", SECRETS) if issubclass(kind, exceptions.LayersJobError) else kind(SECRETS)


def test_no_error_shows_hosts_or_keys():
    kinds = [
        kind
        for kind in vars(exceptions).values()
        if isinstance(kind, type) and issubclass(kind, exceptions.LayersError)
    ]
    results = {kind.__name__: json.dumps(error_result(error_of(kind)).as_json()) for kind in kinds}
    assert len(results) > 20
    assert {name: text for name, text in results.items() if HOST in text or KEY in text} == {}


def test_what_does_not_exist_is_no_error():
    result = error_result(api_error(exceptions.LayersNotFoundError, 404))
    assert (result.state, result.data, result.error, result.final) == ("not_found", None, None, True)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (api_error(exceptions.LayersAuthenticationError), "The API rejects the API key of the connection."),
        (api_error(exceptions.LayersServerError, 502), "The API returned 502."),
        (api_error(exceptions.LayersRequestError, 418), "The API returned 418."),
        (exceptions.LayersTransportError("x"), "The API cannot be reached."),
        (exceptions.LayersParameterError("x"), "This is not a Layers id."),
        (exceptions.LayersUnexpectedResponseError("x"), "The response of the API cannot be shown."),
    ],
)
def test_an_error_says_what_happened(error, message):
    result = error_result(error)
    assert (result.state, result.error.removesuffix(" Request id: req_1.")) == ("error", message)


@pytest.mark.parametrize("request_id", [None, "", SECRETS, "a\nb", "x" * 81, 5])
def test_only_a_plain_request_id_is_shown(request_id):
    result = error_result(api_error(exceptions.LayersServerError, request_id=request_id))
    assert result.error == "The API returned 500."


@pytest.mark.parametrize(
    ("error", "ttl"),
    [
        (api_error(exceptions.LayersServerError), 10.0),
        (api_error(exceptions.LayersServerError, retry_after=20.0), 20.0),
        (api_error(exceptions.LayersRateLimitError, 429, retry_after=3600.0), 60.0),
        (api_error(exceptions.LayersAuthenticationError, 401), 30.0),
    ],
)
def test_how_soon_a_failed_read_is_repeated(error, ttl):
    result = error_result(error)
    assert (result.ttl, result.final) == (ttl, False)
