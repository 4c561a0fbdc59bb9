from __future__ import annotations

import pytest

from airflow_provider_layers.plugins.loader import CONTENT, JOB, POST, Reader, Wanted
from tests.unit.plugins.executors import AtOnce, Clock, WhenTold
from tests.unit.serving import Reply

ONE = Wanted("layers_default", CONTENT, "cnt_1")
TWO = Wanted("layers_default", CONTENT, "cnt_2")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def api(server, connect):
    connect(host=server.url)
    server.replies = [Reply({"id": "cnt_1", "status": "completed", "approvalStatus": "approved"})]
    return server


@pytest.fixture
def reader(clock):
    return Reader(clock=clock, pool=AtOnce(), patience=0.0)


def test_content(reader, api):
    (found,) = reader.read([ONE]).values()
    assert (found.state, found.shown["status"]) == ("known", "completed")
    assert [one.path for one in api.received] == ["/v1/content/cnt_1"]


def test_a_job(reader, api):
    api.replies = [Reply({"jobId": "job_1", "status": "running", "kind": "x", "progress": 0.5})]
    (found,) = reader.read([Wanted("layers_default", JOB, "job_1")]).values()
    assert (found.state, found.shown["progress"]) == ("known", 0.5)
    assert [one.path for one in api.received] == ["/v1/jobs/job_1"]


def test_a_scheduled_post(reader, api):
    api.replies = [Reply({"id": "sp_1", "status": "queued"})]
    (found,) = reader.read([Wanted("layers_default", POST, "sp_1")]).values()
    assert (found.state, found.shown["status"]) == ("known", "queued")
    assert [one.path for one in api.received] == ["/v1/scheduled-posts/sp_1"]


def test_an_id_cannot_leave_its_place_in_the_path(reader, api):
    reader.read([Wanted("layers_default", CONTENT, "../whoami?x=1#")])
    assert [one.path for one in api.received] == ["/v1/content/..%2Fwhoami%3Fx%3D1%23"]
    (found,) = reader.read([Wanted("layers_default", CONTENT, "..")]).values()
    assert found.error == "This is not an id of Layers."
    assert len(api.received) == 1


def test_it_gives_all_that_was_wanted_in_its_order_and_reads_each_once(reader, api):
    found = reader.read([TWO, ONE, TWO])
    assert list(found) == [TWO, ONE]
    reader.read([ONE, TWO])
    assert len(api.received) == 2


def test_it_asks_once_where_a_task_would_ask_again(reader, api):
    api.replies = [Reply({}, status=503)]
    (found,) = reader.read([ONE]).values()
    assert (found.state, len(api.received)) == ("error", 1)


def test_a_page_is_not_kept_waiting(api, clock):
    pool = WhenTold()
    reader = Reader(clock=clock, pool=pool, patience=0.0)
    assert {found.state for found in reader.read([ONE, TWO]).values()} == {"pending"}
    assert pool.work() == 2
    assert {found.state for found in reader.read([ONE, TWO]).values()} == {"known"}


def test_a_refusal_stops_the_reads_through_that_key(reader, api, clock):
    api.replies = [Reply({}, status=429, headers={"retry-after": "30"}), Reply({"id": "cnt_2"})]
    assert [found.state for found in reader.read([ONE, TWO]).values()] == ["error", "pending"]
    clock.now += 30.0
    assert [found.state for found in reader.read([ONE, TWO]).values()] == ["known", "known"]


def test_a_small_allowance_goes_round(server, connect, clock):
    connect(host=server.url, extra={"poll_budget_rpm": 2})
    server.replies = [Reply({"id": "x", "status": "processing"})]
    reader = Reader(clock=clock, pool=AtOnce(), patience=0.0)
    wanted = [Wanted("layers_default", CONTENT, f"cnt_{number}") for number in range(5)]
    for _ in range(10):
        reader.read(wanted)
        clock.now += 30.0
    asked = [one.path.rpartition("/")[2] for one in server.received]
    assert asked[:6] == ["cnt_0", "cnt_1", "cnt_2", "cnt_3", "cnt_4", "cnt_0"]


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"<html>",
        b'{"id": "cnt_1", "status": {"a": []}}',
        b'{"id": "cnt_1", "preview": {"imageUrls": [[1]]}}',
    ],
)
def test_whatever_the_api_answers_it_goes_on(body, reader, api):
    api.replies = [Reply(body)]
    (found,) = reader.read([ONE]).values()
    assert found.state in ("known", "error")


def test_what_nobody_has_thought_of_is_an_error_on_its_card(reader, api, monkeypatch, key, caplog):
    def fail(given):
        raise RuntimeError(key)

    monkeypatch.setattr("airflow_provider_layers.plugins.loader.show_content", fail)
    (found,) = reader.read([ONE]).values()
    assert found.error == "What the API answered cannot be shown."
    assert key not in caplog.text


def test_a_connection_of_no_use_costs_nothing(reader, api):
    found = reader.read([Wanted("nowhere", CONTENT, "cnt_1"), ONE])
    assert [one.state for one in found.values()] == ["no_connection", "known"]
    assert len(api.received) == 1


def test_another_key_is_not_shown_what_the_first_has_read(reader, api, connect, clock):
    reader.read([ONE])
    connect(host=api.url, password="lp_test_other")
    api.replies = [Reply({}, status=404)]
    clock.now += 29.9
    assert reader.read([ONE])[ONE].state == "known"
    clock.now += 0.1
    assert reader.read([ONE])[ONE].state == "not_found"
