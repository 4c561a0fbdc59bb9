"""
The server of the benchmark: HTTP/1.1 over TLS by hand, so that it is never the slowest part.

    python -m dev.benchmarks.waiting.server CERTIFICATE KEY

It prints its port. A key's first call is ``POST /control/run``, which says what jobs there are.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import NamedTuple

from dev.benchmarks.waiting import peers_api
from dev.benchmarks.waiting.responses import Answer, ContentLists, refusal, show_job, whoami
from dev.benchmarks.waiting.tally import Bucket, Tally
from dev.benchmarks.waiting.workload import Job, Plan, draw

REASONS = {
    200: "OK",
    304: "Not Modified",
    404: "Not Found",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
}


class Request(NamedTuple):
    """A request as it came, with the names of its headers in lower case."""

    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str:
        """The API key, whatever scheme it came by."""
        return self.headers.get("authorization", "").rpartition(" ")[2]


@dataclass
class Run:
    """
    What one key sees.

    :param jobs: in order of their numbers, which begin with 1
    :param bucket: ``None`` where nothing is refused
    """

    plan: Plan
    tier: str
    jobs: list[Job]
    lists: ContentLists
    tally: Tally
    bucket: Bucket | None

    def answer(self, request: Request, now: float) -> Answer:
        """
        Count a request and answer it.

        :param request: of this key
        :param now: seconds since the Unix epoch
        """
        place = self.tally.place(now - self.plan.epoch)
        self.tally.requests[place] += 1
        wait = self.bucket.take(now) if self.bucket else 0
        if wait:
            self.tally.throttled[place] += 1
            return refusal(429, "RATE_LIMITED", "The read-light bucket is empty.", f"Retry-After: {wait}\r\n")
        try:
            route, answer = self._route(request, now)
        except (IndexError, ValueError):
            route, answer = "unknown", refusal(404, "NOT_FOUND", "There is no such thing.")
        self.tally.routes[route] = self.tally.routes.get(route, 0) + 1
        self.tally.sent_bytes[place] += len(answer.body)
        return answer

    def _route(self, request: Request, now: float) -> tuple[str, Answer]:
        parts = request.path.strip("/").split("/")
        match parts:
            case ["v1", "jobs", job_id]:
                known = request.headers.get("if-none-match", "")
                return "job", show_job(self._job(job_id.removeprefix("job_")), now, known)
            case ["v1", "projects", project, "content"]:
                return "content", self.lists.show(project, request.query, now)
            case ["v1", "whoami"]:
                return "whoami", whoami(self.tier)
            case ["api", "v2", "accounts", _, "runs", run_id]:
                return "dbt run", peers_api.dbt_run(self._job(run_id), now)
            case ["api", _, "jobs", "runs", "get"]:
                run = self._job(json.loads(request.body)["run_id"])
                return "databricks run", peers_api.databricks_run(run, now)
        return "unknown", refusal(404, "NOT_FOUND", f"There is no route {request.path}.")

    def _job(self, number: str | int) -> Job:
        return self.jobs[int(number) - 1]


class Desk:
    """Knows the runs by their keys."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}

    def answer(self, request: Request, *, fresh: bool) -> Answer:
        """
        Answer a request.

        :param request: of any key
        :param fresh: it is the first on its connection
        """
        now = time.time()
        if request.path == "/control/run":
            self._runs[request.key] = _begin(request.body, now)
            return Answer(200, b"{}")
        run = self._runs.get(request.key)
        if run is None:
            return refusal(404, "NOT_FOUND", "Nothing is known of this key.")
        if request.path == "/control/tally":
            told = asdict(run.tally) | {"server_cpu": time.process_time()}
            return Answer(200, json.dumps(told).encode())
        if fresh:
            run.tally.opened[run.tally.place(now - run.plan.epoch)] += 1
        return run.answer(request, now)


def _begin(body: bytes, now: float) -> Run:
    asked = json.loads(body)
    plan = Plan(**asked["plan"])
    jobs = draw(plan)
    bucket = Bucket(asked["tier"], now) if asked["enforced"] else None
    return Run(plan, asked["tier"], jobs, ContentLists(jobs), Tally(int(plan.horizon)), bucket)


class Session(asyncio.Protocol):
    """
    One connection.

    :param answer: what answers the requests
    """

    def __init__(self, answer: Callable[..., Answer]) -> None:
        self._answer = answer
        self._fresh = True
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._buffer += data
        while (request := self._next()) is not None:
            self._transport.write(_as_http(self._answer(request, fresh=self._fresh)))
            self._fresh = False

    def _next(self) -> Request | None:
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
        return Request(path, query, headers, body)


def _as_http(answer: Answer) -> bytes:
    head = (
        f"HTTP/1.1 {answer.status} {REASONS[answer.status]}\r\n"
        "Content-Type: application/json\r\n"
        "X-RateLimit-Endpoint-Class: read-light\r\n"
        "X-Request-Id: req_00000000000000000000000000\r\n"
        f"{answer.headers}Content-Length: {len(answer.body)}\r\n\r\n"
    )
    return head.encode("latin-1") + answer.body


async def serve(certificate: str, key: str) -> None:
    """
    Serve until somebody ends the process.

    :param certificate: PEM file
    :param key: PEM file
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    desk = Desk()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Session(desk.answer), "127.0.0.1", 0, ssl=context, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
