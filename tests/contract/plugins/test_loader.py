"""Twenty viewers cost one read, and people who look never keep tasks from working."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from airflow_provider_layers.plugins.allowance import BURST, PER_MINUTE
from tests.contract.plugins.conftest import tell

pytestmark = pytest.mark.airflow3
VIEWERS = 20


@pytest.fixture
def crowd(get):
    """Let twenty people look at the same moment."""

    def look(page="dag-run", **query):
        with ThreadPoolExecutor(VIEWERS) as people:
            waiting = [people.submit(get, page, **query) for _ in range(VIEWERS)]
        return [one.result().raise_for_status().json() for one in waiting]

    return look


@pytest.mark.parametrize("page", ["task-instance", "dag-run"])
def test_twenty_viewers_cost_one_read(page, crowd, run, content, api, reads):
    there = run()
    (container,) = content()["containerIds"]
    there.push(tell(container))
    # So slow that all of them are there before the answer is.
    api.fault("slow", seconds=1.0, path="/v1/content/*")
    reads()
    answers = crowd(page, **there.query, task_id="make")
    assert reads() == [f"/v1/content/{container}"]
    assert len(answers) == VIEWERS
    assert all(one == answers[0] for one in answers)
    assert answers[0]["containers"][0]["state"] == "known"


def test_viewers_who_come_one_after_the_other_share_too(get, run, content, page_clock, reads):
    there = run()
    (container,) = content()["containerIds"]
    there.push(tell(container))
    reads()
    for _ in range(VIEWERS):
        get("dag-run", **there.query)
        page_clock.advance(0.7)
    assert reads() == [f"/v1/content/{container}"]
    page_clock.advance(1.0)
    get("dag-run", **there.query)
    assert reads() == [f"/v1/content/{container}"], "and it is read anew when it is too old"


def test_the_same_content_in_two_dags_is_read_once(get, run, content, reads):
    first, second = run(), run("other")
    (container,) = content()["containerIds"]
    first.push(tell(container))
    second.push(tell(container))
    reads()
    for there in (first, second):
        assert get("dag-run", **there.query).json()["containers"][0]["state"] == "known"
    assert reads() == [f"/v1/content/{container}"]


def test_the_connection_is_looked_up_once(crowd, run, page_clock, monkeypatch):
    from airflow_provider_layers.hooks.layers import LayersHook

    looked_up = []
    look_up = LayersHook.get_connection

    def counting(conn_id):
        looked_up.append(conn_id)
        return look_up(conn_id)

    monkeypatch.setattr(LayersHook, "get_connection", counting)
    there = run()
    there.push(tell("cnt_1", "cnt_2"))
    crowd(**there.query)
    page_clock.advance(29.0)
    crowd(**there.query)
    assert looked_up == ["layers_default"]
    page_clock.advance(1.0)
    crowd(**there.query)
    assert looked_up == ["layers_default"] * 2


def test_a_great_gallery_is_read_little_by_little(get, run, api, page_clock, reads):
    api.configure(tier="partner")
    there = run()
    ids = [f"cnt_{number}" for number in range(100)]
    there.push(tell(*ids))
    reads()
    shown = get("dag-run", **there.query).json()
    assert len(reads()) == BURST
    pending = [one["id"] for one in shown["containers"] if one["state"] == "pending"]
    assert len(pending) == 100 - BURST
    assert shown["again_in"] == 2.0
    asked = []
    for _ in range(50):
        page_clock.advance(2.0)
        shown = get("dag-run", **there.query).json()
        asked.append(len(reads()))
    assert max(asked) == 2
    assert sum(asked) <= 100 * PER_MINUTE / 60
    assert "pending" not in {one["state"] for one in shown["containers"]}, "nothing is forgotten"


def test_what_a_connection_allows_is_less_where_it_says_so(get, run, connect, api, reads):
    connect(poll_budget_rpm=10)
    there = run()
    there.push(tell(*(f"cnt_{number}" for number in range(100))))
    reads()
    get("dag-run", **there.query)
    assert len(reads()) == 10


def test_more_than_the_page_shows_is_left_out_and_said(get, run, reads):
    there = run()
    for task in range(3):
        there.push(tell(*(f"cnt_{task}_{number}" for number in range(90))), f"task_{task}")
    shown = get("dag-run", **there.query).json()
    assert len(shown["containers"]) == 200
    assert shown["left_out"] == 70


def test_one_task_instance_cannot_name_without_end(get, run):
    there = run()
    there.push(tell(*(f"cnt_{number}" for number in range(5000))))
    shown = get("dag-run", **there.query).json()
    assert len(shown["containers"]) == 200


def test_a_refusal_is_obeyed(get, run, content, api, page_clock, reads):
    there = run()
    first, second = content(variants=2)["containerIds"]
    there.push(tell(first))
    there.push(tell(second), "later")
    api.fault("rate_limit", retry_after=40, path=f"/v1/content/{first}")
    reads()
    asked = {**there.query, "task_id": "make"}
    shown = get("task-instance", **asked).json()
    assert "rate limit" in shown["containers"][0]["error"]
    assert shown["again_in"] == 40.0
    assert reads() == [f"/v1/content/{first}"]
    for _ in range(7):
        page_clock.advance(5.0)
        get("dag-run", **there.query)
    assert reads() == [], "neither this nor anything else"
    page_clock.advance(6.0)
    assert {one["state"] for one in get("dag-run", **there.query).json()["containers"]} == {"known"}


def test_a_slow_api_keeps_nobody_waiting(get, run, content, api, layers_app, api_server, monkeypatch):
    from airflow_provider_layers.plugins.app import make_app
    from airflow_provider_layers.plugins.loader import Reader

    (mount,) = [route for route in api_server.routes if getattr(route, "path", None) == "/layers"]
    monkeypatch.setattr(mount, "app", make_app(Reader(patience=0.05)))
    there = run()
    first, second = content(variants=2)["containerIds"]
    there.push(tell(first, second))
    api.fault("slow", seconds=1.0, path=f"/v1/content/{first}")
    states: list[str] = []
    while "known" not in states:
        states = [one["state"] for one in get("dag-run", **there.query).json()["containers"]]
    assert states == ["pending", "known"]
    while states != ["known", "known"]:
        answer = get("dag-run", **there.query).json()
        states = [one["state"] for one in answer["containers"]]
    assert answer["again_in"] == 15.0
