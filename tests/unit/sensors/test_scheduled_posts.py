"""Waiting until a scheduled post is public, in a sensor."""

from __future__ import annotations

import time

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)

from airflow_provider_layers.api.publication import DRAFTS, UNDER_WAY
from airflow_provider_layers.sensors.scheduled_posts import LayersScheduledPostSensor
from tests.unit.serving import Reply
from tests.unit.tasks import context


def post(status, **fields):
    return Reply({"id": "sp_1", "status": status, **fields})


PUBLISHED = post("published", externalUrl="https://tiktok.com/1", publishedAt="2026-07-01T07:00:03Z")


def sensor(**fields):
    return LayersScheduledPostSensor(
        task_id="task", **({"scheduled_post_id": "sp_1", "poke_interval": 0.01} | fields)
    )


def execute(**fields):
    waiting = sensor(**fields)
    return waiting.execute(context(waiting))


def resume(status, **fields):
    waiting = sensor()
    event = {"scheduled_post_id": "sp_1", "status": status, "reason": "Why.", "deadline": 0.0} | fields
    return waiting.execute_complete(context(waiting), event)


@pytest.fixture
def answers(connect, server):
    """Set what the API answers."""
    connect(host=server.url)

    def give(*replies):
        server.replies = list(replies)
        return server

    return give


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_public_post_is_given_back_as_the_api_tells_of_it(answers, deferrable):
    server = answers(PUBLISHED)
    assert execute(deferrable=deferrable) == PUBLISHED.body
    assert [(one.method, one.path) for one in server.received] == [("GET", "/v1/scheduled-posts/sp_1")]


def test_a_worker_waits_through_all_that_is_under_way(answers):
    server = answers(*map(post, UNDER_WAY), Reply({}, 429, {"Retry-After": "3600"}), PUBLISHED)
    assert execute(deferrable=False)["status"] == "published"
    assert len(server.received) == len(UNDER_WAY) + 2


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (post("failed", lastError={"code": "TOKEN_EXPIRED", "message": "Log in."}), "TOKEN_EXPIRED Log in"),
        (post("canceled"), "Scheduled post sp_1 was canceled"),
        *((post(status), "is a draft on the account's device") for status in DRAFTS),
        (Reply({"error": {"code": "NOT_FOUND"}}, 404), "404 NOT_FOUND"),
        (Reply({"error": {"code": "FORBIDDEN_SCOPE"}}, 403), "403 FORBIDDEN_SCOPE"),
    ],
)
def test_what_waiting_does_not_mend_stops_the_retries(answers, reply, text, deferrable):
    answers(reply)
    with pytest.raises(AirflowFailException, match=text):
        execute(deferrable=deferrable)
    with pytest.raises(AirflowSkipException):
        execute(deferrable=deferrable, soft_fail=True)


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize("status", DRAFTS)
def test_a_draft_is_good_enough_where_that_was_said(answers, status, deferrable):
    answers(post(status))
    assert execute(accept_draft=True, deferrable=deferrable)["status"] == status


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_accepting_drafts_accepts_nothing_worse(answers, status):
    answers(post(status))
    with pytest.raises(AirflowFailException, match=status):
        execute(accept_draft=True)


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize("scheduled_post_id", ["", None, ["sp_1"]])
def test_a_wrong_id_stops_the_retries_before_anything_is_sent(answers, scheduled_post_id, deferrable):
    server = answers(PUBLISHED)
    with pytest.raises(AirflowFailException, match="scheduled_post_id = "):
        execute(scheduled_post_id=scheduled_post_id, deferrable=deferrable)
    assert server.received == []


@pytest.mark.parametrize("status", UNDER_WAY)
def test_a_deferral_takes_ids_and_moments_along(answers, status):
    answers(post(status))
    before = time.time()
    with pytest.raises(TaskDeferred) as caught:
        execute(deferrable=True, timeout=600, poke_interval=4.0, project_id="prj_1")
    _, arguments = caught.value.trigger.serialize()
    assert before + 600 <= arguments.pop("deadline") <= time.time() + 600
    assert arguments.pop("not_before") <= time.time() + 10
    assert arguments == {
        "scheduled_post_id": "sp_1",
        "layers_conn_id": "layers_default",
        "poll_interval": 4.0,
        "project_id": "prj_1",
    }


@pytest.mark.parametrize("status", ["published", "timeout", "error"])
def test_whatever_the_event_says_the_post_itself_decides(answers, status):
    answers(PUBLISHED)
    assert resume(status) == PUBLISHED.body


def test_a_post_that_failed_meanwhile_fails_the_sensor(answers):
    answers(post("failed", lastError="The platform refused it."))
    with pytest.raises(AirflowFailException, match="sp_1 failed: The platform refused it"):
        resume("failed")


def test_a_deadline_is_the_timeout_of_a_sensor(answers):
    answers(post("queued"))
    with pytest.raises(AirflowSensorTimeout, match="Why"):
        resume("timeout")


@pytest.mark.parametrize("status", ["published", "timeout", "error"])
def test_the_event_of_another_post_ends_nothing(answers, status):
    answers(post("queued"))
    with pytest.raises(TaskDeferred) as caught:
        resume(status, scheduled_post_id="sp_2")
    assert caught.value.trigger.scheduled_post_id == "sp_1"


def test_templates_are_rendered_before_any_check():
    waiting = sensor(scheduled_post_id="{{ params.post }}", project_id="{{ params.project }}")
    waiting.render_template_fields({"params": {"post": "sp_1", "project": "prj_1"}})
    assert (waiting.scheduled_post_id, waiting.project_id) == ("sp_1", "prj_1")
