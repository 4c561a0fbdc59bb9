"""The key turns up nowhere."""

from __future__ import annotations

import ast
import dataclasses

import pytest
from airflow.providers.common.compat.sdk import Connection

from airflow_provider_layers.client import Access, AsyncLayersClient, LayersClient
from airflow_provider_layers.hooks.http import LayersHttpHook
from airflow_provider_layers.hooks.layers import LayersHook
from airflow_provider_layers.hooks.settings import Settings, read_settings
from tests.house.source import FLOORS, Module, name_of

KEY = "lp_test_0123456789abcdef_s3cret"


def calls(module: Module) -> list[str]:
    return [ast.unparse(node.func) for node in ast.walk(module.tree) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("module", FLOORS, ids=name_of)
def test_nothing_is_printed(module: Module):
    assert not {"print", "pprint", "sys.stdout.write", "sys.stderr.write"} & set(calls(module))


@pytest.mark.parametrize("module", FLOORS, ids=name_of)
def test_the_key_is_read_where_requests_and_settings_are_made_only(module: Module):
    touched = {node.attr for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)}
    assert module.name in ("client", "hooks.settings") or not {"api_key", "password"} & touched


@pytest.mark.parametrize("module", FLOORS, ids=name_of)
def test_no_log_line_is_made_of_headers_bodies_or_settings(module: Module):
    logged = [
        ast.unparse(node)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and ".log." in f"{ast.unparse(node.func)}"
    ]
    assert [
        line for line in logged if any(word in line for word in ("headers", ".body", "settings", "access"))
    ] == []


def test_only_the_key_is_left_out_of_the_repr():
    assert [field.name for field in dataclasses.fields(Access) if not field.repr] == ["api_key"]
    assert [field.name for field in dataclasses.fields(Settings) if not field.repr] == []


def test_the_key_has_no_repr(monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_LAYERS_DEFAULT", f'{{"conn_type": "layers", "password": "{KEY}"}}')
    settings = read_settings(Connection(conn_id="layers_default", conn_type="layers", password=KEY))
    hook = LayersHook()
    client = hook.get_conn()
    http_hook = LayersHttpHook()
    http_hook.get_conn().close()
    shown = [
        settings,
        settings.access,
        hook,
        client,
        client._http,
        AsyncLayersClient(settings.access),
        http_hook,
    ]
    assert [one for one in shown if KEY in f"{one!r} {one}"] == []
    assert isinstance(client, LayersClient)
