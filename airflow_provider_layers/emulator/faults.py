"""Faults: which requests go wrong, and how. What each kind does is in :mod:`.misbehaviour`."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.emulator.checks import (
    Rule,
    Shape,
    boolean,
    check,
    integer,
    number,
    one_of,
    optional,
    text,
)
from airflow_provider_layers.emulator.errors import invalid

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.formats import Ids

_status = integer(400, 599)
# The arguments of each kind, with the rule and the default of each.
KINDS: dict[str, dict[str, tuple[Rule, Any]]] = {
    "fail_before": {"status": (_status, 503), "code": (text(1), "UNAVAILABLE")},
    "fail_after": {"status": (_status, 503), "code": (text(1), "UNAVAILABLE")},
    "hang": {"seconds": (number(0), 60), "executed": (boolean, False)},
    "disconnect_before": {},
    "disconnect_after": {},
    "garbage": {
        "status": (integer(200, 599), 200),
        "body": (text(), "<html><body>It works!</body></html>"),
        "executed": (boolean, False),
    },
    "slow": {"seconds": (number(0), 5)},
    "redirect": {"location": (text(1), "https://elsewhere.example")},
    "wrong_job": {},
    "rate_limit": {"retry_after": (integer(0), 5)},
    "unknown_status": {"job_status": (text(1), "archived")},
}
_WHERE: dict[str, Rule] = {
    "kind": one_of(*KINDS),
    "method": text(1),
    "path": text(1),
    "times": optional(integer(1)),
    "skip": integer(0),
    "probability": number(0, 1),
}


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


@dataclass
class Fault:
    """One fault and the requests it is for.

    :param kind: what goes wrong.
    :param method: the method of the requests; ``*`` for any.
    :param path: a glob of their paths; ``*`` is one part of a path, ``**`` any number, alone any path.
    :param times: how many requests it is for; ``None`` for all.
    :param skip: how many matching requests it lets pass first.
    :param probability: how likely it is for each request, drawn from the seed.
    :param arguments: the kind's own arguments.
    """

    kind: str
    method: str = "*"
    path: str = "*"
    times: int | None = 1
    skip: int = 0
    probability: float = 1.0
    arguments: dict[str, Any] = field(default_factory=dict)


class Faults:
    """The faults that wait for their requests.

    :param ids: where chances are drawn.
    """

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._waiting: list[Fault] = []

    def add(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Queue a fault: ``kind``, where it applies, the kind's arguments. Return it with defaults."""
        kind = asked.get("kind")
        if kind not in KINDS:
            raise invalid([{"path": "kind", "message": f"must be one of {', '.join(KINDS)}, not {kind!r}"}])
        own = KINDS[kind]
        check(asked, Shape({**_WHERE, **{name: rule for name, (rule, _) in own.items()}}))
        arguments = {name: asked.get(name, default) for name, (_, default) in own.items()}
        where = {name: value for name, value in asked.items() if name not in own}
        fault = Fault(**where, arguments=arguments)
        self._waiting.append(fault)
        return asdict(fault)

    def clear(self) -> None:
        """Forget every fault."""
        self._waiting.clear()

    def show(self) -> list[dict[str, Any]]:
        """Return the faults that are still to come."""
        return [asdict(fault) for fault in self._waiting]

    def pick(self, method: str, path: str) -> Fault | None:
        """Return the first fault that is for this request, and use it up by one."""
        for fault in self._waiting:
            if fault.method.upper() not in ("*", method) or not matches(fault.path, path):
                continue
            if fault.skip > 0:
                fault.skip -= 1
            elif fault.probability >= 1 or self._ids.chance("fault") < fault.probability:
                self._use(fault)
                return fault
        return None

    def _use(self, fault: Fault) -> None:
        if fault.times is None:
            return
        fault.times -= 1
        if fault.times == 0:
            self._waiting.remove(fault)
