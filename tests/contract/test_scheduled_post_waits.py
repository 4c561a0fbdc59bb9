"""Waiting until a scheduled post is published, in each way of waiting."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import httpx
import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, AirflowSkipException

from airflow_provider_layers.exceptions import LayersAuthenticationError, LayersNotFoundError, LayersPostError
from airflow_provider_layers.operators.content import (
    LayersApproveContentOperator,
    LayersScheduleContentOperator,
)
from airflow_provider_layers.sensors.scheduled_posts import LayersScheduledPostSensor
from airflow_provider_layers.triggers.scheduled_posts import LayersScheduledPostTrigger

HOUR = 3600.0
DAY = 24 * HOUR
WAYS: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True},
}


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def way(request: Any) -> dict[str, Any]:
    return request.param


@pytest.fixture
def due(airflow: Any, api: Any, made: Any, clock: Any) -> Callable[..., str]:
    """Schedule a post, to be due so many seconds from now, and return its id."""

    def schedule(seconds: float, mode: str = "publish") -> str:
        before = clock.elapsed
        container = made()
        clock.elapsed += 60 - (clock.elapsed - before)
        clock._pushed += 60
        airflow.value(LayersApproveContentOperator(task_id="approve", container_id=container))
        when = datetime.fromtimestamp(clock.time() + seconds, timezone.utc)
        target = {"social_account_id": api.social_account_ids[0], "mode": mode}
        schedule = LayersScheduleContentOperator(
            task_id=f"schedule-{container}", container_id=container, scheduled_for=when, targets=[target]
        )
        return str(airflow.value(schedule)["scheduled_post_ids"][0])

    return schedule


@pytest.fixture
def sense(sensing: Any, way: dict[str, Any]) -> Any:
    def run(post: str, **arguments: Any) -> Any:
        arguments = {"poke_interval": 60, "timeout": 2 * HOUR, **way, **arguments}
        return sensing(LayersScheduledPostSensor(task_id="wait", scheduled_post_id=post, **arguments))

    return run


def change(api: Any, method: str, post: str, body: dict[str, Any] | None = None) -> None:
    """Change a post as a user does, without the package under test."""
    headers = {"Authorization": f"Bearer {api.api_key}"}
    url = f"{api.url}/v1/scheduled-posts/{post}{'/reschedule' if method == 'POST' else ''}"
    assert httpx.request(method, url, headers=headers, json=body, trust_env=False).status_code == 200


def once_past(clock: Any, seconds: float, act: Callable[[], None]) -> None:
    """Do something once so much time has passed."""
    moment = clock.elapsed + seconds

    def watch() -> None:
        if clock.elapsed >= moment:
            clock.on_sleep = lambda: None
            act()

    clock.on_sleep = watch


def reads(api: Any) -> list[Any]:
    found = api.requests(method="GET", path="/v1/scheduled-posts/*")
    return found + api.requests(method="GET", path="/v1/projects/*/scheduled-posts")


def test_it_waits_until_the_post_is_published_and_returns_it(
    due: Any, sense: Any, clock: Any, way: dict[str, Any]
) -> None:
    post = due(HOUR)
    began = clock.elapsed
    result = sense(post)
    assert result.error is None
    assert (result.value["id"], result.value["status"]) == (post, "published")
    assert result.value["externalUrl"].startswith("https://")
    assert HOUR + 30 <= clock.elapsed - began <= HOUR + 30 + 62
    assert bool(result.triggers) is bool(way.get("deferrable"))
    assert (result.reschedules > 0) is (way.get("mode") == "reschedule")


def test_it_does_not_wait_for_what_is_published(due: Any, sense: Any, clock: Any) -> None:
    post = due(10)
    clock.sleep(60)
    slept = len(clock.slept)
    result = sense(post)
    assert result.value["status"] == "published"
    assert (result.triggers, result.reschedules, clock.slept[slept:]) == ([], 0, [])


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_post_that_failed_fails_it_for_good_with_the_platforms_reason(
    when: str, due: Any, sense: Any, api: Any, clock: Any, failure: Any
) -> None:
    api.outcome("failed", kind="scheduled_post", code="TOKEN_EXPIRED", message="The account was signed out.")
    post = due(600)
    clock.sleep(700 if when == "before" else 0)
    error = failure(sense(post), LayersPostError)
    assert "failed: TOKEN_EXPIRED The account was signed out" in str(error)
    assert post in str(error)


def test_a_user_cancels_it_meanwhile(due: Any, sense: Any, api: Any, clock: Any, failure: Any) -> None:
    post = due(DAY)
    began = clock.elapsed
    once_past(clock, HOUR, lambda: change(api, "DELETE", post, {}))
    error = failure(sense(post, timeout=2 * DAY), LayersPostError)
    assert "was canceled" in str(error)
    assert clock.elapsed - began <= HOUR + 901 * 2, "long before it was due"


@pytest.mark.parametrize("revision", ["old", "new"])
@pytest.mark.parametrize("accept", [True, False], ids=["accepted", "refused"])
def test_a_draft_counts_as_published_only_if_it_is_accepted(
    accept: bool, revision: str, due: Any, sense: Any, api: Any, failure: Any
) -> None:
    api.configure(revision=revision)
    post = due(600, "draft" if revision == "new" else "draft_to_device")
    result = sense(post, accept_draft=accept)
    if accept:
        assert result.error is None
        assert result.value["status"] == ("draft" if revision == "new" else "draft_in_inbox")
    else:
        assert "accept_draft=True" in str(failure(result, LayersPostError))


@pytest.mark.parametrize("hours", [-1, 2], ids=["earlier", "later"])
def test_a_post_that_a_user_moves_is_waited_for_at_its_new_moment(
    hours: int, due: Any, sense: Any, api: Any, clock: Any
) -> None:
    post = due(3 * HOUR)
    began = clock.elapsed
    moved = datetime.fromtimestamp(clock.time() + (3 + hours) * HOUR, timezone.utc)
    once_past(clock, 600, lambda: change(api, "POST", post, {"scheduledFor": f"{moved:%Y-%m-%dT%H:%M:%SZ}"}))
    result = sense(post, timeout=DAY)
    assert result.error is None
    assert result.value["status"] == "published"
    late = clock.elapsed - began - (3 + hours) * HOUR - 30
    # An earlier moment is noticed at the next poll, which may have been far.
    assert 0 <= late <= (901 if hours < 0 else 62)


@pytest.mark.parametrize("soft", [False, True], ids=["fails", "soft_fail"])
def test_its_timeout_is_airflows_own(soft: bool, due: Any, sense: Any, clock: Any, api: Any) -> None:
    post = due(DAY)
    began = clock.elapsed
    result = sense(post, timeout=HOUR, soft_fail=soft)
    assert type(result.error) is (AirflowSkipException if soft else AirflowSensorTimeout)
    assert HOUR - 1 <= clock.elapsed - began <= HOUR + 61
    assert not api.requests(method="DELETE"), "a sensor cancels nothing"


@pytest.mark.parametrize("flag", ["soft_fail", "never_fail"])
def test_it_skips_instead_of_failing(flag: str, due: Any, sense: Any, api: Any) -> None:
    api.outcome("failed", kind="scheduled_post")
    assert type(sense(due(600), **{flag: True}).error) is AirflowSkipException


def test_an_unknown_post_and_a_wrong_key_fail_it_for_good(
    sense: Any, failure: Any, connect: Any, api: Any, clock: Any
) -> None:
    failure(sense("sp_00000000-0000-4000-8000-000000000000"), LayersNotFoundError)
    connect(password=api.keys["revoked"])
    failure(sense("sp_1"), LayersAuthenticationError)
    assert clock.elapsed < 60


@pytest.mark.parametrize("kind", ["fail_before", "disconnect_before", "rate_limit", "garbage"])
def test_transient_errors_do_not_end_it(kind: str, due: Any, sense: Any, api: Any) -> None:
    post = due(600)
    api.fault(kind, method="GET", path="/v1/scheduled-posts/*", times=1 if kind == "garbage" else 6, skip=1)
    assert sense(post).value["status"] == "published"


def test_it_is_rarely_polled_before_it_is_due(due: Any, sensing: Any, api: Any, clock: Any) -> None:
    post = due(3 * DAY)
    began = clock.elapsed
    sensor = LayersScheduledPostSensor(
        task_id="wait", scheduled_post_id=post, deferrable=True, timeout=4 * DAY
    )
    assert sensing(sensor).value["status"] == "published"
    assert clock.elapsed - began <= 3 * DAY + 30 + 32
    # Every quarter of an hour.
    assert len(reads(api)) <= 3 * 96 + 20


def test_the_event_of_a_trigger_says_what_happened(due: Any, airflow: Any, api: Any, clock: Any) -> None:
    post = due(600)
    trigger = LayersScheduledPostTrigger(
        scheduled_post_id=post, deadline=clock.time() + HOUR, project_id=api.project_id
    )
    event = airflow.fire(trigger.serialize())
    assert event == {
        "scheduled_post_id": post,
        "status": "published",
        "reason": "",
        "deadline": trigger.deadline,
    }
    assert airflow.trigger(trigger.serialize()).serialize() == trigger.serialize()
    assert LayersScheduledPostTrigger().serialize()[1]["scheduled_post_id"] == ""


def test_posts_of_one_project_share_reads(due: Any, crowd: Any, api: Any, clock: Any) -> None:
    # Making each takes a minute; all are due together.
    posts = [due(HOUR - 60 * number) for number in range(12)]
    triggers = [
        LayersScheduledPostTrigger(
            scheduled_post_id=post, deadline=clock.time() + DAY, project_id=api.project_id
        )
        for post in posts
    ]
    assert [event["status"] for event in crowd.wait(triggers)] == ["published"] * 12
    lists = api.requests(method="GET", path="/v1/projects/*/scheduled-posts")
    assert lists
    assert all(read.query["status"] == ["queued", "publishing"] for read in lists)
    assert all(read.query["limit"] == ["100"] for read in lists)
    assert len(api.requests(method="GET", path="/v1/scheduled-posts/*")) <= 3 * 12


def test_posts_that_are_due_much_later_are_rarely_listed(due: Any, crowd: Any, api: Any, clock: Any) -> None:
    posts = [due(2 * DAY) for _ in range(3)]
    triggers = [
        LayersScheduledPostTrigger(
            scheduled_post_id=post, deadline=clock.time() + 3 * DAY, project_id=api.project_id
        )
        for post in posts
    ]
    assert [event["status"] for event in crowd.wait(triggers)] == ["published"] * 3
    assert len(reads(api)) < 2 * 96 * 3, "fewer than one by one"
