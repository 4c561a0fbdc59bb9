"""The server's side door: say what a key sees, and read what was counted for it."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dev.benchmarks.waiting.cases import Server
    from dev.benchmarks.waiting.workload import Plan


def begin(server: Server, plan: Plan, tier: str, *, enforced: bool) -> None:
    """
    Give a key its jobs.

    :param server: where, and which key
    :param plan: the jobs
    :param tier: of the key, as ``whoami`` tells it
    :param enforced: refuse reads beyond the tier's limit
    """
    _call(server, "/control/run", {"plan": plan.as_json(), "tier": tier, "enforced": enforced})


def tally(server: Server) -> dict[str, Any]:
    """
    Read what was counted.

    :param server: where, and which key
    """
    return _call(server, "/control/tally", {})


def _call(server: Server, path: str, body: dict[str, Any]) -> dict[str, Any]:
    context = ssl.create_default_context(cafile=server.certificate)
    connection = http.client.HTTPSConnection(server.address, timeout=60, context=context)
    try:
        headers = {"Authorization": f"Bearer {server.key}"}
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        told = json.loads(answer.read())
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise RuntimeError(f"the server answered {answer.status}: {told}")
    return dict(told)
