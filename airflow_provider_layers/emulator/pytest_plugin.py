"""Fixtures for tests of DAGs.

Load them with ``pytest_plugins = ["airflow_provider_layers.emulator.pytest_plugin"]``.

The emulator's clock is frozen: jobs progress when a test calls ``layers_api.advance(seconds)``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_layers.emulator import Emulator


@pytest.fixture(scope="session")
def layers_emulator() -> Iterator[Emulator]:
    """Return the emulator of the session, with a frozen clock and the highest rate limits."""
    with Emulator(clock="frozen", tier="partner") as emulator:
        yield emulator


@pytest.fixture
def layers_api(layers_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """Return the emulator in its initial state, with ``layers_default`` connected to it."""
    layers_emulator.reset(seed=1)
    monkeypatch.setenv("AIRFLOW_CONN_LAYERS_DEFAULT", layers_emulator.airflow_connection_json)
    return layers_emulator
