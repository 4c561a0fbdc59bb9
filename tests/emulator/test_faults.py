import pytest


def statuses(client, count, url="/v1/whoami"):
    return [client.get(url).status_code for _ in range(count)]


def test_times_and_skip(api, client):
    api.fault("fail_before", times=2, skip=1)
    assert statuses(client, 5) == [200, 503, 503, 200, 200]


def test_once_is_the_default_and_none_is_for_ever(api, client):
    api.fault("fail_before")
    assert statuses(client, 2) == [503, 200]
    api.fault("fail_before", times=None, status=500)
    assert statuses(client, 3) == [500] * 3
    assert [fault["kind"] for fault in api.faults()] == ["fail_before"]
    api.clear_faults()
    assert statuses(client, 1) == [200]
    assert api.faults() == []


def test_method_and_path_select(api, client, start):
    url = start()["locationUrl"]
    api.fault("fail_before", method="get", path="/v1/jobs/*", times=None)
    assert statuses(client, 1) == [200]
    assert statuses(client, 1, url) == [503]
    assert client.post(f"{url}/cancel").status_code == 202


def test_faults_come_one_after_the_other(api, client):
    api.fault("fail_before", status=500)
    api.fault("rate_limit")
    assert statuses(client, 3) == [500, 429, 200]


def test_probability_is_drawn_from_the_seed(api, client):
    def draw():
        api.fault("fail_before", probability=0.5, times=None)
        return statuses(client, 20)

    first = draw()
    assert set(first) == {200, 503}
    api.reset()
    assert draw() == first


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"kind": "explode"}, "kind: must be one of"),
        ({"kind": "hang", "status": 503}, "status: unknown field"),
        ({"kind": "fail_before", "status": 200}, "status: must be 400 to 599"),
        ({"kind": "redirect", "url": "https://x.example"}, "url: unknown field"),
        ({"kind": "slow", "times": 0}, "times: must be 1"),
        ({"kind": "slow", "probability": 2}, "probability: must be 0 to 1"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(api, arguments, said):
    with pytest.raises(ValueError, match=said):
        api.fault(**arguments)


def test_what_waits_can_be_seen(api, client):
    api.fault("hang", path="/v1/jobs/*")
    (fault,) = client.get("/_emulator/faults").json()["faults"]
    assert (fault["kind"], fault["arguments"]) == ("hang", {"seconds": 60, "executed": False})
