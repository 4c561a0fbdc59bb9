"""Projects and their social accounts: ``reference/projects/*``, ``reference/social/*``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from airflow_provider_layers.api.endpoint import Endpoint, paged, quote_path_segment, read_json
from airflow_provider_layers.api.schemas import RequestModel, query_params

LIST_PAGE_SIZE = 200
"""The most rows that both lists return at once."""


class ProjectFilters(RequestModel):
    """Filters of the projects."""

    status: Literal["active", "archived"] | None = None
    search: str | None = None
    customer_external_id: str | None = None


class SocialAccountFilters(RequestModel):
    """Filters of the social accounts."""

    platform: Literal["tiktok", "instagram"] | None = None
    status: Literal["connected", "reauth_required", "disconnected"] | None = None


def get_project(project_id: str) -> Endpoint[dict[str, Any]]:
    """
    ``GET /v1/projects/:projectId`` (scope ``projects:read``).

    :return: the project; its ``timezone`` is an IANA name
    """
    return Endpoint(
        description=f"read project {project_id}",
        method="GET",
        path=_project_path(project_id),
        read=read_json,
    )


def _project_path(project_id: str) -> str:
    return f"/v1/projects/{quote_path_segment('project_id', project_id)}"


def list_projects(**filters: Any) -> Callable[[int, str | None], Endpoint[dict[str, Any]]]:
    """
    ``GET /v1/projects`` (scope ``projects:read``), newest first.

    :param filters: ``status``, ``search`` and ``customer_external_id``
    :return: the endpoint of a page, by its size and cursor
    :raises LayersParameterError: a filter is wrong
    """
    return paged("list projects", "/v1/projects", query_params(ProjectFilters, **filters))


def list_social_accounts(
    project_id: str, **filters: Any
) -> Callable[[int, str | None], Endpoint[dict[str, Any]]]:
    """
    ``GET /v1/projects/:projectId/social-accounts`` (scope ``social:read``).

    :param filters: ``platform`` and ``status``
    :return: the endpoint of a page, by its size and cursor
    :raises LayersParameterError: a filter is wrong
    """
    description = f"list social accounts of project {project_id}"
    query = query_params(SocialAccountFilters, **filters)
    return paged(description, f"{_project_path(project_id)}/social-accounts", query)
