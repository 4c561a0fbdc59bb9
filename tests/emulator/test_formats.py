from airflow_provider_layers.emulator.formats import bare_uuid, is_idempotency_key


def test_polling_does_not_change_the_ids_of_what_is_made(api, client, start):
    first = start()["jobId"]
    api.reset()
    for _ in range(5):
        client.get("/v1/whoami")
    assert start()["jobId"] == first


def test_job_ids_sort_by_age(start):
    ids = [start()["jobId"] for _ in range(5)]
    assert ids == sorted(set(ids))


def test_prefixed_and_bare_uuids():
    plain = "254a4ce1-f4ca-42b1-9e36-17ca45ef3d39"
    assert bare_uuid(f"cnt_{plain}", "cnt") == bare_uuid(plain.upper(), "cnt") == plain
    for other in (f"prj_{plain}", plain.replace("-", ""), f"{{{plain}}}", "cnt_", ""):
        assert bare_uuid(other, "cnt") is None


def test_idempotency_keys():
    assert is_idempotency_key("254a4ce1-f4ca-42b1-9e36-17ca45ef3d39")
    assert is_idempotency_key("01HXZ9G7KMV2QX8Y1S5RJW3B7T")
    assert not is_idempotency_key("254a4ce1-f4ca-52b1-9e36-17ca45ef3d39")
    assert not is_idempotency_key("01HXZ9G7KMV2QX8Y1S5RJW3B7U")
