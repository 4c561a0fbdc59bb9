"""A fleet of jobs on PostgreSQL, Redis and Celery workers, while some of its processes are killed."""

from __future__ import annotations

import os

COMPONENT = "CLUSTER_COMPONENT"


def component_name() -> str:
    """Return the name of the component that this process belongs to: Airflow's name of its host."""
    return os.environ.get(COMPONENT, "localhost")
