"""Putting content on a date."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.flow import call
from airflow_provider_layers.api.scheduled_posts import (
    Scheduling,
    cancel_scheduled_post,
    get_scheduled_post,
    post_ids,
    publish_content,
    reschedule,
    schedule_content,
)
from airflow_provider_layers.exceptions import (
    LayersApprovalRequiredError,
    LayersConflictError,
    LayersContentRejectedError,
    LayersNotFoundError,
    LayersParameterError,
    LayersTransportError,
)
from tests.unit.driving import LOST, bad, drive, good

TARGET = {"social_account_id": "sa_1", "mode": "publish"}


def schedule(*, at="2026-07-01T09:00:00+02:00", targets=(TARGET,)):
    return schedule_content("cnt_1", scheduled_for=at, targets=list(targets), idempotency_key="key")


def test_a_schedule_is_spelled_as_the_api_spells_it():
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
    assert endpoint.body == {
        "scheduledFor": "2026-07-01T07:00:00.000Z",
        "targets": [
            {
                "socialAccountId": "sa_1",
                "mode": "publish",
                "captionOverride": "New.",
                "firstCommentOverride": "First!",
                "scheduledPostId": "sp_1",
                "tiktokPostSettings": {"privacyLevel": "SELF_ONLY", "disableDuet": True},
                "tiktokMusic": {"mode": "manual", "trackId": "t"},
                "shareReelToFeed": False,
            }
        ],
    }


@pytest.mark.parametrize("at", ["2026-07-01T09:00:00", None, "tomorrow at nine"])
def test_a_schedule_needs_a_moment_with_a_timezone(at):
    with pytest.raises(LayersParameterError, match="scheduled_for"):
        schedule(at=at)


@pytest.mark.parametrize("body", [{"scheduledPostIds": ["sp_1", "sp_2"]}, {"status": "queued"}])
def test_a_schedule_that_is_on_its_way(body):
    scheduling = drive(call(schedule()), [good(body)]).result
    assert scheduling == Scheduling(
        "cnt_1", "2026-07-01T07:00:00.000Z", None, tuple(body.get("scheduledPostIds", ()))
    )
    assert not scheduling.blocked


def test_a_schedule_that_waits_for_an_approval_says_so():
    scheduling = drive(call(schedule()), [good({"gateStatus": "blocked_on_approval"}, status=202)]).result
    assert scheduling.blocked
    assert scheduling.as_xcom() == {
        "container_id": "cnt_1",
        "scheduled_for": "2026-07-01T07:00:00.000Z",
        "gate_status": "blocked_on_approval",
        "scheduled_post_ids": [],
    }


@pytest.mark.parametrize("status", ["open", "passed", None])
def test_another_gate_status_is_not_a_closed_gate(status):
    assert not drive(call(schedule()), [good({"gateStatus": status})]).result.blocked


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (bad(403, "APPROVAL_REQUIRED"), LayersApprovalRequiredError),
        (bad(409, "CONTENT_REJECTED"), LayersContentRejectedError),
    ],
)
def test_a_refusal_is_an_error_of_its_own(answer, kind):
    driven = drive(call(schedule()), [answer])
    assert type(driven.error) is kind
    assert "schedule content cnt_1 for 2026-07-01T07:00:00.000Z" in str(driven.error)


def test_a_lost_answer_is_asked_for_again_under_the_same_key():
    driven = drive(call(schedule()), [LOST, good({})])
    assert [one.idempotency_key for one in driven.sent] == ["key", "key"]


@pytest.mark.parametrize(
    ("answer", "ids"),
    [
        ({}, ()),
        ({"scheduledPostIds": ["sp_1", "sp_2"]}, ("sp_1", "sp_2")),
        ({"scheduledPostId": "sp_1"}, ("sp_1",)),
        ({"targets": [{"scheduledPostId": "sp_1"}, {"scheduledPostId": "sp_2"}]}, ("sp_1", "sp_2")),
        ({"scheduledPostIds": ["sp_1"], "targets": [{"scheduledPostId": "sp_1"}]}, ("sp_1",)),
        ({"scheduledPostIds": None, "warnings": ["late"], "targets": [{"mode": "publish"}]}, ()),
    ],
)
def test_posts_are_found_where_an_answer_may_name_them(answer, ids):
    assert post_ids(answer) == ids


def test_a_publication_is_spelled_as_the_api_spells_it():
    endpoint = publish_content(
        "cnt_1", targets=[{**TARGET, "caption_override": "New."}], idempotency_key="key"
    )
    assert (endpoint.method, endpoint.path) == ("POST", "/v1/content/cnt_1/publish")
    assert endpoint.idempotency_key == "key"
    target = {"socialAccountId": "sa_1", "mode": "publish", "captionOverride": "New."}
    assert endpoint.body == {"targets": [target]}
    scheduling = drive(call(endpoint), [good({"scheduledPostIds": ["sp_1"]}, status=202)]).result
    assert scheduling == Scheduling("cnt_1", None, None, ("sp_1",))


COUNTS = [(0, False), (1, True), (50, True), (51, False)]


@pytest.mark.parametrize(("count", "fine"), COUNTS)
def test_a_publication_has_1_to_50_targets(count, fine):
    targets = [TARGET] * count
    if fine:
        endpoint = publish_content("cnt_1", targets=targets, idempotency_key="key")
        assert len(endpoint.body["targets"]) == count
        return
    with pytest.raises(LayersParameterError, match="targets"):
        publish_content("cnt_1", targets=targets, idempotency_key="key")


AT = "2026-07-01T07:00:00.000Z"
POST = "/v1/scheduled-posts/sp_1"


def moved(at=AT):
    return reschedule("sp_1", scheduled_for=at, idempotency_key="key")


def canceled(reason=None):
    return cancel_scheduled_post("sp_1", reason=reason)


def test_a_post_is_read():
    driven = drive(call(get_scheduled_post("sp_1")), [good({"id": "sp_1"})])
    assert driven.asked == [f"GET {POST}"]
    assert driven.result == {"id": "sp_1"}


@pytest.mark.parametrize("at", [AT, "2026-07-01T09:00:00+02:00", "2026-07-01 07:00:00+00:00"])
def test_a_move_is_spelled_as_the_api_spells_it(at):
    driven = drive(moved(at), [good({"id": "sp_1", "scheduledFor": AT})])
    assert driven.asked == [f"POST {POST}/reschedule"]
    assert (driven.sent[0].body, driven.sent[0].idempotency_key) == ({"scheduledFor": AT}, "key")
    assert driven.result == {"id": "sp_1", "scheduledFor": AT}


@pytest.mark.parametrize("at", ["2026-07-01T09:00:00", None, "tomorrow at nine", 1_800_000_000])
def test_a_move_needs_a_moment_with_a_timezone(at):
    with pytest.raises(LayersParameterError, match="scheduled_for"):
        moved(at)


@pytest.mark.parametrize(("reason", "body"), [(None, None), ("x", {"reason": "x"}), ("x" * 1024, ...)])
def test_a_cancel_is_spelled_as_the_api_spells_it(reason, body):
    driven = drive(canceled(reason), [good({"id": "sp_1", "status": "canceled"})])
    assert driven.asked == [f"DELETE {POST}"]
    assert driven.sent[0].body == ({"reason": reason} if body is ... else body)
    assert driven.sent[0].idempotency_key is None
    assert driven.result["status"] == "canceled"


@pytest.mark.parametrize("reason", ["", "x" * 1025])
def test_a_reason_has_1_to_1024_characters(reason):
    with pytest.raises(LayersParameterError, match="reason"):
        canceled(reason)


@pytest.mark.parametrize(
    "ask",
    [
        get_scheduled_post,
        lambda post_id: reschedule(post_id, scheduled_for=AT, idempotency_key="key"),
        lambda post_id: cancel_scheduled_post(post_id, reason=None),
    ],
    ids=["read", "move", "cancel"],
)
@pytest.mark.parametrize("post_id", ["", "..", None])
def test_a_post_has_an_id(ask, post_id):
    with pytest.raises(LayersParameterError, match="scheduled_post_id"):
        ask(post_id)


@pytest.mark.parametrize("change", [moved, canceled])
def test_a_lost_answer_to_a_change_is_asked_for_again(change):
    driven = drive(change(), [LOST, good({"id": "sp_1"})])
    assert len(driven.sent) == 2
    assert driven.sent[0] == driven.sent[1]


CONFLICT = bad(409, "CONFLICT", details={"status": "published"})
# What the post is when it is read after the conflict, and whether that is what was asked for.
READ = [
    (moved, {"status": "queued", "scheduledFor": AT}, True),
    (moved, {"status": "queued", "scheduledFor": "2026-07-01T09:00:00+02:00"}, True),
    (moved, {"status": "publishing", "scheduledFor": AT}, True),
    (moved, {"status": "queued", "scheduledFor": "2026-07-01T08:00:00.000Z"}, False),
    (moved, {"status": "queued", "scheduledFor": None}, False),
    (moved, {}, False),
    (canceled, {"status": "canceled"}, True),
    (canceled, {"status": "published"}, False),
    (canceled, {"status": "failed"}, False),
    (canceled, {"status": "draft"}, False),
    (canceled, {}, False),
]


@pytest.mark.parametrize(("change", "post", "done"), READ)
def test_a_conflict_is_settled_by_what_the_post_is(change, post, done):
    driven = drive(change(), [CONFLICT, good(post)])
    assert driven.asked[1:] == [f"GET {POST}"]
    if done:
        assert driven.result == post
    else:
        assert type(driven.error) is LayersConflictError
        assert driven.error.details == {"status": "published"}


@pytest.mark.parametrize("change", [moved, canceled])
def test_a_conflict_that_cannot_be_settled_ends_in_the_error_of_the_reading(change):
    assert isinstance(drive(change(), [CONFLICT, *[LOST] * 5]).error, LayersTransportError)


@pytest.mark.parametrize("change", [moved, canceled])
def test_a_post_that_is_not_there_is_not_read(change):
    driven = drive(change(), [bad(404, "NOT_FOUND")])
    assert type(driven.error) is LayersNotFoundError
    assert len(driven.sent) == 1
