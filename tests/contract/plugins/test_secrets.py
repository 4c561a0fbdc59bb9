"""The key and the host stay in the API server."""

from __future__ import annotations

import logging

import pytest

from tests.contract.plugins.conftest import tell

pytestmark = pytest.mark.airflow3

TROUBLE = {
    "none": {},
    "401": {"kind": "fail_before", "status": 401, "code": "UNAUTHENTICATED"},
    "403": {"kind": "fail_before", "status": 403, "code": "FORBIDDEN"},
    "503": {"kind": "fail_before"},
    "disconnect": {"kind": "disconnect_before"},
    "garbage": {"kind": "garbage", "body": "{{KEY}} {{HOST}}"},
    "redirect": {"kind": "redirect", "location": "https://{{HOST}}/?key={{KEY}}"},
    "429": {"kind": "rate_limit"},
}


@pytest.fixture
def told(get, run, api, content):
    """Everything that a browser is told of a run: bodies and headers."""

    def look(**asked):
        there = run()
        made = content()
        there.push(tell(*made["containerIds"], job_id=made["jobId"], scheduled_post_ids=["sp_1"]))
        there.push(tell("cnt_gone", ".."), "other")
        there.push(tell("cnt_1", layers_conn_id="nowhere"), "lost")
        answers = [get(page, **there.query, **asked) for page in ("task-instance", "dag-run")]
        return "".join(f"{one.status_code} {one.headers} {one.text}" for one in answers)

    return look


def assert_nothing_of(api, text):
    secret = api.api_key.rpartition("_")[2]
    assert len(secret) > 20
    assert secret not in text
    # Pictures are where the API says they are, which the emulator says is here.
    host = api.url.rpartition("/")[2]
    assert host not in text.replace(f"{api.url}/media/", "")


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
@pytest.mark.parametrize("user", ["admin", None, "nobody"])
def test_no_browser_sees_the_key_or_the_host(user, trouble, told, api, caplog):
    with caplog.at_level(logging.DEBUG, logger="airflow_provider_layers"):
        if trouble:
            words = {"{{KEY}}": api.api_key, "{{HOST}}": api.url.rpartition("/")[2]}
            filled = {
                name: value.replace("{{KEY}}", words["{{KEY}}"]).replace("{{HOST}}", words["{{HOST}}"])
                if isinstance(value, str)
                else value
                for name, value in trouble.items()
            }
            # Making the content is no part of this.
            api.fault(method="GET", path="/v1/**", times=None, **filled)
        text = told(user=user, task_id="make")
    assert_nothing_of(api, text)
    assert "Traceback" not in text


def test_nobody_is_told_what_a_connection_is_filled_in_with(told, api, monkeypatch):
    text = '{"conn_type": "layers", "password": "%s x", "host": "%s", "extra": {"timeout": "%s"}}'
    monkeypatch.setenv("AIRFLOW_CONN_LAYERS_DEFAULT", text % (api.api_key, api.url, api.api_key))
    said = told(task_id="make")
    assert "cannot be used as it is filled in" in said
    assert_nothing_of(api, said)


def test_the_pages_own_files_name_no_host(address, layers_app):
    from airflow_provider_layers.plugins.bundle import read_bundle

    for name, file in read_bundle().items():
        text = file.content.decode().replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text, name
