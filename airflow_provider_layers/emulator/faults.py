"""Injected behavior: how requests fail, and how jobs and posts end."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar, get_args

from pydantic import Field
from starlette.responses import Response, StreamingResponse
from typing_extensions import override

from airflow_provider_layers.emulator.errors import ApiError, Schema, invalid, rate_limited, validate
from airflow_provider_layers.emulator.settings import Name, Seconds

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.app import Exchange
    from airflow_provider_layers.emulator.formats import IdGenerator

_SLOW_CHUNKS = 10


@lru_cache(maxsize=512)
def _compile(pattern: str) -> re.Pattern[str]:
    escaped = re.escape(pattern).replace(r"\*\*", ".*")
    return re.compile(re.sub(r"\\\*", "[^/]*", escaped))


def matches(pattern: str, path: str) -> bool:
    """Whether a path matches a pattern.

    :param pattern: ``*`` stands for one segment of a path, ``**`` for any number, a lone ``*`` for every path
    :param path: path of a request, without the query
    """
    return pattern == "*" or _compile(pattern).fullmatch(path) is not None


class Injection(Schema):
    """Behavior that is injected a number of times; ``times`` is ``None`` for no limit."""

    times: Annotated[int, Field(ge=1)] | None = 1


class PlannedOutcome(Injection):
    """How jobs or posts end.

    :param kind: kind of the jobs, or ``scheduled_post``; ``None`` for jobs of every kind
    """

    status: Literal["completed", "failed", "canceled"]
    code: Name = "GENERATION_FAILED"
    message: Name = "Failure injected by the emulator."
    kind: (
        Literal["content_generate", "content_clone_from_post", "content_regenerate", "scheduled_post"] | None
    ) = None
    job_seconds: Seconds | None = None


class Fault(Injection):
    """A fault, and the requests that meet it.

    :param kind: kind of fault
    :param method: method of the requests, ``*`` for any
    :param path: pattern of their paths
    :param skip: how many matching requests pass before the first fault
    :param probability: probability for each request, drawn from the seed
    """

    kind: str
    method: Name = "*"
    path: Name = "*"
    skip: Annotated[int, Field(ge=0)] = 0
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0

    async def respond(self, exchange: Exchange) -> Response:
        """Respond to a request that met the fault."""
        raise NotImplementedError


class _ErrorFault(Fault):
    """An error."""

    status: Annotated[int, Field(ge=400, le=599)] = 503
    # The code of the vendor's internal errors is not known.
    code: Name = "UNAVAILABLE"

    @override
    async def respond(self, exchange: Exchange) -> Response:
        return exchange.send_error(ApiError(self.status, self.code, "Error injected by the emulator."))


class FailBefore(_ErrorFault):
    """An error; the request is not executed."""

    kind: Literal["fail_before"]


class FailAfter(_ErrorFault):
    """An error, although the request is executed."""

    kind: Literal["fail_after"]

    @override
    async def respond(self, exchange: Exchange) -> Response:
        exchange.execute()
        return await super().respond(exchange)


class Hang(Fault):
    """No response for a time, then the socket closes."""

    kind: Literal["hang"]
    seconds: Seconds = 60
    executed: bool = False

    @override
    async def respond(self, exchange: Exchange) -> Response:
        if self.executed:
            exchange.execute()
        await exchange.wait(self.seconds)
        return await exchange.disconnect()


class DisconnectBefore(Fault):
    """The socket closes; the request is not executed."""

    kind: Literal["disconnect_before"]

    @override
    async def respond(self, exchange: Exchange) -> Response:
        return await exchange.disconnect()


class DisconnectAfter(Fault):
    """The socket closes, although the request is executed."""

    kind: Literal["disconnect_after"]

    @override
    async def respond(self, exchange: Exchange) -> Response:
        exchange.execute()
        return await exchange.disconnect()


class Garbage(Fault):
    """A response that is not JSON."""

    kind: Literal["garbage"]
    status: Annotated[int, Field(ge=200, le=599)] = 200
    body: str = "<html><body>It works!</body></html>"
    executed: bool = False

    @override
    async def respond(self, exchange: Exchange) -> Response:
        if self.executed:
            exchange.execute()
        exchange.logged.status = self.status
        return Response(self.body, self.status, media_type="text/html")


class Slow(Fault):
    """The correct response, in small pieces."""

    kind: Literal["slow"]
    seconds: Seconds = 5

    @override
    async def respond(self, exchange: Exchange) -> Response:
        whole = exchange.send(exchange.execute())
        body = bytes(whole.body)
        size = max(1, -(-len(body) // _SLOW_CHUNKS))

        async def chunks() -> AsyncIterator[bytes]:
            for begin in range(0, len(body), size):
                await exchange.wait(self.seconds / _SLOW_CHUNKS)
                yield body[begin : begin + size]

        return StreamingResponse(chunks(), whole.status_code, dict(whole.headers))


class Redirect(Fault):
    """A redirect to another host; the request is not executed."""

    kind: Literal["redirect"]
    location: Name = "https://elsewhere.example"

    @override
    async def respond(self, exchange: Exchange) -> Response:
        exchange.logged.status = 302
        location = self.location.rstrip("/") + exchange.logged.path
        return Response(status_code=302, headers={"Location": location})


class WrongJob(Fault):
    """The correct response, with the id of another job."""

    kind: Literal["wrong_job"]

    @override
    async def respond(self, exchange: Exchange) -> Response:
        response = exchange.execute()
        if "jobId" in (response.body or {}):
            job_id = exchange.state.ids.ulid("job")
            response = response.replaced(jobId=job_id, locationUrl=f"/v1/jobs/{job_id}")
        return exchange.send(response)


class RateLimit(Fault):
    """429 with ``Retry-After``; the request is not executed."""

    kind: Literal["rate_limit"]
    retry_after: Annotated[int, Field(ge=0)] = 5

    @override
    async def respond(self, exchange: Exchange) -> Response:
        return exchange.send_error(rate_limited("Error injected by the emulator.", self.retry_after))


class RepeatKey(Fault):
    """A response that repeats the API key as it was received: the correct one, or an error instead of it."""

    kind: Literal["repeat_key"]
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    code: Name = "UNAUTHENTICATED"

    @override
    async def respond(self, exchange: Exchange) -> Response:
        received = exchange.received_key
        text = ", ".join(f"{name}: {value}" for name, value in received.items())
        shown: dict[str, Any] = {"received": received, text: [text]}
        headers = {f"X-Received-{name}": value for name, value in received.items()}
        if self.status is not None:
            error = ApiError(self.status, self.code, f"The key is wrong ({text}).", shown, headers)
            return exchange.send_error(error)
        response = exchange.execute()
        return exchange.send(
            replace(
                response, body=_add_to_objects(response.body, shown), headers={**response.headers, **headers}
            )
        )


def _add_to_objects(value: Any, fields: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_add_to_objects(item, fields) for item in value]
    if isinstance(value, dict):
        return {**{name: _add_to_objects(item, fields) for name, item in value.items()}, **fields}
    return value


class UnknownStatus(Fault):
    """The correct response, with a status that the API does not document."""

    kind: Literal["unknown_status"]
    job_status: Name = "archived"

    @override
    async def respond(self, exchange: Exchange) -> Response:
        return exchange.send(exchange.execute().replaced(status=self.job_status))


KINDS: dict[str, type[Fault]] = {
    get_args(fault.model_fields["kind"].annotation)[0]: fault
    for fault in (
        FailBefore, FailAfter, Hang, DisconnectBefore, DisconnectAfter, Garbage, Slow, Redirect, WrongJob,
        RateLimit, RepeatKey, UnknownStatus,
    )
}  # fmt: skip

InjectionT = TypeVar("InjectionT", bound=Injection)


class _Injections(Generic[InjectionT]):
    def __init__(self) -> None:
        self._items: list[InjectionT] = []

    def clear(self) -> None:
        """Remove everything."""
        self._items.clear()

    def _count(self, item: InjectionT) -> None:
        if item.times is None:
            return
        item.times -= 1
        if item.times == 0:
            self._items.remove(item)


class Outcomes(_Injections[PlannedOutcome]):
    """The outcomes of the next jobs and posts, in the order in which they were added."""

    def add(self, values: Any) -> None:
        """Add a :class:`PlannedOutcome`."""
        self._items.append(validate(PlannedOutcome, values))

    def pop(self, kind: str) -> PlannedOutcome:
        """Return the outcome of a new job or post of *kind*; for posts only outcomes of their kind count."""
        for outcome in self._items:
            if outcome.kind == kind or (outcome.kind is None and kind != "scheduled_post"):
                self._count(outcome)
                return outcome
        return PlannedOutcome(status="completed")


class Faults(_Injections[Fault]):
    """The faults of the next requests, in the order in which they were added.

    :param ids: source of the random numbers
    """

    def __init__(self, ids: IdGenerator) -> None:
        super().__init__()
        self._ids = ids

    def add(self, values: Any) -> dict[str, Any]:
        """Add a fault of one of the :data:`KINDS` and return it with its defaults."""
        kind = values.get("kind") if isinstance(values, dict) else None
        if not isinstance(kind, str) or kind not in KINDS:
            raise invalid([{"path": "kind", "message": f"must be one of {', '.join(KINDS)}, not {kind!r}"}])
        fault = validate(KINDS[kind], values)
        self._items.append(fault)
        return fault.model_dump()

    def show(self) -> list[dict[str, Any]]:
        """Return the faults that have not met all their requests yet."""
        return [fault.model_dump() for fault in self._items]

    def pop(self, method: str, path: str) -> Fault | None:
        """Return the first fault for a request and count it."""
        for fault in self._items:
            if fault.method.upper() not in ("*", method) or not matches(fault.path, path):
                continue
            if fault.skip > 0:
                fault.skip -= 1
            elif fault.probability >= 1 or self._ids.random("fault") < fault.probability:
                self._count(fault)
                return fault
        return None
