"""What all triggers share: what is stored of them, the one event, and that they leave nothing behind."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json

import pytest

from airflow_provider_layers.hooks.layers import LayersHook
from airflow_provider_layers.triggers.base import MAX_FAILURES, LayersPollTrigger
from tests.unit.polling.things import target
from tests.unit.scripted import LOST, FakeClock, ScriptedApi, error, ok

SHARED = {"layers_conn_id": "other", "deadline": 1.5, "poll_interval": 2.5, "not_before": 3.5}
STORED = {
    "jobs.LayersJobTrigger": {
        "job_id": "job_1",
        "container_ids": ["cnt_1"],
        "cancel_on_kill": True,
        "project_id": "prj_1",
        "kind": "content_generate",
        "content_format": "video",
        "started_at": "2026-04-18T12:00:00Z",
        "confirm": False,
    },
    "jobs.LayersJobsTrigger": {
        "jobs": [{"job_id": "job_1", "container_ids": ["cnt_1"], "project_id": "prj_1"}],
        "cancel_on_kill": True,
    },
    "content.LayersContentApprovalTrigger": {
        "container_ids": ["cnt_1", "cnt_2"],
        "project_id": "prj_1",
        "created_at": "2026-04-18T12:00:00Z",
        "fail_on_reject": False,
    },
    "scheduled_posts.LayersScheduledPostTrigger": {"scheduled_post_id": "sp_1", "project_id": "prj_1"},
    "top_performers.LayersTopPerformersTrigger": {
        "project_id": "prj_1",
        "ranking": {"metric": "views", "platform": ["tiktok"]},
        "threshold": 5.0,
        "min_rows": 2,
    },
}
"""What Airflow's database holds of deferred tasks: these names must stay loadable from release to release."""


def load(name):
    module, _, kind = name.partition(".")
    return getattr(importlib.import_module(f"airflow_provider_layers.triggers.{module}"), kind)


class ThingTrigger(LayersPollTrigger):
    """Waits for a thing."""

    def poll_target(self):
        return target("thing_1", deadline=self.deadline, max_interval=self.poll_interval)

    def status_of(self, result):
        return result["status"]

    def subject(self):
        return {"thing_id": "thing_1"}


@pytest.mark.parametrize("name", STORED)
def test_what_is_stored_of_a_trigger_makes_the_same_trigger(name, key):
    arguments = SHARED | STORED[name]
    stored = load(name)(**arguments).serialize()
    assert stored == (f"airflow_provider_layers.triggers.{name}", arguments)
    assert json.loads(json.dumps(stored)) == list(stored)
    assert key not in json.dumps(stored)


@pytest.mark.parametrize("name", STORED)
def test_a_deferred_task_survives_an_upgrade(name):
    """What an older release stored has fewer arguments, so each has a default."""
    parameters = inspect.signature(load(name)).parameters
    assert list(parameters) == list(load(name)().serialize()[1])
    assert parameters.keys() == SHARED.keys() | STORED[name].keys()
    assert load(name)(layers_conn_id="nowhere").subject()


def test_the_hook_is_that_of_the_connection():
    trigger = ThingTrigger(layers_conn_id="layers_acme")
    assert isinstance(trigger.layers_hook, LayersHook)
    assert trigger.layers_hook.layers_conn_id == "layers_acme"
    assert trigger.layers_hook is trigger.layers_hook


def test_the_end_is_an_event_with_the_status_of_the_target(triggerer):
    trigger = ThingTrigger(deadline=triggerer.now() + 60)
    assert triggerer.fire(trigger, ok({"status": "running"}), ok({"status": "completed"})) == {
        "thing_id": "thing_1",
        "status": "completed",
        "reason": "",
        "deadline": trigger.deadline,
    }


def test_the_deadline_is_an_event(triggerer):
    trigger = ThingTrigger(deadline=triggerer.now() + 60)
    event = triggerer.fire(trigger, then=ok({"status": "running"}))
    assert (event["status"], event["reason"]) == ("timeout", "thing_1 was running at the deadline.")
    assert triggerer.now() == pytest.approx(trigger.deadline, abs=1)


@pytest.mark.parametrize("status", [401, 403, 410, 422])
def test_a_permanent_error_is_an_event(triggerer, key, status):
    trigger = ThingTrigger(deadline=triggerer.now() + 60)
    event = triggerer.fire(trigger, error(status, "ANY"))
    assert event["status"] == "error"
    assert "Could not read thing_1" in event["reason"]
    assert "req_1" in event["reason"]
    assert key not in json.dumps(event)


def test_transient_errors_are_no_event(triggerer):
    trigger = ThingTrigger(deadline=triggerer.now() + 600)
    event = triggerer.fire(trigger, LOST, error(500), error(429), ok({"status": "completed"}))
    assert event["status"] == "completed"


@pytest.mark.parametrize(
    ("conn_id", "reason"),
    [
        ("layers_default", "layers_default: the password field holds no API key"),
        ("nowhere", "in the triggerer; its log has the traceback"),
    ],
    ids=["not usable", "missing"],
)
def test_a_connection_that_fails_is_an_event(connect, conn_id, reason):
    connect(password="")
    trigger = ThingTrigger(layers_conn_id=conn_id)
    trigger.layers_hook = LayersHook(conn_id, clock=FakeClock())

    async def fire():
        return [event.payload async for event in trigger.run()]

    (event,) = asyncio.run(fire())
    assert (event["status"], event["is_transient"]) == ("error", False)
    assert reason in event["reason"]


class BrokenTrigger(ThingTrigger):
    """Has a bug."""

    async def wait_for_status(self, watcher):
        raise KeyError("a secret")


def test_a_bug_is_an_event_that_names_its_type_and_nothing_else(triggerer):
    event = triggerer.fire(BrokenTrigger(deadline=triggerer.now()))
    assert (event["status"], event["reason"]) == (
        "error",
        "KeyError in the triggerer; its log has the traceback.",
    )


class RecoveringTrigger(ThingTrigger):
    """Fails until the database is back."""

    failures = 0

    async def wait_for_status(self, watcher):
        self.failures += 1
        if self.failures < MAX_FAILURES:
            raise ConnectionError("no database")
        return await super().wait_for_status(watcher)


def test_a_failure_of_the_triggerer_that_passes_is_no_event(triggerer):
    started = triggerer.now()
    trigger = RecoveringTrigger(deadline=started + 600)
    assert triggerer.fire(trigger, then=ok({"status": "completed"}))["status"] == "completed"
    assert 20 < triggerer.now() - started < 30


@pytest.mark.parametrize("seconds", [-10.0, 50.0])
def test_no_event_comes_before_its_time_nor_later_for_it(triggerer, seconds):
    started = triggerer.now()
    trigger = ThingTrigger(deadline=started, not_before=started + seconds)
    triggerer.fire(trigger, ok({"status": "completed"}))
    assert triggerer.now() - started == pytest.approx(max(seconds, 0.0), abs=0.5)


class CountingApi(ScriptedApi):
    """Counts the clients that are closed."""

    closed = 0

    async def aclose(self):
        self.closed += 1


def test_triggers_of_a_connection_share_one_client(triggerer):
    api = CountingApi(then=ok({"status": "completed"}))

    async def status():
        trigger = ThingTrigger(deadline=triggerer.now())
        await triggerer.connect(trigger, api)
        return [event.payload["status"] async for event in trigger.run()]

    async def fire_all():
        return await asyncio.gather(*(status() for _ in range(5)))

    assert triggerer.loop.run(fire_all()) == [["completed"]] * 5
    assert (api.closed, len(api.requests)) == (1, 5)


def test_a_wait_that_is_canceled_is_no_event_and_leaves_nothing_running(triggerer):
    api = CountingApi(then=ok({"status": "running"}))

    async def cancel():
        trigger = ThingTrigger(deadline=triggerer.now() + 3600)
        await triggerer.connect(trigger, api)
        waiting = asyncio.ensure_future(anext(trigger.run()))
        await asyncio.sleep(60)
        assert api.requests
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await trigger.cleanup()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        sent = len(api.requests)
        await asyncio.sleep(3600)
        return len(api.requests) - sent

    assert (triggerer.loop.run(cancel()), api.closed) == (0, 1)
