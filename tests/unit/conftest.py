"""Fixtures of the unit tests."""

from __future__ import annotations

import functools
import json
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.serving import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "lp_test_0123456789abcdef_s3cret"


@pytest.fixture(scope="session", autouse=True)
def _read_certificates_once() -> Iterator[None]:
    """Every client of httpx reads them anew, which takes longer than most of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", functools.cache(ssl.create_default_context))
        yield


@pytest.fixture
def key() -> str:
    """An API key that must turn up nowhere."""
    return KEY


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
