"""A watcher in a loop in which hours pass at once."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.cadence import Experience
from airflow_provider_layers.hooks import reader
from airflow_provider_layers.hooks import watcher as watching
from airflow_provider_layers.hooks.watcher import Watcher
from tests.unit.hours import Api, Hours


@pytest.fixture
def loop(monkeypatch):
    loop = Hours()
    for module in (reader, watching):
        monkeypatch.setattr(module, "time", loop)
    yield loop
    loop.close()


@pytest.fixture
def api(loop):
    return Api(loop)


@pytest.fixture
def watcher(api):
    return Watcher(api, Experience(), 6000)
