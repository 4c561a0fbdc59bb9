import pytest


@pytest.fixture
def whoami(web, api):
    """Ask with these headers and no others."""
    return lambda **headers: web.get(f"{api.url}/v1/whoami", headers=headers)


@pytest.mark.parametrize(
    "form", [{"Authorization": "Bearer {}"}, {"Authorization": "bearer {}"}, {"X-Api-Key": "{}"}]
)
def test_both_forms_of_the_key_are_accepted(whoami, api, form):
    headers = {name: value.format(api.api_key) for name, value in form.items()}
    assert whoami(**headers).status_code == 200


def test_x_api_key_wins_over_bearer(whoami, api, refused):
    right, wrong = api.api_key, "lp_live_wrong"
    assert whoami(**{"X-Api-Key": right, "Authorization": f"Bearer {wrong}"}).status_code == 200
    refused(whoami(**{"X-Api-Key": wrong, "Authorization": f"Bearer {right}"}), 401, "UNAUTHENTICATED")


@pytest.mark.parametrize("value", [None, "Bearer", "Bearer nonsense", "Basic bGF5ZXJz"])
def test_a_missing_or_wrong_key_is_401(whoami, api, refused, value):
    headers = {} if value is None else {"Authorization": value}
    refused(whoami(**headers), 401, "UNAUTHENTICATED")


def test_a_revoked_key_is_401_and_says_so(whoami, api, refused):
    error = refused(whoami(**{"X-Api-Key": api.keys["revoked"]}), 401, "UNAUTHENTICATED")
    assert "revoked" in error["message"]
    api.configure(revoked=True)
    refused(whoami(**{"X-Api-Key": api.api_key}), 401, "UNAUTHENTICATED")


def test_suspension_is_503_with_its_scope(whoami, api, client, refused):
    error = refused(whoami(**{"X-Api-Key": api.keys["suspended"]}), 503, "KILL_SWITCH")
    assert error["details"] == {"scope": "key"}
    api.configure(suspended="organization")
    assert refused(client.get("/v1/credits"), 503, "KILL_SWITCH")["details"] == {"scope": "organization"}


def test_a_missing_scope_is_403(api, client, refused, content_url):
    api.configure(scopes=["content:read"])
    assert client.get(content_url).status_code == 200
    refused(client.post(content_url, json={"brief": {}}), 403, "FORBIDDEN_SCOPE")
    api.configure(scopes=[])
    refused(client.get(content_url), 403, "FORBIDDEN_SCOPE")
    assert client.get("/v1/whoami").status_code == 200


def test_the_read_only_key_reads_and_does_not_write(web, api, refused, content_url):
    headers = {"X-Api-Key": api.keys["read_only"]}
    assert web.get(api.url + content_url, headers=headers).status_code == 200
    refused(web.post(api.url + content_url, json={"brief": {}}, headers=headers), 403, "FORBIDDEN_SCOPE")


def test_an_organization_header_must_be_an_organization_id(client, refused):
    assert client.get("/v1/whoami", headers={"X-Layers-Organization": "org_1"}).status_code == 200
    answer = client.get("/v1/whoami", headers={"X-Layers-Organization": "acme"})
    refused(answer, 422, "VALIDATION", "headers.X-Layers-Organization")
