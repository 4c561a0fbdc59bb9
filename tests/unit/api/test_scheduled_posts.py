"""Requests that publish held against the vendor's pages, and what becomes of a post."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.scheduled_posts import (
    DRAFTS,
    FINISHED_STATUSES,
    LIST_PAGE_SIZE,
    UNFINISHED_STATUSES,
    ScheduleResult,
    cancel_scheduled_post,
    get_scheduled_post,
    get_scheduled_post_state,
    list_scheduled_posts,
    publish_content,
    raise_unless_published,
    reschedule_scheduled_post,
    schedule_content,
)
from airflow_provider_layers.exceptions import (
    LayersConflictError,
    LayersParameterError,
    LayersPostError,
    LayersUnexpectedResponseError,
)
from tests import limits
from tests.unit.scripted import error, ok, response

TARGET = {"social_account_id": "sa_1", "mode": "publish"}
SENT_TARGET = {"socialAccountId": "sa_1", "mode": "publish"}
BERLIN = "2026-07-01T09:00:00+02:00"
UTC = "2026-07-01T07:00:00.000Z"


def schedule(*, scheduled_for=BERLIN, targets=(TARGET,)):
    return schedule_content(
        "cnt_1", scheduled_for=scheduled_for, targets=list(targets), idempotency_key="key"
    )


def publish(*, targets=(TARGET,)):
    return publish_content("cnt_1", targets=list(targets), idempotency_key="key")


def reschedule(*, scheduled_post_id="sp_1", scheduled_for=UTC):
    return reschedule_scheduled_post(scheduled_post_id, scheduled_for=scheduled_for, idempotency_key="key")


def cancel(*, scheduled_post_id="sp_1", reason=None):
    return cancel_scheduled_post(scheduled_post_id, reason=reason)


def refusal(make, **fields) -> str:
    with pytest.raises(LayersParameterError) as caught:
        make(**fields)
    return str(caught.value)


# Scheduling and publishing


def test_a_schedule_is_spelled_as_on_the_vendors_page():
    target = {
        **TARGET,
        "caption_override": "New.",
        "first_comment_override": "First!",
        "scheduled_post_id": "sp_1",
        "tiktok_post_settings": {"privacy_level": "SELF_ONLY", "disable_duet": True},
        "tiktokMusic": {"mode": "manual", "trackId": "t"},
        "share_reel_to_feed": False,
    }
    endpoint = schedule(targets=[target])
    assert (endpoint.method, endpoint.path) == ("POST", "/v1/content/cnt_1/schedule")
    assert endpoint.idempotency_key == "key"
    assert endpoint.description == f"schedule content cnt_1 for {UTC}"
    assert endpoint.body == {
        "scheduledFor": UTC,
        "targets": [
            {
                **SENT_TARGET,
                "captionOverride": "New.",
                "firstCommentOverride": "First!",
                "scheduledPostId": "sp_1",
                "tiktokPostSettings": {"privacyLevel": "SELF_ONLY", "disableDuet": True},
                "tiktokMusic": {"mode": "manual", "trackId": "t"},
                "shareReelToFeed": False,
            }
        ],
    }


def test_a_publication_has_targets_and_no_moment():
    endpoint = publish()
    assert (endpoint.method, endpoint.path) == ("POST", "/v1/content/cnt_1/publish")
    assert (endpoint.idempotency_key, endpoint.body) == ("key", {"targets": [SENT_TARGET]})
    result = endpoint.read(response({"scheduledPostIds": ["sp_1"]}, 202))
    assert result == ScheduleResult("cnt_1", None, None, ("sp_1",))


def test_the_result_of_a_schedule_says_whether_it_waits_for_an_approval():
    read = schedule().read
    blocked = read(response({"gateStatus": "blocked_on_approval"}, 202))
    assert blocked.blocked
    assert blocked.as_xcom() == {
        "container_id": "cnt_1",
        "scheduled_for": UTC,
        "gate_status": "blocked_on_approval",
        "scheduled_post_ids": [],
    }
    for status in ("open", "passed", None):
        assert not read(response({"gateStatus": status})).blocked


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        ({}, ()),
        ({"scheduledPostIds": ["sp_1", "sp_2"]}, ("sp_1", "sp_2")),
        ({"scheduledPostId": "sp_1"}, ("sp_1",)),
        ({"targets": [{"scheduledPostId": "sp_1"}, {"scheduledPostId": "sp_2"}]}, ("sp_1", "sp_2")),
        ({"scheduledPostIds": ["sp_1"], "targets": [{"scheduledPostId": "sp_1"}]}, ("sp_1",)),
        ({"scheduledPostIds": None, "warnings": ["late"], "targets": [{"mode": "publish"}]}, ()),
    ],
)
def test_posts_are_found_wherever_a_response_may_name_them(body, ids):
    assert schedule().read(response(body)).scheduled_post_ids == ids


LIMITS = {
    "targets": (limits.TARGETS, lambda size: schedule(targets=[TARGET] * size), "targets"),
    "targets at once": (limits.TARGETS, lambda size: publish(targets=[TARGET] * size), "targets"),
    "caption": (
        limits.CAPTION_LENGTH,
        lambda size: schedule(targets=[{**TARGET, "caption_override": "x" * size}]),
        "targets.0.caption_override",
    ),
    "comment": (
        limits.FIRST_COMMENT_LENGTH,
        lambda size: schedule(targets=[{**TARGET, "first_comment_override": "x" * size}]),
        "targets.0.first_comment_override",
    ),
    "reason": (limits.CANCEL_REASON_LENGTH, lambda size: cancel(reason="x" * size), "reason"),
}


@pytest.mark.parametrize(("limit", "make", "name"), LIMITS.values(), ids=LIMITS)
def test_a_value_is_accepted_up_to_the_vendors_limits_and_refused_beyond(limit, make, name):
    for size in limit.allowed:
        assert make(size).body
    for size, bound in zip(limit.refused, limit.allowed, strict=True):
        if size >= 0:
            text = refusal(make, size=size)
            assert text.startswith(f"{name} = ")
            assert f" {bound}" in text.rpartition(": ")[2]


def test_the_modes_of_both_revisions_are_accepted():
    sent = [schedule(targets=[{**TARGET, "mode": mode}]).body for mode in limits.TARGET_MODES]
    assert [body["targets"][0]["mode"] for body in sent] == list(limits.TARGET_MODES)


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        ({"mode": "post"}, ["targets.0.mode = 'post'", "'publish'", "'managed'"]),
        ({"mode": None}, ["targets.0.mode = None"]),
        ({"tiktok_music": {"mode": "loud"}}, ["targets.0.tiktok_music.mode = 'loud'", "'manual'"]),
        ({"tiktok_music": {}}, ["targets.0.tiktok_music.mode: is required"]),
        (
            {"tiktok_post_settings": {"privacy_level": "ALL"}},
            ["targets.0.tiktok_post_settings.privacy_level = 'ALL'", "'SELF_ONLY'"],
        ),
        ({"account": "sa_1"}, ["targets.0", "has no field account"]),
    ],
)
def test_a_wrong_target_is_named_by_its_place(target, parts):
    text = refusal(schedule, targets=[{**TARGET, **target}])
    assert [part for part in parts if part not in text] == []


def test_a_target_needs_an_account_and_a_mode():
    for missing in TARGET:
        target = {name: value for name, value in TARGET.items() if name != missing}
        assert refusal(publish, targets=[target]) == f"targets.0.{missing}: is required"


def test_a_schedule_and_a_move_need_a_moment_with_a_timezone():
    for make in (schedule, reschedule):
        for moment in ("2026-07-01T09:00:00", None, "tomorrow at nine", "1783000000"):
            assert "scheduled_for" in refusal(make, scheduled_for=moment)


# Posts

POST = "/v1/scheduled-posts/sp_1"


def test_a_post_is_read_moved_and_canceled_by_its_id():
    endpoints = [
        get_scheduled_post("sp_1"),
        reschedule(scheduled_for=BERLIN),
        cancel(),
        cancel(reason="Late."),
    ]
    assert [(item.method, item.path, item.body, item.idempotency_key) for item in endpoints] == [
        ("GET", POST, None, None),
        ("POST", f"{POST}/reschedule", {"scheduledFor": UTC}, "key"),
        ("DELETE", POST, None, None),
        ("DELETE", POST, {"reason": "Late."}, None),
    ]
    assert [item.read(response({"id": "sp_1"})) for item in endpoints] == [{"id": "sp_1"}] * 4
    assert all(item.retryable for item in endpoints)


def test_a_post_needs_an_id():
    for make in (get_scheduled_post, reschedule, cancel):
        for value in ("", "..", None):
            assert f"scheduled_post_id = {value!r}" in refusal(make, scheduled_post_id=value)


EARLIER = "2026-07-01T08:00:00.000Z"


# A state of the post, as read after a conflict or named by its details, and whether it is what was requested.
@pytest.mark.parametrize(
    ("make", "post", "has_effect"),
    [
        (reschedule, {"status": "queued", "scheduledFor": UTC}, True),
        (reschedule, {"status": "queued", "scheduledFor": BERLIN}, True),
        (reschedule, {"status": "publishing", "scheduledFor": UTC}, True),
        (reschedule, {"status": "canceled", "scheduledFor": UTC}, False),
        (reschedule, {"status": "failed"}, False),
        (reschedule, {"status": "published", "scheduledFor": EARLIER}, False),
        (reschedule, {"status": "queued", "scheduledFor": EARLIER}, None),
        (reschedule, {"status": "archived", "scheduledFor": UTC}, None),
        (reschedule, {"status": "published"}, None),
        (reschedule, {}, None),
        (cancel, {"status": "canceled"}, True),
        (cancel, {"status": "published"}, False),
        (cancel, {"status": "failed"}, False),
        (cancel, {"status": "draft"}, False),
        (cancel, {"status": "queued"}, None),
        (cancel, {"status": "publishing"}, None),
        (cancel, {"status": "archived"}, None),
        (cancel, {}, None),
    ],
)
def test_a_conflict_is_a_success_where_the_post_is_as_requested(make, post, has_effect):
    assert make().on_conflict.has_effect(post) is has_effect


def test_a_conflict_is_settled_by_reading_the_post(script):
    conflict, canceled = error(409, "CONFLICT", "No."), {"id": "sp_1", "status": "canceled", "mode": "reels"}
    api = script(conflict, ok(canceled), conflict, ok(canceled))
    assert api.client().send_with_retries(cancel()) == canceled
    with pytest.raises(LayersConflictError, match="No"):
        api.client().send_with_retries(reschedule())
    assert api.paths[1::2] == [f"GET {POST}"] * 2


def test_a_list_is_requested_with_all_its_filters():
    page = list_scheduled_posts(
        "prj_1", status=list(limits.POST_STATUSES), social_account_id="sa_1", since=BERLIN, until=UTC
    )
    endpoint = page(7, "c/1")
    assert (endpoint.method, endpoint.path) == ("GET", "/v1/projects/prj_1/scheduled-posts")
    assert endpoint.query == (
        *(("status", status) for status in limits.POST_STATUSES),
        ("socialAccountId", "sa_1"),
        ("since", UTC),
        ("until", UTC),
        ("limit", "7"),
        ("cursor", "c/1"),
    )
    assert limits.SCHEDULED_POSTS_PAGE.most == LIST_PAGE_SIZE
    assert "'waiting'" in refusal(lambda **given: list_scheduled_posts("prj_1", **given), status="waiting")


# Publication


def post(status, **fields):
    return {"id": "sp_1", "status": status, **fields}


def test_the_documented_statuses_are_read_and_others_are_unexpected():
    endpoint = get_scheduled_post_state("sp_1")
    assert (endpoint.method, endpoint.path) == ("GET", POST)
    assert {*UNFINISHED_STATUSES, *FINISHED_STATUSES} == set(limits.POST_STATUSES)
    for status in limits.POST_STATUSES:
        assert endpoint.read(response(post(status))) == post(status)
    for body in (post("paused"), post(None), {"id": "sp_1"}, {}):
        with pytest.raises(LayersUnexpectedResponseError) as caught:
            endpoint.read(response(body))
        assert f"status {body.get('status')!r}; known are queued" in str(caught.value)


def test_a_published_post_is_published_and_a_draft_only_where_that_is_accepted():
    for accept_draft in (True, False):
        raise_unless_published(post("published"), accept_draft=accept_draft)
    for status in DRAFTS:
        raise_unless_published(post(status), accept_draft=True)
        with pytest.raises(LayersPostError, match=r"sp_1 is a draft .*accept_draft=True accepts that"):
            raise_unless_published(post(status), accept_draft=False)


@pytest.mark.parametrize(
    ("ended", "outcome"),
    [
        (post("canceled"), "was canceled"),
        (post("failed", lastError={"code": "EXPIRED", "message": "Log in."}), "failed: EXPIRED Log in"),
        (post("failed", lastError={"code": "EXPIRED"}), "failed: EXPIRED"),
        (post("failed", lastError={"message": "Too long."}), "failed: Too long"),
        (post("failed", lastError="The platform refused it."), "failed: The platform refused it"),
        (post("failed", lastError={}), "failed: the API gave no reason"),
        (post("failed"), "failed: the API gave no reason"),
    ],
)
def test_a_post_that_was_not_published_is_an_error_with_the_platforms_reason(ended, outcome):
    for accept_draft in (True, False):
        with pytest.raises(LayersPostError) as caught:
            raise_unless_published(ended, accept_draft=accept_draft)
        assert str(caught.value) == f"Scheduled post sp_1 {outcome}."
