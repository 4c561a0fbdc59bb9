from airflow_provider_layers.emulator.routes import ENDPOINTS


def test_every_route_needs_its_scope(api, client, refused):
    api.configure(scopes=["nothing:read"])
    for endpoint in ENDPOINTS:
        answer = client.request(endpoint.method, endpoint.path)
        if endpoint.scope is None:
            assert answer.status_code == 200
        else:
            error = refused(answer, 403, "FORBIDDEN_SCOPE")
            assert error["details"] == {"requiredScope": endpoint.scope}


def test_every_get_is_light(client):
    assert {endpoint.limit_class for endpoint in ENDPOINTS if endpoint.method == "GET"} == {"read-light"}
    starts = {endpoint.path for endpoint in ENDPOINTS if endpoint.limit_class == "long-running"}
    assert starts == {
        "/v1/projects/{project}/content",
        "/v1/projects/{project}/content/{format}",
        "/v1/content/{container}/clone-from-post",
        "/v1/content/{container}/regenerate",
    }


def test_a_route_that_is_not_played_says_so(client, refused):
    error = refused(client.get("/v1/audit-log"), 404, "NOT_FOUND")
    assert "The emulator plays no route /v1/audit-log" in error["message"]


def test_a_method_that_a_route_does_not_take(client, refused):
    error = refused(client.put("/v1/whoami"), 405, "METHOD_NOT_ALLOWED")
    assert "takes GET, not PUT" in error["message"]
