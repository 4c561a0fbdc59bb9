"""Reading a connection, and its form on Airflow 2.11."""

from __future__ import annotations

import json

import pytest
from airflow.models.connection import Connection

from airflow_provider_layers.client import ApiConfig
from airflow_provider_layers.exceptions import LayersConnectionError
from airflow_provider_layers.get_provider_info import CONNECTION_FIELDS
from airflow_provider_layers.hooks.connection import ConnectionSettings, form_widget, read_connection


def connection(*, extra=None, password="lp_test_key", **fields):
    return Connection(
        conn_id="layers_acme", conn_type="layers", password=password, extra=json.dumps(extra or {}), **fields
    )


def refusal(**fields) -> str:
    with pytest.raises(LayersConnectionError) as caught:
        read_connection(connection(**fields))
    return str(caught.value)


def test_a_key_is_all_that_is_required():
    assert read_connection(connection()) == ConnectionSettings(
        ApiConfig("https://api.layers.com", "lp_test_key", "bearer", None, 30.0), "shared", None
    )


def test_every_field_can_be_set():
    extra = {
        "auth_scheme": "x-api-key",
        "organization": "org_1",
        "content_routes": "per-format",
        "timeout": 5,
        "poll_budget_rpm": 90,
    }
    assert read_connection(connection(host="http://localhost:8765", extra=extra)) == ConnectionSettings(
        ApiConfig("http://localhost:8765", "lp_test_key", "x-api-key", "org_1", 5.0), "per-format", 90
    )


def test_fields_that_a_form_left_untouched_have_their_defaults():
    for untouched in (None, ""):
        extra = dict.fromkeys(CONNECTION_FIELDS, untouched)
        assert read_connection(connection(extra=extra)) == read_connection(connection())


def test_numbers_may_be_text():
    settings = read_connection(connection(extra={"timeout": "7", "poll_budget_rpm": "60"}))
    assert (settings.api.timeout, settings.poll_budget_rpm) == (7.0, 60)


def test_a_killed_task_has_seconds_only():
    long, short = read_connection(connection()), read_connection(connection(extra={"timeout": 2}))
    assert long.with_short_timeout().api.timeout == 4.0
    assert short.with_short_timeout() == short


@pytest.mark.parametrize(
    ("fields", "base_url"),
    [
        ({"host": None}, "https://api.layers.com"),
        ({"host": ""}, "https://api.layers.com"),
        ({"host": " https://api.layers.com/ "}, "https://api.layers.com"),
        ({"host": "api.layers.com"}, "https://api.layers.com"),
        ({"host": "http://127.0.0.1:8765"}, "http://127.0.0.1:8765"),
        ({"host": "http://[::1]:8765"}, "http://[::1]:8765"),
        ({"host": "localhost", "port": 8765}, "https://localhost:8765"),
        ({"host": "localhost", "port": 8765, "schema": "http"}, "http://localhost:8765"),
        ({"host": "http://localhost", "port": 8765}, "http://localhost:8765"),
    ],
)
def test_the_base_url(fields, base_url):
    assert read_connection(connection(**fields)).api.base_url == base_url


def test_the_base_url_of_a_connection_written_as_a_uri():
    for uri in ("layers://:key@localhost:8765/http", "layers://http://:key@localhost:8765"):
        settings = read_connection(Connection(conn_id="layers_acme", uri=uri))
        assert settings.api.base_url == "http://localhost:8765"


def test_a_host_that_is_no_base_url_is_refused_without_its_password():
    for host in (
        "https://api.layers.com/v1",
        "api.layers.com/v1",
        "https://api.layers.com?x=1",
        "https://api.layers.com#x",
        "https://user@api.layers.com",
        "https://user:pass@api.layers.com",
        "https://:pass@api.layers.com",
        "ftp://api.layers.com",
        "https://",
        "https://api.layers.com:port",
        "https://[::1",
    ):
        text = refusal(host=host)
        assert text.startswith("Connection layers_acme: the host field takes a base URL")
        assert "such as https://api.layers.com" in text
        assert "pass" not in text


def test_a_connection_without_a_key_is_refused():
    for password in (None, "", "   "):
        assert refusal(password=password) == "Connection layers_acme: the password field holds no API key."


def test_a_key_that_no_header_can_carry_is_refused_and_not_shown():
    for password in ("lp_s3cret key", "lp_s3cret\nkey", "lp_s3cret\u2028key", "lp_s3crét", "lp_\x00s3cret"):
        text = refusal(password=password)
        assert "password field" in text
        assert "s3cr" not in text


def test_white_space_around_a_key_is_removed():
    assert read_connection(connection(password=" lp_test_key\n")).api.api_key == "lp_test_key"


@pytest.mark.parametrize(
    ("extra", "text"),
    [
        ({"auth_scheme": "basic"}, "extra auth_scheme = 'basic': should be one of bearer, x-api-key."),
        ({"content_routes": "both"}, "extra content_routes = 'both': should be one of shared, per-format."),
        ({"timeout": 0}, "extra timeout = 0: should be"),
        ({"timeout": -1}, "extra timeout = -1: should be"),
        ({"timeout": "2.5"}, "extra timeout = '2.5': should be a whole number"),
        ({"timeout": "soon"}, "extra timeout = 'soon': should be a whole number"),
        ({"poll_budget_rpm": 0}, "extra poll_budget_rpm = 0: should be"),
        ({"poll_budget_rpm": [1]}, "extra poll_budget_rpm = [1]: should be"),
        ({"organization": "org_1\nX-Evil: 1"}, "extra organization = "),
        ({"organization": "Bücher"}, "extra organization = "),
    ],
)
def test_a_wrong_extra_is_named_with_what_it_accepts(extra, text):
    assert refusal(extra=extra).startswith(f"Connection layers_acme: {text}")


def test_the_key_has_no_repr():
    assert "lp_test_key" not in repr(read_connection(connection()))


def test_equal_connections_share_a_client():
    one, other = read_connection(connection()), read_connection(connection(extra={"timeout": 30}))
    assert one == other
    assert hash(one) == hash(other)
    assert one != read_connection(connection(password="another"))


# The form of Airflow 2.11


@pytest.fixture
def form():
    """Return Airflow's form with our fields; call it with what a user filled in."""
    pytest.importorskip("flask_appbuilder", reason="Airflow 3 takes the form from the provider's metadata")
    from werkzeug.datastructures import MultiDict
    from wtforms import Form

    fields = {name: form_widget(field) for name, field in CONNECTION_FIELDS.items()}
    form_class = type("ConnectionForm", (Form,), fields)

    def fill_in(**values: str):
        return form_class(MultiDict({**dict.fromkeys(fields, ""), **values}))

    return fill_in


def test_the_form_accepts_what_a_connection_accepts(form):
    accepted = [
        {},
        {"auth_scheme": "bearer"},
        {"auth_scheme": "x-api-key"},
        {"content_routes": "shared"},
        {"content_routes": "per-format"},
        {"organization": "org_1"},
        {"timeout": "1"},
        {"poll_budget_rpm": "60"},
    ]
    forms = [form(**values) for values in accepted]
    assert [filled.errors for filled in forms if not filled.validate()] == []


def test_the_form_names_a_field_that_a_connection_does_not_accept(form):
    refused = [
        {"auth_scheme": "basic"},
        {"content_routes": "both"},
        {"timeout": "0"},
        {"timeout": "soon"},
        {"poll_budget_rpm": "0"},
    ]
    for values in refused:
        filled = form(**values)
        assert not filled.validate()
        assert filled.errors.keys() == values.keys()


def test_a_field_is_as_the_metadata_describes_it(form):
    from wtforms import IntegerField, StringField

    for name, described in CONNECTION_FIELDS.items():
        field = form()[name]
        assert type(field) is (IntegerField if "integer" in described["schema"]["type"] else StringField)
        assert field.description == described["description"]
        assert field.default == described["schema"].get("default")
        assert str(field.label.text) == described["label"]
