"""Waiting until a scheduled post is published, in a sensor."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, TaskDeferred

from airflow_provider_layers.exceptions import (
    LayersNotFoundError,
    LayersParameterError,
    LayersPermissionError,
    LayersPostError,
)
from airflow_provider_layers.sensors.scheduled_posts import LayersScheduledPostSensor
from tests.unit.scripted import NOW, error, ok
from tests.unit.tasks import connected, context

DRAFTS = ("draft", "draft_in_inbox")
UNFINISHED = ("queued", "publishing")
BOTH_WAYS = pytest.mark.parametrize("deferrable", [True, False], ids=["deferred", "worker"])


def post(status, **fields):
    return ok({"id": "sp_1", "status": status, **fields})


PUBLISHED = post("published", externalUrl="https://tiktok.com/1", publishedAt="2026-07-01T07:00:03Z")


@pytest.fixture
def sense(script):
    """Run a sensor against these replies and return its result."""

    def run(*replies, status=None, event_of="sp_1", **fields):
        fields = {"scheduled_post_id": "sp_1", "poke_interval": 0.01, "deferrable": True} | fields
        task = connected(LayersScheduledPostSensor(task_id="task", **fields), script(*replies))
        if status is None:
            return task.execute(context(task))
        event = {"scheduled_post_id": event_of, "status": status, "reason": "Why.", "deadline": 0.0}
        return task.execute_complete(context(task), event)

    return run


@BOTH_WAYS
def test_a_published_post_is_returned_as_the_api_returns_it(sense, deferrable):
    assert sense(PUBLISHED, deferrable=deferrable) == PUBLISHED.body


def test_a_worker_waits_while_it_is_unfinished(sense):
    replies = [*map(post, UNFINISHED), error(429, retry_after="3600"), PUBLISHED]
    assert sense(*replies, deferrable=False)["status"] == "published"


@BOTH_WAYS
@pytest.mark.parametrize(
    ("reply", "kind", "text"),
    [
        (
            post("failed", lastError={"code": "TOKEN_EXPIRED", "message": "Log in."}),
            LayersPostError,
            "TOKEN_EXPIRED Log in",
        ),
        (post("canceled"), LayersPostError, "Scheduled post sp_1 was canceled"),
        *((post(status), LayersPostError, "is a draft on the account's device") for status in DRAFTS),
        (error(404, "NOT_FOUND"), LayersNotFoundError, "404 NOT_FOUND"),
        (error(403, "FORBIDDEN_SCOPE"), LayersPermissionError, "403 FORBIDDEN_SCOPE"),
    ],
)
def test_a_post_that_was_not_published_is_an_error(sense, reply, kind, text, deferrable):
    with pytest.raises(kind, match=text):
        sense(reply, deferrable=deferrable)


@BOTH_WAYS
@pytest.mark.parametrize("status", DRAFTS)
def test_a_draft_counts_as_published_if_it_is_accepted(sense, status, deferrable):
    assert sense(post(status), accept_draft=True, deferrable=deferrable)["status"] == status
    with pytest.raises(LayersPostError, match="canceled"):
        sense(post("canceled"), accept_draft=True, deferrable=deferrable)


@BOTH_WAYS
@pytest.mark.parametrize("scheduled_post_id", ["", None, ["sp_1"]])
def test_a_wrong_id_is_refused_before_anything_is_sent(sense, scheduled_post_id, deferrable):
    with pytest.raises(LayersParameterError, match="scheduled_post_id = "):
        sense(scheduled_post_id=scheduled_post_id, deferrable=deferrable)


def test_the_post_is_published_to_the_ui_before_the_first_poll(script):
    task = connected(LayersScheduledPostSensor(task_id="task", scheduled_post_id="sp_1"), script(error(404)))
    running = context(task)
    with pytest.raises(LayersNotFoundError):
        task.execute(running)
    ui_data = {"job_id": None, "container_ids": [], "scheduled_post_ids": ["sp_1"]}
    assert running["ti"].xcom == {"layers": {"layers_conn_id": "layers_default", **ui_data}}


@pytest.mark.parametrize("status", UNFINISHED)
def test_a_deferral_carries_ids_and_moments(sense, status, earliest):
    with pytest.raises(TaskDeferred) as caught:
        sense(post(status), timeout=600, poke_interval=4.0, project_id="prj_1")
    assert caught.value.trigger.serialize()[1] == {
        "scheduled_post_id": "sp_1",
        "layers_conn_id": "layers_default",
        "deadline": NOW + 600,
        "poll_interval": 4.0,
        "not_before": earliest,
        "project_id": "prj_1",
    }


@pytest.mark.parametrize("status", ["published", "timeout", "error"])
def test_on_resumption_the_post_decides_and_not_the_event(sense, status):
    assert sense(PUBLISHED, status=status) == PUBLISHED.body
    with pytest.raises(LayersPostError, match="sp_1 failed: The platform refused it"):
        sense(post("failed", lastError="The platform refused it."), status=status)


def test_a_wait_that_passed_its_deadline_is_a_timeout(sense):
    with pytest.raises(AirflowSensorTimeout, match="Why"):
        sense(post("queued"), status="timeout")


def test_an_event_of_another_post_is_ignored(sense):
    with pytest.raises(TaskDeferred) as caught:
        sense(post("queued"), status="timeout", event_of="sp_2")
    assert caught.value.trigger.scheduled_post_id == "sp_1"


def test_templates_are_rendered_before_any_check():
    fields = {"scheduled_post_id": "{{ params.post }}", "project_id": "{{ params.project }}"}
    task = LayersScheduledPostSensor(task_id="task", **fields)
    task.render_template_fields({"params": {"post": "sp_1", "project": "prj_1"}})
    assert (task.scheduled_post_id, task.project_id) == ("sp_1", "prj_1")
