"""An emulator with a frozen clock for the whole folder, in its initial state for every test."""

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
def _emulator() -> Iterator[Emulator]:
    with Emulator(seed=1, clock="frozen", start=START, job_seconds=60, tier="partner") as emulator:
        yield emulator


@pytest.fixture
def api(_emulator: Emulator) -> Emulator:
    _emulator.reset(seed=1)
    return _emulator


@pytest.fixture
def client(api: Emulator) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {api.api_key}"}
    with httpx.Client(base_url=api.url, headers=headers, verify=False, trust_env=False, timeout=10) as client:
        yield client


@pytest.fixture(scope="session")
def anonymous() -> Iterator[httpx.Client]:
    """A client without an API key."""
    with httpx.Client(verify=False, trust_env=False, timeout=10) as client:
        yield client


@pytest.fixture
def content_url(api: Emulator) -> str:
    """The generate route of the default project."""
    return f"/v1/projects/{api.project_id}/content"


@pytest.fixture
def start_job(client: httpx.Client, content_url: str) -> Callable[..., dict[str, Any]]:
    """Start a slideshow job and return the body of the 202."""

    def start(hook: str = "Stop scrolling.", **fields: Any) -> dict[str, Any]:
        response = client.post(content_url, json={"format": "slideshow-builder", "hook": hook, **fields})
        assert response.status_code == 202, response.text
        return response.json()

    return start


@pytest.fixture
def create_container(api: Emulator, start_job: Callable[..., dict[str, Any]]) -> Callable[..., str]:
    """Create a completed container and return its id."""

    def create(**fields: Any) -> str:
        container = start_job(**fields)["containerIds"][0]
        api.advance(60)
        return container

    return create


@pytest.fixture
def create_approved(client: httpx.Client, create_container: Callable[..., str]) -> Callable[..., str]:
    """Create an approved container and return its id."""

    def create(**fields: Any) -> str:
        container = create_container(**fields)
        assert client.post(f"/v1/content/{container}/approve").status_code == 200
        return container

    return create


@pytest.fixture
def clone(api: Emulator, client: httpx.Client) -> Callable[..., httpx.Response]:
    """Clone the best post, or what the fields say."""

    def send(container: str | None = None, **fields: Any) -> httpx.Response:
        body = {"projectId": api.project_id, "sourcePlatformPostId": api.top_post_ids[0], **fields}
        return client.post(f"/v1/content/{container or uuid.uuid4()}/clone-from-post", json=body)

    return send


@pytest.fixture
def in_seconds(api: Emulator) -> Callable[[float], str]:
    """Return the moment that many seconds after the emulator's present."""

    def moment(seconds: float) -> str:
        now = datetime.fromisoformat(api.now().replace("Z", "+00:00"))
        return (now + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")

    return moment


@pytest.fixture
def schedule_body(api: Emulator, in_seconds: Callable[[float], str]) -> Callable[..., dict[str, Any]]:
    """Return a schedule body with the first account as its target."""

    def body(seconds: float = 3600, **target: Any) -> dict[str, Any]:
        first = {"socialAccountId": api.social_account_ids[0], "mode": "publish", **target}
        return {"scheduledFor": in_seconds(seconds), "targets": [first]}

    return body


@pytest.fixture
def assert_error() -> Callable[..., dict[str, Any]]:
    """Assert status, code and the path of an issue; return the error."""

    def check(response: httpx.Response, status: int, code: str, path: str | None = None) -> dict[str, Any]:
        error = response.json()["error"]
        assert (response.status_code, error["code"]) == (status, code), response.text
        assert error["requestId"] == response.headers["X-Request-Id"]
        if path is not None:
            assert path in [issue["path"] for issue in error["details"]["issues"]], response.text
        return error

    return check
