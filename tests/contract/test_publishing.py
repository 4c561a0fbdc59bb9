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
    LayersPartialPermanentError,
    LayersReplayWindowError,
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


# Once, over retries and clears

FIRST = {"try_number": 1, "max_tries": 2}
RETRIED = {"try_number": 2, "max_tries": 2}
CLEARED = {"try_number": 2, "max_tries": 3}
CLEARED_AND_RETRIED = {"try_number": 3, "max_tries": 3}
CLEARED_AGAIN = {"try_number": 4, "max_tries": 5}
DAY = 24 * 3600.0
MOMENT = "2040-07-01T09:00:00.000Z"

once = pytest.mark.usefixtures("memory")


@pytest.fixture(params=["schedule", "publish"])
def send(request: Any, targets: Any) -> Any:
    """Make the operator that schedules or publishes on both accounts."""

    def make(container: Any, **arguments: Any) -> LayersPublishContentOperator:
        arguments = {"task_id": "make", "retries": 2, "targets": targets, **arguments}
        if request.param == "publish":
            return LayersPublishContentOperator(container_id=container, **arguments)
        arguments = {"scheduled_for": MOMENT, **arguments}
        return LayersScheduleContentOperator(container_id=container, **arguments)

    return make


@pytest.fixture
def lose(airflow: Any, api: Any, posted: Any) -> Callable[..., None]:
    """Run a try whose responses are all lost after the API carried out the request."""

    def run(operator: Any, **of_ti: Any) -> None:
        api.fault("disconnect_after", method="POST", times=5)
        assert airflow.run(operator, **of_ti).error is not None
        posted()

    return run


def live_of(api: Any) -> list[str]:
    """Return the accounts of the posts that go out or went out."""
    return sorted(post["socialAccountId"] for post in posts_of(api) if post["status"] != "canceled")


def cancel_on(api: Any, airflow: Any, account: str) -> str:
    """Cancel the posts of an account, and return the id of the last."""
    found = [
        post["id"]
        for post in posts_of(api)
        if post["socialAccountId"] == account and post["status"] != "canceled"
    ]
    for number, post in enumerate(found):
        airflow.value(cancel(post), run_id=f"cancel-{post}-{number}")
    return str(found[-1])


def test_a_first_try_sends_one_request_and_reads_nothing(
    send: Any, approved: str, airflow: Any, api: Any
) -> None:
    before = len(api.requests())
    airflow.value(send(approved), **FIRST)
    assert [request.method for request in api.requests()[before:]] == ["POST"]


@once
@pytest.mark.parametrize("days", [0, 3])
def test_a_clear_sends_nothing_that_was_sent(
    days: int, send: Any, approved: str, airflow: Any, api: Any, clock: Any, posted: Any
) -> None:
    first = airflow.value(send(approved), **FIRST)
    posted()
    clock.sleep(days * DAY)
    for later in (CLEARED, CLEARED_AND_RETRIED, CLEARED_AGAIN):
        assert airflow.value(send(approved), **later) == first
    assert posted() == []
    assert sorted(first["scheduled_post_ids"]) == sorted(post_ids_of(api))


@once
def test_a_draft_counts_as_a_post(
    publish: Any, targets: Any, approved: str, airflow: Any, api: Any, posted: Any
) -> None:
    operator = publish(approved, retries=2, targets=[{**target, "mode": "draft"} for target in targets])
    first = airflow.value(operator, **FIRST)
    api.advance(60)
    assert {post["status"] for post in posts_of(api)} == {"draft"}
    posted()
    assert airflow.value(operator, **CLEARED) == first
    assert posted() == []


@once
def test_the_failed_one_of_several_is_sent_by_the_clear_and_the_others_are_not(
    publish: Any, made: Any, airflow: Any, api: Any, posted: Any
) -> None:
    containers = [made(), made()]
    airflow.value(LayersApproveContentOperator(task_id="approve", container_id=containers[0]))
    result = airflow.run(publish(containers, retries=2), **FIRST)
    assert isinstance(result.error, LayersPartialPermanentError)
    assert isinstance(result.error.errors[containers[1]], LayersApprovalRequiredError)
    assert {post["containerId"] for post in posts_of(api)} == {containers[0]}
    airflow.value(LayersApproveContentOperator(task_id="approve", container_id=containers[1]))
    posted()
    cleared = airflow.value(publish(containers, retries=2), **CLEARED)
    assert [request.path.split("/")[3] for request in posted()] == containers[1:]
    assert [item["container_id"] for item in cleared] == containers
    posts = [post for item in cleared for post in item["scheduled_post_ids"]]
    assert sorted(posts) == sorted(post_ids_of(api))
    assert len(posts) == 4
    lists = api.requests(method="GET", path=f"/v1/projects/{api.project_id}/scheduled-posts")
    ours = [request for request in lists if request.headers["user-agent"].startswith("airflow-provider")]
    assert len(ours) == 1, "the containers of a project share one list"


@once
def test_a_canceled_post_is_sent_again_by_a_clear_for_its_account_alone(
    send: Any, approved: str, targets: Any, airflow: Any, api: Any, posted: Any
) -> None:
    tiktok, instagram = api.social_account_ids
    first = airflow.value(send(approved), **FIRST)
    canceled = cancel_on(api, airflow, instagram)
    posted()
    cleared = airflow.value(send(approved), **CLEARED)
    (sent,) = posted()
    assert [target["socialAccountId"] for target in sent.body["targets"]] == [instagram]
    assert canceled not in cleared["scheduled_post_ids"]
    assert len({*first["scheduled_post_ids"]} & {*cleared["scheduled_post_ids"]}) == 1
    assert airflow.value(send(approved), **CLEARED_AND_RETRIED) == cleared
    assert posted() == []
    # Canceled on both accounts, both are sent again, although the API still replays the first request.
    for account in (tiktok, instagram):
        cancel_on(api, airflow, account)
    assert live_of(api) == []
    airflow.value(send(approved), **CLEARED_AGAIN)
    assert live_of(api) == sorted(api.social_account_ids)


@once
def test_a_retry_does_not_send_what_was_canceled_meanwhile(
    send: Any, approved: str, lose: Any, airflow: Any, api: Any
) -> None:
    lose(send(approved), **FIRST)
    for account in api.social_account_ids:
        cancel_on(api, airflow, account)
    retried = airflow.value(send(approved), **RETRIED)
    assert sorted(retried["scheduled_post_ids"]) == sorted(post_ids_of(api))
    assert live_of(api) == []
    airflow.value(send(approved), **CLEARED_AND_RETRIED)
    assert live_of(api) == sorted(api.social_account_ids)


@once
def test_a_failed_post_is_sent_again_by_a_clear(
    publish: Any, targets: Any, approved: str, airflow: Any, api: Any
) -> None:
    operator = publish(approved, retries=2, targets=targets[:1])
    api.outcome("failed", kind="scheduled_post")
    airflow.value(operator, **FIRST)
    api.advance(60)
    assert [post["status"] for post in posts_of(api)] == ["failed"]
    (post,) = airflow.value(operator, **CLEARED)["scheduled_post_ids"]
    api.advance(60)
    assert {item["id"]: item["status"] for item in posts_of(api)}[post] == "published"


@once
def test_a_response_lost_in_a_clear_publishes_nothing_twice(
    send: Any, approved: str, lose: Any, airflow: Any, api: Any, posted: Any
) -> None:
    airflow.value(send(approved), **FIRST)
    for account in api.social_account_ids:
        cancel_on(api, airflow, account)
    lose(send(approved), **CLEARED)
    assert len(live_of(api)) == 2
    retried = airflow.value(send(approved), **CLEARED_AND_RETRIED)
    again = airflow.value(send(approved), **CLEARED_AGAIN)
    assert posted() == []
    assert sorted(retried["scheduled_post_ids"]) == sorted(again["scheduled_post_ids"])
    assert len(live_of(api)) == 2


@once
def test_a_response_lost_in_the_first_try_publishes_nothing_twice_by_retry_and_clear(
    send: Any, approved: str, lose: Any, airflow: Any, api: Any, posted: Any
) -> None:
    lose(send(approved), **FIRST)
    retried = airflow.value(send(approved), **RETRIED)
    assert airflow.value(send(approved), **CLEARED_AND_RETRIED) == retried
    assert posted() == []
    assert sorted(retried["scheduled_post_ids"]) == sorted(post_ids_of(api))


@once
def test_a_changed_number_of_retries_changes_no_key(
    send: Any, approved: str, airflow: Any, api: Any, posted: Any
) -> None:
    first = airflow.value(send(approved), **FIRST)
    posted()
    assert airflow.value(send(approved, retries=5), try_number=2, max_tries=5) == first
    assert posted() == []


@once
def test_resubmit_sends_all_again_after_a_clear_and_once_in_its_retries(
    send: Any, approved: str, lose: Any, airflow: Any, api: Any
) -> None:
    airflow.value(send(approved, on_clear="resubmit"), **FIRST)
    airflow.value(send(approved, on_clear="resubmit"), **RETRIED)
    assert len(post_ids_of(api)) == 2
    lose(send(approved, on_clear="resubmit"), **CLEARED)
    again = airflow.value(send(approved, on_clear="resubmit"), **CLEARED_AND_RETRIED)
    assert len(post_ids_of(api)) == 4
    assert {*again["scheduled_post_ids"]} < {*post_ids_of(api)}


@once
def test_targets_that_changed_between_tries_send_only_what_is_new(
    send: Any, approved: str, targets: Any, airflow: Any, api: Any, posted: Any
) -> None:
    airflow.value(send(approved, targets=targets[:1]), **FIRST)
    posted()
    reworded = [{**targets[0], "caption_override": "New."}]
    airflow.value(send(approved, targets=reworded), **RETRIED)
    assert posted() == []
    retried = airflow.value(send(approved), **RETRIED)
    (sent,) = posted()
    assert [target["socialAccountId"] for target in sent.body["targets"]] == [targets[1]["social_account_id"]]
    assert sorted(retried["scheduled_post_ids"]) == sorted(post_ids_of(api))


@once
def test_a_moment_that_changed_is_an_error_in_a_retry_and_another_schedule_after_a_clear(
    targets: Any, approved: str, airflow: Any, api: Any, failure: Any
) -> None:
    def schedule(moment: str) -> LayersScheduleContentOperator:
        return LayersScheduleContentOperator(
            task_id="make", retries=2, container_id=approved, scheduled_for=moment, targets=targets
        )

    airflow.value(schedule(MOMENT), **FIRST)
    changed = airflow.run(schedule(LATER), **RETRIED)
    if airflow.with_store:
        assert "Changed: scheduledFor. " in str(failure(changed, LayersRequestChangedError))
    else:
        failure(changed, LayersIdempotencyError)
    assert len(post_ids_of(api)) == 2
    cleared = airflow.value(schedule(LATER), **CLEARED)
    assert len(post_ids_of(api)) == 4
    assert sorted(airflow.value(schedule(LATER), **CLEARED_AND_RETRIED)["scheduled_post_ids"]) == sorted(
        cleared["scheduled_post_ids"]
    )
    assert len(post_ids_of(api)) == 4


@once
def test_a_schedule_whose_post_was_moved_is_not_sent_again_unless_it_was_canceled(
    targets: Any, approved: str, airflow: Any, api: Any, posted: Any
) -> None:
    operator = LayersScheduleContentOperator(
        task_id="make", retries=2, container_id=approved, scheduled_for=MOMENT, targets=targets[:1]
    )
    first = airflow.value(operator, **FIRST)
    (post,) = first["scheduled_post_ids"]
    airflow.value(move(post), run_id="moved")
    assert airflow.value(operator, **CLEARED) == first
    if airflow.with_store:
        # Below Airflow 3.3 the API replays the first request alone, and not one with another text.
        operator.targets = [{**targets[0], "caption_override": "New."}]
        assert airflow.value(operator, **CLEARED) == first
        operator.targets = targets[:1]
    assert post_ids_of(api) == [post]
    airflow.value(cancel(post), run_id="canceled")
    (another,) = airflow.value(operator, **CLEARED_AGAIN)["scheduled_post_ids"]
    assert another != post
    assert airflow.value(operator, **CLEARED_AGAIN)["scheduled_post_ids"] == [another]


@once
@pytest.mark.parametrize("disconnected", [False, True])
def test_a_schedule_that_waits_for_an_approval_is_not_sent_again_unless_it_was_lost(
    disconnected: bool, targets: Any, made: Any, airflow: Any, api: Any, posted: Any
) -> None:
    container = made()
    operator = LayersScheduleContentOperator(
        task_id="make", retries=2, container_id=container, scheduled_for=MOMENT, targets=targets
    )
    first = airflow.value(operator, **FIRST)
    assert airflow.value(operator, **CLEARED) == first
    assert first["gate_status"] == "blocked_on_approval"
    api.configure(disconnected_accounts=api.social_account_ids[:1] if disconnected else [])
    airflow.run(LayersApproveContentOperator(task_id="approve", container_id=container))
    assert len(post_ids_of(api)) == (0 if disconnected else 2)
    api.configure(disconnected_accounts=[])
    cleared = airflow.value(operator, **CLEARED_AND_RETRIED)
    assert cleared["gate_status"] is None
    assert sorted(cleared["scheduled_post_ids"]) == sorted(post_ids_of(api))
    assert len(post_ids_of(api)) == 2


@once
@pytest.mark.parametrize("moved", [False, True], ids=["waits for an approval", "was moved"])
def test_a_schedule_that_the_posts_do_not_settle_is_not_sent_after_the_window(
    moved: bool, targets: Any, made: Any, lose: Any, airflow: Any, api: Any, clock: Any, posted: Any
) -> None:
    container = made()
    if moved:
        airflow.value(LayersApproveContentOperator(task_id="approve", container_id=container))
    operator = LayersScheduleContentOperator(
        task_id="make", retries=2, container_id=container, scheduled_for=MOMENT, targets=targets[:1]
    )
    lose(operator, **FIRST)
    for post in post_ids_of(api):
        airflow.value(move(post), run_id="moved")
    clock.sleep(DAY + 3600)
    posted()
    assert isinstance(airflow.run(operator, **RETRIED).error, LayersReplayWindowError)
    assert posted() == []


@once
def test_two_targets_of_one_account_are_compared_by_mode(
    publish: Any, approved: str, airflow: Any, api: Any, posted: Any
) -> None:
    account = api.social_account_ids[1]
    both = [{"social_account_id": account, "mode": mode} for mode in ("reels", "feed")]
    operator = publish(approved, retries=2, targets=both)
    first = airflow.value(operator, **FIRST)
    assert airflow.value(operator, **CLEARED) == first
    airflow.value(cancel(first["scheduled_post_ids"][0]), run_id="canceled")
    posted()
    airflow.value(operator, **CLEARED_AND_RETRIED)
    assert [[target["mode"] for target in request.body["targets"]] for request in posted()] == [["reels"]]


@once
def test_a_key_that_cannot_read_posts_still_sends_once(
    send: Any, approved: str, airflow: Any, api: Any
) -> None:
    path = "/v1/projects/*/scheduled-posts"
    api.fault("fail_before", method="GET", path=path, status=403, code="FORBIDDEN_SCOPE", times=None)
    first = airflow.value(send(approved), **FIRST)
    assert airflow.value(send(approved), **CLEARED) == first
    api.clear_faults()
    assert len(post_ids_of(api)) == 2


@once
def test_nothing_is_sent_while_it_is_unknown_what_was_sent(
    send: Any, approved: str, lose: Any, airflow: Any, api: Any, posted: Any
) -> None:
    lose(send(approved), **FIRST)
    api.fault("fail_before", method="GET", path="/v1/projects/*/scheduled-posts", times=5)
    assert isinstance(airflow.run(send(approved), **RETRIED).error, LayersServerError)
    assert posted() == []


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
