"""Request bodies: both spellings in, the API's own out, and the vendor's limits checked in between."""

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
    PlainSerializer,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from airflow_provider_layers.exceptions import LayersParameterError


class Request(BaseModel):
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
    )

    @model_validator(mode="before")
    @classmethod
    def _know_every_key(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        names = cls.model_fields
        known = {*names, *(str(field.alias) for field in names.values())}
        unknown = [str(key) for key in given if key not in known]
        if unknown:
            raise ValueError(
                f"{cls.__name__} does not know {', '.join(unknown)}; it knows {', '.join(names)}"
            )
        twice = [
            name for name, field in names.items() if name != field.alias and {name, field.alias} <= {*given}
        ]
        if twice:
            raise ValueError(f"{', '.join(twice)} is given in both spellings")
        return given


def body(kind: type[Request], **given: Any) -> dict[str, Any]:
    """
    Check a request and spell it as the API does.

    :param kind: what the API takes
    :param given: its fields in snake_case; ``None`` means not given
    :return: a JSON object without the fields that were not given
    :raises LayersParameterError: names each wrong field, its value and what is allowed
    """
    try:
        request = kind.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise LayersParameterError("; ".join(_describe(one) for one in error.errors())) from None
    spelled = request.model_dump(mode="json", by_alias=True, exclude_none=True)
    for name, value in spelled.items():
        _refuse_no_number(name, value)
    return spelled


def _refuse_no_number(name: str, value: Any) -> None:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        raise LayersParameterError(
            f"{name}: holds NaN or an infinite number, which JSON cannot say."
        ) from None


def query(kind: type[Request], **given: Any) -> tuple[tuple[str, str], ...]:
    """
    Check query parameters and spell them as the API does; a list repeats its name.

    :raises LayersParameterError: names each wrong field, its value and what is allowed
    """
    pairs: list[tuple[str, str]] = []
    for name, value in body(kind, **given).items():
        pairs += [(name, str(one)) for one in (value if isinstance(value, list) else [value])]
    return tuple(pairs)


def _describe(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    text = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if error["type"] == "missing":
        return f"{where}: is required"
    value = repr(error["input"])
    shown = value if len(value) <= 80 else f"{value[:77]}..."
    return f"{where} = {shown}: {text}" if where else text


def _refuse_numbers(value: Any) -> Any:
    if isinstance(value, datetime) or (isinstance(value, str) and re.match(r"\s*\d{4}-", value)):
        return value
    raise ValueError("should be a datetime with a timezone, or an ISO 8601 string with an offset")


def _utc(value: datetime) -> datetime:
    return value.astimezone(timezone.utc)


def zulu(value: datetime) -> str:
    """Write a moment in UTC as the API does."""
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")


Moment = Annotated[
    AwareDatetime, BeforeValidator(_refuse_numbers), AfterValidator(_utc), PlainSerializer(zulu)
]
"""A moment with a timezone. The API takes UTC with ``Z`` only, so every other offset is converted."""


def moment(text: Any) -> datetime | None:
    """
    Read a moment of the API.

    :param text: ISO 8601; without an offset it is taken for UTC, which the API writes everywhere
    :return: ``None`` where there is none
    """
    try:
        read = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=timezone.utc)


def one_or_many(value: Any) -> Any:
    """Make a list of a single value: filters of the API repeat their name."""
    return [value] if isinstance(value, str) else value
