"""A fleet of jobs on PostgreSQL, Redis and Celery workers, while some of its processes are killed."""

from __future__ import annotations

import os

SLOTS_PER_WORKER = 6
WORKERS = ("worker-1", "worker-2")
SLOTS = SLOTS_PER_WORKER * len(WORKERS)
TRIGGERERS = ("triggerer-1", "triggerer-2")
COMPONENT = "CLUSTER_COMPONENT"


def component_name() -> str:
    """Return the name of the component that this process belongs to: Airflow's name of its host."""
    return os.environ.get(COMPONENT, "localhost")
