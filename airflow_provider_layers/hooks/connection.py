"""An Airflow connection of type ``layers``: its settings, and its form on Airflow below 3.2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_layers.client import ApiConfig
from airflow_provider_layers.exceptions import LayersConnectionError
from airflow_provider_layers.get_provider_info import CONNECTION_FIELDS, DEFAULT_HOST

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

SHORT_TIMEOUT = 4.0
"""Seconds. Airflow kills a task 5 s after its signal; a cancel gets two attempts within 3 s of these."""


@dataclass(frozen=True)
class ConnectionSettings:
    """
    The settings of a connection.

    :param content_routes: ``shared`` or ``per-format``
    :param poll_budget_rpm: most reads a minute of one triggerer, or ``None``
    """

    api: ApiConfig
    content_routes: str
    poll_budget_rpm: int | None

    def with_short_timeout(self) -> ConnectionSettings:
        """Return the same with a timeout for the last seconds of a killed task."""
        return replace(self, api=replace(self.api, timeout=min(self.api.timeout, SHORT_TIMEOUT)))


def read_connection(connection: Connection) -> ConnectionSettings:
    """
    Read a connection.

    :param connection: password: the API key; host: the base URL; extras: see the connection form
    :raises LayersConnectionError: names the field that is wrong and what it accepts
    """
    conn_id = connection.conn_id
    extra = {field: _extra(connection.extra_dejson, field, conn_id) for field in CONNECTION_FIELDS}
    api = ApiConfig(
        base_url=_base_url(connection),
        api_key=_api_key(connection),
        auth_scheme=extra["auth_scheme"],
        organization=extra["organization"],
        timeout=float(extra["timeout"]),
    )
    return ConnectionSettings(api, extra["content_routes"], extra["poll_budget_rpm"])


def form_widget(field: dict[str, Any]) -> Any:
    """
    Return the widget of a field of the form, for Airflow below 3.2.

    Airflow accepts only text and number fields here, so a choice is a text field with a validator.

    :param field: an entry of ``conn-fields`` in the provider's metadata
    """
    # Installed with Airflow below 3 only.
    from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
    from wtforms import IntegerField, StringField, validators

    schema = field["schema"]
    rules = [validators.Optional()]
    if "enum" in schema:
        rules.append(validators.AnyOf(schema["enum"]))
    if "minimum" in schema:
        rules.append(validators.NumberRange(min=schema["minimum"]))
    return (IntegerField if "integer" in schema["type"] else StringField)(
        field["label"],
        widget=BS3TextFieldWidget(),
        description=field["description"],
        default=schema.get("default"),
        validators=rules,
    )


def _api_key(connection: Connection) -> str:
    key = (connection.password or "").strip()
    if not key:
        raise LayersConnectionError(f"Connection {connection.conn_id}: the password field holds no API key.")
    # Checked here, because an HTTP library would quote the whole value in its own error.
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
        port = parts.port
    except ValueError:
        raise _base_url_error(connection) from None
    is_bare = parts.scheme in ("http", "https") and host == f"{parts.scheme}://{parts.netloc}"
    if not is_bare or not parts.hostname or "@" in parts.netloc:
        raise _base_url_error(connection)
    return f"{host}:{connection.port}" if connection.port and port is None else host


def _base_url_error(connection: Connection) -> LayersConnectionError:
    return LayersConnectionError(
        f"Connection {connection.conn_id}: the host field takes a base URL of scheme and host only, "
        f"such as {DEFAULT_HOST}; paths such as /v1 are added by this package."
    )


def _extra(extras: Mapping[str, Any], field: str, conn_id: str) -> Any:
    schema = CONNECTION_FIELDS[field]["schema"]
    value = extras.get(field)
    # The form of Airflow 3 stores an untouched field as null, that of Airflow 2 as an empty string.
    if value is None or value == "":
        return schema.get("default")
    if "enum" in schema and value not in schema["enum"]:
        raise LayersConnectionError(
            f"Connection {conn_id}: extra {field} = {value!r}: should be one of {', '.join(schema['enum'])}."
        )
    if "integer" in schema["type"]:
        return _whole_number(value, field, conn_id)
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        raise LayersConnectionError(f"Connection {conn_id}: extra {field} = {value!r}: should be a plain id.")
    return value


def _whole_number(value: Any, field: str, conn_id: str) -> int:
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if number < 1:
        raise LayersConnectionError(
            f"Connection {conn_id}: extra {field} = {value!r}: should be a whole number, 1 or more."
        )
    return number
