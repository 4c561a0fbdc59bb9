"""The HTTP provider's hook over a Layers connection."""

from __future__ import annotations

import pytest
import requests

from airflow_provider_layers.exceptions import LayersConnectionError, LayersParameterError
from airflow_provider_layers.hooks.http import LayersHttpHook
from tests.unit.serving import Reply, Server


@pytest.fixture
def hook(connect, server):
    connect(host=server.url, extra={"timeout": 7, "organization": "org_1"})
    return LayersHttpHook()


def test_it_calls_with_the_key_of_the_connection(hook, server, key):
    server.replies = [Reply({"balance": 5})]
    answer = hook.run("v1/credits", data={"limit": 1}, headers={"X-Own": "1"})
    (received,) = server.received
    assert answer.json() == {"balance": 5}
    assert (received.method, received.path) == ("GET", "/v1/credits?limit=1")
    assert received.headers["authorization"] == f"Bearer {key}"
    assert received.headers["x-layers-organization"] == "org_1"
    assert received.headers["x-own"] == "1"


@pytest.mark.parametrize("endpoint", ["v1/credits", "/v1/credits"])
def test_the_route_may_start_with_a_slash(hook, server, endpoint):
    hook.run(endpoint)
    assert server.received[0].path == "/v1/credits"


def test_the_timeout_is_that_of_the_connection_unless_given(hook):
    with hook.get_conn():
        assert hook.merged_extra == {"timeout": 7.0}
    with hook.get_conn(extra_options={"timeout": 1, "verify": False}):
        assert hook.merged_extra == {"timeout": 1, "verify": False}


def test_a_bad_answer_is_the_http_providers_error(hook, server):
    server.replies = [Reply({"error": {}}, 404)]
    with pytest.raises(Exception, match="404"):
        hook.run("v1/credits")


@pytest.mark.parametrize("scheme", ["bearer", "x-api-key"])
def test_a_redirect_carries_the_key_nowhere(connect, server, scheme):
    connect(host=server.url, extra={"auth_scheme": scheme})
    with Server() as foreign:
        server.replies = [Reply({}, 302, {"Location": f"{foreign.url}/v1/credits"})]
        with pytest.raises(LayersParameterError, match="must not see the API key"):
            LayersHttpHook().run("v1/credits")
        assert foreign.received == []


def test_a_route_cannot_lead_to_another_host(hook, server):
    with Server() as foreign:
        hook.run(f"{foreign.url}/v1/credits")
        assert foreign.received == []
    assert len(server.received) == 1


def test_a_redirect_on_the_same_host_is_followed(hook, server):
    server.replies = [Reply({}, 302, {"Location": "/v1/here"}), Reply({"balance": 5})]
    assert hook.run("v1/credits").json() == {"balance": 5}


def test_a_wrong_connection_says_so(connect):
    connect(password="")
    with pytest.raises(LayersConnectionError):
        LayersHttpHook().run("v1/credits")


def test_the_key_is_in_no_error(hook, server, key):
    server.replies = [Reply(hang_up=True)]
    with pytest.raises(requests.exceptions.ConnectionError) as caught:
        hook.run("v1/credits")
    assert key not in f"{caught.value} {caught.value!r}"
