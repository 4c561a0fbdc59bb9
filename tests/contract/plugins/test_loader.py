"""Viewers share reads, and leave most of the rate limit to tasks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.contract.plugins.conftest import ui_data

pytestmark = pytest.mark.airflow3
VIEWERS = 20


@pytest.mark.parametrize("page", ["task-instance", "dag-run"])
def test_twenty_viewers_cost_one_read(page, get, run, content, api, reads):
    added = run()
    (container,) = content()["containerIds"]
    added.add_task(ui_data(container))
    # So slow that most of them are there before the response is.
    api.fault("slow", seconds=1.0, path="/v1/content/*")
    reads()
    with ThreadPoolExecutor(VIEWERS) as viewers:
        waiting = [viewers.submit(get, page, **added.query, task_id="make") for _ in range(VIEWERS)]
    pages = [viewer.result().raise_for_status().json() for viewer in waiting]
    assert reads() == [f"/v1/content/{container}"]
    assert all(shown == pages[0] for shown in pages)
    assert pages[0]["containers"][0]["state"] == "loaded"


def test_viewers_one_after_another_share_reads_until_they_are_too_old(get, run, content, page_timer, reads):
    added = run()
    (container,) = content()["containerIds"]
    added.add_task(ui_data(container))
    reads()
    for _ in range(VIEWERS):
        get("dag-run", **added.query)
        page_timer.now += 0.7
    assert reads() == [f"/v1/content/{container}"]
    page_timer.now += 1.0
    get("dag-run", **added.query)
    assert reads() == [f"/v1/content/{container}"]


def test_the_same_content_in_two_dags_is_read_once(get, run, content, reads):
    (container,) = content()["containerIds"]
    runs = [run(), run("other")]
    for added in runs:
        added.add_task(ui_data(container))
    reads()
    for added in runs:
        assert get("dag-run", **added.query).json()["containers"][0]["state"] == "loaded"
    assert reads() == [f"/v1/content/{container}"]


def test_a_large_gallery_loads_step_by_step(get, run, api, page_timer, reads):
    api.configure(tier="partner")
    added = run()
    added.add_task(ui_data(*(f"cnt_{number}" for number in range(100))))
    reads()
    shown = get("dag-run", **added.query).json()
    states = [entry["state"] for entry in shown["containers"]]
    assert (states.count("not_found"), states.count("pending"), shown["refresh_after"]) == (30, 70, 2.0)
    assert len(reads()) == 30
    start = page_timer.now
    while "pending" in states:
        page_timer.now += shown["refresh_after"]
        shown = get("dag-run", **added.query).json()
        states = [entry["state"] for entry in shown["containers"]]
    assert states == ["not_found"] * 100, "no result is lost while the others load"
    assert page_timer.now - start <= 150.0


def test_a_refusal_stops_the_reads(get, run, content, api, page_timer, reads):
    added = run()
    first, second = content(variants=2)["containerIds"]
    added.add_task(ui_data(first))
    added.add_task(ui_data(second), "later")
    api.fault("rate_limit", retry_after=40, path=f"/v1/content/{first}")
    reads()
    shown = get("task-instance", **added.query, task_id="make").json()
    assert "rate limit" in shown["containers"][0]["error"]
    assert shown["refresh_after"] == 40.0
    assert reads() == [f"/v1/content/{first}"]
    for _ in range(7):
        page_timer.now += 5.0
        get("dag-run", **added.query)
    assert reads() == [], "neither of this container nor of another"
    page_timer.now += 10.0
    shown = get("dag-run", **added.query).json()
    assert {entry["state"] for entry in shown["containers"]} == {"loaded"}
