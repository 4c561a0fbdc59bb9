"""What all triggers do alike."""

from __future__ import annotations

import asyncio
import inspect
import json
import time

import pytest

from airflow_provider_layers.hooks import sharing
from airflow_provider_layers.triggers.base import LayersTrigger
from airflow_provider_layers.triggers.jobs import LayersJobTrigger
from airflow_provider_layers.triggers.scheduled_posts import LayersScheduledPostTrigger
from airflow_provider_layers.triggers.top_performers import LayersTopPerformersTrigger
from tests.unit.serving import Reply
from tests.unit.watches import watch

TRIGGERS = [LayersJobTrigger, LayersScheduledPostTrigger, LayersTopPerformersTrigger]
SHARED = {"layers_conn_id", "deadline", "poll_interval", "not_before"}
VALUES = {
    "str": "text",
    "float": 1.5,
    "int": 3,
    "bool": True,
    "str | None": "text",
    "list[str] | None": ["a", "b"],
    "dict[str, Any] | None": {"metric": "views", "platform": ["tiktok"]},
}


class ThingTrigger(LayersTrigger):
    """Waits for a thing."""

    def watch(self):
        return watch("thing_1", deadline=self.deadline, longest=self.poll_interval)

    def status_of(self, result):
        return result["status"]

    def subject(self):
        return {"thing_id": "thing_1"}


def events(trigger):
    async def collect():
        return [event.payload async for event in trigger.run()]

    return asyncio.run(collect())


@pytest.fixture
def trigger(connect, server):
    """A trigger whose deadline has passed: it looks once."""
    connect(host=server.url)
    return ThingTrigger(deadline=time.time())


@pytest.mark.parametrize("kind", TRIGGERS)
def test_a_deferred_task_survives_an_upgrade(kind):
    """Arguments stored by an older release are fewer, so each has a default."""
    parameters = inspect.signature(kind).parameters.values()
    assert [one.name for one in parameters if one.default is inspect.Parameter.empty] == []
    assert {one.name for one in parameters} >= SHARED
    assert isinstance(kind(), LayersTrigger)


@pytest.mark.parametrize("kind", TRIGGERS)
def test_another_triggerer_gets_all_that_it_needs_and_as_json(kind):
    parameters = inspect.signature(kind).parameters.values()
    given = {one.name: VALUES[one.annotation] for one in parameters}
    path, arguments = kind(**given).serialize()
    assert path == f"{kind.__module__}.{kind.__name__}"
    assert arguments == given
    assert json.loads(json.dumps(arguments)) == given
    assert kind(**arguments).serialize() == (path, arguments)


@pytest.mark.parametrize("kind", TRIGGERS)
def test_the_stored_arguments_hold_no_key(kind, connect, key):
    connect()
    assert key not in json.dumps(kind().serialize())


@pytest.mark.parametrize("kind", TRIGGERS)
def test_making_a_trigger_looks_nothing_up_and_opens_nothing(kind):
    assert json.dumps(kind(layers_conn_id="nowhere").subject())


def test_an_end_is_one_event_with_the_status_of_the_thing(trigger, server):
    server.replies = [Reply({"status": "completed"})]
    assert events(trigger) == [
        {"thing_id": "thing_1", "status": "completed", "reason": "", "deadline": trigger.deadline}
    ]


def test_the_deadline_is_an_event(trigger, server):
    server.replies = [Reply({"status": "running"})]
    (event,) = events(trigger)
    assert event["status"] == "timeout"
    assert event["reason"] == "thing_1 was running at the deadline."


@pytest.mark.parametrize("status", [401, 403, 410, 422])
def test_an_error_that_waiting_does_not_mend_is_an_event(trigger, server, key, status):
    trigger.deadline = time.time() + 60
    trigger.poll_interval = 0.01
    server.replies = [Reply({"error": {"code": "ANY", "requestId": "req_1"}}, status)]
    (event,) = events(trigger)
    assert event["status"] == "error"
    assert "Could not read thing_1" in event["reason"]
    assert "req_1" in event["reason"]
    assert key not in json.dumps(event)


def test_a_connection_that_cannot_be_used_is_an_event(connect):
    connect(password="")
    (event,) = events(ThingTrigger())
    assert event["status"] == "error"
    assert "layers_default" in event["reason"]


def test_a_connection_that_is_not_there_is_an_event():
    (event,) = events(ThingTrigger(layers_conn_id="nowhere"))
    assert event["status"] == "error"
    assert "in the triggerer; its log has the traceback" in event["reason"]


@pytest.mark.parametrize("where", ["watch", "status_of"])
def test_a_bug_is_an_event_that_names_it_and_nothing_else(trigger, server, where, monkeypatch):
    def bug(*given):
        raise KeyError("a secret")

    server.replies = [Reply({"status": "completed"})]
    monkeypatch.setattr(trigger, where, bug)
    (event,) = events(trigger)
    assert event["status"] == "error"
    assert event["reason"] == "KeyError in the triggerer; its log has the traceback."


def test_no_event_comes_too_early(trigger, server):
    server.replies = [Reply({"status": "completed"})]
    trigger.not_before = time.time() + 0.2
    events(trigger)
    assert time.time() >= trigger.not_before


def test_many_triggers_share_one_client(connect, server, monkeypatch):
    connect(host=server.url)
    made = []
    client = sharing.AsyncLayersClient
    monkeypatch.setattr(sharing, "AsyncLayersClient", lambda access: made.append(access) or client(access))
    server.replies = [Reply({"status": "completed"})]

    async def status():
        return [event.payload["status"] async for event in ThingTrigger(deadline=time.time()).run()]

    async def many():
        return await asyncio.gather(*(status() for _ in range(5)))

    assert asyncio.run(many()) == [["completed"]] * 5
    assert len(made) == 1
    assert len(server.received) == 5


def test_a_wait_that_is_canceled_is_no_event_and_leaves_nothing_behind(trigger, server):
    async def run():
        trigger.deadline = time.time() + 60
        waiting = asyncio.ensure_future(anext(trigger.run()))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


def test_the_end_of_a_trigger_sends_nothing(trigger, server):
    asyncio.run(trigger.cleanup())
    assert server.received == []
