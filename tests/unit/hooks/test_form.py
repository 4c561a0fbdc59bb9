"""The connection form of Airflow 2.11."""

from __future__ import annotations

import pytest

pytest.importorskip("flask_appbuilder", reason="Airflow 3 takes the form from the provider's metadata")

from werkzeug.datastructures import MultiDict
from wtforms import Form, IntegerField, StringField

from airflow_provider_layers.get_provider_info import CONNECTION_FIELDS
from airflow_provider_layers.hooks.form import widget


@pytest.fixture
def form():
    """Airflow's form with our fields; call it with what a person filled in."""
    fields = {name: widget(field) for name, field in CONNECTION_FIELDS.items()}
    made = type("ConnectionForm", (Form,), fields)

    def fill_in(**given: str):
        return made(MultiDict({**dict.fromkeys(fields, ""), **given}))

    return fill_in


def test_an_untouched_form_is_valid(form):
    filled = form()
    assert filled.validate(), filled.errors


@pytest.mark.parametrize(
    "given",
    [
        {"auth_scheme": "bearer"},
        {"auth_scheme": "x-api-key"},
        {"content_routes": "shared"},
        {"content_routes": "per-format"},
        {"organization": "org_1"},
        {"timeout": "1"},
        {"poll_budget_rpm": "60"},
    ],
)
def test_what_a_field_takes_is_valid(form, given):
    filled = form(**given)
    assert filled.validate(), filled.errors


@pytest.mark.parametrize(
    "given",
    [
        {"auth_scheme": "basic"},
        {"content_routes": "both"},
        {"timeout": "0"},
        {"timeout": "soon"},
        {"poll_budget_rpm": "0"},
    ],
)
def test_what_it_does_not_take_is_not(form, given):
    filled = form(**given)
    assert not filled.validate()
    assert filled.errors.keys() == given.keys()


@pytest.mark.parametrize("name", CONNECTION_FIELDS)
def test_a_field_is_as_the_metadata_describes_it(form, name):
    field, described = form()[name], CONNECTION_FIELDS[name]
    number = "integer" in described["schema"]["type"]
    assert type(field) is (IntegerField if number else StringField)
    assert field.description == described["description"]
    assert field.default == described["schema"].get("default")
    assert str(field.label.text) == described["label"]
