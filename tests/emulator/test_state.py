def test_things_happen_in_the_order_in_which_they_are_due(api, client, start):
    api.outcome("completed", job_seconds=30)
    slow, quick = start(), None
    api.outcome("completed", job_seconds=10)
    quick = start()
    api.advance(3600)
    finished = {job.job_id: job.finished_at for job in api.jobs()}
    assert finished[quick["jobId"]] == "2026-04-18T12:00:10.000Z"
    assert finished[slow["jobId"]] == "2026-04-18T12:00:30.000Z"


def test_settings_reach_the_default_project_and_key_only(api, client):
    api.configure(review_policy="auto_approve", scopes=["content:read"])
    policy = client.get(f"/v1/projects/{api.project_id}/content-review-policy").json()
    assert policy["policy"] == "auto_approve"
    assert client.get("/v1/whoami", headers={"X-Api-Key": api.keys["read_only"]}).json()["scopes"] != [
        "content:read"
    ]
