"""The classes that users import, and from where."""

from __future__ import annotations

import importlib
from typing import Any

OPERATORS = {
    "operators.content": [
        "LayersGenerateContentOperator",
        "LayersCloneFromPostOperator",
        "LayersRegenerateContentOperator",
        "LayersGetContentOperator",
        "LayersListContentOperator",
        "LayersApproveContentOperator",
        "LayersRejectContentOperator",
        "LayersReviewContentOperator",
        "LayersScheduleContentOperator",
        "LayersPublishContentOperator",
        "LayersContentBatchOperator",
    ],
    "operators.scheduled_posts": [
        "LayersRescheduleScheduledPostOperator",
        "LayersCancelScheduledPostOperator",
    ],
    "operators.jobs": ["LayersCancelJobOperator"],
    "operators.top_performers": ["LayersGetTopPerformersOperator"],
    "operators.http": ["LayersHttpOperator"],
}
SENSORS = {
    "sensors.content": ["LayersContentApprovalSensor"],
    "sensors.jobs": ["LayersJobSensor"],
    "sensors.scheduled_posts": ["LayersScheduledPostSensor"],
    "sensors.top_performers": ["LayersTopPerformersSensor"],
}
OTHERS = {
    "hooks.layers": ["LayersHook"],
    "triggers.content": ["LayersContentApprovalTrigger"],
    "triggers.jobs": ["LayersJobTrigger"],
    "triggers.scheduled_posts": ["LayersScheduledPostTrigger"],
    "triggers.top_performers": ["LayersTopPerformersTrigger"],
    "triggers.turns": ["LayersTurnTrigger"],
    "links.jobs": ["LayersJobLink"],
    "links.content": ["LayersContentLink"],
    "exceptions": ["LayersError", "LayersPermanentError", "LayersAPIError"],
    "client": ["LayersClient", "AsyncLayersClient", "ApiConfig"],
}


def pairs(*tables: dict[str, list[str]]) -> list[tuple[str, str]]:
    """List module and class of every entry."""
    return [(module, name) for table in tables for module, names in table.items() for name in names]


def load(module: str, name: str) -> Any:
    """Import a class from its public module."""
    return getattr(importlib.import_module(f"airflow_provider_layers.{module}"), name)
