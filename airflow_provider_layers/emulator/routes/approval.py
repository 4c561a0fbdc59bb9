"""Approval: approve, reject, and the review policy under both of its names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_layers.emulator.errors import Query, conflict
from airflow_provider_layers.emulator.formats import format_timestamp
from airflow_provider_layers.emulator.limits import READ, WRITE
from airflow_provider_layers.emulator.routes.scheduled_posts import promote_schedule
from airflow_provider_layers.emulator.routing import ApiRequest, ApiResponse, ApiRoute
from airflow_provider_layers.emulator.schemas import (
    ApprovalPolicyBody,
    ApproveBody,
    RejectBody,
    ReviewPolicyBody,
)

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.entities import Container, Project
    from airflow_provider_layers.emulator.state import State


def approve(request: ApiRequest) -> ApiResponse:
    """Approve a container; a schedule that was blocked until then is promoted."""
    request.read_body(ApproveBody)
    container = request.state.container(request.path_params["container"])
    return ApiResponse(200, decide(request.state, container, "approved", _decider(request)))


def reject(request: ApiRequest) -> ApiResponse:
    """Reject a container, and drop the schedule that waited for approval."""
    reason = request.read_body(RejectBody).reason
    container = request.state.container(request.path_params["container"])
    body = decide(request.state, container, "rejected", _decider(request))
    return ApiResponse(200, {**body, "reason": reason})


def get_approval_policy(request: ApiRequest) -> ApiResponse:
    """Return the policy under its older name."""
    request.read_query(Query)
    return ApiResponse(200, _show_approval_policy(_project(request)))


def change_approval_policy(request: ApiRequest) -> ApiResponse:
    """Change the policy under its older name; at least one field is needed."""
    body = request.read_body(ApprovalPolicyBody)
    if not body.model_fields_set:
        raise request.invalid("", "at least one field is required")
    project = _project(request)
    first_n = project.first_n if body.firstNPostsBlocked is None else body.firstNPostsBlocked
    requires = project.policy != "auto_approve" if body.requiresApproval is None else body.requiresApproval
    if not requires:
        _set_policy(request, project, "auto_approve", 0)
    else:
        _set_policy(request, project, "review_first_n" if first_n else "review_all", first_n)
    if "autoApproveAfter" in body.model_fields_set:
        project.auto_approve_after = body.autoApproveAfter
    return ApiResponse(200, _show_approval_policy(project))


def get_review_policy(request: ApiRequest) -> ApiResponse:
    """Return the policy under its newer name."""
    request.read_query(Query)
    return ApiResponse(200, _show_review_policy(request, _project(request)))


def change_review_policy(request: ApiRequest) -> ApiResponse:
    """Change the policy under its newer name."""
    body = request.read_body(ReviewPolicyBody)
    if (body.policy == "review_first_n") != (body.firstN is not None):
        raise request.invalid("firstN", "belongs to the policy review_first_n, and to no other")
    project = _project(request)
    _set_policy(request, project, body.policy, body.firstN or 0)
    return ApiResponse(200, _show_review_policy(request, project))


def _project(request: ApiRequest) -> Project:
    return request.state.project(request.path_params["project"])


def _decider(request: ApiRequest) -> str:
    return f"api_key_{request.key.key_id}"


def _require_pending(container: Container) -> None:
    details = {"containerId": container.id, "approvalStatus": container.approval_status}
    if container.approval_status == "not_required":
        raise conflict("Container does not require approval.", **details)
    if container.approval_status != "pending":
        raise conflict(f"Container is already {container.approval_status}.", **details)
    # Assumption: the pages do not give the code for a container whose job still runs or has failed.
    if container.status != "completed":
        raise conflict("Container is not completed.", status=container.status, **details)


def decide(
    state: State, container: Container, decision: Literal["approved", "rejected"], decider: str
) -> dict[str, Any]:
    """Approve or reject *container* for *decider*, and promote or drop the schedule that waited for it."""
    _require_pending(container)
    now = state.clock.now()
    container.approval_status, container.updated_at = decision, now
    container.decision = {f"{decision}At": format_timestamp(now), f"{decision}By": decider}
    state.projects[container.project].decided += 1
    body = {"id": container.id, "approvalStatus": decision, **container.decision}
    if decision == "rejected":
        container.blocked_schedule = None
    elif container.blocked_schedule is not None:
        return {**body, "pendingSchedulePromotion": promote_schedule(state, container)}
    return body


def _set_policy(request: ApiRequest, project: Project, policy: str, first_n: int) -> None:
    project.policy, project.first_n, project.decided = policy, first_n, 0
    project.policy_updated_at = request.state.clock.now()


def _show_approval_policy(project: Project) -> dict[str, Any]:
    return {
        "projectId": project.id,
        "requiresApproval": project.policy != "auto_approve",
        "firstNPostsBlocked": project.first_n,
        "autoApproveAfter": project.auto_approve_after,
        "updatedAt": format_timestamp(project.policy_updated_at or project.created_at),
    }


def _show_review_policy(request: ApiRequest, project: Project) -> dict[str, Any]:
    pending = [
        container
        for container in request.state.containers.values()
        if container.project == project.uuid and container.approval_status == "pending"
    ]
    return {
        "projectId": project.id,
        "policy": project.policy,
        "firstN": project.first_n or None,
        "pendingCount": len(pending),
        "updatedAt": format_timestamp(project.policy_updated_at or project.created_at),
    }


_APPROVAL_POLICY = "/v1/projects/{project}/approval-policy"
_REVIEW_POLICY = "/v1/projects/{project}/content-review-policy"

ROUTES = (
    ApiRoute("POST", "/v1/content/{container}/approve", approve, "content:approve", WRITE),
    ApiRoute("POST", "/v1/content/{container}/reject", reject, "content:approve", WRITE),
    ApiRoute("GET", _APPROVAL_POLICY, get_approval_policy, "content:read", READ),
    ApiRoute("PATCH", _APPROVAL_POLICY, change_approval_policy, "content:approve", WRITE, invalid_status=400),
    ApiRoute("GET", _REVIEW_POLICY, get_review_policy, "content:read", READ),
    ApiRoute("PATCH", _REVIEW_POLICY, change_review_policy, "content:approve", WRITE),
)
