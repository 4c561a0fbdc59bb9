"""Both clients: retries and pagination against a scripted API, the wire against a server on this machine."""

from __future__ import annotations

import asyncio
import json
import logging
import socket

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_layers import __version__
from airflow_provider_layers.api.endpoint import (
    MAX_ATTEMPTS,
    ConflictResolution,
    Endpoint,
    Response,
    paged,
    read_json,
)
from airflow_provider_layers.client import ApiConfig, AsyncLayersClient, LayersClient
from airflow_provider_layers.exceptions import (
    LayersAuthenticationError,
    LayersConflictError,
    LayersRateLimitError,
    LayersServerError,
    LayersTransportError,
    LayersUnexpectedResponseError,
)
from tests.unit.scripted import CONFIG, KEY, LOST, FakeClock, ScriptedApi, error, ok
from tests.unit.serving import Reply, Server

READ = Endpoint(description="read it", method="GET", path="/v1/it", read=read_json)
START = Endpoint(description="start it", method="POST", path="/v1/it", read=read_json)
KEYED = Endpoint(description="start it", method="POST", path="/v1/it", read=read_json, idempotency_key="k")


def of_worker(method, endpoint, *, config=CONFIG, clock=None, transport=None):
    client = LayersClient(config, clock=clock or FakeClock(), jitter=lambda: 0.5, transport=transport)
    try:
        return getattr(client, method)(endpoint)
    finally:
        client.close()


def of_triggerer(method, endpoint, *, config=CONFIG, clock=None, transport=None):
    async def run():
        client = AsyncLayersClient(
            config, clock=clock or FakeClock(), jitter=lambda: 0.5, transport=transport
        )
        try:
            return await getattr(client, method)(endpoint)
        finally:
            await client.aclose()

    return asyncio.run(run())


@pytest.fixture(params=[of_worker, of_triggerer], ids=["worker", "triggerer"])
def call(request):
    """Send an endpoint, from a worker and inside an event loop."""
    return request.param


@pytest.fixture
def config(server, key):
    return ApiConfig(server.url, key)


# Sending


def test_sending_reads_the_response_and_does_not_retry(call, script):
    assert call("send", READ, transport=script(ok({"id": "1"}))) == {"id": "1"}
    with pytest.raises(LayersServerError):
        call("send", READ, transport=script(error(503)))


def test_a_response_is_read_with_its_status_and_headers(call, script):
    raw = READ.with_reader(lambda response: response)
    received = call("send", raw, transport=script(ok({"id": "1"}, ETag='"7"')))
    assert isinstance(received, Response)
    assert (received.status_code, received.headers.get("etag"), received.json()) == (200, '"7"', {"id": "1"})


@pytest.mark.parametrize("failure", [error(503), error(429), error(408), error(425), LOST, ok(b"garbage")])
@pytest.mark.parametrize("endpoint", [READ, KEYED], ids=["read", "keyed"])
def test_a_transient_failure_is_retried_where_that_is_safe(call, script, endpoint, failure):
    api, clock = script(failure, ok({"id": "1"})), FakeClock()
    assert call("send_with_retries", endpoint, transport=api, clock=clock) == {"id": "1"}
    assert clock.slept == [0.375]
    assert api.keys == [endpoint.idempotency_key] * 2 * (endpoint is KEYED)


@pytest.mark.parametrize(
    ("failure", "error_type"),
    [(error(503), LayersServerError), (LOST, LayersTransportError), (error(429), LayersRateLimitError)],
)
def test_a_request_that_could_be_carried_out_twice_is_sent_once(call, script, failure, error_type):
    clock = FakeClock()
    with pytest.raises(error_type):
        call("send_with_retries", START, transport=script(failure), clock=clock)
    assert clock.slept == []


def test_a_permanent_error_is_not_retried(call, script):
    with pytest.raises(LayersAuthenticationError):
        call("send_with_retries", READ, transport=script(error(401)))


def test_the_last_error_is_raised_without_another_pause(call, script):
    api, clock = script(*[LOST] * (MAX_ATTEMPTS - 1), error(502, request_id="req_last")), FakeClock()
    with pytest.raises(LayersServerError) as caught:
        call("send_with_retries", READ, transport=api, clock=clock)
    assert caught.value.request_id == "req_last"
    assert clock.slept == [0.375, 0.75, 1.5, 3.0]


def test_retry_after_is_the_least_pause_and_a_long_one_ends_the_call(call, script):
    clock = FakeClock()
    call("send_with_retries", READ, transport=script(error(429, retry_after="7"), ok({})), clock=clock)
    assert clock.slept == [7.375]
    with pytest.raises(LayersRateLimitError) as caught:
        call("send_with_retries", READ, transport=script(error(429, retry_after="3600")), clock=clock)
    assert caught.value.retry_after == 3600.0
    assert clock.slept == [7.375]


# A request whose conflict is resolved by a state: ``done`` has its effect, ``open`` leaves it open.
DECIDE = Endpoint(
    description="decide",
    method="POST",
    path="/v1/it/decide",
    read=read_json,
    idempotency_key="k",
    on_conflict=ConflictResolution(
        current=READ,
        has_effect=lambda state: None if state.get("status") in (None, "open") else state["status"] == "done",
        result=dict,
    ),
)


def test_a_conflict_is_settled_by_reading_the_current_state(call, script):
    api = script(LOST, error(409, "CONFLICT"), LOST, ok({"status": "open"}), ok({"status": "done"}))
    assert call("send_with_retries", DECIDE, transport=api) == {"status": "done"}
    assert api.paths == ["POST /v1/it/decide"] * 2 + ["GET /v1/it"] * 3


@pytest.mark.parametrize("details", [None, {"status": "done"}, {"status": "other"}])
def test_a_conflict_that_the_current_state_does_not_settle_is_raised(call, script, details):
    """What was read is newer than the details."""
    api = script(error(409, "CONFLICT", "Not now.", details=details), ok({"status": "other"}))
    with pytest.raises(LayersConflictError, match="Not now"):
        call("send_with_retries", DECIDE, transport=api)


@pytest.mark.parametrize(
    ("failure", "error_type"), [(LOST, LayersTransportError), (error(503), LayersServerError)]
)
def test_a_conflict_whose_state_cannot_be_read_is_that_error(call, script, failure, error_type):
    with pytest.raises(error_type):
        call("send_with_retries", DECIDE, transport=script(error(409), *[failure] * MAX_ATTEMPTS))


def test_a_state_that_stays_open_or_is_not_found_is_a_transient_error(call, script):
    for replies in ([ok({"status": "open"})] * MAX_ATTEMPTS, [error(404, "NOT_FOUND")]):
        with pytest.raises(LayersUnexpectedResponseError):
            call("send_with_retries", DECIDE, transport=script(error(409), *replies))


def test_the_details_settle_a_conflict_where_the_state_does_not(call, script):
    for reply in (ok({"status": "open"}), error(404, "NOT_FOUND"), error(403, "FORBIDDEN_SCOPE")):
        done = script(error(409, "CONFLICT", details={"status": "done"}), reply)
        assert call("send_with_retries", DECIDE, transport=done) == {"status": "done"}
        refused = script(error(409, "CONFLICT", "Not now.", details={"status": "other"}), reply)
        with pytest.raises(LayersConflictError, match="Not now"):
            call("send_with_retries", DECIDE, transport=refused)


def test_failures_are_reported_as_they_happen_and_the_report_can_end_the_call(script):
    seen = []

    def report(attempt, failure):
        seen.append((attempt, type(failure)))
        if attempt == 2:
            raise KeyError("enough")

    with pytest.raises(KeyError):
        script(LOST, error(503)).client().send_with_retries(READ, on_failure=report)
    assert seen == [(1, LayersTransportError), (2, LayersServerError)]


# Pagination


def rows(*names, cursor=None):
    return ok({"items": [{"id": name} for name in names], "nextCursor": cursor})


def paginate(api, *, limit=None):
    found = api.client().paginate(paged("list it", "/v1/list"), limit=limit, page_size=3)
    return [row["id"] for row in found]


def test_a_list_is_read_to_its_end(script):
    api = script(rows("a", "b", "c", cursor="2"), rows(cursor="3"), LOST, rows("d"))
    assert paginate(api) == ["a", "b", "c", "d"]
    pages = ["limit=3", "limit=3&cursor=2", "limit=3&cursor=3", "limit=3&cursor=3"]
    assert api.paths == [f"GET /v1/list?{query}" for query in pages], "each page is retried separately"


def test_a_limit_shortens_the_last_page_and_what_it_holds(script):
    api = script(rows("a", "b", "c", cursor="2"), rows("d", "e", cursor="3"))
    assert paginate(api, limit=4) == ["a", "b", "c", "d"]
    assert api.paths == ["GET /v1/list?limit=3", "GET /v1/list?limit=1&cursor=2"]


@pytest.mark.parametrize("last", [{"items": []}, {"items": None, "nextCursor": None}, {"nextCursor": ""}, {}])
def test_a_page_without_a_cursor_is_the_last(script, last):
    assert paginate(script(ok(last))) == []


def test_cursors_that_repeat_are_an_error_and_no_endless_loop(script):
    api = script(rows("a", cursor="1"), rows("b", cursor="2"), rows("c", cursor="1"))
    with pytest.raises(LayersUnexpectedResponseError, match="list it: the same page was returned twice"):
        paginate(api)


@given(
    cursors=st.lists(st.sampled_from([None, "", "a", "b", "c"]) | st.text(max_size=3), max_size=30),
    sizes=st.lists(st.integers(0, 4), min_size=1, max_size=5),
    limit=st.none() | st.integers(1, 6),
)
def test_pagination_ends_whatever_the_api_returns(cursors, sizes, limit):
    """Ends within one request for each distinct cursor, and returns no row twice and none too many."""

    def page(request):
        number = len(api.requests) - 1
        items = [{"id": f"{number}-{row}"} for row in range(sizes[number % len(sizes)])]
        return httpx.Response(200, json={"items": items, "nextCursor": cursors[number % len(cursors)]})

    class Endless(ScriptedApi):
        def _handle(self, request):
            self.requests.append(request)
            return page(request)

    cursors = cursors or [None]
    api = Endless()
    try:
        found = paginate(api, limit=limit)
    except LayersUnexpectedResponseError:
        found = []
    assert len(api.requests) <= len({cursor for cursor in cursors if cursor}) + 1
    assert len(found) == len(set(found)) <= (limit or 10_000)


# The wire


def test_a_request_is_sent_as_the_endpoint_describes_it(call, config, server):
    endpoint = Endpoint(
        description="schedule it",
        method="POST",
        path="/v1/content/a%2Fb/schedule",
        read=read_json,
        query=(("status", "a b"), ("status", "c&d")),
        body={"brief": {"topic": "é"}},
        idempotency_key="key-1",
        etag='"1"',
    )
    call("send", endpoint, config=config)
    (received,) = server.received
    assert (received.method, received.path.replace("+", "%20")) == (
        "POST",
        "/v1/content/a%2Fb/schedule?status=a%20b&status=c%26d",
    )
    assert json.loads(received.body) == {"brief": {"topic": "é"}}
    sent = {
        "content-type": "application/json",
        "idempotency-key": "key-1",
        "if-none-match": '"1"',
        "accept": "application/json",
        "user-agent": f"airflow-provider-layers/{__version__}",
    }
    assert received.headers.items() >= sent.items()


def test_what_an_endpoint_does_not_have_is_not_sent(call, server, key):
    call("send", START, config=ApiConfig(f"{server.url}/", key))
    (received,) = server.received
    assert (received.path, received.body) == ("/v1/it", b"")
    assert not {"content-type", "idempotency-key", "if-none-match"} & received.headers.keys()


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({}, {"authorization": f"Bearer {KEY}"}),
        (
            {"auth_scheme": "x-api-key", "organization": "org_1"},
            {"x-api-key": KEY, "x-layers-organization": "org_1"},
        ),
    ],
)
def test_the_key_is_sent_under_the_configured_scheme_only(call, server, fields, sent):
    call("send", READ, config=ApiConfig(server.url, KEY, **fields))
    names = {"authorization", "x-api-key", "x-layers-organization"}
    headers = server.received[0].headers
    assert {name: headers[name] for name in names & headers.keys()} == sent


def test_a_redirect_is_not_followed_and_its_host_never_sees_the_key(call, config, server):
    with Server() as foreign:
        statuses = (301, 302, 303, 307, 308)
        server.replies = [Reply({}, status, {"Location": f"{foreign.url}/v1/it"}) for status in statuses]
        for _ in statuses:
            with pytest.raises(LayersUnexpectedResponseError, match="redirect"):
                call("send", READ, config=config)
        assert foreign.received == []


def test_a_path_cannot_lead_to_another_host(call, config, key):
    with Server() as foreign:
        host = foreign.url.removeprefix("http:")
        endpoint = Endpoint(description="read it", method="GET", path=f"{host}/v1/it", read=lambda _: None)
        call("send", endpoint, config=config)
        assert [received for received in foreign.received if key in str(received)] == []


def refused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as closed_soon:
        return closed_soon.getsockname()[1]


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (Reply(hang_up=True), httpx.RemoteProtocolError),
        (Reply(b"not gzip", headers={"Content-Encoding": "gzip"}), httpx.DecodingError),
        (None, httpx.ConnectError),
    ],
    ids=["a disconnect", "a body that cannot be decoded", "a refused connection"],
)
def test_no_response_is_a_transport_error_with_its_cause(call, server, key, reply, cause):
    server.replies = [reply or Reply()]
    url = server.url if reply else f"http://127.0.0.1:{refused_port()}"
    with pytest.raises(LayersTransportError, match="Could not read it: no response from the API") as caught:
        call("send", READ, config=ApiConfig(url, key))
    assert type(caught.value.__cause__) is cause
    assert cause.__name__ in str(caught.value)


def test_silence_is_a_timeout(call, key):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = ApiConfig(f"http://127.0.0.1:{silent.getsockname()[1]}", key, timeout=0.05)
        with pytest.raises(LayersTransportError, match="ReadTimeout"):
            call("send", READ, config=config)


@pytest.mark.parametrize(("timeout", "connect"), [(30.0, 10.0), (4.0, 4.0)])
def test_a_connection_may_take_10_seconds_at_most(script, timeout, connect):
    api = script(ok({}))
    call_config = ApiConfig(CONFIG.base_url, KEY, timeout=timeout)
    of_worker("send", READ, config=call_config, transport=api)
    limits = dict.fromkeys(("read", "write", "pool"), timeout) | {"connect": connect}
    assert api.requests[0].extensions["timeout"] == limits


def test_canceling_a_request_is_not_taken_for_a_lost_response(key):
    async def cancel_while_sending(silent: socket.socket) -> None:
        port = silent.getsockname()[1]
        client = AsyncLayersClient(ApiConfig(f"http://127.0.0.1:{port}", key))
        sending = asyncio.ensure_future(client.send(READ))
        silent.setblocking(False)
        connection, _ = await asyncio.get_running_loop().sock_accept(silent)
        sending.cancel()
        try:
            await sending
        finally:
            connection.close()
            await client.aclose()

    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel_while_sending(silent))


# Secrets and logs


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
def test_the_key_is_in_no_error_and_no_log(call, server, key, reply, scheme, caplog):
    caplog.set_level(logging.DEBUG)
    server.replies = [reply]
    with pytest.raises(Exception) as caught:  # noqa: PT011 - any of several
        call("send", READ, config=ApiConfig(server.url, key, auth_scheme=scheme))
    seen = [caught.value, caught.value.__cause__, caught.value.__context__]
    assert [item for item in seen if key in f"{item} {item!r} {vars(item) if item else ''}"] == []
    assert key not in caplog.text


def test_a_header_that_http_cannot_carry_is_not_quoted(call, server, key):
    with pytest.raises(LayersTransportError, match="not valid HTTP") as caught:
        call("send", READ, config=ApiConfig(server.url, f"{key}\n"))
    assert caught.value.__cause__ is None
    assert key not in str(caught.value)


def test_the_key_has_no_repr(key):
    assert key not in repr(CONFIG)


def httpx_records(caplog):
    return [record for record in caplog.records if record.name == "httpx"]


def test_requests_to_the_api_are_not_logged_one_by_one(call, config, caplog):
    caplog.set_level(logging.INFO, logger="httpx")
    call("send", READ, config=config)
    assert httpx_records(caplog) == []


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://layers.example:443", "https://layers.example/v1"),
        ("https://API.example", "https://api.example/v1"),
    ],
)
def test_the_api_is_recognized_in_every_spelling_of_its_host(caplog, base_url, url):
    caplog.set_level(logging.INFO, logger="httpx")
    LayersClient(ApiConfig(base_url, KEY)).close()
    logging.getLogger("httpx").info('HTTP Request: %s %s "%s"', "GET", httpx.URL(url), "HTTP/1.1")
    assert httpx_records(caplog) == []


def test_other_records_of_httpx_stay(config, caplog):
    caplog.set_level(logging.INFO, logger="httpx")
    LayersClient(config).close()
    logging.getLogger("httpx").warning("%s is odd: %s", "the certificate", httpx.URL(config.base_url))
    with Server() as other:
        url = other.url.replace("127.0.0.1", "localhost")
        httpx.get(url)
    warning, request = httpx_records(caplog)
    assert warning.levelno == logging.WARNING
    assert request.args[1] == httpx.URL(url)
