"""Client of the control API: clock, outcomes, faults, settings, and what the emulator has recorded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

# uvicorn closes a connection after 5 idle seconds. A request sent at that moment would be lost.
_KEEPALIVE_SECONDS = 1.0


@dataclass(frozen=True)
class RecordedRequest:
    """A request to the API, as the emulator recorded it.

    :param method: HTTP method
    :param path: path without the query
    :param query: every query parameter with its values
    :param headers: headers, names in lower case, without the value of the API key
    :param body: JSON body, text if it was not JSON, ``None`` without a body
    :param status: status of the response, ``None`` if there was none (yet)
    :param idempotency_key: the ``Idempotency-Key`` header
    :param request_id: the id in ``X-Request-Id``
    :param at: time of arrival, by the emulator's clock
    :param executed: whether the request succeeded in the emulator, whatever response was sent
    :param replayed: whether the response was that of an earlier request with the same key
    :param fault: kind of fault that the request met
    :param key_id: id of the API key, ``None`` if the key was not accepted
    """

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any
    status: int | None
    idempotency_key: str | None
    request_id: str
    at: str
    executed: bool
    replayed: bool
    fault: str | None
    key_id: str | None


@dataclass(frozen=True)
class CreatedJob:
    """A job that was started.

    :param job_id: id of the job
    :param kind: kind of the job
    :param status: ``running``, ``completed``, ``failed`` or ``canceled``
    :param project_id: project of the containers
    :param container_ids: containers that the job fills
    :param idempotency_key: ``Idempotency-Key`` of the request that started the job
    :param key_id: id of the API key that started the job
    :param cost: credits that the job costs if it completes
    :param job_seconds: duration of the job
    :param started_at: start, by the emulator's clock
    :param finished_at: end, by the emulator's clock
    :param cancel_requested: whether a cancel was accepted
    """

    job_id: str
    kind: str
    status: str
    project_id: str
    container_ids: list[str]
    idempotency_key: str | None
    key_id: str
    cost: int
    job_seconds: float
    started_at: str
    finished_at: str | None
    cancel_requested: bool


class EmulatorControl:
    """Controls a running emulator, in this process or in another process.

    :param url: address of the emulator, such as ``http://127.0.0.1:8765``
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        # Proxies and certificates of the environment are not for an address on this machine.
        self._http = httpx.Client(
            trust_env=False,
            verify=False,  # noqa: S501 - plain HTTP; loading certificates takes 25 ms
            timeout=10,
            limits=httpx.Limits(keepalive_expiry=_KEEPALIVE_SECONDS),
        )
        self._initial: dict[str, Any] | None = None

    def close(self) -> None:
        """Close the connections to the emulator, which keeps running."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def api_key(self) -> str:
        """The default API key, which has every scope."""
        return str(self._state["api_key"])

    @property
    def keys(self) -> dict[str, str]:
        """Every API key: ``default``, ``second``, ``read_only``, ``revoked`` and ``suspended``."""
        return dict(self._state["keys"])

    @property
    def project_id(self) -> str:
        """The default project: one content layer, review required, social accounts and top posts."""
        return str(self._state["project_id"])

    @property
    def project_ids(self) -> list[str]:
        """Every project: the default project, a project with two content layers, a project without layers."""
        return list(self._state["project_ids"])

    @property
    def social_account_ids(self) -> list[str]:
        """The social accounts of the default project: TikTok, Instagram."""
        return list(self._state["social_account_ids"])

    @property
    def influencer_ids(self) -> list[str]:
        """The influencers of the default project."""
        return list(self._state["influencer_ids"])

    @property
    def top_post_ids(self) -> list[str]:
        """The posts that clone-from-post accepts."""
        return list(self._state["top_post_ids"])

    @property
    def top_post_external_ids(self) -> list[str]:
        """The ids that the platforms gave the same posts; clone-from-post accepts them, too."""
        return list(self._state["top_post_external_ids"])

    @property
    def connection(self) -> dict[str, str]:
        """The Airflow connection to the emulator."""
        return {"conn_type": "layers", "host": self.url, "password": self.api_key}

    @property
    def airflow_connection_json(self) -> str:
        """The connection as JSON, a value for ``AIRFLOW_CONN_LAYERS_DEFAULT``."""
        return json.dumps(self.connection)

    @property
    def airflow_connection_uri(self) -> str:
        """The connection as a URI, another value for ``AIRFLOW_CONN_LAYERS_DEFAULT``."""
        return f"layers://:{quote(self.api_key, safe='')}@{quote(self.url, safe='')}"

    def now(self) -> str:
        """Return the time of the emulator's clock."""
        return str(self._send("GET", "clock")["now"])

    def advance(self, seconds: float) -> None:
        """Move the emulator's clock forward."""
        self._send("POST", "clock", {"advance": seconds})

    def outcome(self, status: str, **arguments: Any) -> None:
        """Determine how the next job or post ends.

        :param status: ``completed``, ``failed`` or ``canceled``
        :param arguments: ``code`` and ``message`` of a failure; ``kind`` of the job, or ``scheduled_post``;
            ``times`` (default 1, ``None`` for no limit); ``job_seconds``
        """
        self._send("POST", "outcomes", {"status": status, **arguments})

    def clear_outcomes(self) -> None:
        """Let new jobs complete again."""
        self._send("DELETE", "outcomes")

    def decide(self, container_id: str, decision: str, *, decider: str = "user_1") -> None:
        """Approve or reject pending content, as a user of Layers does in its own interface.

        :param decision: ``approved`` or ``rejected``
        :param decider: who decides, as ``approvedBy`` or ``rejectedBy`` names them; the form of a user's id
            is an assumption
        """
        self._send(
            "POST",
            "decisions",
            {"container_id": container_id, "decision": decision, "decider": decider},
        )

    def fault(self, kind: str, **arguments: Any) -> None:
        """Make requests fail.

        :param kind: kind of fault; docs/emulator.md lists the kinds with their arguments
        :param arguments: ``method``, ``path`` (a pattern), ``times`` (default 1, ``None`` for no limit),
            ``skip``, ``probability``, and the arguments of the kind
        """
        self._send("POST", "faults", {"kind": kind, **arguments})

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults that have not met all their requests yet."""
        return list(self._send("GET", "faults")["faults"])

    def clear_faults(self) -> None:
        """Remove every fault."""
        self._send("DELETE", "faults")

    def configure(self, **settings: Any) -> dict[str, Any]:
        """Change settings and return all of them."""
        return dict(self._send("PATCH", "settings", settings))

    def settings(self) -> dict[str, Any]:
        """Return all settings."""
        return dict(self._send("GET", "settings"))

    def reset(self, seed: int | None = None) -> None:
        """Return to the initial state: no content, no faults, initial settings.

        :param seed: replaces the seed of ids and random draws
        """
        self._initial = self._send("POST", "reset", {} if seed is None else {"seed": seed})

    def requests(self, method: str | None = None, path: str | None = None) -> list[RecordedRequest]:
        """Return the requests so far, oldest first.

        :param method: only requests with this method
        :param path: only requests whose path matches this pattern
        """
        query = {name: value for name, value in (("method", method), ("path", path)) if value is not None}
        recorded = self._send("GET", "requests", query=query)["requests"]
        return [RecordedRequest(**request) for request in recorded]

    def jobs(self) -> list[CreatedJob]:
        """Return the jobs that were started, oldest first."""
        return [CreatedJob(**job) for job in self._send("GET", "jobs")["jobs"]]

    @property
    def _state(self) -> dict[str, Any]:
        if self._initial is None:
            self._initial = self._send("GET", "state")
        return self._initial

    def _send(
        self,
        method: str,
        command: str,
        body: dict[str, Any] | None = None,
        query: dict[str, str] | None = None,
    ) -> Any:
        response = self._http.request(method, f"{self.url}/_emulator/{command}", json=body, params=query)
        if response.is_error:
            raise ValueError(f"The emulator refused {method} {command}: {response.text}")
        return response.json()
