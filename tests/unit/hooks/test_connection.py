"""Reading a connection."""

from __future__ import annotations

import json

import pytest
from airflow.models.connection import Connection

from airflow_provider_layers.client import Access
from airflow_provider_layers.exceptions import LayersConnectionError
from airflow_provider_layers.get_provider_info import CONNECTION_FIELDS
from airflow_provider_layers.hooks.settings import Settings, read_settings


def connection(*, extra=None, password="lp_test_key", **fields):
    return Connection(
        conn_id="layers_acme", conn_type="layers", password=password, extra=json.dumps(extra or {}), **fields
    )


def refusal(**fields) -> str:
    with pytest.raises(LayersConnectionError) as caught:
        read_settings(connection(**fields))
    return str(caught.value)


def test_a_key_is_all_that_is_needed():
    assert read_settings(connection()) == Settings(
        Access("https://api.layers.com", "lp_test_key", "bearer", None, 30.0), "shared", None
    )


def test_everything_can_be_said():
    extra = {
        "auth_scheme": "x-api-key",
        "organization": "org_1",
        "content_routes": "per-format",
        "timeout": 5,
        "poll_budget_rpm": 90,
    }
    assert read_settings(connection(host="http://localhost:8765", extra=extra)) == Settings(
        Access("http://localhost:8765", "lp_test_key", "x-api-key", "org_1", 5.0), "per-format", 90
    )


@pytest.mark.parametrize("untouched", [None, ""])
def test_fields_that_a_form_left_alone_have_their_defaults(untouched):
    extra = dict.fromkeys(CONNECTION_FIELDS, untouched)
    assert read_settings(connection(extra=extra)) == read_settings(connection())


def test_numbers_may_come_as_text():
    settings = read_settings(connection(extra={"timeout": "7", "poll_budget_rpm": "60"}))
    assert (settings.access.timeout, settings.poll_budget_rpm) == (7.0, 60)


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
    assert read_settings(connection(**fields)).access.base_url == base_url


@pytest.mark.parametrize("uri", ["layers://:key@localhost:8765/http", "layers://http://:key@localhost:8765"])
def test_the_base_url_of_a_connection_written_as_a_uri(uri):
    settings = read_settings(Connection(conn_id="layers_acme", uri=uri))
    assert settings.access.base_url == "http://localhost:8765"


@pytest.mark.parametrize(
    "host",
    [
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
    ],
)
def test_a_host_that_is_no_base_url_is_refused(host):
    text = refusal(host=host)
    assert text.startswith("Connection layers_acme: the host field takes a base URL")
    assert "such as https://api.layers.com" in text
    assert "pass" not in text


@pytest.mark.parametrize("password", [None, "", "   "])
def test_a_connection_without_a_key_is_refused(password):
    assert refusal(password=password) == "Connection layers_acme: the password field holds no API key."


@pytest.mark.parametrize(
    "password", ["lp_s3cret key", "lp_s3cret\nkey", "lp_s3cret\u2028key", "lp_s3crét", "lp_\x00s3cret"]
)
def test_a_key_that_no_header_carries_is_refused_and_not_shown(password):
    text = refusal(password=password)
    assert "password field" in text
    assert "s3cr" not in text


def test_white_space_around_a_key_is_a_slip_of_the_paste():
    assert read_settings(connection(password=" lp_test_key\n")).access.api_key == "lp_test_key"


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
def test_a_wrong_extra_is_named_with_what_it_takes(extra, text):
    assert refusal(extra=extra).startswith(f"Connection layers_acme: {text}")


def test_the_key_is_in_no_repr():
    assert "lp_test_key" not in repr(read_settings(connection()))


def test_connections_that_say_the_same_are_the_same():
    one, other = read_settings(connection()), read_settings(connection(extra={"timeout": 30}))
    assert one == other
    assert hash(one) == hash(other)
    assert one != read_settings(connection(password="another"))
