"""The public surface is what the design names."""

from __future__ import annotations

import inspect
from datetime import timedelta

import pytest

from tests.house.public import OPERATORS, SENSORS, load, pairs

REQUIRED = inspect.Parameter.empty
CONNECTION = {"layers_conn_id": "layers_default"}
CONTAINER = {"container_id": REQUIRED} | CONNECTION
JOB_LIFECYCLE = {
    "deferrable": False,
    "poll_interval": 10.0,
    "completion_timeout": timedelta(hours=1),
    "cancel_on_kill": True,
    "cancel_on_timeout": False,
    "on_clear": "resubmit",
    "resubmit_after_window": False,
} | CONNECTION
JOB = {"wait_for_completion": False} | JOB_LIFECYCLE
WAITING = {"deferrable": False} | CONNECTION
PUBLISH = CONTAINER | {"targets": REQUIRED, "resubmit_after_window": False}

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
    | CONNECTION,
    "LayersCancelScheduledPostOperator": {"scheduled_post_id": REQUIRED, "reason": None} | CONNECTION,
    "LayersCancelJobOperator": {"job_id": REQUIRED} | CONNECTION,
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


def taken(cls) -> dict[str, object]:
    """Name the parameters that its own constructors take, with their defaults; the nearest class decides."""
    found: dict[str, inspect.Parameter] = {}
    for one in reversed([one for one in cls.__mro__ if one.__module__.startswith("airflow_provider_layers")]):
        if "__init__" in vars(one):
            found |= inspect.signature(one.__init__).parameters
    named = (one for one in found.values() if one.kind is inspect.Parameter.KEYWORD_ONLY)
    return {one.name: one.default for one in named}


@pytest.mark.parametrize(("module", "name"), pairs(OPERATORS, SENSORS))
def test_names_and_defaults_of_parameters(module, name):
    assert taken(load(module, name)) == SIGNATURES[name]


@pytest.mark.parametrize(("module", "name"), pairs(OPERATORS, SENSORS))
def test_parameters_are_given_by_name_only(module, name):
    cls = load(module, name)
    kinds = {one.kind for one in list(inspect.signature(cls.__init__).parameters.values())[1:]}
    assert kinds <= {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}


# They choose how a task behaves, not what is asked of the API; the design names no template for them.
NOT_TEMPLATED = {
    "wait_for_completion",
    "deferrable",
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
    "max_regenerations",
    "on_timeout",
    "response_timeout",
    "notifiers",
    "assigned_users",
    "min_rows",
}


@pytest.mark.parametrize(("module", "name"), pairs(OPERATORS, SENSORS))
def test_everything_that_is_asked_of_the_api_can_be_templated(module, name):
    cls = load(module, name)
    assert taken(cls).keys() - NOT_TEMPLATED - set(cls.template_fields) == set()


@pytest.mark.parametrize(("module", "name"), pairs(OPERATORS, SENSORS))
def test_template_fields_are_parameters(module, name):
    cls = load(module, name)
    inherited = {"data", "headers"}  # of HttpOperator
    assert set(cls.template_fields) - taken(cls).keys() <= inherited
    assert len(cls.template_fields) == len(set(cls.template_fields))
    assert set(cls.template_fields_renderers) - {"data", "headers"} <= set(cls.template_fields)
