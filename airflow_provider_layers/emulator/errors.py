"""Errors as the API answers them, and the validation of bodies and queries that raises them."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import PydanticCustomError

T = TypeVar("T")


class ApiError(Exception):
    """A response with a 4xx or 5xx status.

    :param status: HTTP status
    :param code: stable code, on which clients branch
    :param message: text for a person
    :param details: facts that belong to the code; ``None`` leaves them out of the body
    :param headers: response headers, such as ``Retry-After``
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.headers = headers or {}

    def body(self, request_id: str) -> dict[str, Any]:
        """Return the documented body: ``{"error": {code, message, requestId, details?}}``."""
        error: dict[str, Any] = {"code": self.code, "message": self.message, "requestId": request_id}
        if self.details is not None:
            error["details"] = self.details
        return {"error": error}


def unauthenticated(message: str) -> ApiError:
    """Return the error for a missing, malformed, wrong or revoked key."""
    return ApiError(401, "UNAUTHENTICATED", message)


def not_found(message: str) -> ApiError:
    """Return the error for an id that does not exist in this organization."""
    return ApiError(404, "NOT_FOUND", message)


def conflict(message: str, **details: Any) -> ApiError:
    """Return the error for a request that the present state does not allow."""
    return ApiError(409, "CONFLICT", message, details or None)


def rate_limited(message: str, retry_after: int) -> ApiError:
    """Return the error for an empty bucket; *retry_after* is in seconds."""
    return ApiError(429, "RATE_LIMITED", message, headers={"Retry-After": str(retry_after)})


def invalid(issues: list[dict[str, str]], code: str = "VALIDATION", status: int = 422) -> ApiError:
    """Return the error for a body or query with *issues* (each with ``path`` and ``message``)."""
    message = "; ".join(f"{issue['path'] or 'body'}: {issue['message']}" for issue in issues)
    return ApiError(status, code, message, {"issues": issues})


class Schema(BaseModel):
    """Base of everything that is validated: JSON types are not converted, unknown names are errors."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class Query(Schema):
    """The query of a route; this class is that of a route without parameters."""


def _refuse_null(value: Any) -> Any:
    if value is None:
        raise PydanticCustomError("null", "must not be null")
    return value


# A field that may be absent, which is None here, but that must not be null in the JSON.
Omittable = Annotated[T | None, BeforeValidator(_refuse_null)]

S = TypeVar("S", bound=Schema)


def validate(schema: type[S], value: Any, code: str = "VALIDATION", status: int = 422) -> S:
    """Return *value* as an instance of *schema*, or raise the API's error with every issue."""
    try:
        return schema.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False)
    raise invalid(
        [{"path": _path(schema, item["loc"]), "message": _message(schema, item)} for item in found],
        code,
        status,
    )


def _path(schema: type[Schema], location: tuple[int | str, ...]) -> str:
    # A parameter that is repeated has no items with paths, as a JSON array has.
    return str(location[0]) if issubclass(schema, Query) else ".".join(map(str, location))


_MESSAGES = {
    "missing": "is required",
    "model_type": "must be an object, not {kind}",
    "dict_type": "must be an object, not {kind}",
    "list_type": "must be an array, not {kind}",
    "string_type": "must be a string, not {kind}",
    "int_type": "must be an integer, not {kind}",
    "float_type": "must be a number, not {kind}",
    "bool_type": "must be true or false, not {kind}",
    "literal_error": "must be one of {expected}, not {input!r}",
    "greater_than_equal": "must be at least {ge}, not {input}",
    "less_than_equal": "must be at most {le}, not {input}",
    "string_too_short": "must have at least {min_length} characters, not {length}",
    "string_too_long": "must have at most {max_length} characters, not {length}",
    "string_pattern_mismatch": "must match {pattern}, not {input!r}",
    "too_short": "must have at least {min_length} items, not {actual_length}",
    "too_long": "must have at most {max_length} items, not {actual_length}",
}


def _message(schema: type[Schema], item: Any) -> str:
    value = item["input"]
    if item["type"] == "extra_forbidden":
        noun = "parameter" if issubclass(schema, Query) else "field"
        return f"unknown {noun}{_suggestion(schema, item['loc'])}"
    if item["type"] not in _MESSAGES:
        return str(item["msg"])
    length = len(value) if isinstance(value, str) else None
    facts = {"kind": _kind(value), "input": value, "length": length, **item.get("ctx", {})}
    return _MESSAGES[item["type"]].format(**facts)


def _kind(value: Any) -> str:
    names = {bool: "a boolean", dict: "an object", list: "an array", str: "a string", type(None): "null"}
    return names.get(type(value), "a number")


def _suggestion(schema: type[Schema], location: tuple[int | str, ...]) -> str:
    *parents, name = location
    owner: type[BaseModel] = schema
    for parent in parents:
        if isinstance(parent, str):
            owner = _nested_schema(owner.model_fields[parent].annotation) or owner
    known = list(owner.model_fields)
    camel_case = re.sub(r"_(\w)", lambda match: match.group(1).upper(), str(name))
    close = [camel_case] if camel_case in known else get_close_matches(str(name), known, 1)
    return f"; did you mean {close[0]}?" if close else f"; known are {', '.join(known) or 'none'}"


def _nested_schema(annotation: Any) -> type[BaseModel] | None:
    if get_origin(annotation) is None and isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_nested_schema, get_args(annotation))), None)
