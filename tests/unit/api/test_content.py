"""Requests about content held against the vendor's pages, and the state of a decision."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from airflow_provider_layers.api.content import (
    APPROVAL_STATUSES,
    LIST_PAGE_SIZE,
    LOST_STATUSES,
    ContentState,
    approve_content,
    approved_by_person,
    as_ids,
    clone_from_post,
    common_project,
    deciding_states,
    earliest_creation,
    error_text,
    generate_content,
    get_content,
    get_content_asset,
    get_content_progress,
    get_content_state,
    is_settled,
    list_content,
    list_content_hooks,
    raise_unless_approved,
    regenerate_content,
    reject_content,
    single_id,
)
from airflow_provider_layers.exceptions import (
    LayersConflictError,
    LayersContentError,
    LayersParameterError,
    LayersPromotionError,
    LayersReviewRejectedError,
    LayersUnexpectedResponseError,
)
from tests import limits
from tests.unit.scripted import error, ok, response

UUID = "8d2f1a3e-0b4c-4a11-9f7e-33c0a2c1bd55"
BRIEF = {"topic": "Running"}
HOOK = {"hook": "x", "format": "ugc-remix"}


def shared(**fields):
    return generate_content("prj_1", fields, content_routes="shared", idempotency_key="key")


def per_format(**fields):
    return generate_content("prj_1", fields, content_routes="per-format", idempotency_key="key")


def clone(container_id=UUID, **fields):
    required = {"project_id": "prj_1", "source_platform_post_id": "pp_1", "mode": "fork", "variations": 1}
    return clone_from_post(container_id, required | fields, idempotency_key="key")


def regenerate(**fields):
    return regenerate_content("cnt_1", fields, idempotency_key="key")


def approve(**fields):
    return approve_content("cnt_1", **{"note": None, "idempotency_key": "key"} | fields)


def reject(**fields):
    return reject_content("cnt_1", **{"reason": "No.", "idempotency_key": "key"} | fields)


def refusal(make, **fields) -> str:
    with pytest.raises(LayersParameterError) as caught:
        make(**fields)
    return str(caught.value)


def lacking(text: str, parts) -> list[str]:
    return [part for part in parts if part not in text]


# Starting jobs


@pytest.mark.parametrize(
    ("endpoint", "path"),
    [
        (shared(brief=BRIEF), "/v1/projects/prj_1/content"),
        (shared(**HOOK), "/v1/projects/prj_1/content"),
        (per_format(hook="x", format="slideshow-builder"), "/v1/projects/prj_1/content/slideshow-builder"),
        (per_format(format="ugc-remix", influencer_id="inf_1"), "/v1/projects/prj_1/content/ugc-remix"),
        (clone(), f"/v1/content/{UUID}/clone-from-post"),
        (regenerate(), "/v1/content/cnt_1/regenerate"),
    ],
)
def test_a_job_is_started_by_a_post_under_its_key(endpoint, path):
    assert (endpoint.method, endpoint.path, endpoint.idempotency_key) == ("POST", path, "key")
    submission = endpoint.read(response({"jobId": "job_1", "locationUrl": "/v1/jobs/job_1"}, 202))
    assert (submission.job.job_id, submission.location) == ("job_1", "/v1/jobs/job_1")


def test_the_brief_form_is_spelled_as_on_the_vendors_page():
    endpoint = shared(
        project_layer_id="lyr_1",
        format="auto",
        variant_count="2",
        brief={
            "topic": "t",
            "angle": "a",
            "cta": "c",
            "value_propositions": ["v"],
            "hook": "h",
            "target_platforms": list(limits.PLATFORMS),
            "influencer_id": "inf_1",
            "theme_tags": ["fitness"],
            "reference_media_ids": ["med_1"],
            "language": "pt-BR",
        },
        references={"source_post_ids": ["pp_1"], "assetIds": ["ast_1"]},
        target_platforms=["tiktok"],
        budget={"max_credits": 100},
        metadata={"my_own": {"key_1": None}},
        hook=None,
        media_id=None,
    )
    assert endpoint.body == {
        "projectLayerId": "lyr_1",
        "format": "auto",
        "variantCount": 2,
        "brief": {
            "topic": "t",
            "angle": "a",
            "cta": "c",
            "valuePropositions": ["v"],
            "hook": "h",
            "targetPlatforms": list(limits.PLATFORMS),
            "influencerId": "inf_1",
            "themeTags": ["fitness"],
            "referenceMediaIds": ["med_1"],
            "language": "pt-BR",
        },
        "references": {"sourcePostIds": ["pp_1"], "assetIds": ["ast_1"]},
        "targetPlatforms": ["tiktok"],
        "budget": {"maxCredits": 100},
        "metadata": {"my_own": {"key_1": None}},
    }


def test_the_hook_form_is_spelled_as_on_the_vendors_page():
    endpoint = shared(
        format="slideshow-builder", variant_count=1, hook="wait\nfor it", references={"media_ids": ["med_1"]}
    )
    assert endpoint.body == {
        "format": "slideshow-builder",
        "variantCount": 1,
        "hook": "wait\nfor it",
        "references": {"mediaIds": ["med_1"]},
    }


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        (
            {"format": "slideshow-builder", "hook": "x", "social_account_id": "sa_1", "variant_count": "1"},
            {"hook": "x", "socialAccountId": "sa_1"},
        ),
        (
            {"format": "ugc-remix", "influencer_id": "inf_1", "media_id": "med_1", "variant_count": 1},
            {"influencerId": "inf_1", "mediaId": "med_1"},
        ),
        (
            {"format": "video-remix", "tiktok_video_id": "7", "social_account_id": "sa_1"},
            {"tiktokVideoId": "7", "socialAccountId": "sa_1"},
        ),
        (
            {"format": "slideshow-remix", "tiktok_video_id": 7, "influencer_id": "inf_1"},
            {"tiktokVideoId": "7", "influencerId": "inf_1"},
        ),
    ],
)
def test_a_per_format_route_has_the_format_in_its_path(fields, body):
    endpoint = per_format(**fields)
    assert endpoint.path.endswith(f"/{fields['format']}")
    assert endpoint.body == body


def test_a_clone_is_spelled_as_on_the_vendors_page():
    endpoint = clone(
        mode="reimagine",
        variations=3,
        project_layer_id="lyr_1",
        overrides={"caption": "c", "cta": "d", "voice_over_script": "e"},
    )
    assert endpoint.body == {
        "projectId": "prj_1",
        "projectLayerId": "lyr_1",
        "sourcePlatformPostId": "pp_1",
        "mode": "reimagine",
        "variations": 3,
        "overrides": {"caption": "c", "cta": "d", "voiceOverScript": "e"},
    }


def test_a_regeneration_is_spelled_as_on_the_vendors_page_and_may_change_nothing():
    endpoint = regenerate(
        brief={"topic": "t", "angle": "a", "cta": "c", "value_propositions": ["v"]},
        references={"source_post_ids": ["pp_1"], "asset_ids": ["ast_1"]},
        preserve_assets=True,
    )
    assert endpoint.body == {
        "brief": {"topic": "t", "angle": "a", "cta": "c", "valuePropositions": ["v"]},
        "references": {"sourcePostIds": ["pp_1"], "assetIds": ["ast_1"]},
        "preserveAssets": True,
    }
    assert regenerate(brief=None, references=None).body == {}


def many(count: int) -> list[str]:
    return [f"item {number}" for number in range(count)]


# The limit, how to make a request with a value of that size, and the parameter that a message names.
LIMITS = [
    (limits.VARIANT_COUNT, lambda size: shared(brief=BRIEF, variant_count=size), "variant_count"),
    (limits.VARIANT_COUNT, lambda size: shared(**HOOK, variant_count=size), "variant_count"),
    (limits.HOOK_LENGTH, lambda size: shared(hook="x" * size, format="ugc-remix"), "hook"),
    (limits.HOOK_LENGTH, lambda size: per_format(hook="x" * size, format="slideshow-builder"), "hook"),
    *(
        (limit, lambda size, make=make, fields=fields: make(**fields(many(size))), name)
        for make in (shared, regenerate)
        for limit, fields, name in (
            (
                limits.VALUE_PROPOSITIONS,
                lambda items: {"brief": {"value_propositions": items}},
                "brief.value_propositions",
            ),
            (
                limits.SOURCE_POST_IDS,
                lambda items: {"brief": BRIEF, "references": {"source_post_ids": items}},
                "references.source_post_ids",
            ),
            (
                limits.ASSET_IDS,
                lambda items: {"brief": BRIEF, "references": {"asset_ids": items}},
                "references.asset_ids",
            ),
        )
    ),
    (limits.VARIATIONS, lambda size: clone(variations=size), "variations"),
    (limits.NOTE_LENGTH, lambda size: approve(note="x" * size), "note"),
    (limits.REASON_LENGTH, lambda size: reject(reason="x" * size), "reason"),
]


@pytest.mark.parametrize(("limit", "make", "name"), LIMITS, ids=[name for *_, name in LIMITS])
def test_a_value_is_accepted_up_to_the_vendors_limits_and_refused_beyond(limit, make, name):
    for size in limit.allowed:
        assert make(size).body is not None
    for size, bound in zip(limit.refused, limit.allowed, strict=True):
        if size >= 0:
            text = refusal(make, size=size)
            assert text.startswith(f"{name} = ")
            assert f" {bound}" in text.rpartition(": ")[2]


OTHER_WORDS = ("other", "", "AUTO", "ugc remix")
WORDS = {
    "brief format": (limits.BRIEF_FORMATS, OTHER_WORDS, lambda word: shared(brief=BRIEF, format=word)),
    "hook format": (limits.HOOK_FORMATS, OTHER_WORDS, lambda word: shared(hook="x", format=word)),
    "platform": (limits.PLATFORMS, OTHER_WORDS, lambda word: shared(brief=BRIEF, target_platforms=[word])),
    "clone mode": (limits.CLONE_MODES, OTHER_WORDS, lambda word: clone(mode=word)),
    "status": (limits.CONTENT_STATUSES, OTHER_WORDS, lambda word: list_content("prj_1", status=word)),
    "language": (
        ("en", "pt-BR", "zh-Hant-TW", "es-419"),
        ("en_US", "e", "English please", "", "en-"),
        lambda word: shared(brief={"language": word}),
    ),
}


@pytest.mark.parametrize(("accepted", "refused", "make"), WORDS.values(), ids=WORDS)
def test_the_words_of_the_vendor_are_accepted_and_others_are_not(accepted, refused, make):
    for word in accepted:
        make(word)
    for word in refused:
        assert repr(word) in refusal(make, word=word)


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({}, ["neither brief nor hook"]),
        ({"brief": BRIEF, "hook": "x"}, ["brief and hook are two forms"]),
        ({"hook": "x"}, ["format: is required"]),
        ({"hook": "x", "format": "auto"}, ["format = 'auto'", "'slideshow-builder'", "'ugc-remix'"]),
        ({"brief": BRIEF, "format": "ugc-remix"}, ["format = 'ugc-remix'", "'ugc_remix'", "'auto'"]),
        ({**HOOK, "budget": {}}, ["has no field budget"]),
        ({"brief": BRIEF, "media_id": "med_1"}, ["has no field media_id"]),
        ({"brief": BRIEF, "references": {"media_ids": ["m"]}}, ["references", "source_post_ids"]),
        ({**HOOK, "references": {"asset_ids": ["a"]}}, ["its fields are media_ids"]),
        ({"brief": BRIEF, "target_platforms": ["myspace"]}, ["target_platforms.0 = 'myspace'", "'youtube'"]),
        ({"brief": BRIEF, "target_platforms": "tiktok"}, ["target_platforms = 'tiktok'", "list"]),
        ({"brief": {"target_platforms": ["x"]}}, ["brief.target_platforms.0 = 'x'", "'tiktok'"]),
        ({"brief": {"language": "en_US"}}, ["brief.language = 'en_US'"]),
        ({"brief": BRIEF, "budget": {"max_credits": -1}}, ["budget.max_credits = -1", "or equal to 0"]),
        ({"brief": BRIEF, "budget": {}}, ["budget.max_credits: is required"]),
        ({"brief": BRIEF, "metadata": "text"}, ["metadata = 'text'", "dictionary"]),
        ({"brief": {"title": "x"}}, ["brief", "has no field title", "topic"]),
        ({"brief": "text"}, ["brief = 'text'"]),
    ],
)
def test_what_does_not_belong_to_a_form_is_refused(fields, parts):
    assert lacking(refusal(shared, **fields), parts) == []


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({"hook": "x"}, ["format = None", ", ".join(limits.HOOK_FORMATS)]),
        ({"hook": "x", "format": "auto"}, ["format = 'auto'"]),
        ({"hook": "x", "format": ["ugc-remix"]}, ["format = ['ugc-remix']"]),
        ({"format": "slideshow-builder", "hook": "x", "variant_count": 2}, ["variant_count", "map the task"]),
        ({"format": "slideshow-builder"}, ["hook: is required"]),
        ({"format": "slideshow-builder", "brief": BRIEF}, ["has no field brief"]),
        ({"format": "ugc-remix"}, ["needs social_account_id or influencer_id"]),
        ({"format": "video-remix", "influencer_id": "i"}, ["tiktok_video_id: is required"]),
        ({"format": "slideshow-remix", "tiktok_video_id": "7"}, ["needs social_account_id or influencer_id"]),
        (
            {"format": "video-remix", "influencer_id": "i", "tiktok_video_id": "7", "hook": "x"},
            ["has no field hook"],
        ),
    ],
)
def test_what_does_not_belong_to_a_route_is_refused(fields, parts):
    assert lacking(refusal(per_format, **fields), parts) == []


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({"mode": "copy"}, ["mode = 'copy'", "'fork' or 'reimagine'"]),
        ({"mode": None}, ["mode: is required"]),
        ({"source_platform_post_id": ""}, ["source_platform_post_id = ''", "at least 1 "]),
        ({"source_platform_post_id": None}, ["source_platform_post_id: is required"]),
        ({"project_id": None}, ["project_id: is required"]),
        ({"overrides": {"hook": "x"}}, ["overrides", "has no field hook", "voice_over_script"]),
    ],
)
def test_a_wrong_clone_is_refused(fields, parts):
    assert lacking(refusal(clone, **fields), parts) == []


def test_the_container_of_a_clone_is_a_plain_uuid():
    for value in ("cnt_1", "", f"{UUID}0", f"urn:uuid:{UUID}", UUID.replace("-", ""), None):
        text = refusal(clone, container_id=value)
        assert text.startswith(f"container_id = {value!r}: ")
        assert "UUID" in text


def test_a_regeneration_accepts_only_what_it_can_change():
    text = refusal(regenerate, brief={"hook": "x"})
    assert "has no field hook; its fields are topic, angle, cta, value_propositions" in text


def test_a_project_is_required():
    with pytest.raises(LayersParameterError, match="project_id = ''"):
        generate_content("", {"brief": BRIEF}, content_routes="shared", idempotency_key="key")


# Ids


def test_one_id_or_nested_ids_make_one_flat_list():
    lists = [
        ("cnt_1", ["cnt_1"]),
        (["cnt_1", "cnt_2"], ["cnt_1", "cnt_2"]),
        (("cnt_1",), ["cnt_1"]),
        ([["cnt_1"], ["cnt_2", "cnt_3"]], ["cnt_1", "cnt_2", "cnt_3"]),
        (["cnt_1", "cnt_1", ["cnt_1"]], ["cnt_1"]),
        ([], []),
        ([[], []], []),
    ]
    assert [as_ids(value) for value, _ in lists] == [ids for _, ids in lists]


def test_what_is_no_id_and_no_list_of_ids_is_refused():
    for value in (None, 7, {"id": "cnt_1"}, "", [""], [None], [["cnt_1", 7]]):
        with pytest.raises(LayersParameterError, match="container_id = "):
            as_ids(value)


def test_a_single_id_may_be_in_a_list_and_several_are_refused():
    assert [single_id(value) for value in ("cnt_1", ["cnt_1"], [["cnt_1"]])] == ["cnt_1"] * 3
    for value in ([], ["cnt_1", "cnt_2"]):
        with pytest.raises(LayersParameterError, match=r"Map the task over the ids with expand\(\)"):
            single_id(value)


# Reading


def test_content_and_its_parts_are_read_by_their_ids():
    endpoints = [get_content("cnt/1"), get_content_progress("cnt/1"), get_content_asset("cnt/1", "ast/1")]
    base = "/v1/content/cnt%2F1"
    assert [item.path for item in endpoints] == [base, f"{base}/progress", f"{base}/assets/ast%2F1"]
    assert {item.method for item in endpoints} == {"GET"}
    assert [item.read(response({"a": 1})) for item in endpoints] == [{"a": 1}] * 3


def test_hooks_are_returned_as_the_api_wrote_them():
    endpoint = list_content_hooks("prj/1")
    assert (endpoint.method, endpoint.path) == ("GET", "/v1/projects/prj%2F1/content/hooks")
    # A line break is a backslash and an n, which the generate route takes back.
    assert endpoint.read(response({"hooks": [r"Wait for it...\nNow."]})) == [r"Wait for it...\nNow."]
    for body in ({}, {"hooks": None}, {"hooks": "Now."}, {"hooks": ["Now.", 7]}):
        with pytest.raises(LayersUnexpectedResponseError, match="not a list of texts"):
            endpoint.read(response(body))


def test_a_list_is_requested_with_all_its_filters():
    page = list_content(
        "prj_1",
        status=["completed", "failed"],
        format="ugc-remix",
        creative_type="generated",
        since=datetime(2026, 1, 1, tzinfo=timezone.utc),
        until="2026-02-01T00:00:00+01:00",
    )
    endpoint = page(7, "c/1")
    assert (endpoint.method, endpoint.path) == ("GET", "/v1/projects/prj_1/content")
    assert endpoint.query == (
        ("status", "completed"),
        ("status", "failed"),
        ("format", "ugc-remix"),
        ("creativeType", "generated"),
        ("since", "2026-01-01T00:00:00.000Z"),
        ("until", "2026-01-31T23:00:00.000Z"),
        ("limit", "7"),
        ("cursor", "c/1"),
    )
    assert limits.CONTENT_PAGE.most == LIST_PAGE_SIZE


@pytest.mark.parametrize(
    ("filters", "parts"),
    [
        ({"status": "done"}, ["status.0 = 'done'", "'completed'"]),
        ({"creative_type": "made"}, ["creative_type = 'made'", "'generated' or 'uploaded'"]),
        ({"since": "2026-01-01T00:00:00"}, ["since = ", "timezone"]),
        ({"until": "yesterday"}, ["until = 'yesterday'"]),
        ({"cursor": "c"}, ["has no field cursor"]),
    ],
)
def test_a_wrong_filter_is_refused(filters, parts):
    assert lacking(refusal(lambda **given: list_content("prj_1", **given), **filters), parts) == []


# Deciding

APPROVED = {"id": "cnt_1", "approvalStatus": "approved"}
CONFLICT = error(409, "CONFLICT", "Container is already decided on.")


def test_a_decision_is_sent_under_its_key():
    decisions = [approve(note="Fine."), approve(), reject(reason="Off brand.")]
    assert [(item.method, item.path, item.body, item.idempotency_key) for item in decisions] == [
        ("POST", "/v1/content/cnt_1/approve", {"note": "Fine."}, "key"),
        ("POST", "/v1/content/cnt_1/approve", {}, "key"),
        ("POST", "/v1/content/cnt_1/reject", {"reason": "Off brand."}, "key"),
    ]
    assert [item.read(response(APPROVED)) for item in decisions] == [APPROVED] * 3


def test_a_rejection_needs_a_reason():
    assert refusal(reject, reason=None) == "reason: is required"


@pytest.mark.parametrize(
    ("make", "state", "has_effect"),
    [
        (approve, {"approvalStatus": "approved"}, True),
        (approve, {"approvalStatus": "not_required"}, True),
        (approve, {"approvalStatus": "rejected"}, False),
        (approve, {"approvalStatus": "pending", "status": "processing"}, False),
        (approve, {"approvalStatus": "pending", "status": "failed"}, False),
        (approve, {"approvalStatus": "pending", "status": "completed"}, None),
        (approve, {"approvalStatus": "pending"}, None),
        (approve, {"approvalStatus": "escalated", "status": "completed"}, None),
        (approve, {}, None),
        (reject, {"approvalStatus": "rejected"}, True),
        (reject, {"approvalStatus": "approved"}, False),
        (reject, {"approvalStatus": "not_required"}, False),
        (reject, {"approvalStatus": "pending", "status": "completed"}, None),
    ],
)
def test_a_conflict_is_a_success_where_the_decision_was_made_already(make, state, has_effect):
    assert make().on_conflict.has_effect(state) is has_effect


def test_a_conflict_is_settled_by_reading_the_container(script):
    container = {"id": "cnt_1", "approvalStatus": "approved", "caption": "long"}
    api = script(CONFLICT, ok(container), CONFLICT, ok(container))
    assert api.client().send_with_retries(approve()) == {"id": "cnt_1", "approvalStatus": "approved"}
    with pytest.raises(LayersConflictError, match="already decided on"):
        api.client().send_with_retries(reject())
    assert api.paths[1::2] == ["GET /v1/content/cnt_1"] * 2


def test_an_approval_whose_schedule_failed_is_an_error():
    decided = APPROVED | {"pendingSchedulePromotion": {"status": "failed", "code": "ACCOUNT_GONE"}}
    with pytest.raises(LayersPromotionError, match=r"cnt_1 is approved, and the schedule.*ACCOUNT_GONE"):
        approve().read(response(decided))
    for promotion in ({"status": "ok", "scheduledPostIds": ["sp_1"]}, None):
        approve().read(response(APPROVED | {"pendingSchedulePromotion": promotion}))


# The state of a decision

CREATED = "2026-04-18T12:00:00.000Z"


def state(approval_status="pending", status="completed", container_id="cnt_1", **fields):
    return ContentState(container_id, approval_status, status, **fields)


def test_the_state_of_content_is_read_under_the_id_that_was_requested():
    endpoint = get_content_state("1")
    assert (endpoint.method, endpoint.path) == ("GET", "/v1/content/1")
    assert APPROVAL_STATUSES == limits.APPROVAL_STATUSES
    for status in limits.APPROVAL_STATUSES:
        body = {
            "id": "cnt_1",
            "approvalStatus": status,
            "status": "failed",
            "projectId": "prj_1",
            "createdAt": CREATED,
            "lastError": {"code": "NO_MEDIA", "message": "There was none."},
            "caption": "a" * 5000,
        }
        assert endpoint.read(response(body)) == state(
            status,
            "failed",
            "1",
            project_id="prj_1",
            created_at=CREATED,
            error="NO_MEDIA There was none.",
        )


def test_an_undocumented_approval_status_is_not_taken_for_approved():
    for status in ("escalated", None, "", 1, ["approved"]):
        with pytest.raises(LayersUnexpectedResponseError) as caught:
            get_content_state("cnt_1").read(response({"approvalStatus": status}))
        assert f"approvalStatus {status!r}; known are not_required, pending" in str(caught.value)


def test_the_combined_state_is_the_approval_unless_pending_content_is_lost():
    statuses = (*limits.CONTENT_STATUSES, None)
    expected = {(approval, status): approval for approval in APPROVAL_STATUSES for status in statuses}
    expected |= {("pending", status): status for status in ("failed", "canceled")}
    assert {pair: state(*pair).state for pair in expected} == expected
    assert {item for item in APPROVAL_STATUSES if state(item).publishable} == {"approved", "not_required"}


@pytest.mark.parametrize(
    ("states", "settled", "settled_on_reject"),
    [
        ([], True, True),
        (["approved", "not_required"], True, True),
        (["rejected", "approved"], True, True),
        (["pending"], False, False),
        (["approved", "pending"], False, False),
        (["rejected", "pending"], False, True),
        *(([("pending", status), "pending"], True, True) for status in LOST_STATUSES),
    ],
)
def test_a_wait_for_several_is_over_once_all_are_decided_or_one_decides_for_all(
    states, settled, settled_on_reject
):
    several = [state(*item) if isinstance(item, tuple) else state(item) for item in states]
    assert is_settled(several, fail_on_reject=False) is settled
    assert is_settled(several, fail_on_reject=True) is settled_on_reject


def test_a_rejection_decides_for_all_only_where_it_is_an_error():
    assert deciding_states(fail_on_reject=True) == (*LOST_STATUSES, "rejected")
    assert deciding_states(fail_on_reject=False) == LOST_STATUSES


def test_what_may_be_published_keeps_the_order_of_the_request():
    several = [state("not_required", container_id="c"), state("approved", container_id="a")]
    for fail_on_reject in (True, False):
        assert raise_unless_approved(several, fail_on_reject=fail_on_reject) == ["c", "a"]


def test_a_rejection_is_an_error_that_names_the_rejected():
    several = [state("rejected", container_id="a"), state("approved", container_id="b")]
    several.append(state("rejected", container_id="c"))
    with pytest.raises(LayersReviewRejectedError, match=r"^Rejected in Layers: content a, c\.$"):
        raise_unless_approved(several, fail_on_reject=True)
    assert raise_unless_approved(several, fail_on_reject=False) == ["b"]


@pytest.mark.parametrize(
    ("lost", "outcome"),
    [
        (
            state("pending", "failed", error="NO_MEDIA There was none."),
            "failed before it was approved or rejected: NO_MEDIA There was none",
        ),
        (state("pending", "failed"), "failed before it was approved or rejected"),
        (state("pending", "canceled"), "was canceled before it was approved or rejected"),
    ],
)
def test_content_that_was_lost_is_an_error_that_names_the_reason(lost, outcome):
    for fail_on_reject in (True, False):
        with pytest.raises(LayersContentError, match=rf"^Content cnt_1 {outcome}\.$"):
            raise_unless_approved([state("approved", container_id="a"), lost], fail_on_reject=fail_on_reject)


def test_the_reason_of_a_failure_is_read_in_every_shape():
    """The vendor does not document the shape."""
    texts = [
        ({"code": "NO_MEDIA", "message": "None."}, "NO_MEDIA None."),
        ({"message": "None."}, "None."),
        ("None.", "None."),
        *((value, None) for value in ({}, "", None, 7, ["None."])),
    ]
    assert [error_text(value) for value, _ in texts] == [text for _, text in texts]


@pytest.mark.parametrize("name", ["user_1", "usr_01HX9Y6K7EJ4T2", "ada@example.com"])
def test_a_person_approved_what_the_api_names_a_person_for(name):
    container = {"approvalStatus": "approved", "approvedBy": name}
    assert approved_by_person(container)
    at = {"approvedAt": "2026-04-18T12:07:00.000Z"}
    assert approved_by_person({**container, **at, "completedAt": "2026-04-18T12:07:00.000Z"})
    assert not approved_by_person({**container, **at, "completedAt": "2026-04-18T12:07:00.001Z"})
    for other in ("pending", "rejected", "not_required", None):
        assert not approved_by_person({**container, "approvalStatus": other})


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "api_key_01HX",
        "partner_api",
        "policy",
        "auto",
        "user_",
        "users",
        "@",
        "a b@c",
        7,
        ["user_1"],
        {},
    ],
)
def test_no_person_approved_what_the_api_names_anyone_else_for(name):
    assert not approved_by_person({"approvalStatus": "approved", "approvedBy": name})


@pytest.mark.parametrize(
    ("projects", "given", "common"),
    [
        ([], "prj_9", "prj_9"),
        ([None, None], "prj_9", "prj_9"),
        (["prj_1", "prj_1"], "prj_9", "prj_1"),
        (["prj_1", None], None, "prj_1"),
        (["prj_1", "prj_2"], "prj_9", None),
    ],
)
def test_the_project_that_the_api_names_wins(projects, given, common):
    assert common_project([state(project_id=item) for item in projects], given) == common


@pytest.mark.parametrize(
    ("moments", "earliest"),
    [
        ([], None),
        (["2026-04-18T12:00:00Z"], "2026-04-18T12:00:00Z"),
        (["2026-04-18T12:00:00Z", "2026-04-18T13:00:00+02:00"], "2026-04-18T13:00:00+02:00"),
        (["2026-04-18T12:00:00Z", None], None),
        (["2026-04-18T12:00:00Z", "soon"], None),
        (["2026-04-18T12:00:00Z"] * 2, "2026-04-18T12:00:00Z"),
    ],
)
def test_the_earliest_creation_is_known_only_if_all_are(moments, earliest):
    assert earliest_creation([state(created_at=item) for item in moments]) == earliest
