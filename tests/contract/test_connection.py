"""``test_connection`` requests ``GET /v1/whoami`` and says what is wrong with a key."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_layers.hooks.layers import LayersHook

WHOAMI = {"organizationId": "org_1", "organizationName": "Acme", "scopes": [], "rateLimitTier": "pilot"}


def test_a_right_key(api: Any) -> None:
    ok, text = LayersHook().test_connection()
    assert ok
    assert "Acme (emulator)" in text
    assert "partner" in text


@pytest.mark.parametrize("scheme", ["bearer", "x-api-key"])
@pytest.mark.parametrize(
    ("key", "part"),
    [("wrong", "wrong"), ("revoked", "has been revoked"), ("suspended", "suspended")],
)
def test_a_key_that_is_not_accepted_says_why(
    key: str, part: str, scheme: str, api: Any, connect: Any
) -> None:
    secret = api.keys.get(key, "lp_live_nobody")
    connect(password=secret, auth_scheme=scheme)
    ok, text = LayersHook().test_connection()
    assert not ok
    assert part in text
    assert "Request id: req_" in text
    assert secret not in text
    assert len(api.requests()) == 1


def test_a_suspended_organization(api: Any) -> None:
    api.configure(suspended="organization")
    ok, text = LayersHook().test_connection()
    assert not ok
    assert "suspended" in text


@pytest.mark.parametrize(("flag", "part"), [("killSwitch", "suspended"), ("apiAccessRevoked", "revoked")])
def test_the_flags_of_the_older_revision(flag: str, part: str, api: Any) -> None:
    whoami = {**WHOAMI, "killSwitch": False, "apiAccessRevoked": False, flag: True}
    api.fault("garbage", body=json.dumps(whoami))
    ok, text = LayersHook().test_connection()
    assert not ok
    assert part in text


@pytest.mark.parametrize(
    "whoami",
    [WHOAMI, {**WHOAMI, "killSwitch": False, "apiAccessRevoked": False}, {"organizationId": "org_1"}, {}],
    ids=["new", "old", "an id only", "empty"],
)
def test_both_revisions_of_the_response_are_read(whoami: dict[str, Any], api: Any) -> None:
    api.fault("garbage", body=json.dumps(whoami))
    assert LayersHook().test_connection()[0]


@pytest.mark.parametrize(
    ("fault", "part"),
    [
        ({"kind": "fail_before"}, "503"),
        ({"kind": "disconnect_before"}, "no response"),
        ({"kind": "garbage"}, "not a JSON object"),
        ({"kind": "redirect"}, "redirect"),
        ({"kind": "rate_limit"}, "429"),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_a_fault_is_reported_without_a_retry(fault: dict[str, Any], part: str, api: Any, clock: Any) -> None:
    api.fault(times=None, **fault)
    ok, text = LayersHook().test_connection()
    assert not ok
    assert part in text
    assert clock.slept == []


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"host": "127.0.0.1:9/v1"}, "host"),
        ({"auth_scheme": "basic"}, "auth_scheme"),
        ({"password": " "}, "key"),
    ],
)
def test_a_form_that_is_filled_in_wrongly_says_which_field(
    fields: dict[str, Any], part: str, api: Any, connect: Any
) -> None:
    connect(**fields)
    ok, text = LayersHook().test_connection()
    assert not ok
    assert part in text
    assert api.requests() == []


def test_a_host_without_a_scheme_has_that_of_the_connection(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, _, port = api.url.removeprefix("http://").partition(":")
    fields = {
        "conn_type": "layers",
        "host": host,
        "port": int(port),
        "schema": "http",
        "password": api.api_key,
    }
    monkeypatch.setenv("AIRFLOW_CONN_LAYERS_DEFAULT", json.dumps(fields))
    assert LayersHook().test_connection()[0]


def test_a_connection_may_be_a_uri(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_LAYERS_DEFAULT", api.airflow_connection_uri)
    assert LayersHook().test_connection()[0]
