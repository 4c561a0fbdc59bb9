"""Which requests go wrong: every kind of fault, at every route that the pipelines use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_layers.emulator.faults import KINDS, matches

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    from airflow_provider_layers.emulator.control_client import EmulatorControl, RecordedRequest

SUBMIT = ("/v1/projects/*/content", "/v1/content/*/clone-from-post", "/v1/content/*/regenerate")
ROUTES = (
    *(("POST", path) for path in SUBMIT),
    ("POST", "/v1/content/*/approve"),
    ("POST", "/v1/content/*/schedule"),
    ("POST", "/v1/content/*/publish"),
    ("POST", "/v1/scheduled-posts/*/reschedule"),
    ("DELETE", "/v1/scheduled-posts/*"),
    ("POST", "/v1/jobs/*/cancel"),
    ("GET", "/v1/jobs/*"),
)
STATUSES = (500, 502, 503, 504, 408, 425)
# How many requests pass between two of the faults that wait at a route, at most.
GAP = 1
LONG_JOB_SECONDS = 30
LONG_EVERY = 4
FAILED_EVERY = 30


def variants(chance: random.Random, trap: str) -> list[dict[str, Any]]:
    """Give every kind of fault, executed and not where it has both.

    :param chance: picks the statuses
    :param trap: where redirects lead
    """
    own: dict[str, list[dict[str, Any]]] = {
        "fail_before": [{"status": chance.choice(STATUSES)}],
        "fail_after": [{"status": chance.choice(STATUSES)}],
        "hang": [{"executed": True}, {"executed": False}],
        "garbage": [{"executed": True}, {"executed": False, "status": 502}],
        "slow": [{"seconds": 2}],
        "redirect": [{"location": trap}],
        "rate_limit": [{"retry_after": chance.choice((1, 2, 3))}],
    }
    return [{"kind": kind, **arguments} for kind in KINDS for arguments in own.get(kind, [{}])]


def install(control: EmulatorControl, chance: random.Random, rate: float, trap: str) -> None:
    """Let requests go wrong until :func:`~airflow_provider_layers.emulator.EmulatorControl.clear_faults`.

    Each kind waits once at each route and meets one of its first requests; beyond that each request has the
    same chance to meet one.

    :param control: the emulator
    :param chance: draws order and statuses
    :param rate: the chance that a request meets some fault
    :param trap: where redirects lead
    """
    for method, path in ROUTES:
        once = variants(chance, trap)
        chance.shuffle(once)
        skip = 0
        for fault in once:
            skip += chance.randint(0, GAP)
            control.fault(method=method, path=path, times=1, skip=skip, **fault)
    always = variants(chance, trap)
    for fault in always:
        control.fault(times=None, probability=rate / len(always), **fault)


def waiting(control: EmulatorControl) -> int:
    """Count the faults that still wait for a first request at their route.

    :param control: the emulator
    """
    return sum(fault["times"] is not None for fault in control.faults())


def met(requests: Iterable[RecordedRequest]) -> set[tuple[tuple[str, str], str]]:
    """Collect which kinds of fault were met at which of the routes.

    :param requests: of the ledger
    """
    return {
        (route, request.fault)
        for request in requests
        for route in ROUTES
        if request.fault and route[0] == request.method and matches(route[1], request.path)
    }


def prepare_outcomes(control: EmulatorControl, jobs: int) -> None:
    """Let a known share of the jobs fail, and another take long enough to be canceled in the middle.

    :param control: the emulator
    :param jobs: how many jobs to prepare for
    """
    for number in range(1, jobs + 1):
        if number % FAILED_EVERY == 0:
            control.outcome("failed", code="PLATFORM_ERROR", message="The adversary wanted it.")
        elif number % LONG_EVERY == 0:
            control.outcome("completed", job_seconds=LONG_JOB_SECONDS)
        else:
            control.outcome("completed")
