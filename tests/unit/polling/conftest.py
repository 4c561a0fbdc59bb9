"""A watcher in a loop in which hours pass in milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_layers.polling.intervals import DurationHistory
from airflow_provider_layers.polling.watcher import Watcher
from tests.unit.polling.virtual_time import FakeApi, VirtualTimeLoop

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def loop() -> Iterator[VirtualTimeLoop]:
    loop = VirtualTimeLoop()
    yield loop
    loop.close()


@pytest.fixture
def api(loop: VirtualTimeLoop) -> FakeApi:
    return FakeApi(loop)


@pytest.fixture
def watcher(api: FakeApi) -> Watcher:
    return Watcher(api.client(), DurationHistory(), 6000)
