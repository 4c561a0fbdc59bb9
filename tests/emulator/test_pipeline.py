import pytest


def test_every_answer_has_a_request_id_and_its_class(client, start, content_url):
    url = start()["locationUrl"]
    answers = [
        client.get("/v1/whoami"),
        client.get(url),
        client.post(f"{url}/cancel"),
        client.get("/v1/nothing"),
    ]
    ids = [answer.headers["X-Request-Id"] for answer in answers]
    assert len(set(ids)) == 4
    classes = [answer.headers["X-RateLimit-Endpoint-Class"] for answer in answers]
    assert classes == ["read-light", "read-light", "write-light", "read-light"]
    assert client.post(content_url, json={}).headers["X-RateLimit-Endpoint-Class"] == "long-running"


@pytest.mark.parametrize("content", [b"{", b"brief=1", b"\xff"])
def test_a_body_that_is_no_json_is_refused(client, content_url, refused, content):
    answer = client.post(content_url, content=content, headers={"Content-Type": "application/json"})
    refused(answer, 422, "VALIDATION_FAILED", "")


def test_a_body_has_to_say_that_it_is_json(client, content_url, refused):
    answer = client.post(content_url, content=b"{}", headers={"Content-Type": "text/plain"})
    refused(answer, 422, "VALIDATION_FAILED", "headers.Content-Type")
    answer = client.post(
        content_url, content=b'{"brief": {}}', headers={"Content-Type": "application/json; charset=utf-8"}
    )
    assert answer.status_code == 202


def test_the_key_is_looked_at_before_the_body(client, content_url, refused):
    refused(client.post(content_url, json=[], headers={"Authorization": "Bearer x"}), 401, "UNAUTHENTICATED")
