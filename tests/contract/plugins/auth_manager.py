"""An auth manager with permissions for single DAGs, which Airflow's simple one does not have."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager


class PerDagAuthManager(SimpleAuthManager):
    """Airflow's own, except that ``reads-<dag id>`` may read only that DAG, and ``no-xcoms`` no XComs."""

    def is_authorized_dag(
        self, *, method: Any, user: Any, access_entity: Any = None, details: Any = None
    ) -> bool:
        if user.username == "no-xcoms" and access_entity is DagAccessEntity.XCOM:
            return False
        if user.username.startswith("reads-"):
            return details is not None and user.username == f"reads-{details.id}" and method == "GET"
        return super().is_authorized_dag(
            method=method, user=user, access_entity=access_entity, details=details
        )
