"""Validation of bodies and queries: the vendor's limits and words, and what an error says."""

import uuid

import pytest

from tests import limits

PROJECT = "/v1/projects/{project}"
CONTAINER = "/v1/content/{container}"
GENERATE = f"{PROJECT}/content"
SCHEDULE = f"{CONTAINER}/schedule"
UNKNOWN_ACCOUNT = {"socialAccountId": "sa_unknown", "mode": "publish"}


def text(length):
    return "x" * length


def texts(count):
    return ["x"] * count


@pytest.fixture
def issue_paths(api, client, create_container):
    """Send a body or a query and return the paths of the issues in the response."""
    container = create_container()
    ids = {"project": api.project_id, "container": container, "post": f"sp_{uuid.uuid4()}"}

    def send(method, path, body=None, query=None):
        response = client.request(method, path.format(**ids), json=body, params=query)
        details = response.json().get("error", {}).get("details") or {}
        paths = [issue["path"] for issue in details.get("issues", [])]
        assert (response.status_code in (400, 422)) == bool(paths), response.text
        return paths

    return send


def brief(field, value):
    return {"brief": {field: value}}


def target(field, value):
    return {"scheduledFor": "2027-01-01T00:00:00Z", "targets": [{**UNKNOWN_ACCOUNT, field: value}]}


NUMBERS = [
    ("POST", GENERATE, "variantCount", limits.VARIANT_COUNT, lambda n: {"brief": {}, "variantCount": n}),
    ("POST", f"/v1/content/{uuid.uuid4()}/clone-from-post", "variations", limits.VARIATIONS,
     lambda n: {"projectId": "x", "sourcePlatformPostId": "x", "variations": n}),
    ("PATCH", f"{PROJECT}/approval-policy", "firstNPostsBlocked", limits.FIRST_POSTS_BLOCKED,
     lambda n: {"firstNPostsBlocked": n}),
    ("PATCH", f"{PROJECT}/content-review-policy", "firstN", limits.FIRST_N,
     lambda n: {"policy": "review_first_n", "firstN": n}),
]  # fmt: skip
LENGTHS = [
    ("POST", GENERATE, "brief.valuePropositions", limits.VALUE_PROPOSITIONS,
     lambda n: brief("valuePropositions", texts(n))),
    ("POST", GENERATE, "references.sourcePostIds", limits.SOURCE_POST_IDS,
     lambda n: {"brief": {}, "references": {"sourcePostIds": texts(n)}}),
    ("POST", GENERATE, "references.assetIds", limits.ASSET_IDS,
     lambda n: {"brief": {}, "references": {"assetIds": texts(n)}}),
    ("POST", GENERATE, "hook", limits.HOOK_LENGTH,
     lambda n: {"format": "slideshow-builder", "hook": text(n)}),
    ("POST", f"{GENERATE}/slideshow-builder", "hook", limits.HOOK_LENGTH, lambda n: {"hook": text(n)}),
    ("POST", f"{CONTAINER}/regenerate", "brief.valuePropositions", limits.VALUE_PROPOSITIONS,
     lambda n: brief("valuePropositions", texts(n))),
    ("POST", f"{CONTAINER}/reject", "reason", limits.REASON_LENGTH, lambda n: {"reason": text(n)}),
    ("POST", SCHEDULE, "targets", limits.TARGETS,
     lambda n: {"scheduledFor": "2027-01-01T00:00:00Z", "targets": [UNKNOWN_ACCOUNT] * n}),
    ("POST", f"{CONTAINER}/publish", "targets", limits.TARGETS, lambda n: {"targets": [UNKNOWN_ACCOUNT] * n}),
    ("POST", SCHEDULE, "targets.0.captionOverride", limits.CAPTION_LENGTH,
     lambda n: target("captionOverride", text(n))),
    ("POST", SCHEDULE, "targets.0.firstCommentOverride", limits.FIRST_COMMENT_LENGTH,
     lambda n: target("firstCommentOverride", text(n))),
]  # fmt: skip


def test_limits_of_numbers(issue_paths):
    for method, path, field, limit, body in NUMBERS:
        for number in limit.allowed:
            assert issue_paths(method, path, body(number)) == [], (path, field, number)
        for number in limit.refused:
            assert issue_paths(method, path, body(number)) == [field], (path, field, number)


def test_limits_of_lengths(issue_paths):
    for method, path, field, limit, body in LENGTHS:
        for length in limit.allowed:
            assert issue_paths(method, path, body(length)) == [], (path, field, length)
        for length in limit.refused:
            assert length < 0 or issue_paths(method, path, body(length)) == [field], (path, field, length)


def test_optional_texts_are_limited_above(issue_paths):
    for method, path, field, limit in (
        ("POST", f"{CONTAINER}/approve", "note", limits.NOTE_LENGTH),
        ("DELETE", "/v1/scheduled-posts/{post}", "reason", limits.CANCEL_REASON_LENGTH),
    ):
        assert issue_paths(method, path, {field: text(limit.most + 1)}) == [field]
        assert issue_paths(method, path, {field: text(limit.most)}) == []


def test_limits_of_pages(issue_paths):
    for path, limit, query in (
        (f"{PROJECT}/content", limits.CONTENT_PAGE, {}),
        (f"{PROJECT}/scheduled-posts", limits.SCHEDULED_POSTS_PAGE, {}),
        (f"{PROJECT}/social-accounts", limits.SOCIAL_ACCOUNTS_PAGE, {}),
        (f"{PROJECT}/top-performers", limits.TOP_PERFORMERS, {"metric": "views"}),
        ("/v1/projects", limits.PROJECTS_PAGE, {}),
    ):
        for number in limit.allowed:
            assert issue_paths("GET", path, query={**query, "limit": number}) == [], (path, number)
        for value in (*limit.refused, "many", "1.0", " 1", "+1"):
            assert issue_paths("GET", path, query={**query, "limit": value}) == ["limit"], (path, value)


WORDS_OF_BODIES = [
    ("POST", GENERATE, "format", limits.BRIEF_FORMATS, lambda word: {"brief": {}, "format": word}),
    ("POST", GENERATE, "targetPlatforms.0", limits.PLATFORMS,
     lambda word: {"brief": {}, "targetPlatforms": [word]}),
    ("POST", GENERATE, "brief.targetPlatforms.0", limits.PLATFORMS,
     lambda word: brief("targetPlatforms", [word])),
    ("POST", f"/v1/content/{uuid.uuid4()}/clone-from-post", "mode", limits.CLONE_MODES,
     lambda word: {"projectId": "x", "sourcePlatformPostId": "x", "mode": word}),
    ("POST", SCHEDULE, "targets.0.mode", limits.TARGET_MODES, lambda word: target("mode", word)),
    ("POST", SCHEDULE, "targets.0.tiktokPostSettings.privacyLevel",
     ("PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "FOLLOWER_OF_CREATOR", "SELF_ONLY"),
     lambda word: target("tiktokPostSettings", {"privacyLevel": word})),
    ("POST", SCHEDULE, "targets.0.tiktokMusic.mode", ("none", "auto", "manual"),
     lambda word: target("tiktokMusic", {"mode": word})),
    ("PATCH", f"{PROJECT}/content-review-policy", "policy", ("auto_approve", "review_all"),
     lambda word: {"policy": word}),
]  # fmt: skip


WORDS_OF_QUERIES = [
    ("content", "status", limits.CONTENT_STATUSES),
    ("content", "format", (*limits.BRIEF_FORMATS, *limits.HOOK_FORMATS)),
    ("content", "creativeType", ("generated", "uploaded")),
    ("scheduled-posts", "status", limits.POST_STATUSES),
    ("social-accounts", "platform", ("tiktok", "instagram")),
    ("social-accounts", "status", ("connected", "reauth_required", "disconnected")),
    ("top-performers", "metric", limits.METRICS),
    ("top-performers", "window", limits.WINDOWS),
    ("top-performers", "sourceType", limits.SOURCE_TYPES),
    ("top-performers", "platform", limits.RANKED_PLATFORMS),
    ("top-performers", "includeIneligible", ("true", "false")),
]


def test_words_of_bodies(issue_paths):
    for method, path, field, words, body in WORDS_OF_BODIES:
        for word in words:
            assert issue_paths(method, path, body(word)) == [], (path, field, word)
        assert issue_paths(method, path, body("unheard-of")) == [field], (path, field)


def test_words_of_queries(issue_paths):
    for path, parameter, words in WORDS_OF_QUERIES:
        others = {"metric": "views"} if path == "top-performers" else {}
        for word in words:
            query = {**others, parameter: word}
            assert issue_paths("GET", f"{PROJECT}/{path}", query=query) == [], (path, query)
        query = {**others, parameter: "unheard-of"}
        assert issue_paths("GET", f"{PROJECT}/{path}", query=query) == [parameter], (path, query)


def test_timestamps_end_in_z(issue_paths):
    for value in ("2027-01-01T00:00:00", "2027-01-01T00:00:00+00:00", "2027-01-01", "x", 5, None):
        body = {"scheduledFor": value, "targets": [UNKNOWN_ACCOUNT]}
        assert issue_paths("POST", SCHEDULE, body) == ["scheduledFor"], value
        assert issue_paths("POST", "/v1/scheduled-posts/{post}/reschedule", {"scheduledFor": value}) == [
            "scheduledFor"
        ], value
    for path in ("content", "scheduled-posts"):
        query = {"since": "2027-01-01T00:00:00+00:00", "until": "yesterday"}
        assert issue_paths("GET", f"{PROJECT}/{path}", query=query) == ["since", "until"]


def test_parameters_are_sent_once_unless_documented_otherwise(issue_paths):
    assert issue_paths("GET", GENERATE, query={"since": ["2027-01-01T00:00:00Z"] * 2}) == ["since"]
    assert issue_paths("GET", GENERATE, query={"limit": ["1", "2"]}) == ["limit"]
    assert issue_paths("GET", GENERATE, query={"status": ["queued", "failed"]}) == []


TYPES_OF_JSON = [
    ({"brief": {}, "variantCount": "2"}, ["variantCount"]),
    ({"brief": {}, "variantCount": 2.0}, ["variantCount"]),
    ({"brief": {}, "variantCount": True}, ["variantCount"]),
    ({"brief": {}, "variantCount": None}, ["variantCount"]),
    ({"brief": {"topic": ""}}, ["brief.topic"]),
    ({"brief": {"topic": None}}, ["brief.topic"]),
    ({"brief": {"topic": 7}}, ["brief.topic"]),
    ({"brief": {"themeTags": ["x", ""]}}, ["brief.themeTags.1"]),
    ({"brief": {"influencerId": "inf_01HXZ9"}}, ["brief.influencerId"]),
    ({"brief": {"language": "not a tag"}}, ["brief.language"]),
    ({"brief": {"language": "en-US"}}, []),
    ({"brief": {}, "targetPlatforms": "tiktok"}, ["targetPlatforms"]),
    ({"brief": {}, "budget": {"maxCredits": 1.5}}, ["budget.maxCredits"]),
    ({"brief": {}, "budget": {}}, ["budget.maxCredits"]),
    ({"brief": {}, "metadata": "note"}, ["metadata"]),
    ({"brief": {}, "metadata": {"my_own": [None]}}, []),
    ({"brief": {}, "id": "mine"}, ["id"]),
    ({"brief": "x", "variantCount": 9}, ["variantCount", "brief"]),
    ([], [""]),
]


def test_types_of_json_are_not_converted(issue_paths):
    for body, paths in TYPES_OF_JSON:
        assert issue_paths("POST", GENERATE, body) == paths, body


def test_durations(issue_paths):
    path = f"{PROJECT}/approval-policy"
    for value in ("PT2H", "P1D", "P1DT2H", "P1Y2M", None):
        assert issue_paths("PATCH", path, {"autoApproveAfter": value}) == [], value
    for value in ("P", "PT", "P1DT", "2 hours", 7200):
        assert issue_paths("PATCH", path, {"autoApproveAfter": value}) == ["autoApproveAfter"], value


def test_an_error_suggests_the_right_spelling(client, content_url, create_container):
    body = {"variant_count": 2, "brief": {"value_propositions": [], "topics": "x", "else": 1}}
    issues = client.post(content_url, json=body).json()["error"]["details"]["issues"]
    messages = {issue["path"]: issue["message"] for issue in issues}
    assert messages["variant_count"] == "unknown field; did you mean variantCount?"
    assert messages["brief.value_propositions"] == "unknown field; did you mean valuePropositions?"
    assert messages["brief.topics"] == "unknown field; did you mean topic?"
    assert messages["brief.else"].startswith("unknown field; known are topic, angle")
    body = {"targets": [{"socialAccountId": "x", "mode": "publish", "caption_override": "x"}]}
    issues = client.post(f"/v1/content/{create_container()}/publish", json=body).json()["error"]["details"]
    assert issues["issues"] == [
        {
            "path": "targets.0.caption_override",
            "message": "unknown field; did you mean captionOverride?",
        }
    ]
    issues = client.get("/v1/whoami", params={"verbose": "1"}).json()["error"]["details"]["issues"]
    assert issues == [{"path": "verbose", "message": "unknown parameter; known are none"}]


def test_messages_name_what_is_allowed_and_what_was_sent(client, content_url):
    body = {"brief": {"topic": "", "cta": 1, "targetPlatforms": ["x"]}, "variantCount": 6, "metadata": []}
    error = client.post(content_url, json=body).json()["error"]
    assert {issue["path"]: issue["message"] for issue in error["details"]["issues"]} == {
        "variantCount": "must be at most 5, not 6",
        "metadata": "must be an object, not an array",
        "brief.topic": "must have at least 1 characters, not 0",
        "brief.cta": "must be a string, not a number",
        "brief.targetPlatforms.0": "must be one of 'instagram', 'tiktok' or 'youtube', not 'x'",
    }
    assert "variantCount: must be at most 5, not 6" in error["message"]
