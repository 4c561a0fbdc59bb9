"""Strict checks of bodies and queries: what is not documented is refused, with what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from airflow_provider_layers.emulator.clock import read_moment
from airflow_provider_layers.emulator.errors import invalid
from airflow_provider_layers.emulator.formats import bare_uuid

Issues = list[dict[str, str]]
Rule = Callable[[Any, str, Issues], None]


@dataclass(frozen=True)
class Shape:
    """The fields of an object.

    :param fields: the rule of each field that may be there.
    :param required: the names of those that must be.
    """

    fields: Mapping[str, Rule]
    required: tuple[str, ...] = ()

    def __call__(self, value: Any, path: str, issues: Issues) -> None:
        """Check *value*, noting what is wrong in *issues*."""
        if not isinstance(value, dict):
            _note(issues, path, f"must be an object, not {_kind(value)}")
            return
        for name, item in value.items():
            if name in self.fields:
                self.fields[name](item, _join(path, name), issues)
            else:
                _note(issues, _join(path, name), f"unknown field{_suggest(name, list(self.fields))}")
        for name in self.required:
            if name not in value:
                _note(issues, _join(path, name), "is required")


def text(low: int = 0, high: int | None = None, pattern: str | None = None, means: str = "") -> Rule:
    """Return the rule of a string of *low* to *high* characters that fits *pattern* (*means* names it)."""

    def rule(value: Any, path: str, issues: Issues) -> None:
        if not isinstance(value, str):
            _note(issues, path, f"must be a string, not {_kind(value)}")
        elif len(value) < low or (high is not None and len(value) > high):
            _note(issues, path, f"must be {low} to {high or 'any number of'} characters, not {len(value)}")
        elif pattern is not None and not re.fullmatch(pattern, value):
            _note(issues, path, f"must be {means}, not {value!r}")

    return rule


def integer(low: int, high: int | None = None) -> Rule:
    """Return the rule of a whole number from *low* to *high*, both included."""

    def rule(value: Any, path: str, issues: Issues) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            _note(issues, path, f"must be an integer, not {_kind(value)}")
        elif value < low or (high is not None and value > high):
            _note(issues, path, f"must be {low} to {'any' if high is None else high}, not {value}")

    return rule


def number(low: float, high: float | None = None) -> Rule:
    """Return the rule of a number from *low* to *high*, both included."""

    def rule(value: Any, path: str, issues: Issues) -> None:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            _note(issues, path, f"must be a number, not {_kind(value)}")
        elif value < low or (high is not None and value > high):
            _note(issues, path, f"must be {low} to {'any' if high is None else high}, not {value}")

    return rule


def one_of(*values: str) -> Rule:
    """Return the rule of a string that is one of *values*."""

    def rule(value: Any, path: str, issues: Issues) -> None:
        if value not in values:
            _note(issues, path, f"must be one of {', '.join(values)}, not {value!r}")

    return rule


def array(of: Rule, low: int = 0, high: int | None = None) -> Rule:
    """Return the rule of an array of *low* to *high* items."""

    def rule(value: Any, path: str, issues: Issues) -> None:
        if not isinstance(value, list):
            _note(issues, path, f"must be an array, not {_kind(value)}")
            return
        if len(value) < low or (high is not None and len(value) > high):
            _note(
                issues,
                path,
                f"must have {low} to {'any number of' if high is None else high} items, not {len(value)}",
            )
        for index, item in enumerate(value):
            of(item, f"{path}.{index}", issues)

    return rule


def optional(of: Rule) -> Rule:
    """Return the rule of a value that may be null."""

    def rule(value: Any, path: str, issues: Issues) -> None:
        if value is not None:
            of(value, path, issues)

    return rule


def boolean(value: Any, path: str, issues: Issues) -> None:
    """Check a truth value."""
    if not isinstance(value, bool):
        _note(issues, path, f"must be true or false, not {_kind(value)}")


def any_object(value: Any, path: str, issues: Issues) -> None:
    """Check an object whose fields are the caller's own."""
    if not isinstance(value, dict):
        _note(issues, path, f"must be an object, not {_kind(value)}")


def moment(value: Any, path: str, issues: Issues) -> None:
    """Check a moment: ISO 8601 in UTC, ending in ``Z``."""
    if not isinstance(value, str) or read_moment(value) is None:
        _note(issues, path, f"must be an ISO 8601 moment in UTC ending in Z, not {value!r}")


def id_of(prefix: str) -> Rule:
    """Return the rule of an id ``<prefix>_<uuid>`` or a bare UUID."""

    def rule(value: Any, path: str, issues: Issues) -> None:
        if not isinstance(value, str) or bare_uuid(value, prefix) is None:
            _note(issues, path, f"must be a UUID or {prefix}_<uuid>, not {value!r}")

    return rule


def check(value: Any, rule: Rule, code: str = "VALIDATION", status: int = 422) -> None:
    """Refuse *value* if *rule* finds anything wrong with it."""
    issues: Issues = []
    rule(value, "", issues)
    if issues:
        raise invalid(issues, code, status)


def _note(issues: Issues, path: str, message: str) -> None:
    issues.append({"path": path, "message": message})


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _kind(value: Any) -> str:
    names = {bool: "a boolean", dict: "an object", list: "an array", str: "a string", type(None): "null"}
    return names.get(type(value), "a number")


def _suggest(name: str, known: list[str]) -> str:
    camel = re.sub(r"_(\w)", lambda match: match.group(1).upper(), name)
    close = [camel] if camel in known else get_close_matches(name, known, 1)
    return f"; did you mean {close[0]}?" if close else f"; the fields are {', '.join(known) or 'none'}"
