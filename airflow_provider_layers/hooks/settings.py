"""Reading an Airflow connection of type ``layers``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_layers.client import Access
from airflow_provider_layers.exceptions import LayersConnectionError
from airflow_provider_layers.get_provider_info import CONNECTION_FIELDS, DEFAULT_HOST

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection


TIMEOUT_IN_HASTE = 4.0


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

    def in_haste(self) -> Settings:
        """Give the same with a timeout that lets two attempts end within the seconds of a killed task."""
        return replace(self, access=replace(self.access, timeout=min(self.access.timeout, TIMEOUT_IN_HASTE)))


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
    host = (connection.host or DEFAULT_HOST).strip()
    if "://" not in host:
        host = f"{connection.schema or 'https'}://{host}"
    host = host.rstrip("/")
    try:
        parts = urlsplit(host)
        own_port = parts.port
    except ValueError:
        raise _no_base_url(connection) from None
    bare = parts.scheme in ("http", "https") and host == f"{parts.scheme}://{parts.netloc}"
    if not bare or not parts.hostname or "@" in parts.netloc:
        raise _no_base_url(connection)
    return f"{host}:{connection.port}" if connection.port and own_port is None else host


def _no_base_url(connection: Connection) -> LayersConnectionError:
    return LayersConnectionError(
        f"Connection {connection.conn_id}: the host field takes a base URL of scheme and host only, "
        f"such as {DEFAULT_HOST}; paths such as /v1 are added by this package."
    )


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
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        raise LayersConnectionError(f"Connection {name}: extra {field} = {value!r}: should be a plain id.")
    return value


def _whole_number(value: Any, field: str, name: str) -> int:
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if number < 1:
        raise LayersConnectionError(
            f"Connection {name}: extra {field} = {value!r}: should be a whole number, 1 or more."
        )
    return number
