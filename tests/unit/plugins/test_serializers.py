from __future__ import annotations

import json
import math

import pytest

from airflow_provider_layers.api.jobs import Job
from airflow_provider_layers.plugins.serializers import show_content, show_job, show_post


def test_a_job():
    job = Job("job_1", "content_generate", "running", ("cnt_1",), "assembling", 0.25, "2026-01-01T00:00:00Z")
    found = show_job(job)
    assert found.shown == {
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
    }
    assert (found.keep, found.settled, found.under_way) == (5.0, False, True)


@pytest.mark.parametrize("status", ["completed", "failed", "canceled"])
def test_a_job_that_has_ended_is_looked_at_no_more(status):
    found = show_job(Job("job_1", "x", status))
    assert (found.keep, found.settled, found.under_way) == (30.0, True, False)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, None),
        (math.nan, None),
        (math.inf, None),
        (-0.1, 0.0),
        (0, 0.0),
        (0.5, 0.5),
        (7, 1.0),
        ("1", None),
    ],
)
def test_progress_is_a_share_of_the_whole(given, shown):
    assert show_job(Job("job_1", "x", "running", progress=given)).shown["progress"] == shown


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (None, None),
        ({"code": "A", "message": "b"}, "A b"),
        ({"message": "b"}, "b"),
        ({}, None),
        ({"x": 1}, None),
    ],
)
def test_why_a_job_failed(error, shown):
    assert show_job(Job("job_1", "x", "failed", error=error)).shown["error"] == shown


def test_an_answer_without_a_job_cannot_be_shown():
    assert show_job(None).state == "error"


@pytest.mark.parametrize(
    ("status", "approval", "keep", "settled"),
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
def test_how_soon_content_is_looked_at_again(status, approval, keep, settled):
    found = show_content({"id": "cnt_1", "status": status, "approvalStatus": approval})
    assert (found.keep, found.settled) == (keep, settled)


@pytest.mark.parametrize("given", [{}, {"id": None, "preview": 3, "assets": {}, "captions": [1]}])
def test_content_of_any_shape_can_be_shown(given):
    assert json.dumps(show_content(given).as_json())


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


def test_a_post():
    assert show_post(POST).shown == {
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
    ("status", "keep", "settled"),
    [
        ("queued", 15.0, False),
        ("publishing", 5.0, False),
        ("published", 30.0, True),
        ("failed", 30.0, True),
        (None, 30.0, True),
    ],
)
def test_how_soon_a_post_is_looked_at_again(status, keep, settled):
    found = show_post({**POST, "status": status})
    assert (found.keep, found.settled) == (keep, settled)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//a.example", 5, None, "https://u@a.example"]
)
def test_nobody_is_sent_anywhere_but_to_a_web_page(url):
    assert show_post({**POST, "externalUrl": url}).shown["url"] is None


def test_a_post_of_another_shape_is_shown_as_far_as_it_goes():
    found = show_post({"status": ["x"], "platform": 3, "lastError": {"message": "Gone."}})
    assert found.shown["error"] == "Gone."
    assert set(found.shown.values()) == {None, "Gone."}
