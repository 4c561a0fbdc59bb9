"""The heartbeat of Airflow that decides how early a trigger may fire."""

from __future__ import annotations

import pytest

from tests.unit.scripted import NOW

HEARTBEAT = 5.0


@pytest.fixture
def earliest(monkeypatch: pytest.MonkeyPatch) -> float:
    """Set the heartbeat, and return the moment from which a trigger of a sensor that defers now may fire."""
    monkeypatch.setenv("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", str(HEARTBEAT))
    return NOW + HEARTBEAT + 1
