"""The connection form of Airflow below 3.2, made from the same fields as that of newer ones."""

from __future__ import annotations

from typing import Any

from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
from flask_babel import lazy_gettext
from wtforms import IntegerField, StringField
from wtforms.validators import AnyOf, NumberRange, Optional


def widget(field: dict[str, Any]) -> Any:
    """
    Make the widget of one field.

    Only text and number fields can be used here, so a choice is a text that is checked.

    :param field: an entry of ``conn-fields`` in the provider's metadata
    """
    schema = field["schema"]
    number = "integer" in schema["type"]
    checks = [Optional()]
    if "enum" in schema:
        checks.append(AnyOf(schema["enum"]))
    if "minimum" in schema:
        checks.append(NumberRange(min=schema["minimum"]))
    return (IntegerField if number else StringField)(
        lazy_gettext(field["label"]),
        widget=BS3TextFieldWidget(),
        description=field["description"],
        default=schema.get("default"),
        validators=checks,
    )
