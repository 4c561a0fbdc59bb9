"""Ids, timestamps and cursors; the clock."""

import re
from datetime import datetime, timedelta, timezone

from airflow_provider_layers.emulator.formats import (
    bare_uuid,
    format_timestamp,
    is_idempotency_key,
    parse_timestamp,
)
from airflow_provider_layers.emulator.state import EmulatorClock

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
ULID = "[0-9A-HJKMNP-TV-Z]{26}"


def test_ids_have_the_documented_forms(api, start_job, create_approved, client, schedule_body):
    assert re.fullmatch(rf"prj_{UUID}", api.project_id)
    assert all(re.fullmatch(rf"sa_{UUID}", account) for account in api.social_account_ids)
    assert all(re.fullmatch(rf"pp_{ULID}", post) for post in api.top_post_ids)
    assert re.fullmatch(r"lp_live_[a-z2-7]{16}_[\w-]{43}", api.api_key)
    job = start_job()
    assert re.fullmatch(rf"job_{ULID}", job["jobId"])
    assert re.fullmatch(rf"cnt_{UUID}", job["containerIds"][0])
    response = client.post(f"/v1/content/{create_approved()}/schedule", json=schedule_body())
    (post,) = response.json()["scheduledPostIds"]
    assert re.fullmatch(rf"sp_{UUID}", post)


def test_polling_does_not_change_the_ids_of_jobs(api, client, start_job):
    first = start_job()["jobId"]
    api.reset()
    for _ in range(5):
        client.get("/v1/whoami")
    assert start_job()["jobId"] == first


def test_job_ids_sort_by_age(start_job):
    ids = [start_job()["jobId"] for _ in range(5)]
    assert ids == sorted(set(ids))


def test_prefixed_and_bare_uuids():
    plain = "254a4ce1-f4ca-42b1-9e36-17ca45ef3d39"
    assert bare_uuid(f"cnt_{plain}", "cnt") == bare_uuid(plain.upper(), "cnt") == plain
    for other in (f"prj_{plain}", plain.replace("-", ""), f"{{{plain}}}", "cnt_", ""):
        assert bare_uuid(other, "cnt") is None


def test_idempotency_keys():
    assert is_idempotency_key("254a4ce1-f4ca-42b1-9e36-17ca45ef3d39")
    assert is_idempotency_key("01HXZ9G7KMV2QX8Y1S5RJW3B7T")
    assert not is_idempotency_key("254a4ce1-f4ca-52b1-9e36-17ca45ef3d39")
    assert not is_idempotency_key("01HXZ9G7KMV2QX8Y1S5RJW3B7U")


def test_timestamps():
    for text, formatted in (
        ("2026-04-18T12:04:11.000Z", "2026-04-18T12:04:11.000Z"),
        ("2026-04-18T12:04:11Z", "2026-04-18T12:04:11.000Z"),
        ("2026-04-18T12:04Z", "2026-04-18T12:04:00.000Z"),
        ("2026-04-18T12:04:11.5Z", "2026-04-18T12:04:11.500Z"),
        ("2026-04-18T12:04:11.123456Z", "2026-04-18T12:04:11.123Z"),
    ):
        moment = parse_timestamp(text)
        assert moment is not None
        assert format_timestamp(moment) == formatted


def test_other_texts_are_no_timestamps():
    for text in (
        "2026-04-18T12:04:11",
        "2026-04-18T12:04:11+00:00",
        "2026-13-18T12:04:11Z",
        "2026-04-18",
        "1776513851",
        "now",
        "",
    ):
        assert parse_timestamp(text) is None, text


def test_a_frozen_clock_passes_by_advance_only():
    clock = EmulatorClock(frozen=True, start=datetime(2026, 1, 1, tzinfo=timezone.utc))
    assert clock.now() == clock.now()
    clock.advance(1.5)
    assert format_timestamp(clock.now()) == "2026-01-01T00:00:01.500Z"
    clock.reset()
    assert format_timestamp(clock.now()) == "2026-01-01T00:00:00.000Z"


def test_a_real_clock_runs_and_can_be_advanced():
    clock = EmulatorClock()
    before = datetime.now(timezone.utc)
    first = clock.now()
    assert before <= first <= datetime.now(timezone.utc)
    clock.advance(3600)
    assert clock.now() >= first + timedelta(hours=1)


def test_a_frozen_clock_starts_at_the_real_time():
    before = datetime.now(timezone.utc).replace(microsecond=0)
    assert before <= EmulatorClock(frozen=True).now() <= datetime.now(timezone.utc)


def test_pages_contain_everything_once_while_items_are_created(client, content_url, create_container):
    ids = [create_container() for _ in range(5)]
    seen, cursor = [], None
    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = client.get(content_url, params=query).json()
        seen += [row["id"] for row in page["items"]]
        if page["nextCursor"] is None:
            break
        cursor = page["nextCursor"]
        create_container()
    assert seen == ids[::-1]


def test_the_last_page_has_no_cursor_when_it_is_full(client, content_url, create_container):
    create_container(), create_container()
    assert client.get(content_url, params={"limit": 2}).json()["nextCursor"] is None


def test_an_unknown_cursor_is_an_error(
    client, content_url, create_container, create_approved, schedule_body, assert_error
):
    for cursor in ("%%%", "bm90IGpzb24", "e30"):
        assert_error(client.get(content_url, params={"cursor": cursor}), 422, "VALIDATION", "cursor")
    create_container()
    client.post(f"/v1/content/{create_approved()}/schedule", json=schedule_body())
    of_content = client.get(content_url, params={"limit": 1}).json()["nextCursor"]
    posts_url = content_url.replace("/content", "/scheduled-posts")
    assert_error(client.get(posts_url, params={"cursor": of_content}), 422, "VALIDATION", "cursor")
