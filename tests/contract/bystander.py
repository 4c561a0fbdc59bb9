"""Reading the API as a bystander does, without the package under test."""

from __future__ import annotations

from typing import Any

from httpx import get


def read(api: Any, path: str) -> Any:
    """Return the body of a route."""
    headers = {"Authorization": f"Bearer {api.api_key}"}
    return get(f"{api.url}{path}", headers=headers, trust_env=False).json()


def posts_of(api: Any) -> list[dict[str, Any]]:
    """Return the scheduled posts of the default project."""
    return list(read(api, f"/v1/projects/{api.project_id}/scheduled-posts")["items"])


def post_ids_of(api: Any) -> list[str]:
    return [post["id"] for post in posts_of(api)]
