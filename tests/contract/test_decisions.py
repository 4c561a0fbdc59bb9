"""Approving, rejecting, scheduling and canceling: every response that the vendor documents."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from airflow_provider_layers.exceptions import (
    LayersApprovalRequiredError,
    LayersConflictError,
    LayersContentRejectedError,
    LayersNotFoundError,
    LayersPromotionError,
    LayersRequestError,
    LayersServerError,
)
from airflow_provider_layers.operators.content import (
    LayersApproveContentOperator,
    LayersGenerateContentOperator,
    LayersRejectContentOperator,
    LayersScheduleContentOperator,
)
from airflow_provider_layers.operators.jobs import LayersCancelJobOperator
from tests.contract.bystander import posts_of, read


def approve(container: Any, **arguments: Any) -> LayersApproveContentOperator:
    return LayersApproveContentOperator(task_id="approve", container_id=container, **arguments)


def reject(container: Any) -> LayersRejectContentOperator:
    return LayersRejectContentOperator(task_id="reject", container_id=container, reason="Off brand.")


@pytest.fixture
def schedule(api: Any) -> Any:
    def make(container: Any, **arguments: Any) -> LayersScheduleContentOperator:
        targets = [{"social_account_id": account, "mode": "publish"} for account in api.social_account_ids]
        arguments = {"scheduled_for": "2040-07-01T09:00:00Z", "targets": targets, **arguments}
        return LayersScheduleContentOperator(task_id="schedule", container_id=container, **arguments)

    return make


@pytest.fixture
def decided(airflow: Any, api: Any, made: Any) -> Any:
    """Create a container with an approval status."""

    def make(status: str) -> str:
        if status == "not_required":
            api.configure(review_policy="auto_approve")
            container = made()
            api.configure(review_policy="review_all")
            return str(container)
        container = made()
        if status == "approved":
            airflow.value(approve(container), run_id="earlier")
        if status == "rejected":
            airflow.value(reject(container), run_id="earlier")
        return str(container)

    return make


def status_of(api: Any, container: str) -> str:
    return str(read(api, f"/v1/content/{container}")["approvalStatus"])


def warnings(caplog: Any, capsys: Any) -> list[str]:
    """Return the warnings; Airflow 3 logs tasks through structlog to the output, 2 through logging."""
    recorded = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    return recorded + [line for line in capsys.readouterr().out.splitlines() if "[warning" in line]


ACCEPTED = [
    (approve, "pending", "approved"),
    (approve, "approved", "approved"),
    (approve, "not_required", "not_required"),
    (reject, "pending", "rejected"),
    (reject, "rejected", "rejected"),
]


@pytest.mark.parametrize(("decide", "before", "after"), ACCEPTED)
def test_a_decision_that_agrees_with_the_current_status_succeeds(
    decide: Any, before: str, after: str, airflow: Any, api: Any, decided: Any
) -> None:
    container = decided(before)
    result = airflow.value(decide(container))
    assert (result["id"], result["approvalStatus"]) == (container, after)
    assert status_of(api, container) == after


@pytest.mark.parametrize(
    ("decide", "before"), [(approve, "rejected"), (reject, "approved"), (reject, "not_required")]
)
def test_a_decision_against_an_earlier_one_is_a_permanent_error(
    decide: Any, before: str, airflow: Any, api: Any, decided: Any, failure: Any
) -> None:
    container = decided(before)
    error = failure(airflow.run(decide(container)), LayersConflictError)
    assert (error.status_code, error.code, error.details["approvalStatus"]) == (409, "CONFLICT", before)
    assert container in str(error)
    assert before in str(error)
    assert "Request id: req_" in str(error)
    assert status_of(api, container) == before


@pytest.mark.parametrize("decide", [approve, reject])
@pytest.mark.parametrize("fault", ["fail_after", "disconnect_after"])
def test_a_lost_response_is_replayed_with_the_same_key(
    fault: str, decide: Any, airflow: Any, api: Any, made: Any, posted: Any
) -> None:
    container = made()
    posted()
    api.fault(fault, method="POST")
    airflow.value(decide(container))
    first, second = posted()
    assert first.idempotency_key == second.idempotency_key
    assert second.replayed


@pytest.mark.parametrize("decide", [approve, reject])
def test_a_lost_response_and_then_a_conflict_is_settled_by_reading(
    decide: Any, airflow: Any, api: Any, made: Any, posted: Any
) -> None:
    """The page of approve documents no replay, so a retry may conflict with its own decision."""
    container = made()
    posted()
    api.fault("fail_after", method="POST", times=5)
    assert isinstance(airflow.run(decide(container)).error, LayersServerError)
    api.advance(25 * 3600)
    result = airflow.value(decide(container), try_number=2)
    assert result["approvalStatus"] == status_of(api, container)
    assert posted()[-1].status == 409
    assert api.requests(method="GET", path=f"/v1/content/{container}")


def test_a_conflict_for_another_reason_is_a_permanent_error(airflow: Any, api: Any, failure: Any) -> None:
    generate = LayersGenerateContentOperator(task_id="g", project_id=api.project_id, brief={"topic": "x"})
    container = airflow.run(generate).xcoms["container_id"]
    error = failure(airflow.run(approve(container)), LayersConflictError)
    assert "not completed" in str(error)


def test_several_containers_are_decided_one_by_one_and_completed_by_a_retry(
    airflow: Any, api: Any, made: Any, posted: Any
) -> None:
    containers = [made() for _ in range(3)]
    posted()
    api.fault("fail_before", method="POST", skip=1, times=5)
    assert airflow.run(approve(containers)).error is not None
    result = airflow.value(approve(containers), try_number=2)
    assert [item["id"] for item in result] == containers
    assert {item["approvalStatus"] for item in result} == {"approved"}
    assert len({request.idempotency_key for request in posted()}) == 3


def test_a_schedule_of_approved_content_returns_its_posts(airflow: Any, decided: Any, schedule: Any) -> None:
    container = decided("approved")
    result = airflow.run(schedule(container))
    assert {**result.value, "scheduled_post_ids": len(result.value["scheduled_post_ids"])} == {
        "container_id": container,
        "scheduled_for": "2040-07-01T09:00:00.000Z",
        "gate_status": None,
        "scheduled_post_ids": 2,
    }
    assert result.xcoms["content_url"].endswith(container)


def test_a_schedule_of_pending_content_is_stored_and_a_warning_is_logged(
    airflow: Any, api: Any, made: Any, schedule: Any, caplog: Any, capsys: Any
) -> None:
    container = made()
    result = airflow.value(schedule(container))
    assert result["gate_status"] == "blocked_on_approval"
    assert result["scheduled_post_ids"] == []
    assert any(f"{container} is not approved" in line for line in warnings(caplog, capsys))
    approval = airflow.value(approve(container))
    assert approval["pendingSchedulePromotion"]["status"] == "ok"
    assert len(approval["pendingSchedulePromotion"]["scheduledPostIds"]) == 2


def test_an_approval_whose_schedule_failed_is_a_permanent_error(
    airflow: Any, api: Any, made: Any, schedule: Any, failure: Any
) -> None:
    """``pendingSchedulePromotion.status: failed``: it is approved, and nothing will be published."""
    container = made()
    airflow.value(schedule(container))
    api.configure(disconnected_accounts=api.social_account_ids[:1])
    error = failure(airflow.run(approve(container)), LayersPromotionError)
    assert f"Content {container} is approved" in str(error)
    assert "'status': 'failed'" in str(error)
    assert "Nothing is published" in str(error)
    assert status_of(api, container) == "approved"
    assert posts_of(api) == []


@pytest.mark.parametrize("fault", ["fail_after", "disconnect_after"])
def test_a_failed_schedule_is_reported_even_when_the_first_response_was_lost(
    fault: str, airflow: Any, api: Any, made: Any, schedule: Any, failure: Any
) -> None:
    container = made()
    airflow.value(schedule(container))
    api.configure(disconnected_accounts=api.social_account_ids[:1])
    api.fault(fault, method="POST")
    failure(airflow.run(approve(container)), LayersPromotionError)


def test_a_schedule_of_pending_content_may_be_refused(
    airflow: Any, api: Any, made: Any, schedule: Any, failure: Any
) -> None:
    container = made()
    api.configure(schedule_gate="forbidden")
    error = failure(airflow.run(schedule(container)), LayersApprovalRequiredError)
    assert (error.status_code, error.code) == (403, "APPROVAL_REQUIRED")
    assert error.details == {"containerId": container, "approvalStatus": "pending"}
    assert "Approve" in str(error)
    # Nothing was stored: approved and cleared, the same task succeeds.
    airflow.value(approve(container))
    assert airflow.value(schedule(container), try_number=2, max_tries=1)["scheduled_post_ids"]


def test_a_schedule_of_rejected_content_is_a_permanent_error(
    airflow: Any, decided: Any, schedule: Any, failure: Any
) -> None:
    error = failure(airflow.run(schedule(decided("rejected"))), LayersContentRejectedError)
    assert (error.status_code, error.code) == (409, "CONTENT_REJECTED")
    assert "Regenerate the content" in str(error)


REFUSED = {
    "the past": ({"scheduled_for": "2020-01-01T00:00:00Z"}, LayersRequestError, "scheduledFor"),
    "an unknown account": (
        {"targets": [{"social_account_id": "sa_0", "mode": "publish"}]},
        LayersNotFoundError,
        "Social account",
    ),
}


@pytest.mark.parametrize(("arguments", "error", "text"), REFUSED.values(), ids=REFUSED)
def test_a_refused_schedule_is_a_permanent_error(
    arguments: dict[str, Any],
    error: type[Any],
    text: str,
    airflow: Any,
    decided: Any,
    schedule: Any,
    failure: Any,
) -> None:
    assert text in str(failure(airflow.run(schedule(decided("approved"), **arguments)), error))


@pytest.mark.parametrize(
    "response",
    [
        {"scheduledPostIds": ["sp_1", "sp_2"]},
        {"scheduledPosts": [{"scheduledPostId": "sp_1"}, {"scheduledPostId": "sp_2"}]},
        {"targets": [{"scheduledPostId": "sp_1"}, {"scheduledPostId": "sp_2"}], "gateStatus": None},
    ],
)
def test_posts_are_read_from_every_form_of_the_response(
    response: dict[str, Any], airflow: Any, api: Any, made: Any, schedule: Any
) -> None:
    container = made()
    api.fault("garbage", method="POST", status=201, body=json.dumps(response))
    assert airflow.value(schedule(container))["scheduled_post_ids"] == ["sp_1", "sp_2"]


CANCELS = {
    "accepted": (10, {"accepted": True, "reason": None}),
    "too late": (60, {"accepted": False, "reason": "ALREADY_COMPLETED"}),
    "not in this stage": (56, {"accepted": False, "reason": "JOB_CANCEL_UNAVAILABLE"}),
}


@pytest.mark.parametrize(("advance", "cancellation"), CANCELS.values(), ids=CANCELS)
def test_every_response_to_a_cancel_is_a_success(
    advance: float, cancellation: dict[str, Any], airflow: Any, api: Any
) -> None:
    generate = LayersGenerateContentOperator(task_id="g", project_id=api.project_id, brief={"topic": "x"})
    job_id = airflow.value(generate)
    api.advance(advance)
    cancel = LayersCancelJobOperator(task_id="cancel", job_id=job_id)
    assert airflow.value(cancel) == {"job_id": job_id, **cancellation}
    assert api.jobs()[0].cancel_requested is cancellation["accepted"]


def test_a_cancel_is_sent_again_when_its_response_was_lost(airflow: Any, api: Any, posted: Any) -> None:
    generate = LayersGenerateContentOperator(task_id="g", project_id=api.project_id, brief={"topic": "x"})
    job_id = airflow.value(generate)
    posted()
    api.fault("disconnect_after", method="POST")
    assert airflow.value(LayersCancelJobOperator(task_id="cancel", job_id=job_id))["accepted"] is True
    assert len(posted()) == 2


def test_a_cancel_with_a_conflict_for_another_reason_is_a_permanent_error(
    airflow: Any, api: Any, failure: Any
) -> None:
    api.fault("fail_before", method="POST", status=409, code="CONFLICT")
    failure(airflow.run(LayersCancelJobOperator(task_id="cancel", job_id="job_1")), LayersConflictError)


def test_a_cancel_of_an_unknown_job_is_a_permanent_error(airflow: Any, api: Any, failure: Any) -> None:
    failure(airflow.run(LayersCancelJobOperator(task_id="cancel", job_id="job_1")), LayersNotFoundError)
