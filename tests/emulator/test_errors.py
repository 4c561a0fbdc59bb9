def test_the_envelope_is_the_documented_one(client):
    answer = client.get("/v1/jobs/job_nobody")
    assert answer.status_code == 404
    assert answer.json() == {
        "error": {
            "code": "NOT_FOUND",
            "message": "Job not found.",
            "requestId": answer.headers["X-Request-Id"],
        }
    }
    assert answer.headers["X-Request-Id"].startswith("req_")


def test_details_name_every_issue(client, content_url):
    error = client.post(content_url, json={"brief": {}, "variantCount": 9, "extra": 1}).json()["error"]
    assert [issue["path"] for issue in error["details"]["issues"]] == ["variantCount", "extra"]
