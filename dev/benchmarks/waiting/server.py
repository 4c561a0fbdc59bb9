"""The server of the benchmark: a minimal HTTP/1.1 over TLS, so that it is never the slowest part.

    python -m dev.benchmarks.waiting.server CERTIFICATE KEY

It prints its port. The first request of an API key is ``POST /control/run``, which defines the jobs.
"""

from __future__ import annotations

import asyncio
import json
import math
import ssl
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

from dev.benchmarks.waiting.responses import (
    ContentLists,
    ServerResponse,
    databricks_response,
    dbt_cloud_response,
    error_response,
    job_response,
    whoami_response,
)
from dev.benchmarks.waiting.workload import PlannedJob, WorkloadPlan, draw_jobs

REASONS = {
    200: "OK",
    304: "Not Modified",
    404: "Not Found",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
}
# The rate limits of the vendor's class ``read-light``.
READS_PER_MINUTE = {"standard": 120, "pilot": 1_200, "partner": 6_000}


class ServerRequest(NamedTuple):
    """A request; the names of its headers are in lower case."""

    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str:
        """The API key, in any scheme."""
        return self.headers.get("authorization", "").rpartition(" ")[2]


@dataclass
class Counters:
    """Counts by whole seconds since the epoch of a run; the last entry counts everything outside of it.

    :param seconds: length of the run
    """

    seconds: int
    requests: list[int] = field(init=False)
    throttled: list[int] = field(init=False)
    opened: list[int] = field(init=False)
    sent_bytes: list[int] = field(init=False)
    routes: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("requests", "throttled", "opened", "sent_bytes"):
            setattr(self, name, [0] * (self.seconds + 1))

    def index(self, seconds: float) -> int:
        """Return the index of a moment in seconds since the epoch."""
        return int(seconds) if 0 <= seconds < self.seconds else self.seconds


class ReadQuota:
    """A token bucket that holds a minute's reads and refills evenly.

    :param tier: tier of the API key
    :param now: epoch seconds
    """

    def __init__(self, tier: str, now: float) -> None:
        self._size = float(READS_PER_MINUTE[tier])
        self._tokens, self._updated = self._size, now

    def take(self, now: float) -> int:
        """Take a token and return 0, or return the ``Retry-After`` in seconds if there is none."""
        self._tokens = min(self._size, self._tokens + (now - self._updated) * self._size / 60)
        self._updated = now
        if self._tokens < 1:
            return max(1, math.ceil((1 - self._tokens) * 60 / self._size))
        self._tokens -= 1
        return 0


@dataclass
class KeyState:
    """What an API key can read.

    :param plan: the plan of its jobs
    :param tier: its tier
    :param jobs: its jobs, in order of their numbers, which begin with 1
    :param lists: their content
    :param counters: counts its requests
    :param quota: ``None`` without a rate limit
    """

    plan: WorkloadPlan
    tier: str
    jobs: list[PlannedJob]
    lists: ContentLists
    counters: Counters
    quota: ReadQuota | None

    def respond(self, request: ServerRequest, now: float) -> ServerResponse:
        """Count a request and respond to it."""
        counters, index = self.counters, self.counters.index(now - self.plan.epoch)
        counters.requests[index] += 1
        wait = self.quota.take(now) if self.quota else 0
        if wait:
            counters.throttled[index] += 1
            return error_response(
                429, "RATE_LIMITED", "The read-light bucket is empty.", f"Retry-After: {wait}\r\n"
            )
        try:
            route, response = self._route(request, now)
        except (IndexError, ValueError):
            route, response = "unknown", error_response(404, "NOT_FOUND", "Not found.")
        counters.routes[route] = counters.routes.get(route, 0) + 1
        counters.sent_bytes[index] += len(response.body)
        return response

    def _route(self, request: ServerRequest, now: float) -> tuple[str, ServerResponse]:
        match request.path.strip("/").split("/"):
            case ["v1", "jobs", job_id]:
                if_none_match = request.headers.get("if-none-match", "")
                return "job", job_response(self._job(job_id.removeprefix("job_")), now, if_none_match)
            case ["v1", "projects", project_id, "content"]:
                return "content", self.lists.response(project_id, request.query, now)
            case ["v1", "whoami"]:
                return "whoami", whoami_response(self.tier)
            case ["api", "v2", "accounts", _, "runs", run_id]:
                return "dbt run", dbt_cloud_response(self._job(run_id), now)
            case ["api", _, "jobs", "runs", "get"]:
                job = self._job(json.loads(request.body)["run_id"])
                return "databricks run", databricks_response(job, now)
        return "unknown", error_response(404, "NOT_FOUND", f"There is no route {request.path}.")

    def _job(self, number: str | int) -> PlannedJob:
        return self.jobs[int(number) - 1]


class BenchmarkServer:
    """The state of every API key."""

    def __init__(self) -> None:
        self._keys: dict[str, KeyState] = {}

    def respond(self, request: ServerRequest, *, first_on_connection: bool) -> ServerResponse:
        """Respond to a request of any key."""
        now = time.time()
        if request.path == "/control/run":
            self._keys[request.key] = _new_state(request.body, now)
            return ServerResponse(200, b"{}")
        state = self._keys.get(request.key)
        if state is None:
            return error_response(404, "NOT_FOUND", "Unknown key.")
        if request.path == "/control/counters":
            counters = asdict(state.counters) | {"server_cpu": time.process_time()}
            return ServerResponse(200, json.dumps(counters).encode())
        if first_on_connection:
            state.counters.opened[state.counters.index(now - state.plan.epoch)] += 1
        return state.respond(request, now)


def _new_state(body: bytes, now: float) -> KeyState:
    options = json.loads(body)
    plan = WorkloadPlan(**options["plan"])
    jobs = draw_jobs(plan)
    quota = ReadQuota(options["tier"], now) if options["enforce_limit"] else None
    return KeyState(plan, options["tier"], jobs, ContentLists(jobs), Counters(int(plan.horizon)), quota)


class ServerConnection(asyncio.Protocol):
    """A connection.

    :param respond: responds to the requests
    """

    def __init__(self, respond: Callable[..., ServerResponse]) -> None:
        self._respond = respond
        self._first = True
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Respond to every request that is complete."""
        self._buffer += data
        while (request := self._next_request()) is not None:
            response = self._respond(request, first_on_connection=self._first)
            self._transport.write(_as_http(response))
            self._first = False

    def _next_request(self) -> ServerRequest | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        pairs = (line.split(":", 1) for line in lines)
        headers = {name.lower(): value.strip() for name, value in pairs}
        total = end + 4 + int(headers.get("content-length", 0))
        if len(self._buffer) < total:
            return None
        body, self._buffer = self._buffer[end + 4 : total], self._buffer[total:]
        path, _, query = first.split(" ")[1].partition("?")
        return ServerRequest(path, query, headers, body)


def _as_http(response: ServerResponse) -> bytes:
    head = (
        f"HTTP/1.1 {response.status} {REASONS[response.status]}\r\n"
        "Content-Type: application/json\r\n"
        "X-RateLimit-Endpoint-Class: read-light\r\n"
        "X-Request-Id: req_00000000000000000000000000\r\n"
        f"{response.headers}Content-Length: {len(response.body)}\r\n\r\n"
    )
    return head.encode("latin-1") + response.body


async def serve(certificate: str, key: str) -> None:
    """Serve until the process ends.

    :param certificate: PEM file
    :param key: PEM file
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    state = BenchmarkServer()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: ServerConnection(state.respond), "127.0.0.1", 0, ssl=context, backlog=4096
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
