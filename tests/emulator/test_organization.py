def test_whoami_has_the_fields_of_both_revisions(api, client):
    api.configure(credits=77, scopes=["content:read"])
    body = client.get("/v1/whoami").json()
    assert body["scopes"] == ["content:read"]
    assert body["creditBalance"] == 77
    assert body["rateLimitTier"] == "partner"
    assert body["organizationId"].startswith("org_")
    assert body["apiKeyId"].startswith("key_")
    assert body["parentOrganizationId"] is None
    assert (body["killSwitch"], body["apiAccessRevoked"]) == (False, False)
