"""Request bodies and queries: snake_case or camelCase in, the API's spelling out, its limits checked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from airflow_provider_layers.exceptions import LayersParameterError


class RequestModel(BaseModel):
    """A JSON object of the API. Subclasses name its fields in snake_case, with the vendor's limits."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        loc_by_alias=False,
        extra="forbid",
        # Templates render ids of digits to numbers where a DAG renders to native objects.
        coerce_numbers_to_str=True,
        ser_json_inf_nan="constants",
        # Every DAG file imports these classes; their validators are built when a task first needs them.
        defer_build=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_fields(cls, fields: Any) -> Any:
        if not isinstance(fields, Mapping):
            return fields
        names = cls.model_fields
        known = {*names, *(str(field.alias) for field in names.values())}
        unknown = [str(name) for name in fields if name not in known]
        if unknown:
            raise ValueError(
                f"{cls.__name__} has no field {', '.join(unknown)}; its fields are {', '.join(names)}"
            )
        twice = [
            name for name, field in names.items() if name != field.alias and {name, field.alias} <= {*fields}
        ]
        if twice:
            raise ValueError(f"{', '.join(twice)} is given in both spellings")
        return fields


def request_body(model: type[RequestModel], **fields: Any) -> dict[str, Any]:
    """
    Validate a request and return it in the API's spelling.

    :param fields: in snake_case; those that are ``None`` are left out
    :raises LayersParameterError: names each wrong field, its value and what is allowed
    """
    try:
        request = model.model_validate({name: value for name, value in fields.items() if value is not None})
    except ValidationError as error:
        raise LayersParameterError("; ".join(_describe(item) for item in error.errors())) from None
    body = request.model_dump(mode="json", by_alias=True, exclude_none=True)
    for name, value in body.items():
        _refuse_nan(name, value)
    return body


def query_params(model: type[RequestModel], **fields: Any) -> tuple[tuple[str, str], ...]:
    """
    Validate query parameters and return them in the API's spelling; a list repeats its name.

    :raises LayersParameterError: names each wrong field, its value and what is allowed
    """
    pairs: list[tuple[str, str]] = []
    for name, value in request_body(model, **fields).items():
        pairs += [(name, str(item)) for item in (value if isinstance(value, list) else [value])]
    return tuple(pairs)


class _ListOptions(RequestModel):
    limit: Annotated[int, Field(ge=1)] | None = None


def parse_limit(limit: Any) -> int | None:
    """
    Return the most rows of a list as a number; a template may have rendered it to text.

    :raises LayersParameterError: it is not a number, or less than 1
    """
    return request_body(_ListOptions, limit=limit).get("limit")


def _refuse_nan(name: str, value: Any) -> None:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        raise LayersParameterError(
            f"{name}: contains NaN or an infinite number, which JSON cannot represent."
        ) from None


def _describe(error: Any) -> str:
    field = ".".join(str(part) for part in error["loc"])
    text = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if error["type"] == "missing":
        return f"{field}: is required"
    value = repr(error["input"])
    shown = value if len(value) <= 80 else f"{value[:77]}..."
    return f"{field} = {shown}: {text}" if field else text


def as_list(value: Any) -> Any:
    """Return a single string as a list: filters of the API repeat their name."""
    return [value] if isinstance(value, str) else value


def _refuse_numbers(value: Any) -> Any:
    if isinstance(value, datetime) or (isinstance(value, str) and re.match(r"\s*\d{4}-", value)):
        return value
    raise ValueError("should be a datetime with a timezone, or an ISO 8601 string with an offset")


def _to_utc(value: datetime) -> datetime:
    return value.astimezone(timezone.utc)


def format_timestamp(value: datetime) -> str:
    """Format a UTC datetime as the API does."""
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")


Timestamp = Annotated[
    AwareDatetime,
    BeforeValidator(_refuse_numbers),
    AfterValidator(_to_utc),
    PlainSerializer(format_timestamp),
]
"""A datetime with a timezone. The API accepts UTC with ``Z`` only, so other offsets are converted."""


def parse_timestamp(text: Any) -> datetime | None:
    """
    Parse a timestamp of the API.

    :param text: ISO 8601; without an offset it is taken as UTC, which the API uses everywhere
    :return: ``None`` if it is not a timestamp
    """
    try:
        value = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return value if value.tzinfo else value.replace(tzinfo=timezone.utc)
