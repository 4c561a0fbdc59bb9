"""The provider metadata that Airflow reads."""

from __future__ import annotations

import importlib
import json
from importlib.metadata import entry_points
from importlib.resources import files

import jsonschema
from airflow.providers.common.compat.sdk import BaseHook, BaseOperatorLink

from airflow_provider_layers import __version__
from airflow_provider_layers.get_provider_info import CONNECTION_FIELDS, get_provider_info
from airflow_provider_layers.hooks.layers import LayersHook
from tests.house.source import MODULES, PACKAGE

INFO = get_provider_info()
(CONNECTION,) = INFO["connection-types"]
NOUNS = ("hooks", "operators", "sensors", "triggers")


def load(path):
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def test_it_is_what_airflows_own_schema_asks_for():
    schema = json.loads(files("airflow").joinpath("provider_info.schema.json").read_text())
    jsonschema.validate(INFO, schema)
    # Airflow puts it into JSON on its way to the form.
    assert json.loads(json.dumps(INFO)) == INFO


def test_it_is_the_entry_point_that_airflow_looks_for():
    (entry,) = [one for one in entry_points(group="apache_airflow_provider") if one.value.startswith(PACKAGE)]
    assert entry.load() is get_provider_info


def test_it_names_this_version_of_this_distribution():
    assert INFO["package-name"] == "airflow-provider-layers"
    assert INFO["versions"][0] == __version__


def test_every_module_that_it_names_can_be_imported():
    integrations = {one["integration-name"] for one in INFO["integrations"]}
    for noun in NOUNS:
        for row in INFO[noun]:
            assert row["integration-name"] in integrations
            for module in row["python-modules"]:
                importlib.import_module(module)


# What is shared, or is imported from another module.
INSIDE = {
    "hooks.connection",
    "operators.base",
    "operators.batch",
    "operators.containers",
    "operators.review",
    "operators.turns",
    "sensors.base",
    "triggers.base",
}


def test_every_public_module_is_named():
    for noun in NOUNS:
        named = {module for row in INFO[noun] for module in row["python-modules"]}
        present = [one for one in MODULES if one.top == noun and one.name not in {noun, *INSIDE}]
        assert named == {one.full_name for one in present}, noun


def test_every_link_is_named():
    links = [load(path) for path in INFO["extra-links"]]
    assert all(issubclass(link, BaseOperatorLink) for link in links)
    assert {link.__module__ for link in links} == {
        one.full_name for one in MODULES if one.top == "links" and one.name != "links"
    }


def test_the_connection_type_is_that_of_the_hook():
    assert load(CONNECTION["hook-class-name"]) is LayersHook
    assert issubclass(LayersHook, BaseHook)
    assert CONNECTION["connection-type"] == LayersHook.conn_type == "layers"
    assert CONNECTION["hook-name"] == LayersHook.hook_name
    assert LayersHook.default_conn_name == "layers_default"
    assert LayersHook.conn_name_attr == "layers_conn_id"


def test_the_form_asks_for_what_the_design_names():
    assert set(CONNECTION_FIELDS) == {
        "auth_scheme",
        "organization",
        "content_routes",
        "timeout",
        "poll_budget_rpm",
    }
    assert CONNECTION["conn-fields"] == CONNECTION_FIELDS


def test_every_field_of_the_form_explains_itself():
    for name, field in CONNECTION_FIELDS.items():
        assert field["label"], name
        assert field["description"].endswith("."), name
        # The form stores an untouched field as null.
        assert "null" in field["schema"]["type"], name
        if "default" in field["schema"]:
            jsonschema.validate(field["schema"]["default"], field["schema"])


def test_both_descriptions_of_the_standard_fields_say_the_same():
    old = LayersHook.get_ui_field_behaviour()
    new = CONNECTION["ui-field-behaviour"]
    assert {name.replace("_", "-"): value for name, value in old.items()} == new


def test_the_form_hides_and_renames_fields_that_a_connection_has():
    behaviour = CONNECTION["ui-field-behaviour"]
    standard = {"host", "login", "password", "schema", "port", "description", "extra"}
    assert set(behaviour["hidden-fields"]) <= standard
    assert set(behaviour["relabeling"]) <= standard
    assert set(behaviour["placeholders"]) <= standard | set(CONNECTION_FIELDS)


def test_the_key_is_the_password_that_airflow_masks():
    assert CONNECTION["ui-field-behaviour"]["relabeling"]["password"] == "API key"
    assert not [name for name in CONNECTION_FIELDS if "key" in name or "secret" in name or "token" in name]
