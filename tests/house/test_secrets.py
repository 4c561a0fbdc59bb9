"""The key appears nowhere."""

from __future__ import annotations

import ast
import dataclasses
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import Connection

from airflow_provider_layers.client import ApiConfig, AsyncLayersClient
from airflow_provider_layers.hooks.connection import ConnectionSettings, read_connection
from airflow_provider_layers.hooks.layers import LayersHook
from airflow_provider_layers.operators.http import LayersHttpHook
from tests.house.source import FLOORS, Module

if TYPE_CHECKING:
    import pytest

KEY = "lp_test_0123456789abcdef_s3cret"
LOGGERS = ("log", "self.log", "logger", "logging")
NOT_LOGGED = ("headers", ".body", "settings", "api_key", "password", "config")


def calls(module: Module) -> list[ast.Call]:
    return [node for node in ast.walk(module.tree) if isinstance(node, ast.Call)]


def test_nothing_is_printed():
    printing = {"print", "pprint", "sys.stdout.write", "sys.stderr.write"}
    assert [one.name for one in FLOORS if printing & {ast.unparse(call.func) for call in calls(one)}] == []


def test_the_key_is_read_only_where_requests_and_settings_are_made():
    readers = {
        module.name
        for module in FLOORS
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr in ("api_key", "password")
    }
    assert readers == {"client", "hooks.connection"}


def test_no_log_line_has_headers_bodies_or_settings():
    lines = [
        ast.unparse(call)
        for module in FLOORS
        for call in calls(module)
        if ast.unparse(call.func).rpartition(".")[0] in LOGGERS
    ]
    assert len(lines) > 30, "both self.log and the loggers of modules are found"
    assert [line for line in lines if any(word in line for word in NOT_LOGGED)] == []


def test_only_the_key_is_left_out_of_the_repr():
    assert [field.name for field in dataclasses.fields(ApiConfig) if not field.repr] == ["api_key"]
    assert [field.name for field in dataclasses.fields(ConnectionSettings) if not field.repr] == []


def test_the_key_has_no_repr(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIRFLOW_CONN_LAYERS_DEFAULT", f'{{"conn_type": "layers", "password": "{KEY}"}}')
    settings = read_connection(Connection(conn_id="layers_default", conn_type="layers", password=KEY))
    hook = LayersHook()
    http_hook = LayersHttpHook()
    http_hook.get_conn().close()
    client = hook.get_conn()
    shown = [settings, settings.api, hook, client, client._http, AsyncLayersClient(settings.api), http_hook]
    assert settings.api.api_key == KEY
    assert [item for item in shown if KEY in f"{item!r} {item}"] == []
