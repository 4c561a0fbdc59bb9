import threading
import time

import httpx
import pytest

from airflow_provider_layers.emulator import Emulator


def test_starting_and_stopping_are_quick_and_leave_nothing(web):
    before = threading.active_count()
    begin = time.monotonic()
    with Emulator() as emulator:
        assert time.monotonic() - begin < 0.5
        url = emulator.url
        assert web.get(f"{url}/_emulator/state").status_code == 200
    assert time.monotonic() - begin < 2
    assert threading.active_count() == before
    with pytest.raises(httpx.ConnectError):
        web.get(url)
    emulator.stop()


def test_answers_do_not_wait_for_delayed_acknowledgements(client):
    begin = time.monotonic()
    for _ in range(20):
        client.get("/v1/whoami")
    assert time.monotonic() - begin < 0.5


def test_two_emulators_live_side_by_side():
    with Emulator(seed=1) as one, Emulator(seed=2) as two:
        assert one.url != two.url
        assert one.project_id != two.project_id


def test_a_port_that_is_taken_is_an_error(api):
    port = int(api.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        Emulator(port=port).start()


def test_the_key_can_be_chosen(web):
    with Emulator(api_key="lp_test_mine") as emulator:
        assert emulator.api_key == "lp_test_mine"
        assert web.get(f"{emulator.url}/v1/whoami", headers={"X-Api-Key": "lp_test_mine"}).status_code == 200


def test_a_real_clock_runs_and_can_be_pushed(web):
    with Emulator(job_seconds=600) as emulator:
        body = {"format": "slideshow-builder", "hook": "x"}
        headers = {"X-Api-Key": emulator.api_key}
        web.post(f"{emulator.url}/v1/projects/{emulator.project_id}/content", json=body, headers=headers)
        first = emulator.now()
        emulator.advance(600)
        assert emulator.now() > first
        assert emulator.jobs()[0].status == "completed"


def test_what_makes_no_sense_is_refused_at_the_start():
    with pytest.raises(ValueError, match="clock must be"):
        Emulator(clock="slow")
    with pytest.raises(Exception, match="tier"):
        Emulator(tier="gold").start()
