"""Projects: ``reference/projects/get-project``."""

from __future__ import annotations

from typing import Any

from airflow_provider_layers.api.endpoint import Endpoint, json_of, segment


def get_project(project_id: str) -> Endpoint[dict[str, Any]]:
    """
    ``GET /v1/projects/:projectId`` (scope ``projects:read``).

    :param project_id: the project
    :return: the project; its ``timezone`` is an IANA name
    """
    path = f"/v1/projects/{segment('project_id', project_id)}"
    return Endpoint(asked=f"read project {project_id}", method="GET", path=path, read=json_of)
