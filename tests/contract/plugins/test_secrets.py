"""The API key and the host stay in the API server."""

from __future__ import annotations

import logging

import pytest

from tests.contract.plugins.conftest import ui_data

pytestmark = pytest.mark.airflow3

FAULTS = {
    "none": None,
    "401": {"kind": "fail_before", "status": 401, "code": "UNAUTHENTICATED"},
    "403": {"kind": "fail_before", "status": 403, "code": "FORBIDDEN"},
    "503": {"kind": "fail_before"},
    "disconnect": {"kind": "disconnect_before"},
    "garbage": {"kind": "garbage", "body": "{{KEY}} {{HOST}}"},
    "redirect": {"kind": "redirect", "location": "https://{{HOST}}/?key={{KEY}}"},
    "429": {"kind": "rate_limit"},
}


@pytest.fixture
def responses(get, run, api, content):
    """All that a browser receives for a run: statuses, headers and bodies."""

    def request(**parameters):
        added = run()
        generated = content()
        value = ui_data(*generated["containerIds"], job_id=generated["jobId"], scheduled_post_ids=["sp_1"])
        added.add_task(value)
        added.add_task(ui_data("cnt_gone", ".."), "other")
        added.add_task(ui_data("cnt_1", layers_conn_id="nowhere"), "lost")
        received = [get(page, **added.query, **parameters) for page in ("task-instance", "dag-run")]
        return "".join(f"{one.status_code} {one.headers} {one.text}" for one in received)

    return request


def assert_no_secrets(api, text):
    secret = api.api_key.rpartition("_")[2]
    assert len(secret) > 20
    assert secret not in text
    # The emulator serves its own pictures, so their URLs name its host.
    host = api.url.rpartition("/")[2]
    assert host not in text.replace(f"{api.url}/media/", "")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("user", ["admin", None, "nobody"])
def test_neither_browsers_nor_logs_receive_the_key(user, fault, responses, api, caplog):
    with caplog.at_level(logging.DEBUG, logger="airflow_provider_layers"):
        if FAULTS[fault]:
            host = api.url.rpartition("/")[2]
            filled_in = {
                name: str(value).replace("{{KEY}}", api.api_key).replace("{{HOST}}", host)
                for name, value in FAULTS[fault].items()
                if name != "status"
            }
            status = {"status": FAULTS[fault]["status"]} if "status" in FAULTS[fault] else {}
            # Only reads fail, so that the content can still be generated.
            api.fault(method="GET", path="/v1/**", times=None, **filled_in, **status)
        text = responses(user=user, task_id="make")
    assert_no_secrets(api, text)
    assert "Traceback" not in text
    assert api.api_key not in caplog.text


def test_no_browser_receives_the_fields_of_a_connection(responses, api, monkeypatch):
    connection = '{"conn_type": "layers", "password": "%s x", "host": "%s", "extra": {"timeout": "%s"}}'
    monkeypatch.setenv("AIRFLOW_CONN_LAYERS_DEFAULT", connection % (api.api_key, api.url, api.api_key))
    text = responses(task_id="make")
    assert "is not filled in correctly" in text
    assert_no_secrets(api, text)
