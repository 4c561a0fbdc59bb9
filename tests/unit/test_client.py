"""Both clients against a server on this machine."""

from __future__ import annotations

import asyncio
import json
import logging
import socket

import httpx
import pytest

from airflow_provider_layers import __version__
from airflow_provider_layers.api.endpoint import Endpoint, NoAnswer, Pause, Send, json_of
from airflow_provider_layers.api.flow import ask, call
from airflow_provider_layers.client import Access, AsyncLayersClient, LayersClient
from airflow_provider_layers.exceptions import (
    LayersAuthenticationError,
    LayersTransportError,
    LayersUnexpectedAnswerError,
)
from tests.unit.serving import Reply, Server


def run_blocking(access, flow):
    client = LayersClient(access, sleep=lambda seconds: None)
    try:
        return client.run(flow)
    finally:
        client.close()


def run_in_loop(access, flow):
    async def no_time(seconds: float) -> None:
        pass

    async def run():
        client = AsyncLayersClient(access, sleep=no_time)
        try:
            return await client.run(flow)
        finally:
            await client.aclose()

    return asyncio.run(run())


@pytest.fixture(params=[run_blocking, run_in_loop], ids=["worker", "triggerer"])
def run(request):
    """Run a flow once from a worker and once inside an event loop."""
    return request.param


@pytest.fixture
def access(server, key):
    return Access(server.url, key)


def endpoint(path="/v1/it", **fields):
    return Endpoint(**{"asked": "do it", "method": "GET", "path": path, "read": json_of} | fields)


def raw(wanted):
    """Give back what the client made of an answer, unjudged."""
    return (yield Send(wanted))


def test_a_request_leaves_as_the_endpoint_describes_it(run, access, server):
    wanted = endpoint(
        "/v1/content/a%2Fb/schedule",
        method="POST",
        query=(("status", "a b"), ("status", "c&d")),
        body={"brief": {"topic": "é"}},
        idempotency_key="key-1",
        etag='"1"',
    )
    run(access, ask(wanted))
    (received,) = server.received
    assert received.method == "POST"
    assert received.path in (
        "/v1/content/a%2Fb/schedule?status=a+b&status=c%26d",
        "/v1/content/a%2Fb/schedule?status=a%20b&status=c%26d",
    )
    assert json.loads(received.body) == {"brief": {"topic": "é"}}
    assert received.headers["content-type"] == "application/json"
    assert received.headers["idempotency-key"] == "key-1"
    assert received.headers["if-none-match"] == '"1"'
    assert received.headers["accept"] == "application/json"
    assert received.headers["user-agent"] == f"airflow-provider-layers/{__version__}"


def test_what_an_endpoint_does_not_say_is_not_sent(run, access, server):
    run(access, ask(endpoint(method="POST")))
    (received,) = server.received
    assert received.path == "/v1/it"
    assert received.body == b""
    assert not {"content-type", "idempotency-key", "if-none-match"} & received.headers.keys()


def test_the_key_is_sent_as_a_bearer(run, access, server, key):
    run(access, ask(endpoint()))
    headers = server.received[0].headers
    assert headers["authorization"] == f"Bearer {key}"
    assert "x-api-key" not in headers
    assert "x-layers-organization" not in headers


def test_the_key_is_sent_under_its_older_name_if_asked_to(run, server, key):
    access = Access(server.url, key, auth_scheme="x-api-key", organization="org_1")
    run(access, ask(endpoint()))
    headers = server.received[0].headers
    assert headers["x-api-key"] == key
    assert "authorization" not in headers
    assert headers["x-layers-organization"] == "org_1"


def test_an_answer_is_read_by_the_endpoint(run, access, server):
    server.replies = [Reply({"id": "1"}, headers={"ETag": '"7"'})]
    answer = run(access, raw(endpoint()))
    assert (answer.status, answer.headers.get("etag"), answer.json()) == (200, '"7"', {"id": "1"})


def test_the_base_url_may_end_in_a_slash(run, server, key):
    run(Access(f"{server.url}/", key), ask(endpoint()))
    assert server.received[0].path == "/v1/it"


def test_a_flow_runs_over_errors_and_pauses_to_its_result(run, access, server):
    server.replies = [Reply(status=503), Reply(hang_up=True), Reply({"id": "1"})]
    assert run(access, call(endpoint())) == {"id": "1"}
    assert len(server.received) == 3


def test_pauses_are_slept_with_the_function_that_was_given(access):
    slept = []

    def pause():
        yield Pause(1.25)

    client = LayersClient(access, sleep=slept.append)
    client.run(pause())
    client.close()
    assert slept == [1.25]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_its_host_never_sees_the_key(run, access, server, status):
    with Server() as foreign:
        server.replies = [Reply({}, status, {"Location": f"{foreign.url}/v1/it"})]
        with pytest.raises(LayersUnexpectedAnswerError, match="redirect"):
            run(access, ask(endpoint()))
        assert foreign.received == []


def test_a_path_cannot_lead_to_another_host(run, access, server, key):
    with Server() as foreign:
        host = foreign.url.removeprefix("http:")
        run(access, raw(endpoint(f"{host}/v1/it")))
        assert [key in str(received) for received in foreign.received] == []


@pytest.mark.parametrize("body", [b"<html>", b"", b'{"cut": ', b"[]"])
def test_garbage_is_an_unexpected_answer(run, access, server, body):
    server.replies = [Reply(body)]
    with pytest.raises(LayersUnexpectedAnswerError, match="not a JSON object"):
        run(access, ask(endpoint()))


def test_a_body_that_cannot_be_decoded_is_no_answer(run, access, server):
    server.replies = [Reply(b"not gzip", headers={"Content-Encoding": "gzip"})]
    assert isinstance(run(access, raw(endpoint())), NoAnswer)


def test_a_disconnect_is_no_answer(run, access, server):
    server.replies = [Reply(hang_up=True)]
    with pytest.raises(LayersTransportError, match="Could not do it: no answer from the API"):
        run(access, ask(endpoint()))


def test_a_refused_connection_is_no_answer(run, key):
    with socket.create_server(("127.0.0.1", 0)) as closed_soon:
        port = closed_soon.getsockname()[1]
    with pytest.raises(LayersTransportError, match="ConnectError"):
        run(Access(f"http://127.0.0.1:{port}", key), ask(endpoint()))


def test_silence_is_no_answer(run, key):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        access = Access(f"http://127.0.0.1:{silent.getsockname()[1]}", key, timeout=0.05)
        with pytest.raises(LayersTransportError, match="ReadTimeout"):
            run(access, ask(endpoint()))


def test_connecting_has_10_s_of_its_own(access):
    client = LayersClient(access)
    assert client._http.timeout == httpx.Timeout(30.0, connect=10.0)
    client.close()


@pytest.mark.parametrize(
    "reply",
    [
        Reply({"error": {"code": "UNAUTHENTICATED", "message": "Wrong key.", "requestId": "req_1"}}, 401),
        Reply(hang_up=True),
        Reply(b"<html>"),
        Reply({}, 302, {"Location": "https://evil.example/"}),
    ],
)
@pytest.mark.parametrize("scheme", ["bearer", "x-api-key"])
def test_the_key_is_in_no_error_and_no_log(run, server, key, reply, scheme, caplog):
    caplog.set_level(logging.DEBUG)
    server.replies = [reply]
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whichever it is
        run(Access(server.url, key, auth_scheme=scheme), ask(endpoint()))
    seen = [caught.value, caught.value.__cause__, caught.value.__context__]
    assert [one for one in seen if key in f"{one} {one!r} {vars(one) if one else ''}"] == []
    assert key not in caplog.text


def test_a_wrong_key_is_an_authentication_error(run, access, server):
    server.replies = [Reply({"error": {"code": "UNAUTHENTICATED", "requestId": "req_1"}}, 401)]
    with pytest.raises(LayersAuthenticationError) as caught:
        run(access, ask(endpoint()))
    assert caught.value.request_id == "req_1"


def test_the_key_has_no_repr(access, key):
    assert key not in repr(access)


def test_polls_write_no_line_each_into_the_log(run, access, caplog):
    caplog.set_level(logging.INFO, logger="httpx")
    run(access, ask(endpoint()))
    assert [record for record in caplog.records if record.name == "httpx"] == []


def test_lines_of_httpx_about_other_hosts_stay(access, caplog):
    caplog.set_level(logging.INFO, logger="httpx")
    LayersClient(access).close()
    with Server() as other:
        url = other.url.replace("127.0.0.1", "localhost")
        httpx.get(url)
    assert [record.args[1] for record in caplog.records if record.name == "httpx"] == [httpx.URL(url)]


def test_warnings_of_httpx_about_our_host_stay(access, caplog):
    LayersClient(access).close()
    logging.getLogger("httpx").warning("%s is odd: %s", "the certificate", access.base_url)
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://layers.example:443", "https://layers.example/v1"),
        ("https://API.example", "https://api.example/v1"),
    ],
)
def test_our_host_is_known_in_every_spelling(key, caplog, base_url, url):
    caplog.set_level(logging.INFO, logger="httpx")
    LayersClient(Access(base_url, key)).close()
    logging.getLogger("httpx").info(
        'HTTP Request: %s %s "%s %d %s"', "GET", httpx.URL(url), "HTTP/1.1", 200, "OK"
    )
    assert caplog.records == []


def test_a_canceled_wait_is_not_taken_for_a_lost_answer(key):
    async def cancel_while_asking(port: int) -> None:
        client = AsyncLayersClient(Access(f"http://127.0.0.1:{port}", key))
        asking = asyncio.ensure_future(client.run(ask(endpoint())))
        await asyncio.sleep(0.05)
        asking.cancel()
        try:
            await asking
        finally:
            await client.aclose()

    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel_while_asking(silent.getsockname()[1]))
