"""Replay of responses by ``Idempotency-Key``."""

import uuid

import pytest

from tests.limits import REPLAY_WINDOW_SECONDS

BODY = {"brief": {"topic": "a"}}


@pytest.fixture
def post(client, content_url):
    def send(key, body=BODY, url=content_url, **headers):
        return client.post(url, json=body, headers={"Idempotency-Key": key, **headers})

    return send


def test_the_same_key_and_body_replay_the_first_response(api, post):
    key = str(uuid.uuid4())
    first = post(key)
    api.advance(3600)
    again = post(key)
    assert (again.status_code, again.json()) == (202, first.json())
    assert len(api.jobs()) == 1
    assert [request.replayed for request in api.requests(method="POST")] == [False, True]
    assert api.jobs()[0].idempotency_key == key


def test_the_order_of_fields_does_not_matter(api, post):
    key = str(uuid.uuid4())
    post(key, {"format": "auto", "brief": {}})
    assert post(key, {"brief": {}, "format": "auto"}).status_code == 202
    assert len(api.jobs()) == 1


def test_another_body_conflicts(api, post, assert_error):
    key = str(uuid.uuid4())
    post(key)
    assert_error(post(key, {"brief": {"topic": "b"}}), 409, "IDEMPOTENCY_CONFLICT")
    assert len(api.jobs()) == 1


def test_without_a_key_every_request_is_executed(api, client, content_url):
    assert len({client.post(content_url, json=BODY).json()["jobId"] for _ in range(2)}) == 2


def test_a_key_expires_with_the_window(api, post):
    key = str(uuid.uuid4())
    first = post(key).json()
    api.advance(REPLAY_WINDOW_SECONDS - 1)
    assert post(key).json() == first
    api.advance(1)
    assert post(key).json() != first


def test_a_key_belongs_to_an_api_key_and_a_path(api, post, content_url):
    key = str(uuid.uuid4())
    first = post(key)
    assert post(key, {"hook": "x"}, f"{content_url}/slideshow-builder").status_code == 202
    assert post(key, **{"X-Api-Key": api.keys["second"]}).json()["jobId"] != first.json()["jobId"]
    assert len({job.key_id for job in api.jobs()}) == 2


def test_an_error_is_not_kept(api, post, assert_error):
    key = str(uuid.uuid4())
    api.configure(credits=0)
    assert_error(post(key), 402, "BILLING_EXHAUSTED")
    api.configure(credits=1000)
    assert post(key).status_code == 202


def test_a_ulid_is_a_key(post):
    assert post("01HXZ9G7KMV2QX8Y1S5RJW3B7T").status_code == 202


@pytest.mark.parametrize(
    "key", ["", "my-key", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "81HXZ9G7KMV2QX8Y1S5RJW3B7T"]
)
def test_other_keys_are_errors(post, assert_error, key):
    assert_error(post(key), 422, "VALIDATION_FAILED", "headers.Idempotency-Key")


def test_an_approval_is_replayed_instead_of_conflicting(client, create_container):
    url, headers = f"/v1/content/{create_container()}/approve", {"Idempotency-Key": str(uuid.uuid4())}
    assert client.post(url, headers=headers).json() == client.post(url, headers=headers).json()


def test_get_ignores_the_key(client):
    assert client.get("/v1/whoami", headers={"Idempotency-Key": "my-key"}).status_code == 200
