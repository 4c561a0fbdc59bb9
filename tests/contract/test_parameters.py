"""The vendor's limits are checked after templates are rendered and before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_layers.exceptions import LayersConnectionError, LayersParameterError
from airflow_provider_layers.operators.content import (
    LayersApproveContentOperator,
    LayersCloneFromPostOperator,
    LayersGenerateContentOperator,
    LayersGetContentOperator,
    LayersListContentOperator,
    LayersPublishContentOperator,
    LayersRegenerateContentOperator,
    LayersRejectContentOperator,
    LayersScheduleContentOperator,
)
from airflow_provider_layers.operators.jobs import LayersCancelJobOperator
from airflow_provider_layers.operators.scheduled_posts import LayersCancelScheduledPostOperator
from airflow_provider_layers.operators.top_performers import LayersGetTopPerformersOperator
from airflow_provider_layers.sensors.jobs import LayersJobSensor
from tests import limits

Operator = type[Any]
LATER = "2040-07-01T09:00:00Z"
BRIEF = {"project_id": "prj_1", "brief": {"topic": "x"}}
HOOK = {"project_id": "prj_1", "format": "slideshow-builder", "hook": "x"}
CLONE = {"project_id": "prj_1", "source_platform_post_id": "pp_1"}
TARGET = {"social_account_id": "sa_1", "mode": "publish"}
SCHEDULE = {"container_id": "cnt_1", "scheduled_for": LATER, "targets": [TARGET]}
RANKING = {"project_id": "prj_1", "metric": "views"}


def texts(count: int) -> list[str]:
    return ["x"] * count


def target(**fields: Any) -> dict[str, Any]:
    return SCHEDULE | {"targets": [TARGET | fields]}


# The limit, the operator, its arguments for a value of a size, and the name of the parameter in a message.
LIMITS: list[tuple[limits.Limit, Operator, Callable[[int], dict[str, Any]], str]] = [
    (
        limits.VARIANT_COUNT,
        LayersGenerateContentOperator,
        lambda size: BRIEF | {"variant_count": size},
        "variant_count",
    ),
    (
        limits.ASSET_IDS,
        LayersGenerateContentOperator,
        lambda size: BRIEF | {"references": {"asset_ids": texts(size)}},
        "references.asset_ids",
    ),
    (
        limits.SOURCE_POST_IDS,
        LayersGenerateContentOperator,
        lambda size: BRIEF | {"references": {"sourcePostIds": texts(size)}},
        "references.source_post_ids",
    ),
    (
        limits.VALUE_PROPOSITIONS,
        LayersRegenerateContentOperator,
        lambda size: {"container_id": "cnt_1", "brief": {"value_propositions": texts(size)}},
        "brief.value_propositions",
    ),
    (limits.HOOK_LENGTH, LayersGenerateContentOperator, lambda size: HOOK | {"hook": "x" * size}, "hook"),
    (limits.VARIATIONS, LayersCloneFromPostOperator, lambda size: CLONE | {"variations": size}, "variations"),
    (
        limits.NOTE_LENGTH,
        LayersApproveContentOperator,
        lambda size: {"container_id": "cnt_1", "note": "x" * size},
        "note",
    ),
    (
        limits.REASON_LENGTH,
        LayersRejectContentOperator,
        lambda size: {"container_id": "cnt_1", "reason": "x" * size},
        "reason",
    ),
    (
        limits.TARGETS,
        LayersScheduleContentOperator,
        lambda size: SCHEDULE | {"targets": [TARGET] * size},
        "targets",
    ),
    (
        limits.TARGETS,
        LayersPublishContentOperator,
        lambda size: {"container_id": "cnt_1", "targets": [TARGET] * size},
        "targets",
    ),
    (
        limits.CAPTION_LENGTH,
        LayersScheduleContentOperator,
        lambda size: target(caption_override="x" * size),
        "targets.0.caption_override",
    ),
    (
        limits.CANCEL_REASON_LENGTH,
        LayersCancelScheduledPostOperator,
        lambda size: {"scheduled_post_id": "sp_1", "reason": "x" * size},
        "reason",
    ),
    (limits.TOP_PERFORMERS, LayersGetTopPerformersOperator, lambda size: RANKING | {"limit": size}, "limit"),
]


def test_a_value_beyond_a_limit_is_refused_before_anything_is_sent(
    airflow: Any, api: Any, failure: Any
) -> None:
    for limit, operator, arguments, name in LIMITS:
        for size, bound in zip(limit.refused, limit.allowed, strict=True):
            if size >= 0:
                error = failure(airflow.run(operator(task_id="t", **arguments(size))), LayersParameterError)
                assert str(error).startswith(f"{name} = ")
                assert f" {bound}" in str(error)
    assert api.requests() == []


# Operator, arguments, and parts of the message: the parameter, its value and what is allowed.
WRONG: list[tuple[Operator, dict[str, Any], list[str]]] = [
    (LayersGenerateContentOperator, {"project_id": "prj_1"}, ["brief", "hook"]),
    (LayersGenerateContentOperator, BRIEF | {"hook": "x"}, ["brief", "hook", "one of them"]),
    (LayersGenerateContentOperator, BRIEF | {"project_id": ""}, ["project_id", "''"]),
    (LayersGenerateContentOperator, BRIEF | {"format": "reel"}, ["format = 'reel'", *limits.BRIEF_FORMATS]),
    (LayersGenerateContentOperator, BRIEF | {"target_platforms": ["x"]}, ["target_platforms", "tiktok"]),
    (LayersGenerateContentOperator, BRIEF | {"budget": {"max_credits": -1}}, ["budget.max_credits = -1"]),
    (LayersGenerateContentOperator, BRIEF | {"budget": {"credits": 1}}, ["credits", "max_credits"]),
    (LayersGenerateContentOperator, BRIEF | {"references": {"media_ids": ["m"]}}, ["media_ids"]),
    (LayersGenerateContentOperator, BRIEF | {"brief": {"tpic": "x"}}, ["brief", "tpic", "topic"]),
    (LayersGenerateContentOperator, BRIEF | {"brief": {"language": "English!"}}, ["English!"]),
    (
        LayersGenerateContentOperator,
        BRIEF | {"brief": {"theme_tags": ["a"], "themeTags": ["b"]}},
        ["theme_tags", "both"],
    ),
    (LayersGenerateContentOperator, HOOK | {"format": None}, ["format", "required"]),
    (LayersGenerateContentOperator, HOOK | {"format": "auto"}, ["format = 'auto'", *limits.HOOK_FORMATS]),
    (LayersCloneFromPostOperator, CLONE | {"mode": "copy"}, ["mode = 'copy'", *limits.CLONE_MODES]),
    (LayersCloneFromPostOperator, CLONE | {"overrides": {"voice": "x"}}, ["voice_over_script"]),
    (LayersCloneFromPostOperator, CLONE | {"container_id": "cnt_1"}, ["container_id = 'cnt_1'", "UUID"]),
    (LayersRegenerateContentOperator, {"container_id": ["cnt_1", "cnt_2"]}, ["container_id", "cnt_2"]),
    (LayersRegenerateContentOperator, {"container_id": "c", "brief": {"hook": "x"}}, ["hook", "cta"]),
    (LayersGetContentOperator, {"container_id": ["cnt_1", None]}, ["container_id", "None"]),
    (LayersListContentOperator, {"project_id": "prj_1", "status": "done"}, limits.CONTENT_STATUSES),
    (LayersListContentOperator, {"project_id": "prj_1", "limit": 0}, ["limit = 0", "1"]),
    (LayersListContentOperator, {"project_id": "prj_1", "since": "2026-04-18T00:00:00"}, ["timezone"]),
    (LayersRejectContentOperator, {"container_id": ["cnt_1", ""], "reason": "x"}, ["container_id"]),
    (LayersScheduleContentOperator, target(mode="now"), ["mode = 'now'", *limits.TARGET_MODES]),
    (LayersScheduleContentOperator, SCHEDULE | {"scheduled_for": "2040-07-01T09:00:00"}, ["timezone"]),
    (LayersCancelJobOperator, {"job_id": None}, ["job_id = None"]),
    (LayersGetTopPerformersOperator, RANKING | {"metric": "likes"}, limits.METRICS),
    (LayersJobSensor, {"job_id": ""}, ["job_id = ''"]),
    (LayersJobSensor, {"job_id": None, "deferrable": True}, ["job_id = None"]),
]


def test_a_wrong_parameter_is_refused_before_anything_is_sent(airflow: Any, api: Any, failure: Any) -> None:
    for operator, arguments, parts in WRONG:
        error = failure(airflow.run(operator(task_id="t", **arguments)), LayersParameterError)
        assert [part for part in parts if part not in str(error)] == []
    assert api.requests() == []


def test_a_parameter_of_another_form_is_refused_on_the_route_of_a_format(
    airflow: Any, api: Any, connect: Any, failure: Any
) -> None:
    connect(content_routes="per-format")
    for arguments, part in [
        ({"hook": "x"}, "format = None"),
        ({"format": "auto", "hook": "x"}, "format = 'auto'"),
        ({"format": "slideshow-builder"}, "hook: is required"),
        ({"format": "slideshow-builder", "hook": "x", "variant_count": 2}, "variant_count"),
        ({"format": "slideshow-builder", "hook": "x", "references": {}}, "references"),
        ({"format": "ugc-remix"}, "social_account_id or influencer_id"),
        ({"format": "video-remix", "influencer_id": "inf_1"}, "tiktok_video_id: is required"),
    ]:
        operator = LayersGenerateContentOperator(task_id="t", project_id="prj_1", **arguments)
        assert part in str(failure(airflow.run(operator), LayersParameterError))
    assert api.requests() == []


def test_the_api_accepts_the_limits_themselves(airflow: Any, api: Any, made: Any, posted: Any) -> None:
    container = made()
    project = {"task_id": "t", "project_id": api.project_id}
    approved = {"task_id": "t", "container_id": container}
    targets = [TARGET | {"social_account_id": api.social_account_ids[0]}]
    for number, operator in enumerate(
        (
            LayersGenerateContentOperator(
                **project,
                variant_count=limits.VARIANT_COUNT.most,
                brief={"value_propositions": texts(limits.VALUE_PROPOSITIONS.most)},
                references={
                    "source_post_ids": texts(limits.SOURCE_POST_IDS.most),
                    "asset_ids": texts(limits.ASSET_IDS.most),
                },
            ),
            LayersGenerateContentOperator(
                **project, format="slideshow-builder", hook="x" * limits.HOOK_LENGTH.most
            ),
            LayersCloneFromPostOperator(
                **project, source_platform_post_id=api.top_post_ids[0], variations=limits.VARIATIONS.most
            ),
            LayersApproveContentOperator(**approved, note="x" * limits.NOTE_LENGTH.most),
            LayersScheduleContentOperator(
                **approved, scheduled_for=LATER, targets=targets * limits.TARGETS.most
            ),
        )
    ):
        assert airflow.run(operator, task_id=f"t{number}").error is None
    assert {request.status // 100 for request in posted()} == {2}


PARAMS = {"n": 3, "word": "tiktok", "post": "pp"}


def test_templates_are_rendered_before_anything_is_checked(airflow: Any, api: Any, posted: Any) -> None:
    generate = LayersGenerateContentOperator(
        task_id="t",
        project_id="{{ params.project }}",
        variant_count="{{ params.n }}",
        brief={"topic": "{{ params.word }}", "target_platforms": ["{{ params.word }}"]},
        metadata={"made_by": "{{ ti.task_id }}"},
    )
    clone = LayersCloneFromPostOperator(
        task_id="t",
        project_id="{{ params.project }}",
        source_platform_post_id="{{ params.post }}",
        variations="{{ params.n }}",
    )
    params = PARAMS | {"project": api.project_id, "post": api.top_post_ids[0]}
    assert len(airflow.run(generate, params).xcoms["container_ids"]) == 3
    airflow.value(clone, params)
    generated, cloned = (request.body for request in posted())
    assert generated == {
        "variantCount": 3,
        "brief": {"topic": "tiktok", "targetPlatforms": ["tiktok"]},
        "metadata": {"made_by": "make"},
    }
    assert cloned["variations"] == 3


def test_a_template_that_renders_to_a_wrong_value_is_shown_as_rendered(
    airflow: Any, api: Any, failure: Any
) -> None:
    operator = LayersGenerateContentOperator(task_id="t", **BRIEF, variant_count="{{ params.n + 6 }}")
    error = failure(airflow.run(operator, PARAMS), LayersParameterError)
    assert "variant_count = '9'" in str(error)
    assert api.requests() == []


def test_the_limit_of_a_list_can_be_a_template(airflow: Any, api: Any, made: Any) -> None:
    for _ in range(4):
        made()
    operator = LayersListContentOperator(task_id="t", project_id=api.project_id, limit="{{ params.n }}")
    assert len(airflow.value(operator, PARAMS)) == 3


def test_one_wrong_id_of_several_stops_all_requests(airflow: Any, made: Any, posted: Any) -> None:
    containers = [made(), made()]
    posted()
    operator = LayersApproveContentOperator(task_id="t", container_id=[*containers, ["", 3]])
    assert airflow.run(operator).error is not None
    assert posted() == []


CONNECTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "no key": ({"password": " "}, "password"),
    "a key with a line break": ({"password": "lp_live_1\nx"}, "password"),
    "a host with a path": ({"host": "https://api.layers.com/v1"}, "host"),
    "an unknown scheme": ({"auth_scheme": "basic"}, "auth_scheme"),
    "unknown routes": ({"content_routes": "none"}, "content_routes"),
    "no timeout": ({"timeout": 0}, "timeout"),
}


@pytest.mark.parametrize(("fields", "part"), CONNECTIONS.values(), ids=CONNECTIONS)
def test_a_connection_that_is_not_usable_fails_the_task_for_good(
    fields: dict[str, Any], part: str, airflow: Any, api: Any, connect: Any, failure: Any
) -> None:
    connect(**fields)
    for operator in (
        LayersGenerateContentOperator(task_id="t", **BRIEF),
        LayersApproveContentOperator(task_id="t", container_id="cnt_1"),
        LayersJobSensor(task_id="t", job_id="job_1"),
    ):
        error = failure(airflow.run(operator), LayersConnectionError)
        assert part in str(error)
        assert "lp_live" not in str(error)
    assert api.requests() == []
