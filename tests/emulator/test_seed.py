import re

from airflow_provider_layers.emulator import Emulator

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def test_the_world_follows_from_the_seed(api):
    with Emulator(seed=1) as again, Emulator(seed=2) as other:
        for name in (
            "api_key",
            "keys",
            "project_ids",
            "social_account_ids",
            "top_post_ids",
            "influencer_ids",
        ):
            assert getattr(again, name) == getattr(api, name)
            assert getattr(other, name) != getattr(api, name)


def test_ids_have_the_documented_forms(api, start, approved, client, plan):
    assert re.fullmatch(rf"prj_{UUID}", api.project_id)
    assert all(re.fullmatch(rf"sa_{UUID}", account) for account in api.social_account_ids)
    assert all(re.fullmatch(r"pp_[0-9A-HJKMNP-TV-Z]{26}", post) for post in api.top_post_ids)
    assert re.fullmatch(r"lp_live_[a-z2-7]{16}_[\w-]{43}", api.api_key)
    job = start()
    assert re.fullmatch(r"job_[0-9A-HJKMNP-TV-Z]{26}", job["jobId"])
    assert re.fullmatch(rf"cnt_{UUID}", job["containerIds"][0])
    (post,) = client.post(f"/v1/content/{approved()}/schedule", json=plan()).json()["scheduledPostIds"]
    assert re.fullmatch(rf"sp_{UUID}", post)


def test_three_projects_and_five_keys(api):
    assert len(set(api.project_ids)) == 3
    assert set(api.keys) == {"default", "second", "read_only", "revoked", "suspended"}
    assert len(set(api.keys.values())) == 5
