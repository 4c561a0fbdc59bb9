"""The account: the organization of the key, credits, projects, social accounts, top performers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_layers.emulator.errors import Query
from airflow_provider_layers.emulator.formats import format_timestamp, paginate
from airflow_provider_layers.emulator.limits import COSTS, READ, reserved_credits
from airflow_provider_layers.emulator.routing import ApiRequest, ApiResponse, ApiRoute
from airflow_provider_layers.emulator.schemas import (
    ListProjectsQuery,
    ListSocialAccountsQuery,
    TopPerformersQuery,
)

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.entities import PlatformPost, Project, SocialAccount

_WINDOW_DAYS = {"7d": 7, "30d": 30, "90d": 90}


def whoami(request: ApiRequest) -> ApiResponse:
    """Return the organization of the key, with the fields of both revisions."""
    request.read_query(Query)
    state = request.state
    body = {
        "organizationId": state.organization_id,
        "parentOrganizationId": None,
        "workspaceId": state.workspace_id,
        "organizationName": "Acme (emulator)",
        "scopes": request.key.scopes,
        "rateLimitTier": state.settings.tier,
        "killSwitch": False,
        "apiAccessRevoked": False,
        "apiKeyId": f"key_{request.key.key_id}",
        "creditBalance": state.settings.credits,
    }
    return ApiResponse(200, body)


def get_credits(request: ApiRequest) -> ApiResponse:
    """Return the credits; the period is the calendar month."""
    request.read_query(Query)
    state = request.state
    balance, reserved = state.settings.credits, reserved_credits(state)
    used = sum(job.cost for job in state.jobs.values() if job.status == "completed")
    start = state.clock.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    body = {
        "balance": balance,
        "available": balance - reserved,
        "reservedCredits": reserved,
        "includedRemaining": balance,
        "prepaidBalance": 0,
        "includedThisPeriod": balance + used,
        "usedThisPeriod": used,
        "currentPeriod": {
            "start": format_timestamp(start),
            "end": format_timestamp(end),
            "usedCredits": used,
        },
        "subscriptionTier": "emulator",
        "billingStatus": "active",
        "estimatedCreditsPerFormat": COSTS,
        "ingestCostsBilled": False,
    }
    return ApiResponse(200, body)


def get_project(request: ApiRequest) -> ApiResponse:
    """Return a project."""
    request.read_query(Query)
    return ApiResponse(200, _show(request, request.state.project(request.path_params["project"])))


def list_projects(request: ApiRequest) -> ApiResponse:
    """Return a page of the projects, newest first."""
    query = request.read_query(ListProjectsQuery)
    search = (query.search or "").lower()
    # No project of the emulator is archived or has an id of the customer.
    none_matches = query.status == "archived" or query.customerExternalId is not None
    found = [
        project
        for project in request.state.projects.values()
        if search in project.name.lower() and not none_matches
    ]
    page = paginate(
        found,
        lambda project: [project.number],
        lambda project: _show(request, project),
        limit=query.limit,
        cursor=query.cursor,
    )
    return ApiResponse(200, page)


def list_social_accounts(request: ApiRequest) -> ApiResponse:
    """Return a page of the social accounts of a project."""
    query = request.read_query(ListSocialAccountsQuery)
    project = request.state.project(request.path_params["project"])
    found = [
        account
        for account in request.state.accounts.values()
        if account.project == project.uuid
        and query.platform in (None, account.platform)
        and query.status in (None, _account_status(request, account))
        and query.leased != "true"
    ]
    page = paginate(
        found,
        lambda account: [account.number],
        lambda account: _show_account(request, account),
        limit=query.limit,
        cursor=query.cursor,
    )
    return ApiResponse(200, page)


def get_top_performers(request: ApiRequest) -> ApiResponse:
    """Return the posts of a project, ranked by a metric."""
    query = request.read_query(TopPerformersQuery)
    project = request.state.project(request.path_params["project"])
    found = [
        post
        for post in request.state.platform_posts.values()
        if post.project == project.uuid and query.metric in post.metrics and _is_ranked(post, query)
    ]
    found.sort(key=lambda post: post.metrics[query.metric], reverse=True)
    rows = [_show_row(post, rank, query.metric) for rank, post in enumerate(found[: query.limit], 1)]
    return ApiResponse(200, {"items": rows})


def _is_ranked(post: PlatformPost, query: TopPerformersQuery) -> bool:
    return (
        post.age_days <= _WINDOW_DAYS[query.window]
        and (not query.platform or post.platform in query.platform)
        and (not query.sourceType or "platform_post" in query.sourceType)
        and (query.includeIneligible == "true" or post.eligible)
    )


def _account_status(request: ApiRequest, account: SocialAccount) -> str:
    return "disconnected" if account.id in request.state.settings.disconnected_accounts else "connected"


def _show_account(request: ApiRequest, account: SocialAccount) -> dict[str, Any]:
    return {
        "socialAccountId": account.id,
        "platform": account.platform,
        "handle": account.handle,
        "avatarUrl": None,
        "status": _account_status(request, account),
        "leased": False,
        "connectedAt": format_timestamp(account.connected_at),
        "tokenExpiresAt": None,
    }


def _show(request: ApiRequest, project: Project) -> dict[str, Any]:
    missing = request.state.settings.missing
    description = f"{project.name} is a project of the emulator."
    return {
        "id": project.id,
        "organizationId": request.state.organization_id,
        "name": project.name,
        "status": "active",
        "customerExternalId": None,
        "timezone": project.timezone,
        "primaryLanguage": "en",
        "ownerEmail": None,
        "appName": None if "app_name" in missing else project.name,
        "appDescription": None if "app_description" in missing else description,
        "brand": None,
        "brandContext": None,
        "ingestState": {"github": None, "website": None, "appstore": None},
        "createdAt": format_timestamp(project.created_at),
    }


def _show_row(post: PlatformPost, rank: int, metric: str) -> dict[str, Any]:
    # Assumption: the pages show parts of a row only; these are all the names that they use.
    return {
        "rank": rank,
        "metricValue": post.metrics[metric],
        "sourceType": "platform_post",
        "sourceId": post.id,
        "platformPostId": post.id,
        "platform": post.platform,
        "preview": None,
    }


_PROJECT = "/v1/projects/{project}"

ROUTES = (
    ApiRoute("GET", "/v1/whoami", whoami, None, READ),
    ApiRoute("GET", "/v1/credits", get_credits, None, READ),
    ApiRoute("GET", "/v1/projects", list_projects, "projects:read", READ),
    ApiRoute("GET", _PROJECT, get_project, "projects:read", READ),
    ApiRoute("GET", f"{_PROJECT}/social-accounts", list_social_accounts, "social:read", READ),
    ApiRoute("GET", f"{_PROJECT}/top-performers", get_top_performers, "metrics:read", READ),
)
