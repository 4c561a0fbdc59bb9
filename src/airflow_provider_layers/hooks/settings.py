"""Reading an Airflow connection of type ``layers``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_layers.client import Access
from airflow_provider_layers.exceptions import LayersConnectionError
from airflow_provider_layers.get_provider_info import CONNECTION_FIELDS, DEFAULT_HOST

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection


@dataclass(frozen=True)
class Settings:
    """
    What a connection says.

    :param access: where the API is and how to be let in
    :param content_routes: ``shared`` or ``per-format``
    :param poll_budget_rpm: most reads a minute of one triggerer, or ``None``
    """

    access: Access
    content_routes: str
    poll_budget_rpm: int | None


def read_settings(connection: Connection) -> Settings:
    """
    Read a connection.

    :param connection: password: the API key; host: the base URL; extras: see the connection's form
    :raises LayersConnectionError: says which field is wrong and what it takes
    """
    name = connection.conn_id
    extra = {field: _extra(connection.extra_dejson, field, name) for field in CONNECTION_FIELDS}
    access = Access(
        base_url=_base_url(connection),
        api_key=_api_key(connection),
        auth_scheme=extra["auth_scheme"],
        organization=extra["organization"],
        timeout=float(extra["timeout"]),
    )
    return Settings(access, extra["content_routes"], extra["poll_budget_rpm"])


def _api_key(connection: Connection) -> str:
    key = (connection.password or "").strip()
    if not key:
        raise LayersConnectionError(f"Connection {connection.conn_id}: the password field holds no API key.")
    # Checked here, because an HTTP library would quote the whole value in its own complaint.
    if not key.isascii() or not key.isprintable() or " " in key:
        raise LayersConnectionError(
            f"Connection {connection.conn_id}: the API key in the password field has characters that no HTTP "
            "header carries (spaces, line breaks or non-ASCII). Paste it again."
        )
    return key


def _base_url(connection: Connection) -> str:
    host = (connection.host or DEFAULT_HOST).strip().rstrip("/")
    if "://" not in host:
        port = f":{connection.port}" if connection.port else ""
        host = f"{connection.schema or 'https'}://{host}{port}"
    parts = urlsplit(host)
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.path
        or parts.query
        or parts.username
    ):
        raise LayersConnectionError(
            f"Connection {connection.conn_id}: the host field takes a base URL of scheme and host only, "
            f"such as {DEFAULT_HOST}; paths such as /v1 are added by this package."
        )
    return host


def _extra(extras: Mapping[str, Any], field: str, name: str) -> Any:
    schema = CONNECTION_FIELDS[field]["schema"]
    value = extras.get(field)
    # The form of Airflow 3 stores an untouched field as null, that of Airflow 2 as an empty string.
    if value is None or value == "":
        return schema.get("default")
    if "enum" in schema and value not in schema["enum"]:
        raise LayersConnectionError(
            f"Connection {name}: extra {field} = {value!r}: should be one of {', '.join(schema['enum'])}."
        )
    if "integer" in schema["type"]:
        return _whole_number(value, field, name)
    return str(value)


def _whole_number(value: Any, field: str, name: str) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = 0
    if number < 1:
        raise LayersConnectionError(f"Connection {name}: extra {field} = {value!r}: should be 1 or more.")
    return number
