"""The DAGs of the fleet, a file for each form, and what they have in common."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from typing import Any

PROJECT = os.environ.get("CLUSTER_PROJECT", "")
ACCOUNT = os.environ.get("CLUSTER_ACCOUNT", "")
CHAINS = int(os.environ.get("CLUSTER_CHAINS", "1"))
RETRIES = int(os.environ.get("CLUSTER_RETRIES", "0"))
COMMON: dict[str, Any] = {
    "start_date": datetime(2026, 1, 1, tzinfo=timezone.utc),
    "catchup": False,
    "max_active_tasks": 100,
    "default_args": {"retries": RETRIES, "retry_delay": timedelta(seconds=5)},
}
TARGETS = [{"social_account_id": ACCOUNT, "mode": "publish"}]
# So late that no post goes out.
SCHEDULED_FOR = "2099-01-01T09:00:00Z"


def topics(form: str) -> list[str]:
    """Return the topic of each chain, by which the request log tells the chains apart."""
    return [f"{form} {number}" for number in range(CHAINS)]
