"""Replay: the same key with the same body gets the first response again for 24 hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from airflow_provider_layers.emulator.errors import ApiError, conflict
from airflow_provider_layers.emulator.formats import is_idempotency_key

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.routing import ApiRequest, ApiResponse

WINDOW = timedelta(hours=24)


@dataclass
class _CachedResponse:
    fingerprint: str
    response: ApiResponse
    expires_at: datetime


class IdempotencyCache:
    """The responses that are kept for replay: by idempotency key, and by the id of a container."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[str, str, str, str], _CachedResponse] = {}
        self._by_container: dict[str, tuple[str, ApiResponse]] = {}

    def execute(self, request: ApiRequest) -> tuple[ApiResponse, bool]:
        """Return the response to *request*, and whether it is a replay.

        A key belongs to an API key, a method and a path. Errors are not kept: the same key may be used again
        once the reason of the error is gone.
        """
        key = request.idempotency_key
        if key is None or request.method not in ("POST", "PATCH"):
            return request.route.handler(request), False
        if not is_idempotency_key(key):
            raise request.invalid(
                "headers.Idempotency-Key", f"must be a UUID version 4 or a ULID, not {key!r}"
            )
        place = (request.key.key_id, request.method, request.path, key.lower())
        cached, now = self._by_key.get(place), request.state.clock.now()
        if cached is not None and now < cached.expires_at:
            if cached.fingerprint != request.fingerprint:
                message = "This Idempotency-Key was used with another body."
                raise ApiError(409, "IDEMPOTENCY_CONFLICT", message)
            return cached.response, True
        response = request.route.handler(request)
        self._by_key[place] = _CachedResponse(request.fingerprint, response, now + WINDOW)
        return response, False

    def keep_for_container(self, uuid: str, request: ApiRequest, response: ApiResponse) -> None:
        """Keep the response to the request that created a container with an id of the client."""
        self._by_container[uuid] = (request.fingerprint, response)

    def replay_for_container(self, uuid: str, request: ApiRequest) -> ApiResponse:
        """Return the response to the request that created the container; raise 409 if *request* differs."""
        fingerprint, response = self._by_container.get(uuid, (None, None))
        if response is None or fingerprint != request.fingerprint:
            raise conflict("Container id already exists with another request.", containerId=f"cnt_{uuid}")
        return response
