"""Fixtures of the unit tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tests.unit.scripted import KEY, ScriptedApi
from tests.unit.serving import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.unit.scripted import Reply

# The same examples on every run, however slow the machine is: a run that fails can be repeated.
settings.register_profile(
    "tests",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("tests")


@pytest.fixture
def key() -> str:
    """An API key that must not appear anywhere."""
    return KEY


@pytest.fixture
def script() -> Iterator[Callable[..., ScriptedApi]]:
    """Return a function that scripts an API; a reply that no request asked for fails the test."""
    scripted: list[ScriptedApi] = []

    def make(*replies: Reply | BaseException, then: Reply | None = None) -> ScriptedApi:
        scripted.append(ScriptedApi(*replies, then=then))
        return scripted[-1]

    yield make
    assert [api.replies for api in scripted if api.replies] == [], "replies that were never asked for"


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on this machine; set its ``replies``."""
    with Server() as running:
        yield running


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Fill in a connection: ``connect(host=..., extra={...}, conn_id="layers_default")``."""

    def fill_in(conn_id: str = "layers_default", **fields: Any) -> None:
        connection = {"conn_type": "layers", "password": KEY, **fields}
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(connection))

    return fill_in
