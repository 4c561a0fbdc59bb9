"""The checks before a handler (route, API key, scope, organization, body), and the headers of responses."""

import pytest

from airflow_provider_layers.emulator.routes import ROUTES


@pytest.fixture
def whoami(anonymous, api):
    """Send a request with these headers only."""
    return lambda **headers: anonymous.get(f"{api.url}/v1/whoami", headers=headers)


@pytest.mark.parametrize(
    "form", [{"Authorization": "Bearer {}"}, {"Authorization": "bearer {}"}, {"X-Api-Key": "{}"}]
)
def test_both_headers_of_the_key_are_accepted(whoami, api, form):
    headers = {name: value.format(api.api_key) for name, value in form.items()}
    assert whoami(**headers).status_code == 200


def test_x_api_key_wins_over_bearer(whoami, api, assert_error):
    right, wrong = api.api_key, "lp_live_wrong"
    assert whoami(**{"X-Api-Key": right, "Authorization": f"Bearer {wrong}"}).status_code == 200
    response = whoami(**{"X-Api-Key": wrong, "Authorization": f"Bearer {right}"})
    assert_error(response, 401, "UNAUTHENTICATED")


@pytest.mark.parametrize("value", [None, "Bearer", "Bearer nonsense", "Basic bGF5ZXJz"])
def test_a_missing_or_wrong_key_is_401(whoami, assert_error, value):
    headers = {} if value is None else {"Authorization": value}
    assert_error(whoami(**headers), 401, "UNAUTHENTICATED")


def test_a_revoked_key_is_401(whoami, api, assert_error):
    error = assert_error(whoami(**{"X-Api-Key": api.keys["revoked"]}), 401, "UNAUTHENTICATED")
    assert "revoked" in error["message"]
    api.configure(revoked=True)
    assert_error(whoami(**{"X-Api-Key": api.api_key}), 401, "UNAUTHENTICATED")


def test_suspension_is_503_with_its_scope(whoami, api, client, assert_error):
    error = assert_error(whoami(**{"X-Api-Key": api.keys["suspended"]}), 503, "KILL_SWITCH")
    assert error["details"] == {"scope": "key"}
    api.configure(suspended="organization")
    error = assert_error(client.get("/v1/credits"), 503, "KILL_SWITCH")
    assert error["details"] == {"scope": "organization"}


def test_every_route_needs_its_scope(api, client, assert_error):
    api.configure(scopes=["nothing:read"])
    for route in ROUTES:
        response = client.request(route.method, route.path)
        if route.required_scope is None:
            assert response.status_code == 200
        else:
            error = assert_error(response, 403, "FORBIDDEN_SCOPE")
            assert error["details"] == {"requiredScope": route.required_scope}


def test_a_scope_permits_its_routes_only(api, client, anonymous, assert_error, content_url):
    api.configure(scopes=["content:read"])
    assert client.get(content_url).status_code == 200
    assert_error(client.post(content_url, json={"brief": {}}), 403, "FORBIDDEN_SCOPE")
    headers = {"X-Api-Key": api.keys["read_only"]}
    assert anonymous.get(api.url + content_url, headers=headers).status_code == 200
    response = anonymous.post(api.url + content_url, json={"brief": {}}, headers=headers)
    assert_error(response, 403, "FORBIDDEN_SCOPE")


def test_an_organization_header_must_be_an_organization_id(client, assert_error):
    assert client.get("/v1/whoami", headers={"X-Layers-Organization": "org_1"}).status_code == 200
    response = client.get("/v1/whoami", headers={"X-Layers-Organization": "acme"})
    assert_error(response, 422, "VALIDATION", "headers.X-Layers-Organization")


def test_rate_limit_classes():
    # operational/rate-limits: every GET is read-light, a POST that starts a job is long-running.
    assert {route.limit_class for route in ROUTES if route.method == "GET"} == {"read-light"}
    assert {route.path for route in ROUTES if route.limit_class == "long-running"} == {
        "/v1/projects/{project}/content",
        "/v1/projects/{project}/content/{format}",
        "/v1/content/{container}/clone-from-post",
        "/v1/content/{container}/regenerate",
    }


def test_an_unknown_route_is_404(client, assert_error):
    error = assert_error(client.get("/v1/audit-log"), 404, "NOT_FOUND")
    assert "The emulator has no route /v1/audit-log" in error["message"]
    assert_error(client.get("/v1/whoami/"), 404, "NOT_FOUND")


def test_outside_of_the_api_is_404(anonymous, api):
    assert anonymous.get(f"{api.url}/").status_code == 404


def test_a_wrong_method_is_405_and_names_the_right_methods(client, content_url, assert_error):
    error = assert_error(client.put("/v1/whoami"), 405, "METHOD_NOT_ALLOWED")
    assert "takes GET, not PUT" in error["message"]
    error = assert_error(client.delete(content_url), 405, "METHOD_NOT_ALLOWED")
    assert "GET" in error["message"]
    assert "POST" in error["message"]


def test_every_response_has_a_request_id_and_its_class(client, start_job, content_url):
    url = start_job()["locationUrl"]
    responses = [
        client.get("/v1/whoami"),
        client.get(url),
        client.post(f"{url}/cancel"),
        client.get("/v1/nothing"),
        client.post(content_url, json={}),
    ]
    assert len({response.headers["X-Request-Id"] for response in responses}) == 5
    classes = [response.headers["X-RateLimit-Endpoint-Class"] for response in responses]
    assert classes == ["read-light", "read-light", "write-light", "read-light", "long-running"]


def test_error_envelope(client):
    response = client.get("/v1/jobs/job_unknown")
    request_id = response.headers["X-Request-Id"]
    assert request_id.startswith("req_")
    assert response.status_code == 404
    assert response.json() == {
        "error": {"code": "NOT_FOUND", "message": "Job not found.", "requestId": request_id}
    }


@pytest.mark.parametrize("content", [b"{", b"brief=1", b"\xff"])
def test_a_body_that_is_not_json_is_an_error(client, content_url, assert_error, content):
    response = client.post(content_url, content=content, headers={"Content-Type": "application/json"})
    assert_error(response, 422, "VALIDATION_FAILED", "")


def test_a_body_has_to_be_sent_as_json(client, content_url, assert_error):
    response = client.post(content_url, content=b"{}", headers={"Content-Type": "text/plain"})
    assert_error(response, 422, "VALIDATION_FAILED", "headers.Content-Type")
    headers = {"Content-Type": "application/json; charset=utf-8"}
    assert client.post(content_url, content=b'{"brief": {}}', headers=headers).status_code == 202


def test_no_body_counts_as_an_empty_object(client, create_container):
    assert client.post(f"/v1/content/{create_container()}/approve").status_code == 200


def test_the_key_is_checked_before_the_body(client, content_url, assert_error):
    response = client.post(content_url, json=[], headers={"Authorization": "Bearer x"})
    assert_error(response, 401, "UNAUTHENTICATED")


def test_media_urls_are_on_the_host_of_the_request(anonymous, api, client, create_container):
    container = create_container()
    port = api.url.rpartition(":")[2]
    body = client.get(f"/v1/content/{container}", headers={"Host": f"emulator.test:{port}"}).json()
    url = body["preview"]["primaryUrl"]
    assert url.startswith(f"http://emulator.test:{port}/media/")
    assert anonymous.get(url.replace("emulator.test", "127.0.0.1")).status_code == 200
