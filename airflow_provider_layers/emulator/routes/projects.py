"""Projects and their social accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_layers.emulator import checks
from airflow_provider_layers.emulator.clock import write_moment
from airflow_provider_layers.emulator.paging import cut_page
from airflow_provider_layers.emulator.routing import Answer, Parameter

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.entities import Project, SocialAccount
    from airflow_provider_layers.emulator.routing import Call

PROJECTS = {
    "status": Parameter(checks.one_of("active", "archived")),
    "search": Parameter(checks.text(1)),
    "customerExternalId": Parameter(checks.text(1)),
    "cursor": Parameter(checks.text(1)),
    "limit": Parameter(checks.integer(1, 200), numeric=True, default=25),
}
ACCOUNTS = {
    "platform": Parameter(checks.one_of("tiktok", "instagram")),
    "status": Parameter(checks.one_of("connected", "reauth_required", "disconnected")),
    "leased": Parameter(checks.one_of("true", "false")),
    "cursor": Parameter(checks.text(1)),
    "limit": Parameter(checks.integer(1, 200), numeric=True, default=50),
}


def get_project(call: Call) -> Answer:
    """Answer ``GET /v1/projects/{project}``."""
    call.read_query({})
    return Answer(200, _show(call, call.world.project(call.params["project"])))


def list_projects(call: Call) -> Answer:
    """Answer ``GET /v1/projects``, newest first."""
    asked = call.read_query(PROJECTS)
    search = (asked["search"] or "").lower()
    none_fit = asked["status"] == "archived" or asked["customerExternalId"] is not None
    found = [
        project for project in call.world.projects.values() if search in project.name.lower() and not none_fit
    ]
    return Answer(200, cut_page(found, lambda item: [item.number], lambda item: _show(call, item), asked))


def list_social_accounts(call: Call) -> Answer:
    """Answer ``GET /v1/projects/{project}/social-accounts``."""
    asked = call.read_query(ACCOUNTS)
    project = call.world.project(call.params["project"])
    found = [
        account
        for account in call.world.accounts.values()
        if account.project == project.uuid
        and asked["platform"] in (None, account.platform)
        and asked["status"] in (None, _account_status(call, account))
        and asked["leased"] != "true"
    ]
    return Answer(
        200, cut_page(found, lambda item: [item.number], lambda item: _show_account(call, item), asked)
    )


def _account_status(call: Call, account: SocialAccount) -> str:
    return "disconnected" if account.id in call.world.settings.disconnected_accounts else "connected"


def _show_account(call: Call, account: SocialAccount) -> dict[str, Any]:
    return {
        "socialAccountId": account.id,
        "platform": account.platform,
        "handle": account.handle,
        "avatarUrl": None,
        "status": _account_status(call, account),
        "leased": False,
        "connectedAt": write_moment(account.connected_at),
        "tokenExpiresAt": None,
    }


def _show(call: Call, project: Project) -> dict[str, Any]:
    missing = call.world.settings.missing
    return {
        "id": project.id,
        "organizationId": call.world.organization_id,
        "name": project.name,
        "status": "active",
        "customerExternalId": None,
        "timezone": project.timezone,
        "primaryLanguage": "en",
        "ownerEmail": None,
        "appName": None if "app_name" in missing else project.name,
        "appDescription": None
        if "app_description" in missing
        else f"{project.name} is a project of the emulator.",
        "brand": None,
        "brandContext": None,
        "ingestState": {"github": None, "website": None, "appstore": None},
        "createdAt": write_moment(project.created_at),
    }
