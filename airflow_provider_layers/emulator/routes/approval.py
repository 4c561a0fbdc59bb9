"""The approval gate: approve, reject, and the policy under both of its names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_layers.emulator import checks
from airflow_provider_layers.emulator.clock import write_moment
from airflow_provider_layers.emulator.errors import conflict, invalid
from airflow_provider_layers.emulator.routing import Answer
from airflow_provider_layers.emulator.scheduling import promote
from airflow_provider_layers.emulator.settings import POLICIES

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.entities import Container, Project
    from airflow_provider_layers.emulator.routing import Call

APPROVE = checks.Shape({"note": checks.text(0, 1024)})
REJECT = checks.Shape({"reason": checks.text(1, 1024)}, ("reason",))
_duration = checks.text(
    2, 64, r"P(?=.)(\d+[YMWD])*(T(\d+[HMS])+)?", "an ISO 8601 duration such as P1D or PT2H"
)
APPROVAL_POLICY = checks.Shape(
    {
        "requiresApproval": checks.boolean,
        "firstNPostsBlocked": checks.integer(0, 50),
        "autoApproveAfter": checks.optional(_duration),
    }
)
REVIEW_POLICY = checks.Shape(
    {"policy": checks.one_of(*POLICIES), "firstN": checks.integer(1, 50)}, ("policy",)
)


def approve(call: Call) -> Answer:
    """Answer ``POST /v1/content/{container}/approve``; a schedule that waited for it is promoted."""
    call.read_body(APPROVE)
    container = _decidable(call)
    body = _decide(call, container, "approved")
    if container.waiting_schedule is not None:
        body["pendingSchedulePromotion"] = promote(call.world, container)
    return Answer(200, body)


def reject(call: Call) -> Answer:
    """Answer ``POST /v1/content/{container}/reject``."""
    reason = call.read_body(REJECT)["reason"]
    container = _decidable(call)
    body = _decide(call, container, "rejected")
    container.waiting_schedule = None
    return Answer(200, {**body, "reason": reason})


def get_approval_policy(call: Call) -> Answer:
    """Answer ``GET /v1/projects/{project}/approval-policy``, the older name."""
    call.read_query({})
    return Answer(200, _show_approval_policy(call.world.project(call.params["project"])))


def change_approval_policy(call: Call) -> Answer:
    """Answer ``PATCH /v1/projects/{project}/approval-policy``; at least one field is needed."""
    body = call.read_body(APPROVAL_POLICY)
    if not body:
        raise invalid([{"path": "", "message": "at least one field is required"}], "VALIDATION", 400)
    project = call.world.project(call.params["project"])
    first_n = body.get("firstNPostsBlocked", project.first_n)
    if not body.get("requiresApproval", project.policy != "auto_approve"):
        _set_policy(call, project, "auto_approve", 0)
    else:
        _set_policy(call, project, "review_first_n" if first_n else "review_all", first_n)
    project.auto_approve_after = body.get("autoApproveAfter", project.auto_approve_after)
    return Answer(200, _show_approval_policy(project))


def get_review_policy(call: Call) -> Answer:
    """Answer ``GET /v1/projects/{project}/content-review-policy``, the newer name."""
    call.read_query({})
    return Answer(200, _show_review_policy(call, call.world.project(call.params["project"])))


def change_review_policy(call: Call) -> Answer:
    """Answer ``PATCH /v1/projects/{project}/content-review-policy``."""
    body = call.read_body(REVIEW_POLICY)
    if (body["policy"] == "review_first_n") != ("firstN" in body):
        raise call.refuse("firstN", "belongs to the policy review_first_n, and to no other")
    project = call.world.project(call.params["project"])
    _set_policy(call, project, body["policy"], body.get("firstN", 0))
    return Answer(200, _show_review_policy(call, project))


def _decidable(call: Call) -> Container:
    container = call.world.container(call.params["container"])
    if container.approval_status != "pending":
        words = {"not_required": "Container does not require approval."}
        message = words.get(container.approval_status, f"Container is already {container.approval_status}.")
        raise conflict(message, **_approval_details(container))
    # Assumption: the pages do not give the code for a container whose job still runs or has failed.
    if container.status != "completed":
        raise conflict("Container is not completed.", status=container.status, **_approval_details(container))
    return container


def _decide(call: Call, container: Container, decision: str) -> dict[str, Any]:
    now = call.world.clock.now()
    container.approval_status, container.updated_at = decision, now
    call.world.projects[container.project].decided += 1
    return {
        "id": container.id,
        "approvalStatus": decision,
        f"{decision}At": write_moment(now),
        f"{decision}By": f"api_key_{call.key.key_id}",
    }


def _approval_details(container: Container) -> dict[str, str]:
    return {"containerId": container.id, "approvalStatus": container.approval_status}


def _set_policy(call: Call, project: Project, policy: str, first_n: int) -> None:
    project.policy, project.first_n, project.decided = policy, first_n, 0
    project.policy_updated_at = call.world.clock.now()


def _show_approval_policy(project: Project) -> dict[str, Any]:
    return {
        "projectId": project.id,
        "requiresApproval": project.policy != "auto_approve",
        "firstNPostsBlocked": project.first_n,
        "autoApproveAfter": project.auto_approve_after,
        "updatedAt": write_moment(project.policy_updated_at or project.created_at),
    }


def _show_review_policy(call: Call, project: Project) -> dict[str, Any]:
    pending = [
        container
        for container in call.world.containers.values()
        if container.project == project.uuid and container.approval_status == "pending"
    ]
    return {
        "projectId": project.id,
        "policy": project.policy,
        "firstN": project.first_n or None,
        "pendingCount": len(pending),
        "updatedAt": write_moment(project.policy_updated_at or project.created_at),
    }
