"""The public surface: parameters, defaults, templates."""

from __future__ import annotations

import inspect
from datetime import timedelta

from tests.house.public import OPERATORS, SENSORS, load, pairs

REQUIRED = inspect.Parameter.empty
CONNECTION = {"layers_conn_id": "layers_default"}
LIMITED = {"deferrable": False, "start_timeout": timedelta(hours=6)} | CONNECTION
CONTAINER = {"container_id": REQUIRED} | LIMITED
JOB_LIFECYCLE = {
    "poll_interval": 10.0,
    "completion_timeout": timedelta(hours=1),
    "cancel_on_kill": True,
    "cancel_on_timeout": False,
    "retry_on_job_failure": False,
    "on_clear": "resubmit",
    "resubmit_after_window": False,
} | LIMITED
JOB = {"wait_for_completion": False} | JOB_LIFECYCLE
WAITING = {"deferrable": False} | CONNECTION
PUBLISH = CONTAINER | {"targets": REQUIRED, "on_clear": "reattach", "resubmit_after_window": False}

SIGNATURES = {
    "LayersGenerateContentOperator": {
        "project_id": REQUIRED,
        "format": None,
        "variant_count": None,
        "brief": None,
        "hook": None,
        "references": None,
        "target_platforms": None,
        "project_layer_id": None,
        "social_account_id": None,
        "influencer_id": None,
        "media_id": None,
        "tiktok_video_id": None,
        "budget": None,
        "metadata": None,
    }
    | JOB,
    "LayersCloneFromPostOperator": {
        "project_id": REQUIRED,
        "source_platform_post_id": REQUIRED,
        "mode": "fork",
        "variations": 1,
        "project_layer_id": None,
        "overrides": None,
        "container_id": None,
    }
    | JOB,
    "LayersRegenerateContentOperator": {
        "container_id": REQUIRED,
        "brief": None,
        "references": None,
        "preserve_assets": False,
    }
    | JOB,
    "LayersContentBatchOperator": JOB_LIFECYCLE
    | {"requests": REQUIRED, "fail_on_partial_error": True, "on_clear": "reattach"},
    "LayersGetContentOperator": CONTAINER,
    "LayersListContentOperator": {
        "project_id": REQUIRED,
        "status": None,
        "format": None,
        "creative_type": None,
        "since": None,
        "until": None,
        "limit": 100,
    }
    | CONNECTION,
    "LayersApproveContentOperator": CONTAINER | {"note": None},
    "LayersRejectContentOperator": CONTAINER | {"reason": REQUIRED},
    "LayersScheduleContentOperator": PUBLISH | {"scheduled_for": REQUIRED},
    "LayersPublishContentOperator": PUBLISH,
    "LayersRescheduleScheduledPostOperator": {"scheduled_post_id": REQUIRED, "scheduled_for": REQUIRED}
    | LIMITED,
    "LayersCancelScheduledPostOperator": {"scheduled_post_id": REQUIRED, "reason": None} | LIMITED,
    "LayersCancelJobOperator": {"job_id": REQUIRED} | LIMITED,
    "LayersScheduledPostSensor": {
        "scheduled_post_id": REQUIRED,
        "project_id": None,
        "accept_draft": False,
        "poke_interval": 30.0,
    }
    | WAITING,
    "LayersTopPerformersSensor": {
        "project_id": REQUIRED,
        "metric": REQUIRED,
        "threshold": REQUIRED,
        "min_rows": 1,
        "window": None,
        "source_type": None,
        "platform": None,
        "limit": None,
        "poke_interval": 600.0,
    }
    | WAITING,
    "LayersGetTopPerformersOperator": {
        "project_id": REQUIRED,
        "metric": REQUIRED,
        "window": None,
        "source_type": None,
        "platform": None,
        "limit": None,
    }
    | CONNECTION,
    "LayersReviewContentOperator": {
        "container_id": REQUIRED,
        "subject": None,
        "body": None,
        "assigned_users": None,
        "response_timeout": None,
        "ask_when": "undecided",
        "on_timeout": "fail",
        "notifiers": None,
        "max_regenerations": 3,
        "fail_on_reject": False,
        "ignore_downstream_trigger_rules": False,
    }
    | JOB_LIFECYCLE
    | {"deferrable": True},
    "LayersHttpOperator": {"endpoint": REQUIRED, "method": "GET"} | CONNECTION,
    "LayersJobSensor": {
        "job_id": REQUIRED,
        "container_ids": None,
        "project_id": None,
        "poke_interval": 10.0,
    }
    | WAITING,
    "LayersContentApprovalSensor": {
        "container_id": REQUIRED,
        "project_id": None,
        "fail_on_reject": True,
        "poke_interval": 60.0,
    }
    | WAITING,
}


def taken(cls: type) -> dict[str, object]:
    """The parameters of its constructors in this package, with their defaults; the nearest class decides."""
    found: dict[str, inspect.Parameter] = {}
    house = [item for item in cls.__mro__ if item.__module__.startswith("airflow_provider_layers")]
    for item in reversed(house):
        if "__init__" in vars(item):
            found |= inspect.signature(item.__init__).parameters
    named = (item for item in found.values() if item.kind is inspect.Parameter.KEYWORD_ONLY)
    return {item.name: item.default for item in named}


CLASSES = [load(module, name) for module, name in pairs(OPERATORS, SENSORS)]


def test_names_and_defaults_of_parameters():
    assert {cls.__name__: taken(cls) for cls in CLASSES} == SIGNATURES


def test_parameters_are_keyword_only():
    kinds = {
        cls.__name__: {item.kind for item in list(inspect.signature(cls.__init__).parameters.values())[1:]}
        for cls in CLASSES
    }
    allowed = {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}
    assert {name: found for name, found in kinds.items() if not found <= allowed} == {}


# They choose how a task behaves, not what it requests from the API.
NOT_TEMPLATED = {
    "wait_for_completion",
    "deferrable",
    "start_timeout",
    "retry_on_job_failure",
    "fail_on_partial_error",
    "poll_interval",
    "poke_interval",
    "completion_timeout",
    "cancel_on_kill",
    "cancel_on_timeout",
    "on_clear",
    "resubmit_after_window",
    "method",
    "accept_draft",
    "fail_on_reject",
    "ignore_downstream_trigger_rules",
    "ask_when",
    "max_regenerations",
    "on_timeout",
    "response_timeout",
    "notifiers",
    "assigned_users",
    "min_rows",
}


def test_what_is_requested_from_the_api_can_be_templated():
    missing = {cls.__name__: taken(cls).keys() - NOT_TEMPLATED - set(cls.template_fields) for cls in CLASSES}
    assert {name: fields for name, fields in missing.items() if fields} == {}


def test_template_fields_are_parameters():
    inherited = {"data", "headers"}  # of HttpOperator
    for cls in CLASSES:
        assert set(cls.template_fields) - taken(cls).keys() <= inherited, cls.__name__
        assert len(cls.template_fields) == len(set(cls.template_fields)), cls.__name__
        assert set(cls.template_fields_renderers) - inherited <= set(cls.template_fields), cls.__name__
