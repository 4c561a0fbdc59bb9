"""The client of the control door. It needs nothing but the standard library."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener


@dataclass(frozen=True)
class RecordedRequest:
    """One request to the API.

    :param method: the HTTP method.
    :param path: the path, without the query.
    :param query: every query parameter with its values.
    :param headers: the headers, names in lower case, without the key's value.
    :param body: the JSON body, the text if it was not JSON, ``None`` if there was none.
    :param status: what the client was answered; ``None`` if nothing (yet).
    :param idempotency_key: the ``Idempotency-Key`` header.
    :param request_id: the id in ``X-Request-Id``.
    :param at: when it came, by the emulator's clock.
    :param executed: whether the request succeeded on the emulator's side, whatever was answered.
    :param replayed: whether the answer was that of an earlier request with the same key.
    :param fault: the kind of fault that it met.
    :param key_id: the id of the API key, ``None`` if that was not accepted.
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
    """One job that was started.

    :param job_id: its id.
    :param kind: its kind.
    :param status: ``running``, ``completed``, ``failed`` or ``canceled``.
    :param project_id: its project.
    :param container_ids: the containers it works on.
    :param idempotency_key: the key of the request that started it.
    :param key_id: the id of the API key that started it.
    :param cost: the credits it costs if it completes.
    :param job_seconds: how long it takes.
    :param started_at: when it started, by the emulator's clock.
    :param finished_at: when it ended.
    :param cancel_requested: whether it was asked to cancel.
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
    """Steers a running emulator, in this process or in another.

    :param url: the emulator's address, such as ``http://127.0.0.1:8765``.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        # A proxy of the environment is not for an address on this machine.
        self._opener: OpenerDirector = build_opener(ProxyHandler({}))
        self._seeded: dict[str, Any] | None = None

    @property
    def api_key(self) -> str:
        """Return the key that may do everything."""
        return str(self._world["api_key"])

    @property
    def keys(self) -> dict[str, str]:
        """Return every key: ``default``, ``second``, ``read_only``, ``revoked`` and ``suspended``."""
        return dict(self._world["keys"])

    @property
    def project_id(self) -> str:
        """Return the default project: one content layer, review required, accounts and top posts."""
        return str(self._world["project_id"])

    @property
    def project_ids(self) -> list[str]:
        """Return every project: the default one, one with two content layers, one with none."""
        return list(self._world["project_ids"])

    @property
    def social_account_ids(self) -> list[str]:
        """Return the default project's accounts: TikTok, Instagram."""
        return list(self._world["social_account_ids"])

    @property
    def influencer_ids(self) -> list[str]:
        """Return the default project's influencers."""
        return list(self._world["influencer_ids"])

    @property
    def top_post_ids(self) -> list[str]:
        """Return the ids that clone-from-post accepts."""
        return list(self._world["top_post_ids"])

    @property
    def top_post_external_ids(self) -> list[str]:
        """Return the platforms' own ids of the same posts, which clone-from-post accepts as well."""
        return list(self._world["top_post_external_ids"])

    @property
    def connection(self) -> dict[str, str]:
        """Return the Airflow connection; as JSON it is a value of ``AIRFLOW_CONN_LAYERS_DEFAULT``."""
        return {"conn_type": "layers", "host": self.url, "password": self.api_key}

    @property
    def airflow_connection_json(self) -> str:
        """Return the connection as the JSON text of ``AIRFLOW_CONN_LAYERS_DEFAULT``."""
        return json.dumps(self.connection)

    @property
    def airflow_connection_uri(self) -> str:
        """Return the connection as a URI, which ``AIRFLOW_CONN_LAYERS_DEFAULT`` takes as well."""
        return f"layers://:{quote(self.api_key, safe='')}@{quote(self.url, safe='')}"

    def now(self) -> str:
        """Return what the emulator's clock shows."""
        return str(self._ask("GET", "clock")["now"])

    def advance(self, seconds: float) -> None:
        """Move the emulator's clock *seconds* ahead."""
        self._ask("POST", "clock", {"advance": seconds})

    def outcome(self, status: str, **arguments: Any) -> None:
        """Say how the next job (or post) ends.

        :param status: ``completed``, ``failed`` or ``canceled``.
        :param arguments: ``code`` and ``message`` of the failure; ``kind`` of the job, or ``scheduled_post``;
            ``times`` (default 1, ``None`` for ever); ``job_seconds``.
        """
        self._ask("POST", "outcomes", {"status": status, **arguments})

    def clear_outcomes(self) -> None:
        """Let new jobs complete again."""
        self._ask("DELETE", "outcomes")

    def fault(self, kind: str, **arguments: Any) -> None:
        """Let requests go wrong.

        :param kind: what goes wrong; docs/emulator.md lists the kinds with their arguments.
        :param arguments: ``method``, ``path`` (a glob), ``times`` (default 1, ``None`` for ever), ``skip``,
            ``probability``, and the kind's own.
        """
        self._ask("POST", "faults", {"kind": kind, **arguments})

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults that are still to come."""
        return list(self._ask("GET", "faults")["faults"])

    def clear_faults(self) -> None:
        """Let nothing go wrong any more."""
        self._ask("DELETE", "faults")

    def configure(self, **settings: Any) -> dict[str, Any]:
        """Change settings and return all of them."""
        return dict(self._ask("PATCH", "settings", settings))

    def settings(self) -> dict[str, Any]:
        """Return all settings."""
        return dict(self._ask("GET", "settings"))

    def reset(self, seed: int | None = None) -> None:
        """Begin again: nothing made, no faults, the settings of the start; with another *seed* if given."""
        self._seeded = self._ask("POST", "reset", {} if seed is None else {"seed": seed})

    def requests(self, method: str | None = None, path: str | None = None) -> list[RecordedRequest]:
        """Return the requests so far, oldest first.

        :param method: only those with this method.
        :param path: only those whose path fits this glob.
        """
        asked = {name: value for name, value in (("method", method), ("path", path)) if value is not None}
        answer = self._ask("GET", f"ledger?{urlencode(asked)}")
        return [RecordedRequest(**entry) for entry in answer["requests"]]

    def jobs(self) -> list[CreatedJob]:
        """Return the jobs that were started, oldest first."""
        return [CreatedJob(**job) for job in self._ask("GET", "ledger")["jobs"]]

    @property
    def _world(self) -> dict[str, Any]:
        if self._seeded is None:
            self._seeded = self._ask("GET", "world")
        return self._seeded

    def _ask(self, method: str, command: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(  # noqa: S310 - the address is the caller's own
            f"{self.url}/_emulator/{command}", data, {"Content-Type": "application/json"}, method=method
        )
        try:
            with self._opener.open(request, timeout=10) as answer:
                return json.load(answer)
        except HTTPError as error:
            with error:
                text = error.read().decode(errors="replace")
            raise ValueError(f"The emulator refused {method} {command}: {text}") from None
