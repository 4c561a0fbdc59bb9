"""The hook."""

from __future__ import annotations

import asyncio
import gc

import pytest

from airflow_provider_layers.api.flow import call
from airflow_provider_layers.api.projects import get_project
from airflow_provider_layers.client import LayersClient
from airflow_provider_layers.exceptions import LayersConnectionError, LayersNotFoundError
from airflow_provider_layers.get_provider_info import CONNECTION_FIELDS
from airflow_provider_layers.hooks import settings
from airflow_provider_layers.hooks.layers import LayersHook
from tests.unit.serving import Reply
from tests.unit.watches import watch


@pytest.fixture
def hook(connect, server):
    connect(host=server.url)
    return LayersHook()


def refusal(status, code, **details):
    return Reply(
        {"error": {"code": code, "message": "No.", "requestId": "req_1", "details": details}}, status
    )


def test_an_endpoint_is_run_with_retries(hook, server):
    server.replies = [Reply(hang_up=True), Reply({"id": "prj_1"})]
    assert hook.run(get_project("prj_1")) == {"id": "prj_1"}
    assert len(server.received) == 2


def test_a_flow_is_run_as_it_is(hook):
    def flow():
        return "result"
        yield

    assert hook.run(flow()) == "result"


def test_what_the_api_refuses_is_raised(hook, server):
    server.replies = [refusal(404, "NOT_FOUND")]
    with pytest.raises(LayersNotFoundError):
        hook.run(get_project("prj_1"))


def test_the_connection_is_chosen_by_its_id(connect, server):
    connect("layers_acme", host=server.url)
    assert LayersHook("layers_acme").settings.access.base_url == server.url


def test_making_a_hook_looks_nothing_up():
    LayersHook("there_is_no_such_connection")


def test_a_connection_that_cannot_be_used_says_so(connect):
    connect(password="")
    with pytest.raises(LayersConnectionError, match="layers_default"):
        LayersHook().get_conn()


def test_a_hook_has_one_client_and_closes_it_at_its_end(hook):
    client = hook.get_conn()
    assert isinstance(client, LayersClient)
    assert hook.get_conn() is client
    del hook
    gc.collect()


def test_a_client_is_closed_with_its_hook(connect, server):
    connect(host=server.url)
    hook = LayersHook()
    http = hook.get_conn()._http
    del hook
    gc.collect()
    assert http.is_closed


def test_a_right_key_is_connected(hook, server, key):
    server.replies = [Reply({"organizationName": "Acme", "rateLimitTier": "pilot"})]
    assert hook.test_connection() == (True, "Connected to Acme (rate limit tier pilot).")
    assert server.received[0].path == "/v1/whoami"
    assert server.received[0].headers["authorization"] == f"Bearer {key}"


@pytest.mark.parametrize(
    ("reply", "parts"),
    [
        (refusal(401, "UNAUTHENTICATED"), ["refused the key as wrong, revoked", "req_1"]),
        (refusal(503, "KILL_SWITCH", scope="key"), ["suspended", "req_1"]),
        (Reply({"organizationName": "Acme", "killSwitch": True}), ["cannot be used", "suspended"]),
        (Reply({"organizationName": "Acme", "apiAccessRevoked": True}), ["cannot be used", "revoked"]),
        (refusal(429, "RATE_LIMITED"), ["429 RATE_LIMITED"]),
        (refusal(500, None), ["500"]),
        (Reply(hang_up=True), ["no answer"]),
        (Reply(b"<html>"), ["not a JSON object"]),
        (Reply({}, 302, {"Location": "https://evil.example/"}), ["redirect", "evil.example"]),
    ],
)
def test_a_key_that_does_not_work_says_why_at_once(hook, server, key, reply, parts):
    server.replies = [reply]
    works, text = hook.test_connection()
    assert works is False
    assert [part for part in parts if part not in text] == []
    assert key not in text
    assert len(server.received) == 1


def test_a_connection_that_is_filled_in_wrongly_says_so(connect):
    connect(host="https://api.layers.com/v1")
    works, text = LayersHook().test_connection()
    assert works is False
    assert "base URL" in text


def test_an_event_loop_shares_one_client_and_one_watcher(hook):
    async def two():
        async with hook.lease() as one, LayersHook().lease() as other:
            return one is other

    assert asyncio.run(two())


def test_a_flow_runs_in_the_loop(hook, server):
    async def run():
        async with hook.lease() as shared:
            return await shared.client.run(call(get_project("prj_1")))

    server.replies = [Reply({"id": "prj_1"})]
    assert asyncio.run(run()) == {"id": "prj_1"}


def test_a_wait_waits_in_the_loop(hook, server):
    async def run():
        async with hook.lease() as shared:
            return await shared.watcher.wait(watch(deadline=0.0))

    server.replies = [Reply({"status": "completed"})]
    assert asyncio.run(run()) == {"status": "completed"}


def test_the_connection_is_looked_up_once_for_all_in_the_loop(hook, server, monkeypatch):
    looked_up = []
    read = settings.read_settings
    monkeypatch.setattr(settings, "read_settings", lambda given: looked_up.append(given) or read(given))

    async def borrow():
        async with LayersHook().lease() as shared:
            return shared

    async def run():
        await asyncio.gather(*(borrow() for _ in range(100)))

    asyncio.run(run())
    assert len(looked_up) == 1


def test_a_wrong_connection_says_so_in_the_loop_too(connect):
    async def run():
        async with LayersHook().lease():
            pass

    connect(password="")
    with pytest.raises(LayersConnectionError):
        asyncio.run(run())


def test_the_http_hook_has_the_same_connection():
    hook = LayersHook("layers_acme").http_hook("POST")
    assert (hook.layers_conn_id, hook.method) == ("layers_acme", "POST")


def test_the_standard_fields_of_the_older_form():
    behaviour = LayersHook.get_ui_field_behaviour()
    assert behaviour["relabeling"] == {"password": "API key", "host": "Base URL"}
    assert behaviour["hidden_fields"] == ["login", "port", "schema"]


def test_the_key_is_in_no_repr(hook, key):
    hook.get_conn()
    assert key not in f"{hook!r} {hook.settings!r} {hook.get_conn()!r}"


def test_the_extra_fields_of_the_older_form():
    pytest.importorskip("flask_appbuilder", reason="Airflow 3 takes the form from the provider's metadata")
    assert list(LayersHook.get_connection_form_widgets()) == list(CONNECTION_FIELDS)
