"""A scripted API and a clock that only sleeping moves, for clients, hooks and operators under test."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from airflow_provider_layers.api.endpoint import Response
from airflow_provider_layers.client import ApiConfig, AsyncLayersClient, LayersClient
from airflow_provider_layers.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = "lp_test_0123456789abcdef_s3cret"
BASE_URL = "https://api.layers.test"
CONFIG = ApiConfig(BASE_URL, KEY)
NOW = 1_800_000_000.0

LOST = httpx.ReadTimeout("no data")
"""A response that never arrives: the client cannot know whether the request was carried out."""


class FakeClock(Clock):
    """
    A clock that stands still except while something sleeps.

    :ivar slept: the seconds of each sleep, in order
    """

    def __init__(self, now: float = NOW) -> None:
        self.now = now
        self.slept: list[float] = []

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)


@dataclass(frozen=True)
class Reply:
    """A response of the API: a JSON body, or bytes as they are."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()

    def over_http(self) -> httpx.Response:
        return httpx.Response(self.status, headers=dict(self.headers), content=self.content)


def ok(body: Any = None, status: int = 200, **headers: str) -> Reply:
    """Return a successful reply; header names have underscores."""
    return Reply(body, status, {name.replace("_", "-"): value for name, value in headers.items()})


def error(
    status: int,
    code: str | None = None,
    message: str = "",
    *,
    details: Mapping[str, Any] | None = None,
    request_id: str | None = "req_1",
    **headers: str,
) -> Reply:
    """Return a reply with the vendor's error envelope; header names have underscores."""
    envelope = {"code": code, "message": message, "requestId": request_id, "details": details}
    return ok(
        {"error": {name: value for name, value in envelope.items() if value is not None}}, status, **headers
    )


def response(body: Any = None, status: int = 200, **headers: str) -> Response:
    """Return a response as an endpoint reads it, without a client."""
    reply = ok(body, status, **headers)
    return Response(reply.status, reply.headers, reply.content)


class ScriptedApi(httpx.MockTransport):
    """
    Gives its replies in order and fails the test if it gets another request; the fixture ``script`` also
    fails it if a reply is left over.

    :param replies: a :class:`Reply`, or an exception to raise in its place
    :param then: given to every further request
    :ivar requests: what it received, in order
    """

    def __init__(self, *replies: Reply | BaseException, then: Reply | None = None) -> None:
        super().__init__(self._handle)
        self.replies = list(replies)
        self.then = then
        self.requests: list[httpx.Request] = []

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        assert self.replies or self.then, f"One request too many: {self.paths}"
        reply = self.replies.pop(0) if self.replies else self.then
        if isinstance(reply, BaseException):
            raise reply
        return reply.over_http()

    def client(self, clock: FakeClock | None = None) -> LayersClient:
        """Return a client of it; jitter is always one half."""
        return LayersClient(CONFIG, clock=clock or FakeClock(), jitter=lambda: 0.5, transport=self)

    def async_client(self, clock: FakeClock | None = None) -> AsyncLayersClient:
        """Return a client of it for an event loop."""
        return AsyncLayersClient(CONFIG, clock=clock or FakeClock(), jitter=lambda: 0.5, transport=self)

    @property
    def paths(self) -> list[str]:
        """The requests in short, such as ``GET /v1/jobs/job_1``, with their queries."""
        return [f"{item.method} {item.url.raw_path.decode()}" for item in self.requests]

    @property
    def keys(self) -> list[str | None]:
        """The idempotency keys of the requests that are no reads."""
        return [item.headers.get("idempotency-key") for item in self.requests if item.method != "GET"]

    @property
    def bodies(self) -> list[Any]:
        """The JSON bodies of the requests; ``None`` where there is none."""
        return [json.loads(item.content) if item.content else None for item in self.requests]
