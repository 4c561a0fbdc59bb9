"""The plugin as Airflow loads it, in every process and on every release."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points

import pytest
from airflow.providers.common.compat.sdk import AirflowPlugin

from airflow_provider_layers.plugins import layers
from airflow_provider_layers.plugins.layers import LayersPlugin


def test_it_is_the_entry_point_that_airflow_loads():
    (entry,) = [point for point in entry_points(group="airflow.plugins") if point.name == "layers"]
    assert entry.value == "airflow_provider_layers.plugins.layers:LayersPlugin"
    assert entry.load() is LayersPlugin


def test_it_adds_pages_only_where_airflow_can_show_them():
    supported = hasattr(AirflowPlugin, "react_apps")
    assert bool(LayersPlugin.react_apps) == supported
    assert bool(LayersPlugin().fastapi_apps) == supported


@pytest.mark.airflow3
def test_a_tab_on_a_task_instance_and_a_gallery_on_a_run():
    pages = [(page["destination"], page["url_route"]) for page in LayersPlugin.react_apps]
    assert pages == [("task_instance", "layers"), ("dag_run", "layers-gallery")]


def test_airflow_3_0_has_routes_of_plugins_and_no_pages():
    class Plugin(LayersPlugin):
        react_apps = layers.react_apps(airflow_plugin=object)

    assert (Plugin.react_apps, Plugin().fastapi_apps) == ([], [])


@pytest.mark.airflow3
@pytest.mark.parametrize(
    ("base_url", "path"),
    [
        ("", "/layers/static/layers.js"),
        ("http://localhost:8080", "/layers/static/layers.js"),
        ("https://airflow.example/team/a/", "/team/a/layers/static/layers.js"),
    ],
)
def test_its_files_are_below_the_path_of_the_base_url(base_url, path, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    assert {page["bundle_url"] for page in layers.react_apps()} == {path}


@pytest.mark.airflow3
def test_the_app_is_created_once():
    first, second = LayersPlugin().fastapi_apps, LayersPlugin().fastapi_apps
    assert first[0]["app"] is second[0]["app"]
    assert first[0]["url_prefix"] == "/layers"


LOADED_MODULES = """
import json, sys
from airflow.providers.common.compat.sdk import AirflowPlugin
before = set(sys.modules)
from airflow_provider_layers.plugins.layers import LayersPlugin
LayersPlugin()
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_every_process_loads_it_so_it_loads_nothing_else():
    process = subprocess.run(
        [sys.executable, "-c", LOADED_MODULES], capture_output=True, text=True, check=True
    )
    loaded = json.loads(process.stdout.splitlines()[-1])
    assert {name for name in loaded if name.startswith("airflow_provider_layers.")} == {
        "airflow_provider_layers.plugins",
        "airflow_provider_layers.plugins.layers",
    }
    assert not {"cachetools", "fastapi", "httpx", "pydantic", "sqlalchemy"} & set(loaded)
