"""Starting, stopping, and the options of an emulator in this process."""

import threading
import time

import httpx
import pytest

from airflow_provider_layers.emulator import Emulator


def test_stop_leaves_neither_thread_nor_socket(anonymous):
    before = threading.active_count()
    with Emulator() as emulator:
        url = emulator.url
        assert anonymous.get(f"{url}/_emulator/state").status_code == 200
    assert threading.active_count() == before
    with pytest.raises(httpx.ConnectError):
        anonymous.get(url)
    emulator.stop()


def test_stop_does_not_wait_for_a_hanging_request():
    errors = []

    def send(url):
        try:
            httpx.get(f"{url}/v1/whoami", timeout=100)
        except httpx.RemoteProtocolError as error:
            errors.append(error)

    with Emulator() as emulator:
        emulator.fault("hang", seconds=60)
        thread = threading.Thread(target=send, args=(emulator.url,))
        thread.start()
        while not emulator.requests():
            time.sleep(0.01)
        begin = time.monotonic()
    assert time.monotonic() - begin < 30
    thread.join(30)
    assert len(errors) == 1


def test_responses_do_not_wait_for_delayed_acknowledgements(client):
    # Without TCP_NODELAY each response takes at least 40 ms.
    durations = []
    for _ in range(20):
        begin = time.monotonic()
        client.get("/v1/whoami")
        durations.append(time.monotonic() - begin)
    assert min(durations) < 0.03


def test_the_state_follows_from_the_seed(api):
    with Emulator(seed=1) as same, Emulator(seed=2) as other:
        assert same.url != other.url
        for name in (
            "api_key",
            "keys",
            "project_ids",
            "social_account_ids",
            "top_post_ids",
            "top_post_external_ids",
            "influencer_ids",
        ):
            assert getattr(same, name) == getattr(api, name)
            assert getattr(other, name) != getattr(api, name)


def test_an_occupied_port_is_an_error(api):
    port = int(api.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        Emulator(port=port).start()


def test_the_api_key_can_be_chosen(anonymous):
    with Emulator(api_key="lp_test_mine") as emulator:
        assert emulator.api_key == "lp_test_mine"
        headers = {"X-Api-Key": "lp_test_mine"}
        assert anonymous.get(f"{emulator.url}/v1/whoami", headers=headers).status_code == 200


def test_a_real_clock_runs_and_can_be_advanced(anonymous):
    with Emulator(job_seconds=600) as emulator:
        body = {"format": "slideshow-builder", "hook": "x"}
        url = f"{emulator.url}/v1/projects/{emulator.project_id}/content"
        anonymous.post(url, json=body, headers={"X-Api-Key": emulator.api_key})
        first = emulator.now()
        emulator.advance(600)
        assert emulator.now() > first
        assert emulator.jobs()[0].status == "completed"


def test_invalid_options_are_errors():
    with pytest.raises(ValueError, match="clock must be"):
        Emulator(clock="slow")
    with pytest.raises(Exception, match="tier"):
        Emulator(tier="gold").start()


def test_settings_hold_from_the_start():
    with Emulator(tier="pilot") as emulator:
        assert emulator.settings()["tier"] == "pilot"
