"""Drives a flow without a network and without waiting, and keeps what it asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.api.endpoint import Answer, NoAnswer, Send
from airflow_provider_layers.exceptions import LayersError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_layers.api.endpoint import Endpoint, Flow

LOST = NoAnswer("ReadTimeout")


def good(body: Any = None, *, status: int = 200, **headers: str) -> Answer:
    """Answer well; header names are given with underscores."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, names, b"" if body is None else json.dumps(body).encode())


def bad(
    status: int,
    code: str | None = None,
    message: str = "",
    *,
    details: dict[str, Any] | None = None,
    request_id: str | None = "req_1",
    **headers: str,
) -> Answer:
    """Answer with the vendor's error envelope."""
    envelope = {"code": code, "message": message, "requestId": request_id, "details": details}
    body = {"error": {name: value for name, value in envelope.items() if value is not None}}
    return good(body, status=status, **headers)


class Clock:
    """A clock that tests push."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass
class Driven:
    """
    What a flow did.

    :param sent: the endpoints that it asked for, in order
    :param pauses: the seconds that it let pass, in order
    :param error: what it raised
    """

    sent: list[Endpoint[Any]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    error: LayersError | None = None
    value: Any = None

    @property
    def result(self) -> Any:
        """What the flow returned; raises what it raised."""
        if self.error is not None:
            raise self.error
        return self.value

    @property
    def asked(self) -> list[str]:
        """The requests in short, such as ``GET /v1/jobs/job_1``."""
        return [f"{one.method} {one.path}" for one in self.sent]


def drive(flow: Flow[Any], answers: Iterable[Answer | NoAnswer], *, clock: Clock | None = None) -> Driven:
    """
    Drive a flow to its end; fails when it sends more or less than there are answers.

    :param flow: the flow
    :param answers: what comes back, in order
    :param clock: is pushed by every pause
    """
    left = list(answers)
    driven = Driven()
    answer: Answer | NoAnswer | None = None
    try:
        while True:
            step = flow.send(answer)
            answer = None
            if isinstance(step, Send):
                driven.sent.append(step.endpoint)
                assert left, f"One request too many: {driven.asked}"
                answer = left.pop(0)
            else:
                driven.pauses.append(step.seconds)
                if clock is not None:
                    clock.now += step.seconds
    except StopIteration as end:
        driven.value = end.value
    except LayersError as error:
        driven.error = error
    assert not left, f"{len(left)} answers were never asked for: {driven.asked}"
    return driven
