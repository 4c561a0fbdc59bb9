"""Which requests fail and how: every kind of fault, at every route that the pipelines call."""

from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.emulator.faults import KINDS, matches

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Iterator

    from airflow_provider_layers.emulator.control_client import EmulatorControl, RecordedRequest

ROUTES = (
    ("POST", "/v1/projects/*/content"),
    ("POST", "/v1/content/*/clone-from-post"),
    ("POST", "/v1/content/*/regenerate"),
    ("POST", "/v1/content/*/approve"),
    ("POST", "/v1/content/*/schedule"),
    ("POST", "/v1/content/*/publish"),
    ("POST", "/v1/scheduled-posts/*/reschedule"),
    ("DELETE", "/v1/scheduled-posts/*"),
    ("POST", "/v1/jobs/*/cancel"),
    ("GET", "/v1/jobs/*"),
)
STARTS = ROUTES[:3]
# The response to a start is believed, so that its job's id has to be right.
NOT_OF_STARTS = frozenset({"wrong_job"})
FAULT_PAIRS = len(ROUTES) * len(KINDS) - len(STARTS) * len(NOT_OF_STARTS)
STATUSES = (500, 502, 503, 504, 408, 425)
# At most this many requests pass between two of the faults that are queued for a route.
MAX_SKIP = 1
# Of so many jobs one fails.
FAILED_EVERY = 30


def variants(rng: random.Random, redirect_url: str) -> list[dict[str, Any]]:
    """Return every kind of fault, both executed and not executed if the kind can be either.

    :param rng: chooses the statuses
    :param redirect_url: target of the redirects
    """
    arguments: dict[str, list[dict[str, Any]]] = {
        "fail_before": [{"status": rng.choice(STATUSES)}],
        "fail_after": [{"status": rng.choice(STATUSES)}],
        "hang": [{"executed": True}, {"executed": False}],
        "garbage": [{"executed": True}, {"executed": False, "status": 502}],
        "slow": [{"seconds": 2}],
        "redirect": [{"location": redirect_url}],
        "rate_limit": [{"retry_after": rng.choice((1, 2, 3))}],
        "repeat_key": [{}, {"status": 503}],
    }
    return [{"kind": kind, **fields} for kind in KINDS for fields in arguments.get(kind, [{}])]


def install_faults(control: EmulatorControl, rng: random.Random, rate: float, redirect_url: str) -> None:
    """Let requests fail until the faults are cleared.

    Each variant is queued once for each route, for one of the first requests there. In addition every request
    has the same probability to fail.

    :param control: the emulator
    :param rng: chooses order and statuses
    :param rate: probability that a request fails
    :param redirect_url: target of the redirects
    """
    for method, path in ROUTES:
        queued = variants(rng, redirect_url)
        if (method, path) in STARTS:
            queued = [fault for fault in queued if fault["kind"] not in NOT_OF_STARTS]
        rng.shuffle(queued)
        skip = 0
        for fault in queued:
            skip += rng.randint(0, MAX_SKIP)
            control.fault(method=method, path=path, times=1, skip=skip, **fault)
    permanent = variants(rng, redirect_url)
    for fault in permanent:
        limits = {"method": "GET"} if fault["kind"] in NOT_OF_STARTS else {}
        control.fault(times=None, probability=rate / len(permanent), **fault, **limits)


def queued_faults(control: EmulatorControl) -> int:
    """Return the number of faults that no request at their route has met yet."""
    return sum(fault["times"] is not None for fault in control.faults())


def met_faults(requests: Iterable[RecordedRequest]) -> set[tuple[tuple[str, str], str]]:
    """Return the pairs of a route and a kind of fault that a request met there."""
    return {
        (route, request.fault)
        for request in requests
        for route in ROUTES
        if request.fault and route[0] == request.method and matches(route[1], request.path)
    }


def prepare_outcomes(
    control: EmulatorControl, jobs: int, *, long_job_every: int, long_job_seconds: float
) -> None:
    """Let a known share of the jobs fail, and another share last long enough to be canceled halfway.

    :param control: the emulator
    :param jobs: number of jobs to prepare
    :param long_job_every: of so many jobs one is long
    :param long_job_seconds: duration of a long job
    """
    for number in range(1, jobs + 1):
        if number % FAILED_EVERY == 0:
            control.outcome("failed", code="PLATFORM_ERROR", message="Failed by the chaos run.")
        elif number % long_job_every == 0:
            control.outcome("completed", job_seconds=long_job_seconds)
        else:
            control.outcome("completed")


class RedirectSink(ThreadingHTTPServer):
    """The target of the emulator's redirects, which no client may follow; it counts those that do."""

    daemon_threads = True

    def __init__(self) -> None:
        self.request_count = 0
        super().__init__(("127.0.0.1", 0), _SinkHandler)

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _SinkHandler(BaseHTTPRequestHandler):
    server: RedirectSink

    def parse_request(self) -> bool:
        self.server.request_count += 1
        return super().parse_request()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Log nothing."""


@contextlib.contextmanager
def redirect_sink() -> Iterator[RedirectSink]:
    """Listen until the end of the statement."""
    with RedirectSink() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
