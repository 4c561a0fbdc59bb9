"""A request after the doorman has seen it, and the answer before it becomes HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.emulator.checks import Rule, check
from airflow_provider_layers.emulator.errors import invalid

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.entities import ApiKey
    from airflow_provider_layers.emulator.state import World


@dataclass(frozen=True)
class Parameter:
    """One query parameter.

    :param rule: what its value must be.
    :param many: whether it may be repeated; its value is then a list.
    :param numeric: whether it is read as an integer.
    :param default: its value when it is not sent.
    """

    rule: Rule
    many: bool = False
    numeric: bool = False
    default: Any = None


@dataclass
class Answer:
    """A status, a JSON body (``None`` for no body) and headers."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Endpoint:
    """One route.

    :param method: the HTTP method.
    :param path: the path, with names in braces.
    :param handler: what answers it.
    :param scope: the scope a key needs; ``None`` for none.
    :param limit_class: the rate-limit bucket: ``read-light``, ``write-light`` or ``long-running``.
    :param invalid_code: the code of a bad body.
    :param invalid_status: the status of a bad body.
    """

    method: str
    path: str
    handler: Callable[[Call], Answer]
    scope: str | None
    limit_class: str
    invalid_code: str = "VALIDATION"
    invalid_status: int = 422


@dataclass
class Call:
    """One authenticated request to one route."""

    world: World
    endpoint: Endpoint
    key: ApiKey
    path: str
    params: dict[str, str]
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: Any
    base_url: str

    @property
    def idempotency_key(self) -> str | None:
        """Return the ``Idempotency-Key`` that was sent."""
        return self.headers.get("idempotency-key")

    def read_body(self, rule: Rule) -> dict[str, Any]:
        """Return the body once it satisfies *rule*; no body at all counts as an empty object."""
        body = {} if self.body is None else self.body
        check(body, rule, self.endpoint.invalid_code, self.endpoint.invalid_status)
        return dict(body)

    def refuse(self, path: str, message: str) -> Exception:
        """Return the refusal of one field, with this route's code and status."""
        return invalid(
            [{"path": path, "message": message}], self.endpoint.invalid_code, self.endpoint.invalid_status
        )

    def read_query(self, parameters: Mapping[str, Parameter]) -> dict[str, Any]:
        """Return the query's values, with defaults, once each satisfies its rule."""
        issues: list[dict[str, str]] = [
            {"path": name, "message": f"unknown parameter; there are {', '.join(parameters)}"}
            for name in self.query
            if name not in parameters
        ]
        found = {
            name: _read(name, parameter, self.query.get(name), issues)
            for name, parameter in parameters.items()
        }
        if issues:
            raise invalid(issues)
        return found


def _read(name: str, parameter: Parameter, sent: list[str] | None, issues: list[dict[str, str]]) -> Any:
    if sent is None:
        return parameter.default
    if len(sent) > 1 and not parameter.many:
        issues.append({"path": name, "message": "may be given only once"})
    values: list[Any] = [int(item) if parameter.numeric and item.isdecimal() else item for item in sent]
    for value in values:
        parameter.rule(value, name, issues)
    return values if parameter.many else values[0]
