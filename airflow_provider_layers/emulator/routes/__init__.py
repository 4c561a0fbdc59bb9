"""Every route of the API that is played here."""

from __future__ import annotations

from airflow_provider_layers.emulator import billing, clone, regenerate, scheduling, top_performers
from airflow_provider_layers.emulator.errors import Refusal, not_found
from airflow_provider_layers.emulator.limits import READ, START, WRITE
from airflow_provider_layers.emulator.paths import compile_template
from airflow_provider_layers.emulator.routes import (
    account,
    approval,
    generation,
    jobs,
    projects,
    reading,
    scheduled_posts,
)
from airflow_provider_layers.emulator.routing import Endpoint

# The content pages call a bad body VALIDATION_FAILED and give no status; 422 is an assumption.
_CONTENT = "VALIDATION_FAILED"

ENDPOINTS = (
    Endpoint("GET", "/v1/whoami", account.whoami, None, READ),
    Endpoint("GET", "/v1/credits", billing.get_credits, None, READ),
    Endpoint("GET", "/v1/projects", projects.list_projects, "projects:read", READ),
    Endpoint("GET", "/v1/projects/{project}", projects.get_project, "projects:read", READ),
    Endpoint(
        "GET", "/v1/projects/{project}/social-accounts", projects.list_social_accounts, "social:read", READ
    ),
    Endpoint(
        "GET",
        "/v1/projects/{project}/top-performers",
        top_performers.get_top_performers,
        "metrics:read",
        READ,
    ),
    Endpoint("POST", "/v1/projects/{project}/content", generation.generate, "content:write", START, _CONTENT),
    Endpoint("GET", "/v1/projects/{project}/content", reading.list_content, "content:read", READ),
    Endpoint(
        "POST",
        "/v1/projects/{project}/content/{format}",
        generation.generate_format,
        "content:write",
        START,
        _CONTENT,
    ),
    Endpoint(
        "POST",
        "/v1/content/{container}/clone-from-post",
        clone.clone_from_post,
        "content:write",
        START,
        _CONTENT,
    ),
    Endpoint(
        "POST", "/v1/content/{container}/regenerate", regenerate.regenerate, "content:write", START, _CONTENT
    ),
    Endpoint("GET", "/v1/content/{container}", reading.get_content, "content:read", READ),
    Endpoint("GET", "/v1/content/{container}/progress", reading.get_progress, "content:read", READ),
    Endpoint("GET", "/v1/content/{container}/assets/{asset}", reading.get_asset, "content:read", READ),
    Endpoint("POST", "/v1/content/{container}/approve", approval.approve, "content:approve", WRITE),
    Endpoint("POST", "/v1/content/{container}/reject", approval.reject, "content:approve", WRITE),
    Endpoint("POST", "/v1/content/{container}/schedule", scheduling.schedule, "publish:write", WRITE),
    Endpoint("POST", "/v1/content/{container}/publish", scheduling.publish, "publish:write", WRITE),
    Endpoint("GET", "/v1/jobs/{job}", jobs.get_job, "jobs:read", READ),
    Endpoint("POST", "/v1/jobs/{job}/cancel", jobs.cancel_job, "jobs:cancel", WRITE),
    Endpoint("GET", "/v1/scheduled-posts/{post}", scheduled_posts.get_post, "publish:read", READ),
    Endpoint("DELETE", "/v1/scheduled-posts/{post}", scheduled_posts.cancel_post, "publish:write", WRITE),
    Endpoint(
        "POST",
        "/v1/scheduled-posts/{post}/reschedule",
        scheduled_posts.reschedule,
        "publish:write",
        WRITE,
    ),
    Endpoint(
        "GET",
        "/v1/projects/{project}/scheduled-posts",
        scheduled_posts.list_posts,
        "publish:read",
        READ,
    ),
    Endpoint(
        "GET", "/v1/projects/{project}/approval-policy", approval.get_approval_policy, "content:read", READ
    ),
    Endpoint(
        "PATCH",
        "/v1/projects/{project}/approval-policy",
        approval.change_approval_policy,
        "content:approve",
        WRITE,
        invalid_status=400,
    ),
    Endpoint(
        "GET",
        "/v1/projects/{project}/content-review-policy",
        approval.get_review_policy,
        "content:read",
        READ,
    ),
    Endpoint(
        "PATCH",
        "/v1/projects/{project}/content-review-policy",
        approval.change_review_policy,
        "content:approve",
        WRITE,
    ),
)


def find_endpoint(method: str, path: str) -> tuple[Endpoint, dict[str, str]]:
    """Return the route that answers *method* on *path*, with the path's ids."""
    allowed = []
    for endpoint in ENDPOINTS:
        match = compile_template(endpoint.path).fullmatch(path)
        if match is not None and endpoint.method == method:
            return endpoint, match.groupdict()
        if match is not None:
            allowed.append(endpoint.method)
    if allowed:
        # Assumption: the pages name no code for this.
        raise Refusal(405, "METHOD_NOT_ALLOWED", f"{path} takes {', '.join(allowed)}, not {method}.")
    raise not_found(f"The emulator plays no route {path}.")
