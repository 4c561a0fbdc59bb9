import json

import pytest

from airflow_provider_layers.emulator import EmulatorControl


def test_a_control_steers_a_server_it_did_not_start(api, start):
    with EmulatorControl(api.url + "/") as control:
        assert (control.url, control.api_key, control.project_id) == (api.url, api.api_key, api.project_id)
        start()
        control.advance(60)
        assert [job.status for job in control.jobs()] == ["completed"]


def test_the_connection_in_each_of_its_forms(api):
    assert api.connection == {"conn_type": "layers", "host": api.url, "password": api.api_key}
    assert json.loads(api.airflow_connection_json) == api.connection
    assert api.airflow_connection_uri.startswith("layers://:lp_live_")
    assert api.airflow_connection_uri.endswith("@" + api.url.replace(":", "%3A").replace("/", "%2F"))


def test_a_proxy_of_the_environment_is_not_used(api, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with EmulatorControl(api.url) as control:
        assert control.now() == "2026-04-18T12:00:00.000Z"


def test_a_refusal_is_an_error_with_its_reason(api):
    with pytest.raises(ValueError, match=r"tier: must be one of .*, not 'gold'"):
        api.configure(tier="gold")


def test_the_seeded_ids_follow_a_reset(api):
    before = api.project_id, api.social_account_ids, api.top_post_ids, api.influencer_ids
    api.reset(seed=9)
    after = api.project_id, api.social_account_ids, api.top_post_ids, api.influencer_ids
    assert all(old != new for old, new in zip(before, after, strict=True))
