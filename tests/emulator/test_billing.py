import pytest


def test_credits_are_reserved_while_a_job_runs_and_spent_when_it_completes(api, client, start):
    api.configure(credits=100)
    start()
    body = client.get("/v1/credits").json()
    assert (body["balance"], body["available"], body["reservedCredits"]) == (100, 50, 50)
    api.advance(60)
    body = client.get("/v1/credits").json()
    assert (body["balance"], body["available"], body["reservedCredits"]) == (50, 50, 0)
    assert body["usedThisPeriod"] == 50


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_job_that_does_not_complete_costs_nothing(api, client, start, status):
    api.configure(credits=100)
    api.outcome(status)
    start()
    api.advance(60)
    assert client.get("/v1/credits").json()["available"] == 100


def test_too_few_credits_are_402_and_nothing_is_made(api, client, start, content_url, refused):
    api.configure(credits=70)
    start()
    body = {"format": "slideshow-builder", "hook": "One more."}
    error = refused(client.post(content_url, json=body), 402, "BILLING_EXHAUSTED")
    assert error["details"] == {"required": 50, "available": 20}
    assert len(api.jobs()) == 1
    assert len(client.get(content_url).json()["items"]) == 1


@pytest.mark.parametrize(
    ("body", "cost"),
    [
        ({"brief": {}}, 120),
        ({"brief": {}, "format": "slideshow_remix", "variantCount": 3}, 150),
        ({"brief": {}, "format": "ugc_remix"}, 120),
        ({"hook": "x", "format": "slideshow-builder", "variantCount": 2}, 100),
    ],
)
def test_the_documented_costs(api, client, content_url, body, cost):
    assert client.post(content_url, json=body).status_code == 202
    assert api.jobs()[0].cost == cost


def test_a_budget_below_the_cost_is_refused(api, client, content_url, refused):
    body = {"brief": {}, "format": "slideshow_remix", "budget": {"maxCredits": 49}}
    error = refused(client.post(content_url, json=body), 402, "BILLING_EXHAUSTED")
    assert error["details"]["required"] == 50
    body["budget"]["maxCredits"] = 50
    assert client.post(content_url, json=body).status_code == 202


def test_the_credits_page_lists_what_formats_cost(client):
    costs = client.get("/v1/credits").json()["estimatedCreditsPerFormat"]
    assert costs == {
        "video_remix": 120, "slideshow_remix": 50, "ugc_remix": 120, "auto": 120, "slideshow_builder": 50,
    }  # fmt: skip
