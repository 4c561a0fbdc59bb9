"""What each kind of fault does to a request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

from airflow_provider_layers.emulator.errors import Refusal, rate_limited
from airflow_provider_layers.emulator.pipeline import execute, refuse

if TYPE_CHECKING:
    from starlette.requests import Request

    from airflow_provider_layers.emulator.faults import Fault
    from airflow_provider_layers.emulator.ledger import Entry
    from airflow_provider_layers.emulator.pipeline import Incoming
    from airflow_provider_layers.emulator.routing import Answer
    from airflow_provider_layers.emulator.state import World

_CHUNKS = 10


class Exchange:
    """One request and the means to answer it, well or badly.

    :param world: what the API knows.
    :param request: the request on its socket.
    :param incoming: the same request without HTTP.
    :param entry: its line in the ledger.
    :param stopping: set when the server is to end, so that nothing hangs longer than that.
    """

    def __init__(
        self, world: World, request: Request, incoming: Incoming, entry: Entry, stopping: asyncio.Event
    ) -> None:
        self.incoming = incoming
        self.entry = entry
        self._world = world
        self._request = request
        self._stopping = stopping

    def execute(self) -> Answer:
        """Do what was asked."""
        return execute(self._world, self.incoming, self.entry)

    def stranger(self) -> str:
        """Return the id of a job that this client did not start."""
        return self._world.ids.ulid("job")

    def send(self, answer: Answer) -> Response:
        """Return *answer* as HTTP."""
        self.entry.status = answer.status
        if answer.body is None:
            return Response(status_code=answer.status, headers=answer.headers)
        content = json.dumps(answer.body, ensure_ascii=False).encode()
        return Response(content, answer.status, answer.headers, "application/json")

    async def wait(self, seconds: float) -> None:
        """Let real *seconds* pass, or fewer if the client leaves or the server ends."""
        waits = [asyncio.ensure_future(self._stopping.wait()), asyncio.ensure_future(self._request.receive())]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def disconnect(self) -> Response:
        """Close the socket without an answer."""
        self._request.scope["state"]["transport"].abort()
        # The loop has to see the loss before the server looks for an answer.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return Response()


async def misbehave(fault: Fault, exchange: Exchange) -> Response:
    """Answer *exchange* the way *fault* wants it."""
    return await _KINDS[fault.kind](fault, exchange)


async def _fail_before(fault: Fault, exchange: Exchange) -> Response:
    return exchange.send(refuse(exchange.entry, _refusal(fault)))


async def _fail_after(fault: Fault, exchange: Exchange) -> Response:
    exchange.execute()
    return exchange.send(refuse(exchange.entry, _refusal(fault)))


async def _hang(fault: Fault, exchange: Exchange) -> Response:
    if fault.arguments["executed"]:
        exchange.execute()
    await exchange.wait(fault.arguments["seconds"])
    return await exchange.disconnect()


async def _disconnect_before(_fault: Fault, exchange: Exchange) -> Response:
    return await exchange.disconnect()


async def _disconnect_after(_fault: Fault, exchange: Exchange) -> Response:
    exchange.execute()
    return await exchange.disconnect()


async def _garbage(fault: Fault, exchange: Exchange) -> Response:
    if fault.arguments["executed"]:
        exchange.execute()
    exchange.entry.status = fault.arguments["status"]
    return Response(fault.arguments["body"], fault.arguments["status"], media_type="text/html")


async def _slow(fault: Fault, exchange: Exchange) -> Response:
    whole = exchange.send(exchange.execute())
    body = bytes(whole.body)
    size = max(1, -(-len(body) // _CHUNKS))

    async def trickle() -> AsyncIterator[bytes]:
        for begin in range(0, len(body), size):
            await exchange.wait(fault.arguments["seconds"] / _CHUNKS)
            yield body[begin : begin + size]

    return StreamingResponse(trickle(), whole.status_code, dict(whole.headers))


async def _redirect(fault: Fault, exchange: Exchange) -> Response:
    exchange.entry.status = 302
    location = fault.arguments["location"].rstrip("/") + exchange.incoming.path
    return Response(status_code=302, headers={"Location": location})


async def _wrong_job(_fault: Fault, exchange: Exchange) -> Response:
    answer = exchange.execute()
    if isinstance(answer.body, dict) and "jobId" in answer.body:
        stranger = exchange.stranger()
        answer.body = {**answer.body, "jobId": stranger}
        if "locationUrl" in answer.body:
            answer.body["locationUrl"] = f"/v1/jobs/{stranger}"
    return exchange.send(answer)


async def _rate_limit(fault: Fault, exchange: Exchange) -> Response:
    refusal = rate_limited("The emulator was told to refuse this.", fault.arguments["retry_after"])
    return exchange.send(refuse(exchange.entry, refusal))


async def _unknown_status(fault: Fault, exchange: Exchange) -> Response:
    answer = exchange.execute()
    if isinstance(answer.body, dict) and "status" in answer.body:
        answer.body = {**answer.body, "status": fault.arguments["job_status"]}
    return exchange.send(answer)


def _refusal(fault: Fault) -> Refusal:
    return Refusal(fault.arguments["status"], fault.arguments["code"], "The emulator was told to fail this.")


_KINDS: dict[str, Callable[[Fault, Exchange], Awaitable[Response]]] = {
    "fail_before": _fail_before,
    "fail_after": _fail_after,
    "hang": _hang,
    "disconnect_before": _disconnect_before,
    "disconnect_after": _disconnect_after,
    "garbage": _garbage,
    "slow": _slow,
    "redirect": _redirect,
    "wrong_job": _wrong_job,
    "rate_limit": _rate_limit,
    "unknown_status": _unknown_status,
}
