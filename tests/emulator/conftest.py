"""One frozen-clock emulator for the whole folder, fresh for every test."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from airflow_provider_layers.emulator import Emulator

START = datetime(2026, 4, 18, 12, 0, tzinfo=timezone.utc)


@pytest.fixture(scope="session")
def _server() -> Iterator[Emulator]:
    with Emulator(seed=1, clock="frozen", start=START, job_seconds=60, tier="partner") as emulator:
        yield emulator


@pytest.fixture
def api(_server: Emulator) -> Emulator:
    _server.reset(seed=1)
    return _server


@pytest.fixture
def client(api: Emulator) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {api.api_key}"}
    with httpx.Client(base_url=api.url, headers=headers, verify=False, trust_env=False, timeout=10) as client:
        yield client


@pytest.fixture(scope="session")
def web() -> Iterator[httpx.Client]:
    """Somebody without a key."""
    with httpx.Client(verify=False, trust_env=False, timeout=10) as web:
        yield web


@pytest.fixture
def content_url(api: Emulator) -> str:
    """The generate route of the default project."""
    return f"/v1/projects/{api.project_id}/content"


@pytest.fixture
def start(client: httpx.Client, content_url: str) -> Callable[..., dict[str, Any]]:
    """Start a slideshow job and return its 202."""

    def begin(hook: str = "Stop scrolling.", **fields: Any) -> dict[str, Any]:
        answer = client.post(content_url, json={"format": "slideshow-builder", "hook": hook, **fields})
        assert answer.status_code == 202, answer.text
        return answer.json()

    return begin


@pytest.fixture
def made(api: Emulator, start: Callable[..., dict[str, Any]]) -> Callable[..., str]:
    """Make a finished container and return its id."""

    def make(**fields: Any) -> str:
        container = start(**fields)["containerIds"][0]
        api.advance(60)
        return container

    return make


@pytest.fixture
def approved(client: httpx.Client, made: Callable[..., str]) -> Callable[..., str]:
    """Make an approved container and return its id."""

    def make(**fields: Any) -> str:
        container = made(**fields)
        assert client.post(f"/v1/content/{container}/approve").status_code == 200
        return container

    return make


@pytest.fixture
def clone(api: Emulator, client: httpx.Client) -> Callable[..., httpx.Response]:
    """Clone the best post, or whatever the fields say."""

    def send(container: str | None = None, **fields: Any) -> httpx.Response:
        body = {"projectId": api.project_id, "sourcePlatformPostId": api.top_post_ids[0], **fields}
        return client.post(f"/v1/content/{container or uuid.uuid4()}/clone-from-post", json=body)

    return send


@pytest.fixture
def after(api: Emulator) -> Callable[[float], str]:
    """The moment so many seconds after the emulator's present."""

    def moment(seconds: float) -> str:
        now = datetime.fromisoformat(api.now().replace("Z", "+00:00"))
        return (now + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")

    return moment


@pytest.fixture
def plan(api: Emulator, after: Callable[[float], str]) -> Callable[..., dict[str, Any]]:
    """A schedule body for the first account."""

    def body(seconds: float = 3600, **target: Any) -> dict[str, Any]:
        first = {"socialAccountId": api.social_account_ids[0], "mode": "publish", **target}
        return {"scheduledFor": after(seconds), "targets": [first]}

    return body


@pytest.fixture
def refused() -> Callable[..., dict[str, Any]]:
    """Assert a refusal's status, code and (first) issue path; return the error."""

    def assert_refused(
        answer: httpx.Response, status: int, code: str, path: str | None = None
    ) -> dict[str, Any]:
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (status, code), answer.text
        assert error["requestId"] == answer.headers["X-Request-Id"]
        if path is not None:
            assert path in [issue["path"] for issue in error["details"]["issues"]], answer.text
        return error

    return assert_refused
