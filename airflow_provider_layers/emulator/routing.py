"""Routes of the API, and the request and the response of a handler."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.routing import Route

from airflow_provider_layers.emulator.errors import ApiError, Query, Schema, invalid, validate
from airflow_provider_layers.emulator.formats import fingerprint_of

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.entities import ApiKey
    from airflow_provider_layers.emulator.state import State

S = TypeVar("S", bound=Schema)
Q = TypeVar("Q", bound=Query)


@dataclass(frozen=True)
class ApiResponse:
    """A status, a JSON body (``None`` for no body) and headers."""

    status: int
    body: dict[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def replaced(self, **fields: Any) -> ApiResponse:
        """Return the response with those *fields* of its body replaced that the body has."""
        body = self.body and {**self.body, **{name: fields[name] for name in fields if name in self.body}}
        return replace(self, body=body)


class ApiRoute(Route):
    """A route of the API.

    Starlette compiles and matches the path. It does not call the handler: faults need the response before
    anything is sent, so the application does.

    :param method: HTTP method
    :param path: path with parameters in braces
    :param handler: returns the response to an authenticated request
    :param required_scope: scope that the API key needs; ``None`` for none
    :param limit_class: rate-limit class: ``read-light``, ``write-light`` or ``long-running``
    :param invalid_code: code of the error for an invalid body
    :param invalid_status: status of the error for an invalid body
    """

    def __init__(
        self,
        method: str,
        path: str,
        handler: Callable[[ApiRequest], ApiResponse],
        required_scope: str | None,
        limit_class: str,
        *,
        invalid_code: str = "VALIDATION",
        invalid_status: int = 422,
    ) -> None:
        super().__init__(path, handler)
        self.method = method
        # Starlette would let a GET route answer HEAD as well.
        self.methods = {method}
        self.handler = handler
        self.required_scope = required_scope
        self.limit_class = limit_class
        self.invalid_code = invalid_code
        self.invalid_status = invalid_status

    def invalid(self, path: str, message: str) -> ApiError:
        """Return the error for an invalid field of a body, with the code and status of this route."""
        return invalid([{"path": path, "message": message}], self.invalid_code, self.invalid_status)


@dataclass(frozen=True)
class ApiRequest:
    """An authenticated request to a route."""

    state: State
    route: ApiRoute
    key: ApiKey
    path: str
    path_params: Mapping[str, str]
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: Any
    base_url: str

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.route.method

    @property
    def idempotency_key(self) -> str | None:
        """The ``Idempotency-Key`` header."""
        return self.headers.get("idempotency-key")

    @cached_property
    def fingerprint(self) -> str:
        """A text that is the same for equal bodies."""
        return fingerprint_of(self.body)

    def invalid(self, path: str, message: str) -> ApiError:
        """Return the error for an invalid field, with the code and status of the route."""
        return self.route.invalid(path, message)

    def read_body(self, schema: type[S]) -> S:
        """Return the body as *schema*; no body counts as an empty object."""
        body = {} if self.body is None else self.body
        return validate(schema, body, self.route.invalid_code, self.route.invalid_status)

    def read_query(self, schema: type[Q]) -> Q:
        """Return the query as *schema*; a parameter that is sent twice is an array."""
        return validate(
            schema, {name: values if len(values) > 1 else values[0] for name, values in self.query.items()}
        )
