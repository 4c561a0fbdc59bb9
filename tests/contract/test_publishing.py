"""Publishing at once, and moving or canceling scheduled posts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_layers.exceptions import (
    LayersApprovalRequiredError,
    LayersConflictError,
    LayersContentRejectedError,
    LayersIdempotencyError,
    LayersNotFoundError,
    LayersRequestChangedError,
    LayersRequestError,
    LayersServerError,
)
from airflow_provider_layers.operators.content import (
    LayersApproveContentOperator,
    LayersPublishContentOperator,
    LayersRejectContentOperator,
    LayersScheduleContentOperator,
)
from airflow_provider_layers.operators.scheduled_posts import (
    LayersCancelScheduledPostOperator,
    LayersRescheduleScheduledPostOperator,
)
from tests.contract.bystander import post_ids_of, posts_of, read

LATER = "2040-07-02T09:00:00.000Z"


@pytest.fixture
def targets(api: Any) -> list[dict[str, str]]:
    return [{"social_account_id": account, "mode": "publish"} for account in api.social_account_ids]


@pytest.fixture
def publish(targets: Any) -> Any:
    def make(container: Any, **arguments: Any) -> LayersPublishContentOperator:
        arguments = {"task_id": "make", "targets": targets, **arguments}
        return LayersPublishContentOperator(container_id=container, **arguments)

    return make


@pytest.fixture
def approved(airflow: Any, made: Any, posted: Any) -> str:
    container = made()
    airflow.value(LayersApproveContentOperator(task_id="approve", container_id=container))
    posted()
    return str(container)


def test_a_publication_is_spelled_as_documented(
    publish: Any, approved: str, airflow: Any, api: Any, posted: Any
) -> None:
    tiktok, instagram = api.social_account_ids
    body = [
        {
            "socialAccountId": tiktok,
            "mode": "publish",
            "captionOverride": "c",
            "firstCommentOverride": "f",
            "tiktokPostSettings": {"privacyLevel": "SELF_ONLY", "disableComment": True},
            "tiktokMusic": {"mode": "manual", "trackId": "t"},
        },
        {"socialAccountId": instagram, "mode": "publish", "shareReelToFeed": True},
    ]
    given = [
        {
            "social_account_id": tiktok,
            "mode": "publish",
            "caption_override": "c",
            "first_comment_override": "f",
            "tiktok_post_settings": {"privacy_level": "SELF_ONLY", "disable_comment": True},
            "tiktok_music": {"mode": "manual", "track_id": "t"},
        },
        {"social_account_id": instagram, "mode": "publish", "share_reel_to_feed": True},
    ]
    result = airflow.run(publish(approved, targets=given))
    (sent,) = posted()
    assert (sent.method, sent.path, sent.query) == ("POST", f"/v1/content/{approved}/publish", {})
    assert sent.body == {"targets": body}
    assert sent.idempotency_key
    posts = result.value.pop("scheduled_post_ids")
    assert result.value == {"container_id": approved, "scheduled_for": None, "gate_status": None}
    assert sorted(posts) == sorted(post_ids_of(api))
    assert len(posts) == 2
    assert result.xcoms["content_url"].endswith(approved)
    api.advance(60)
    assert [post["status"] for post in posts_of(api)] == ["published"] * 2


def test_content_that_is_not_approved_is_not_published(
    publish: Any, made: Any, airflow: Any, api: Any, failure: Any
) -> None:
    container = made()
    error = failure(airflow.run(publish(container)), LayersApprovalRequiredError)
    assert (error.status_code, error.code) == (403, "APPROVAL_REQUIRED")
    assert error.details == {"containerId": container, "approvalStatus": "pending"}
    assert "Nothing was stored or published. Approve" in str(error)
    assert posts_of(api) == []
    # Approved and cleared, the same task succeeds.
    airflow.value(LayersApproveContentOperator(task_id="approve", container_id=container))
    assert airflow.value(publish(container), try_number=2, max_tries=1)["scheduled_post_ids"]


def test_rejected_content_is_not_published(
    publish: Any, made: Any, airflow: Any, api: Any, failure: Any
) -> None:
    container = made()
    reject = LayersRejectContentOperator(task_id="reject", container_id=container, reason="Off brand.")
    airflow.value(reject)
    error = failure(airflow.run(publish(container)), LayersContentRejectedError)
    assert (error.status_code, error.code) == (409, "CONTENT_REJECTED")
    assert posts_of(api) == []


def test_several_containers_are_published_one_by_one_each_with_its_key(
    publish: Any, made: Any, airflow: Any, api: Any, posted: Any
) -> None:
    containers = [made() for _ in range(3)]
    airflow.value(LayersApproveContentOperator(task_id="approve", container_id=containers))
    posted()
    result = airflow.value(publish([containers[:2], containers[2], containers[0]]))
    assert [item["container_id"] for item in result] == containers
    assert len({request.idempotency_key for request in posted()}) == 3
    assert len(post_ids_of(api)) == 6


def test_one_of_several_that_is_refused_leaves_the_others_published_once(
    publish: Any, made: Any, airflow: Any, api: Any, failure: Any
) -> None:
    containers = [made() for _ in range(2)]
    airflow.value(LayersApproveContentOperator(task_id="approve", container_id=containers[0]))
    failure(airflow.run(publish(containers)), LayersApprovalRequiredError)
    assert {post["containerId"] for post in posts_of(api)} == {containers[0]}
    assert len(post_ids_of(api)) == 2


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("fault", ["fail_after", "disconnect_after"])
@pytest.mark.parametrize("times", [1, 5])
def test_a_lost_response_publishes_nothing_twice(
    times: int, fault: str, publish: Any, approved: str, airflow: Any, api: Any
) -> None:
    api.fault(fault, method="POST", times=times)
    results = [airflow.run(publish(approved, retries=1), try_number=number) for number in (1, 2)]
    assert (results[0].error is None) is (times == 1)
    assert sorted(results[1].value["scheduled_post_ids"]) == sorted(post_ids_of(api))
    assert len(post_ids_of(api)) == 2


@pytest.mark.usefixtures("memory")
def test_targets_that_changed_between_tries_are_an_error_and_no_second_set(
    publish: Any, approved: str, targets: Any, airflow: Any, api: Any, failure: Any
) -> None:
    airflow.value(publish(approved, retries=1))
    changed = airflow.run(publish(approved, retries=1, targets=targets[:1]), try_number=2)
    if airflow.with_store:
        assert "Changed: targets. " in str(failure(changed, LayersRequestChangedError))
    else:
        failure(changed, LayersIdempotencyError)
    assert len(post_ids_of(api)) == 2


@pytest.fixture
def post_id(approved: str, targets: Any, airflow: Any, posted: Any) -> str:
    """A post that is queued."""
    schedule = LayersScheduleContentOperator(
        task_id="schedule", container_id=approved, scheduled_for="2040-07-01T09:00:00Z", targets=targets[:1]
    )
    (post,) = airflow.value(schedule)["scheduled_post_ids"]
    posted()
    return str(post)


def move(post_id: str, to: Any = LATER) -> LayersRescheduleScheduledPostOperator:
    return LayersRescheduleScheduledPostOperator(task_id="make", scheduled_post_id=post_id, scheduled_for=to)


def cancel(post_id: str, **arguments: Any) -> LayersCancelScheduledPostOperator:
    return LayersCancelScheduledPostOperator(task_id="make", scheduled_post_id=post_id, **arguments)


MOMENTS = {
    "utc": LATER,
    "offset": "2040-07-02T11:00:00+02:00",
    "datetime": datetime(2040, 7, 2, 5, tzinfo=timezone(timedelta(hours=-4))),
    "template": "{{ params.when }}",
}


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
def test_a_reschedule_is_spelled_as_documented(
    moment: Any, post_id: str, airflow: Any, api: Any, posted: Any
) -> None:
    post = airflow.value(move(post_id, moment), {"when": LATER})
    (sent,) = posted()
    assert (sent.method, sent.path) == ("POST", f"/v1/scheduled-posts/{post_id}/reschedule")
    assert (sent.body, sent.query) == ({"scheduledFor": LATER}, {})
    assert sent.idempotency_key
    assert (post["id"], post["status"], post["scheduledFor"]) == (post_id, "queued", LATER)
    assert read(api, f"/v1/scheduled-posts/{post_id}")["scheduledFor"] == LATER


@pytest.mark.parametrize(
    ("arguments", "body"), [({}, None), ({"reason": "{{ params.why }}"}, {"reason": "Too late."})]
)
def test_a_cancel_is_spelled_as_documented(
    arguments: Any, body: Any, post_id: str, airflow: Any, api: Any, posted: Any
) -> None:
    post = airflow.value(cancel(post_id, **arguments), {"why": "Too late."})
    (sent,) = posted()
    assert (sent.method, sent.path) == ("DELETE", f"/v1/scheduled-posts/{post_id}")
    assert (sent.body, sent.query, sent.idempotency_key) == (body, {}, None)
    assert (post["id"], post["status"]) == (post_id, "canceled")
    assert read(api, f"/v1/scheduled-posts/{post_id}")["status"] == "canceled"


def test_a_lost_reschedule_is_sent_again_under_its_key(
    post_id: str, airflow: Any, api: Any, posted: Any
) -> None:
    api.fault("disconnect_after", method="POST")
    assert airflow.value(move(post_id))["scheduledFor"] == LATER
    first, second = posted()
    assert first.idempotency_key == second.idempotency_key
    assert second.replayed


# What the API did before a response was lost, and the CONFLICT that the next attempt gets.
SETTLED: dict[str, tuple[Callable[[str], Any], dict[str, Any]]] = {
    "rescheduled": (move, {"scheduledFor": LATER, "status": "queued"}),
    "canceled": (cancel, {"status": "canceled"}),
}


@pytest.mark.parametrize("fault", ["fail_after", "disconnect_after"])
@pytest.mark.parametrize(("change", "after"), SETTLED.values(), ids=SETTLED)
def test_a_lost_response_and_then_a_conflict_is_settled_by_reading(
    change: Any, after: dict[str, Any], fault: str, post_id: str, airflow: Any, api: Any, posted: Any
) -> None:
    method = "POST" if change is move else "DELETE"
    api.fault(fault, method=method)
    api.fault("fail_before", method=method, status=409, code="CONFLICT")
    post = airflow.value(change(post_id))
    assert {name: post[name] for name in after} == after
    assert len(posted()) == 2
    reads = api.requests(method="GET", path=f"/v1/scheduled-posts/{post_id}")
    assert len(reads) == 1


@pytest.mark.parametrize("change", [move, cancel])
def test_a_published_post_can_be_neither_moved_nor_canceled(
    change: Any, post_id: str, airflow: Any, api: Any, failure: Any
) -> None:
    api.advance(20 * 365 * 24 * 3600)
    assert read(api, f"/v1/scheduled-posts/{post_id}")["status"] == "published"
    change_it = change(post_id, "2099-01-01T00:00:00Z") if change is move else change(post_id)
    error = failure(airflow.run(change_it), LayersConflictError)
    assert (error.status_code, error.details) == (409, {"status": "published"})
    assert post_id in str(error)


def test_a_canceled_post_is_canceled_again_and_not_moved(
    post_id: str, airflow: Any, api: Any, failure: Any
) -> None:
    airflow.value(cancel(post_id))
    assert airflow.value(cancel(post_id), run_id="later")["status"] == "canceled"
    failure(airflow.run(move(post_id)), LayersConflictError)


def test_a_canceled_post_is_not_moved_to_its_own_moment(
    post_id: str, airflow: Any, api: Any, failure: Any
) -> None:
    airflow.value(move(post_id))
    airflow.value(cancel(post_id))
    failure(airflow.run(move(post_id), run_id="later"), LayersConflictError)


def test_a_post_with_that_moment_already_is_moved(post_id: str, airflow: Any) -> None:
    assert airflow.value(move(post_id))["scheduledFor"] == LATER
    assert airflow.value(move(post_id), run_id="later")["scheduledFor"] == LATER


def test_a_cancel_whose_response_was_lost_is_sent_again(post_id: str, airflow: Any, api: Any) -> None:
    api.fault("disconnect_after", method="DELETE")
    assert airflow.value(cancel(post_id))["status"] == "canceled"


@pytest.mark.parametrize("change", [move, cancel])
def test_a_lasting_fault_is_left_to_airflows_retries(
    change: Any, post_id: str, airflow: Any, api: Any
) -> None:
    api.fault("fail_after", method="POST" if change is move else "DELETE", times=5)
    assert isinstance(airflow.run(change(post_id)).error, LayersServerError)
    assert airflow.run(change(post_id), try_number=2).error is None


@pytest.mark.parametrize("change", [move, cancel])
def test_an_unknown_post_fails_for_good(change: Any, airflow: Any, api: Any, failure: Any) -> None:
    error = failure(airflow.run(change("sp_unknown")), LayersNotFoundError)
    assert "sp_unknown" in str(error)


def test_a_move_into_the_past_fails_for_good(post_id: str, airflow: Any, failure: Any) -> None:
    error = failure(airflow.run(move(post_id, "2020-01-01T00:00:00Z")), LayersRequestError)
    assert "scheduledFor" in str(error)
