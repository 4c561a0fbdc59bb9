def test_parameters_may_be_given_once_unless_documented_otherwise(client, content_url, refused):
    refused(client.get(content_url, params={"since": ["a", "b"]}), 422, "VALIDATION", "since")
    assert client.get(content_url, params={"status": ["queued", "failed"]}).status_code == 200


def test_routes_without_parameters_take_none(client, refused):
    error = refused(client.get("/v1/whoami", params={"verbose": "1"}), 422, "VALIDATION", "verbose")
    assert "unknown parameter" in error["message"]


def test_no_body_counts_as_an_empty_one(client, made):
    assert client.post(f"/v1/content/{made()}/approve").status_code == 200
