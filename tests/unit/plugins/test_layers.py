from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from airflow_provider_layers.plugins import layers


def test_it_is_the_entry_point_that_airflow_looks_for():
    (entry,) = [one for one in entry_points(group="airflow.plugins") if one.name == "layers"]
    assert entry.value == "airflow_provider_layers.plugins.layers:LayersPlugin"
    assert entry.load() is layers.LayersPlugin


@pytest.mark.airflow3
def test_a_tab_on_a_task_instance_and_a_gallery_on_a_run():
    pages = [(one["destination"], one["url_route"]) for one in layers.LayersPlugin.react_apps]
    assert pages == [("task_instance", "layers"), ("dag_run", "layers-gallery")]


@pytest.mark.airflow3
@pytest.mark.parametrize(
    ("base_url", "path"),
    [
        ("", "/layers/static/layers.js"),
        ("http://localhost:8080", "/layers/static/layers.js"),
        ("https://airflow.example/team/a/", "/team/a/layers/static/layers.js"),
    ],
)
def test_it_is_found_under_whatever_path_airflow_is_reached(base_url, path, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    assert {one["bundle_url"] for one in layers._pages()} == {path}


@pytest.mark.airflow3
def test_the_app_is_made_once():
    first, second = layers.LayersPlugin().fastapi_apps, layers.LayersPlugin().fastapi_apps
    assert first[0]["app"] is second[0]["app"]
    assert first[0]["url_prefix"] == "/layers"


def test_below_airflow_3_1_there_is_nothing(monkeypatch):
    monkeypatch.setattr(layers, "AirflowPlugin", object)
    assert layers._pages() == []
    monkeypatch.setattr(layers.LayersPlugin, "react_apps", [])
    assert layers.LayersPlugin().fastapi_apps == []


LIGHT = """
import json, sys
from airflow.providers.common.compat.sdk import AirflowPlugin
before = set(sys.modules)
from airflow_provider_layers.plugins.layers import LayersPlugin
LayersPlugin()
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_every_process_loads_it_so_it_loads_nothing_else():
    ran = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)
    loaded = json.loads(ran.stdout.splitlines()[-1])
    names = [f"{layers.__package__}.{name}" for name in ("", "layers")]
    assert {name for name in loaded if name.startswith(layers.__package__)} == {
        name.rstrip(".") for name in names
    }
    assert not {"fastapi", "httpx", "pydantic", "sqlalchemy"} & set(loaded)
