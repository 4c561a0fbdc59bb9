"""Nothing goes out twice: what the ledger of requests must show about schedules and publications."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from airflow_provider_layers.api.keys import Origin
from dev.chaos.submissions import TRIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_layers.emulator.control_client import RecordedRequest
    from dev.chaos.metadata_db import Place
    from dev.chaos.snapshot import Evidence

OUT = re.compile(r"/v1/content/([^/]+)/(schedule|publish)")


def effects(evidence: Evidence) -> list[RecordedRequest]:
    """Return the requests that put something on the calendar or out at once.

    :param evidence: the end state
    """
    return [
        request
        for request in evidence.requests
        if request.method == "POST"
        and OUT.fullmatch(request.path)
        and request.executed
        and not request.replayed
    ]


def posts_twice(evidence: Evidence) -> Iterator[str]:
    """Name every post that there should not be.

    :param evidence: the end state
    """
    done = effects(evidence)
    owners = {request.request_id: _owner(evidence, request) for request in done}
    for request in done:
        if owners[request.request_id] is None:
            yield f"{request.path} was sent with key {request.idempotency_key}, which no task makes"
    counts = Counter((owners[request.request_id], request.path) for request in done)
    for (owner, path), count in counts.items():
        if owner and count > 1:
            yield f"{path} took effect {count} times for {owner}; {evidence.logs(owner[0])}"
    yield from _unknown_generations(evidence, {owner for owner in owners.values() if owner})
    yield from _unexpected_posts(evidence, done)


def _unexpected_posts(evidence: Evidence, done: list[RecordedRequest]) -> Iterator[str]:
    """Compare the posts of each container with what was done to it; without an approval there may be none."""
    asked = Counter(request.path.split("/")[3] for request in done)
    made = Counter(post["containerId"] for post in evidence.posts)
    for container in sorted({*asked, *made}):
        blocked = container in evidence.pending and made[container] < asked[container]
        if made[container] != asked[container] and not blocked:
            yield f"{container} has {made[container]} posts after {asked[container]} schedules or publishes"


def _owner(evidence: Evidence, request: RecordedRequest) -> tuple[Place, int] | None:
    match = OUT.fullmatch(request.path)
    if match is None:
        return None
    container, purpose = match.groups()
    for place in evidence.instances:
        if place.task_id == purpose:
            for generation in range(TRIES):
                if Origin(*place, generation=generation).key(purpose, container) == request.idempotency_key:
                    return place, generation
    return None


def _unknown_generations(evidence: Evidence, owners: set[tuple[Place, int]]) -> Iterator[str]:
    for place, generation in sorted(owners):
        known = evidence.generations.get(place, set())
        if generation not in known:
            logs = evidence.logs(place)
            yield f"{place} was sent as generation {generation}, Airflow knows {sorted(known)}; {logs}"
