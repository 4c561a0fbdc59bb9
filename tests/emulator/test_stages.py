def test_stages_come_in_the_documented_order_and_progress_never_goes_back(api, client, start):
    url = start()["locationUrl"]
    seen, progress = [], []
    for _ in range(60):
        body = client.get(url).json()
        seen.append(body["stage"])
        progress.append(body["progress"])
        assert body["status"] == "running"
        api.advance(1)
    assert list(dict.fromkeys(seen)) == [
        "queued",
        "planning",
        "generating_visuals",
        "assembling",
        "finalizing",
    ]
    assert max(set(seen), key=seen.count) == "generating_visuals"
    assert progress == sorted(progress)
    assert progress[0] == 0
    assert progress[-1] < 1
    assert client.get(url).json()["progress"] == 1


def test_a_failed_job_stays_where_it_was(api, client, start):
    api.outcome("failed")
    url = start()["locationUrl"]
    api.advance(60)
    first = client.get(url).json()
    api.advance(600)
    assert client.get(url).json() == first
