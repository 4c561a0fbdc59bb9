"""What is read from the API, how often, through which connection, and what several viewers share."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import httpx
import pytest

from airflow_provider_layers.hooks.connection import SHORT_TIMEOUT
from airflow_provider_layers.plugins.loader import (
    CONNECTION_TTL,
    CONTENT,
    JOB,
    MAX_CONNECTIONS,
    POST,
    READS_PER_MINUTE,
    REVIEW,
    Loader,
    ReadCache,
    Resource,
)
from airflow_provider_layers.plugins.serializers import PENDING_RESULT, ReadResult
from tests.limits import READS_PER_MINUTE as READS_OF_TIER
from tests.unit.plugins.executors import ImmediateExecutor, ManualExecutor, ManualTimer
from tests.unit.scripted import KEY, LOST, error, ok

FIRST = Resource("layers_default", CONTENT, "cnt_1")
SECOND = Resource("layers_default", CONTENT, "cnt_2")
BURST = 30


@pytest.fixture
def timer():
    return ManualTimer()


# The cache


class Source:
    """Returns the number of the read, and says how long that may be kept."""

    def __init__(self, ttl=5.0):
        self.reads = 0
        self.ttl = ttl

    def __call__(self):
        self.reads += 1
        return ReadResult("loaded", {"read": self.reads}, ttl=self.ttl)


def allow():
    return True


def refuse():
    return False


def number(read):
    return read.latest.data["read"]


def test_a_result_is_kept_for_as_long_as_it_says(timer):
    cache, short, long = ReadCache(ImmediateExecutor(), timer=timer), Source(5.0), Source(30.0)
    seen = []
    for now in (0.0, 4.9, 5.0, 9.9, 10.0, 29.9, 30.0):
        timer.now = now
        seen.append(tuple(number(cache.get(source.ttl, source, may_read=allow)) for source in (short, long)))
    assert seen == [(1, 1), (1, 1), (2, 1), (2, 1), (3, 1), (4, 1), (4, 2)]


def test_that_time_starts_when_the_read_ends(timer):
    pool, source = ManualExecutor(), Source()
    cache = ReadCache(pool, timer=timer)
    cache.get("a", source, may_read=allow)
    timer.now += 60.0
    pool.run_all()
    timer.now += 4.9
    assert number(cache.get("a", source, may_read=allow)) == 1
    assert pool.run_all() == 0


def test_a_running_read_is_shared_however_long_it_takes(timer):
    pool, source = ManualExecutor(), Source()
    cache = ReadCache(pool, timer=timer)
    first = cache.get("a", source, may_read=allow)
    timer.now += 3600.0
    assert cache.get("a", source, may_read=allow) is first
    assert (first.latest, pool.run_all(), number(first)) == (None, 1, 1)


def test_threads_share_one_read(timer):
    together = threading.Barrier(20)
    source = Source()

    def view():
        together.wait()
        return cache.get("a", source, may_read=allow).future.result()

    with ThreadPoolExecutor(4) as pool, ThreadPoolExecutor(20) as viewers:
        cache = ReadCache(pool, timer=timer)
        seen = [viewer.result() for viewer in [viewers.submit(view) for _ in range(20)]]
    assert [result.data["read"] for result in seen] == [1] * 20
    assert source.reads == 1


def test_keys_are_read_separately(timer):
    cache, source = ReadCache(ImmediateExecutor(), timer=timer), Source()
    assert [number(cache.get(key, source, may_read=allow)) for key in ("a", "b", "a")] == [1, 2, 1]


def test_the_previous_result_is_shown_during_the_next_read(timer):
    pool, source = ManualExecutor(), Source()
    cache = ReadCache(pool, timer=timer)
    cache.get("a", source, may_read=allow)
    pool.run_all()
    timer.now += 5.0
    read = cache.get("a", source, may_read=allow)
    assert (number(read), pool.run_all(), number(read)) == (1, 1, 2)


def test_the_previous_result_is_shown_if_no_read_may_start(timer):
    cache, source = ReadCache(ImmediateExecutor(), timer=timer), Source()
    assert cache.get("a", source, may_read=refuse) is None
    cache.get("a", source, may_read=allow)
    timer.now += 60.0
    assert number(cache.get("a", source, may_read=refuse)) == 1
    assert source.reads == 1


def test_the_rate_limit_is_charged_only_for_reads(timer):
    cache, charged = ReadCache(ImmediateExecutor(), timer=timer), []
    for _ in range(3):
        cache.get("a", Source(), may_read=lambda: not charged.append(1))
    assert charged == [1]


def test_its_size_is_limited_and_the_least_recently_used_results_go_first(timer):
    cache = ReadCache(ImmediateExecutor(), timer=timer, maxsize=3)
    for key in ("a", "b", "c", "a", "d"):
        cache.get(key, Source(), may_read=allow)
    assert [key for key in "abcd" if cache.get(key, Source(), may_read=refuse)] == ["a", "c", "d"]


# Loading


class Api(httpx.MockTransport):
    """
    Answers reads with the replies that a test sets by path, and with finished content otherwise.

    :ivar requests: what it received, in order
    """

    def __init__(self):
        super().__init__(self._handle)
        self.replies = {}
        self.requests = []

    def _handle(self, request):
        self.requests.append(request)
        reply = self.replies.get(request.url.path, ok({"status": "completed", "approvalStatus": "approved"}))
        if isinstance(reply, Exception):
            raise reply
        return reply.over_http()

    @property
    def paths(self):
        return [request.url.raw_path.decode() for request in self.requests]


@pytest.fixture
def api():
    return Api()


class AirflowConnections(dict):
    """
    Airflow's connections by id.

    :ivar looked_up: ids, in order
    """

    def __init__(self):
        super().__init__()
        self.looked_up = []

    def fill_in(self, conn_id="layers_default", *, conn_type="layers", host=None, password=KEY, **extra):
        self[conn_id] = SimpleNamespace(
            conn_id=conn_id,
            conn_type=conn_type,
            host=host,
            schema=None,
            port=None,
            password=password,
            extra_dejson=extra,
        )

    def get_connection(self, conn_id):
        self.looked_up.append(conn_id)
        return self[conn_id]


@pytest.fixture
def connections():
    connections = AirflowConnections()
    connections.fill_in()
    return connections


@pytest.fixture
def loader(connections, api, timer):
    return Loader(
        get_connection=connections.get_connection,
        transport=api,
        timer=timer,
        pool=ImmediateExecutor(),
        max_wait=0.0,
    )


def load(loader, *resources):
    results = loader.load(resources)
    return [results[resource] for resource in resources]


@pytest.mark.parametrize(
    ("kind", "path", "reply"),
    [
        (JOB, "/v1/jobs/x", {"jobId": "x", "status": "running"}),
        (CONTENT, "/v1/content/x", {"id": "x", "status": "running"}),
        (POST, "/v1/scheduled-posts/x", {"id": "x", "status": "running"}),
    ],
)
def test_what_is_read_for_each_kind(kind, path, reply, loader, api):
    api.replies = {path: ok(reply)}
    (result,) = load(loader, Resource("layers_default", kind, "x"))
    assert (result.state, result.data["status"], api.paths) == ("loaded", "running", [path])


def test_an_id_cannot_leave_its_place_in_the_path(loader, api):
    load(loader, FIRST._replace(resource_id="../whoami?x=1#"))
    assert api.paths == ["/v1/content/..%2Fwhoami%3Fx%3D1%23"]
    (result,) = load(loader, FIRST._replace(resource_id=".."))
    assert result.error == "This is not a Layers id."
    assert len(api.requests) == 1


@pytest.mark.parametrize("reply", [error(503), LOST])
def test_a_failed_read_is_not_repeated_while_a_viewer_waits(reply, loader, api):
    api.replies = {"/v1/content/cnt_1": reply}
    (result,) = load(loader, FIRST)
    assert (result.state, len(api.requests)) == ("error", 1)


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (ok(b"[]"), "error"),
        (ok(b"<html>"), "error"),
        (ok({"id": "cnt_1", "status": {"a": []}}), "loaded"),
        (ok({"id": "cnt_1", "preview": {"imageUrls": [[1]]}}), "loaded"),
        (RuntimeError(KEY), "error"),
    ],
    ids=["a list", "no JSON", "a status of another type", "a URL of another type", "a crash"],
)
def test_whatever_happens_to_one_read_the_others_are_shown(reply, state, loader, api, caplog):
    api.replies = {"/v1/content/cnt_1": reply}
    assert [result.state for result in load(loader, FIRST, SECOND)] == [state, "loaded"]
    assert KEY not in caplog.text


def test_a_slow_read_does_not_delay_the_page(connections):
    released = threading.Event()

    def respond(request):
        if request.url.path.endswith(SECOND.resource_id):
            assert released.wait(60.0)
        return ok({"status": "completed"}).over_http()

    loader = Loader(
        get_connection=connections.get_connection, transport=httpx.MockTransport(respond), max_wait=0.01
    )
    states = []
    while "loaded" not in states:
        states = [result.state for result in load(loader, FIRST, SECOND)]
    assert states == ["loaded", "pending"]
    released.set()
    while states != ["loaded", "loaded"]:
        states = [result.state for result in load(loader, FIRST, SECOND)]


# What is shared and what is not


def other_connection(connections, conn_id="layers_other", **fields):
    connections.fill_in(conn_id, **fields)
    return FIRST._replace(conn_id=conn_id)


@pytest.mark.parametrize(
    "fields",
    [
        {"password": "lp_test_other"},
        {"host": "https://other.layers.test"},
        {"organization": "org_2"},
        {"auth_scheme": "x-api-key"},
        {"timeout": "2"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_nothing_is_shared_with_a_connection_that_differs_in_any_field(fields, loader, connections, api):
    other = other_connection(connections, **fields)
    assert load(loader, FIRST)[0].state == "loaded"
    api.replies = {"/v1/content/cnt_1": error(404)}
    assert load(loader, other)[0].state == "not_found"
    assert load(loader, FIRST)[0].state == "loaded"
    assert len(api.requests) == 2


@pytest.mark.parametrize(
    "other",
    [
        FIRST._replace(resource_id="cnt_2"),
        FIRST._replace(kind=POST),
        FIRST._replace(kind=REVIEW, fingerprint="a"),
    ],
    ids=["id", "kind", "review"],
)
def test_nothing_is_shared_with_another_id_or_kind(other, loader, api):
    load(loader, FIRST, other)
    assert len(api.requests) == 2


def test_each_version_of_a_review_is_read_separately(loader, api):
    versions = [FIRST._replace(kind=REVIEW, fingerprint=text) for text in ("a", "b")]
    load(loader, *versions)
    assert api.paths == ["/v1/content/cnt_1"] * 2


def test_connections_with_the_same_fields_share_reads_and_rate_limit(loader, connections, api):
    other = other_connection(connections)
    load(loader, FIRST, other)
    assert api.paths == ["/v1/content/cnt_1"]
    many = [connection._replace(resource_id=f"c{one}") for one in range(50) for connection in (FIRST, other)]
    load(loader, *many)
    assert len(api.requests) == BURST


def test_a_changed_connection_takes_effect_after_a_while(loader, connections, api, timer):
    load(loader, FIRST)
    connections.fill_in(password="lp_test_changed")
    api.replies = {"/v1/content/cnt_1": error(404)}
    timer.now += CONNECTION_TTL - 0.1
    assert load(loader, FIRST)[0].state == "loaded"
    timer.now += 0.1
    assert load(loader, FIRST)[0].state == "not_found"
    keys = [request.headers["authorization"] for request in api.requests]
    assert keys == [f"Bearer {KEY}", "Bearer lp_test_changed"]


def test_a_connection_is_looked_up_once_for_all_reads(loader, connections, timer):
    load(loader, FIRST, SECOND)
    timer.now += CONNECTION_TTL - 0.1
    load(loader, FIRST, SECOND)
    assert connections.looked_up == ["layers_default"]
    timer.now += 0.1
    load(loader, FIRST, SECOND)
    assert connections.looked_up == ["layers_default"] * 2


def test_an_unchanged_connection_keeps_its_results_and_its_rate_limit(loader, connections, api, timer):
    many = [FIRST._replace(resource_id=f"cnt_{one}") for one in range(100)]
    load(loader, *many)
    reads = len(api.requests)
    timer.now += CONNECTION_TTL
    results = load(loader, *many)
    assert [result.state for result in results].count("loaded") > reads
    assert len(api.requests) <= READS_PER_MINUTE


def test_reads_have_a_short_timeout(loader, api):
    load(loader, FIRST)
    assert set(api.requests[0].extensions["timeout"].values()) == {SHORT_TIMEOUT}


# Connections that are not usable


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"conn_type": "http"}, 'The connection "layers_default" is not of type layers.'),
        ({"password": ""}, 'The connection "layers_default" is not filled in correctly.'),
        ({"host": "https://a.example/x"}, 'The connection "layers_default" is not filled in correctly.'),
    ],
)
def test_why_a_connection_is_not_usable(fields, message, loader, connections, api):
    connections.fill_in(**fields)
    (result,) = load(loader, FIRST)
    assert (result.state, result.error, api.requests) == ("connection_error", message, [])


def test_errors_of_a_secrets_backend_are_not_shown(connections, caplog):
    def fail(conn_id):
        raise RuntimeError(KEY)

    (result,) = load(Loader(get_connection=fail), FIRST)
    assert (result.state, result.error) == (
        "connection_error",
        'The connection "layers_default" was not found.',
    )
    assert KEY not in caplog.text


def test_a_missing_connection_leaves_the_rest_and_is_looked_up_again(loader, connections, timer):
    missing = FIRST._replace(conn_id="missing")
    assert [result.state for result in load(loader, missing, FIRST)] == ["connection_error", "loaded"]
    connections.fill_in("missing")
    assert load(loader, missing)[0].state == "connection_error"
    timer.now += CONNECTION_TTL
    assert load(loader, missing)[0].state == "loaded"


def test_the_number_of_connections_is_limited(loader, connections):
    names = [f"missing_{one}" for one in range(MAX_CONNECTIONS + 1)]
    load(loader, *(FIRST._replace(conn_id=name) for name in names))
    load(loader, FIRST._replace(conn_id=names[-1]), FIRST._replace(conn_id=names[0]))
    assert connections.looked_up == [*names, names[0]]


# The rate limit


def reads_each_second(loader, api, timer, resources, seconds):
    counts = []
    for _ in range(seconds):
        before = len(api.requests)
        load(loader, *resources)
        counts.append(len(api.requests) - before)
        timer.now += 1.0
    return counts


def test_no_minute_has_more_reads_than_half_of_the_smallest_tier(loader, api, timer):
    resources = [FIRST._replace(resource_id=f"cnt_{one}") for one in range(500)]
    counts = reads_each_second(loader, api, timer, resources, 300)
    assert counts[0] == BURST
    minutes = [sum(counts[start : start + 60]) for start in range(240)]
    assert max(minutes) <= READS_PER_MINUTE <= READS_OF_TIER["standard"] / 2
    assert min(minutes) >= READS_PER_MINUTE / 2, "and each minute has some"


def test_the_poll_budget_of_a_connection_limits_the_page_too(loader, connections, api, timer):
    connections.fill_in(poll_budget_rpm=10)
    resources = [FIRST._replace(resource_id=f"cnt_{one}") for one in range(100)]
    counts = reads_each_second(loader, api, timer, resources, 180)
    assert 5 <= max(sum(counts[start : start + 60]) for start in range(120)) <= 10


def test_within_a_low_limit_each_resource_gets_its_turn(loader, connections, api, timer):
    connections.fill_in(poll_budget_rpm=2)
    resources = [FIRST._replace(resource_id=f"cnt_{one}") for one in range(5)]
    while len(api.requests) < 11:
        load(loader, *resources)
        timer.now += 30.0
    names = [path.rpartition("/")[2] for path in api.paths]
    assert names == [f"cnt_{one % 5}" for one in range(11)]


def test_a_refusal_stops_all_reads_with_that_key(loader, connections, api, timer):
    other = other_connection(connections, password="lp_test_other")
    api.replies = {"/v1/content/cnt_1": error(429, retry_after="40")}
    refused, pending = load(loader, FIRST, SECOND)
    assert (refused.state, refused.ttl, pending) == ("error", 40.0, PENDING_RESULT)
    api.replies = {}
    timer.now += 39.9
    assert load(loader, SECOND) == [PENDING_RESULT]
    assert load(loader, other)[0].state == "loaded", "reads with another key continue"
    timer.now += 10.0
    assert [result.state for result in load(loader, FIRST, SECOND)] == ["loaded", "loaded"]


def test_results_are_plain_json(loader):
    assert (
        json.loads(json.dumps([result.as_json() for result in load(loader, FIRST)]))[0]["state"] == "loaded"
    )
