"""The vendor's limits are checked after templates are rendered and before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_layers.exceptions import LayersConnectionError, LayersParameterError
from airflow_provider_layers.operators.content import (
    LayersApproveContentOperator,
    LayersCloneFromPostOperator,
    LayersGenerateContentOperator,
    LayersGetContentOperator,
    LayersListContentOperator,
    LayersRegenerateContentOperator,
    LayersRejectContentOperator,
    LayersScheduleContentOperator,
)
from airflow_provider_layers.operators.jobs import LayersCancelJobOperator
from airflow_provider_layers.operators.top_performers import LayersGetTopPerformersOperator
from airflow_provider_layers.sensors.jobs import LayersJobSensor

BRIEF = {"project_id": "prj_1", "brief": {"topic": "x"}}
HOOK = {"project_id": "prj_1", "format": "slideshow-builder", "hook": "x"}
CLONE = {"project_id": "prj_1", "source_platform_post_id": "pp_1"}
TARGET = {"social_account_id": "sa_1", "mode": "publish"}
SCHEDULE = {"container_id": "cnt_1", "scheduled_for": "2040-07-01T09:00:00Z", "targets": [TARGET]}
MANY = ["x"] * 21
LONG = "x" * 1025

# operator, arguments, and what the message must say: the parameter, the value and what is allowed.
WRONG: list[tuple[type[Any], dict[str, Any], list[str]]] = [
    (LayersGenerateContentOperator, {"project_id": "prj_1"}, ["brief", "hook"]),
    (LayersGenerateContentOperator, BRIEF | {"hook": "x"}, ["brief", "hook", "one of them"]),
    (LayersGenerateContentOperator, BRIEF | {"project_id": ""}, ["project_id", "''"]),
    (LayersGenerateContentOperator, BRIEF | {"variant_count": 0}, ["variant_count = 0", "1"]),
    (LayersGenerateContentOperator, BRIEF | {"variant_count": 6}, ["variant_count = 6", "5"]),
    (LayersGenerateContentOperator, BRIEF | {"format": "reel"}, ["format = 'reel'", "video_remix", "auto"]),
    (LayersGenerateContentOperator, BRIEF | {"format": "slideshow-builder"}, ["format", "slideshow_remix"]),
    (LayersGenerateContentOperator, BRIEF | {"target_platforms": ["x"]}, ["target_platforms", "tiktok"]),
    (
        LayersGenerateContentOperator,
        BRIEF | {"budget": {"max_credits": -1}},
        ["budget.max_credits = -1", "0"],
    ),
    (LayersGenerateContentOperator, BRIEF | {"budget": {"credits": 1}}, ["budget", "credits", "max_credits"]),
    (
        LayersGenerateContentOperator,
        BRIEF | {"references": {"media_ids": ["m"]}},
        ["references", "media_ids"],
    ),
    (LayersGenerateContentOperator, BRIEF | {"references": {"asset_ids": MANY}}, ["asset_ids", "20"]),
    (LayersGenerateContentOperator, BRIEF | {"references": {"sourcePostIds": MANY}}, ["ource", "20"]),
    (LayersGenerateContentOperator, BRIEF | {"brief": {"value_propositions": MANY}}, ["value_prop", "20"]),
    (LayersGenerateContentOperator, BRIEF | {"brief": {"target_platforms": ["x"]}}, ["platforms", "'x'"]),
    (LayersGenerateContentOperator, BRIEF | {"brief": {"tpic": "x"}}, ["brief", "tpic", "topic"]),
    (LayersGenerateContentOperator, BRIEF | {"brief": {"language": "English!"}}, ["language", "English!"]),
    (
        LayersGenerateContentOperator,
        BRIEF | {"brief": {"theme_tags": ["a"], "themeTags": ["b"]}},
        ["theme_tags", "both"],
    ),
    (LayersGenerateContentOperator, BRIEF | {"media_id": "med_1"}, ["media_id"]),
    (LayersGenerateContentOperator, HOOK | {"hook": ""}, ["hook = ''", "1"]),
    (LayersGenerateContentOperator, HOOK | {"hook": "x" * 2001}, ["hook", "2000"]),
    (LayersGenerateContentOperator, HOOK | {"format": None}, ["format", "required"]),
    (LayersGenerateContentOperator, HOOK | {"format": "auto"}, ["format = 'auto'", "slideshow-builder"]),
    (LayersCloneFromPostOperator, CLONE | {"variations": 0}, ["variations = 0", "1"]),
    (LayersCloneFromPostOperator, CLONE | {"variations": 11}, ["variations = 11", "10"]),
    (LayersCloneFromPostOperator, CLONE | {"mode": "copy"}, ["mode = 'copy'", "fork", "reimagine"]),
    (LayersCloneFromPostOperator, CLONE | {"source_platform_post_id": ""}, ["source_platform_post_id"]),
    (LayersCloneFromPostOperator, CLONE | {"overrides": {"voice": "x"}}, ["overrides", "voice_over_script"]),
    (LayersCloneFromPostOperator, CLONE | {"container_id": "cnt_1"}, ["container_id = 'cnt_1'", "UUID"]),
    (LayersRegenerateContentOperator, {"container_id": []}, ["container_id", "one"]),
    (LayersRegenerateContentOperator, {"container_id": ["cnt_1", "cnt_2"]}, ["container_id", "cnt_2", "one"]),
    (
        LayersRegenerateContentOperator,
        {"container_id": "c", "brief": {"hook": "x"}},
        ["brief", "hook", "cta"],
    ),
    (LayersGetContentOperator, {"container_id": ["cnt_1", None]}, ["container_id", "None"]),
    (LayersGetContentOperator, {"container_id": 7}, ["container_id = 7", "list"]),
    (LayersListContentOperator, {"project_id": "prj_1", "status": "done"}, ["status", "'done'", "completed"]),
    (LayersListContentOperator, {"project_id": "prj_1", "limit": 0}, ["limit = 0", "1"]),
    (LayersListContentOperator, {"project_id": "prj_1", "creative_type": "x"}, ["creative_type", "uploaded"]),
    (
        LayersListContentOperator,
        {"project_id": "prj_1", "since": "2026-04-18T00:00:00"},
        ["since", "timezone"],
    ),
    (LayersApproveContentOperator, {"container_id": "cnt_1", "note": LONG}, ["note", "1024"]),
    (LayersApproveContentOperator, {"container_id": "cnt_1", "note": ""}, ["note = ''", "1"]),
    (LayersRejectContentOperator, {"container_id": "cnt_1", "reason": ""}, ["reason = ''", "1"]),
    (LayersRejectContentOperator, {"container_id": "cnt_1", "reason": LONG}, ["reason", "1024"]),
    (LayersRejectContentOperator, {"container_id": ["cnt_1", ""], "reason": "x"}, ["container_id"]),
    (LayersScheduleContentOperator, SCHEDULE | {"targets": []}, ["targets = []", "1"]),
    (LayersScheduleContentOperator, SCHEDULE | {"targets": [TARGET] * 51}, ["targets", "50"]),
    (
        LayersScheduleContentOperator,
        SCHEDULE | {"targets": [TARGET | {"mode": "now"}]},
        ["mode = 'now'", "draft"],
    ),
    (LayersScheduleContentOperator, SCHEDULE | {"targets": [{"mode": "publish"}]}, ["social_account_id"]),
    (
        LayersScheduleContentOperator,
        SCHEDULE | {"targets": [TARGET | {"caption_override": "x" * 4001}]},
        ["caption_override", "4000"],
    ),
    (LayersScheduleContentOperator, SCHEDULE | {"scheduled_for": "2040-07-01T09:00:00"}, ["timezone"]),
    (LayersScheduleContentOperator, SCHEDULE | {"scheduled_for": "tomorrow"}, ["scheduled_for = 'tomorrow'"]),
    (
        LayersScheduleContentOperator,
        SCHEDULE | {"scheduled_for": "1783000000"},
        ["scheduled_for", "ISO 8601"],
    ),
    (LayersCancelJobOperator, {"job_id": None}, ["job_id = None"]),
    (LayersGetTopPerformersOperator, {"project_id": "p", "metric": "likes"}, ["metric = 'likes'", "views"]),
    (LayersGetTopPerformersOperator, {"project_id": "p", "metric": "views", "limit": 101}, ["limit", "100"]),
    (
        LayersGetTopPerformersOperator,
        {"project_id": "p", "metric": "views", "window": "1d"},
        ["window", "7d"],
    ),
    (LayersGetTopPerformersOperator, {"project_id": "p", "metric": "views", "platform": "x"}, ["platform"]),
    (LayersJobSensor, {"job_id": ""}, ["job_id = ''"]),
    (LayersJobSensor, {"job_id": None, "deferrable": True}, ["job_id = None"]),
]


@pytest.mark.parametrize(
    ("operator", "arguments", "said"),
    WRONG,
    ids=[f"{operator.__name__}-{'-'.join(arguments)}" for operator, arguments, _ in WRONG],
)
def test_a_wrong_parameter_is_refused_before_anything_is_sent(
    operator: type[Any], arguments: dict[str, Any], said: list[str], airflow: Any, api: Any, failure: Any
) -> None:
    error = failure(airflow.run(operator(task_id="t", **arguments)), LayersParameterError)
    assert api.requests() == []
    for words in said:
        assert words in str(error)


PER_FORMAT_WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"hook": "x"}, ["format = None", "ugc-remix"]),
    ({"format": "auto", "hook": "x"}, ["format = 'auto'"]),
    ({"format": "slideshow-builder"}, ["hook", "required"]),
    ({"format": "slideshow-builder", "brief": {}}, ["brief"]),
    ({"format": "slideshow-builder", "hook": "x", "variant_count": 2}, ["variant_count"]),
    ({"format": "slideshow-builder", "hook": "x", "references": {}}, ["references"]),
    ({"format": "ugc-remix"}, ["social_account_id", "influencer_id"]),
    ({"format": "video-remix", "influencer_id": "inf_1"}, ["tiktok_video_id", "required"]),
    ({"format": "video-remix", "influencer_id": "i", "tiktok_video_id": "7", "hook": "x"}, ["hook"]),
]


@pytest.mark.parametrize(("arguments", "said"), PER_FORMAT_WRONG)
def test_a_parameter_of_another_form_is_refused_on_the_route_of_a_format(
    arguments: dict[str, Any], said: list[str], airflow: Any, api: Any, connect: Any, failure: Any
) -> None:
    connect(content_routes="per-format")
    operator = LayersGenerateContentOperator(task_id="t", project_id="prj_1", **arguments)
    error = failure(airflow.run(operator), LayersParameterError)
    assert api.requests() == []
    assert all(words in str(error) for words in said), str(error)


def test_limits_themselves_are_allowed(airflow: Any, api: Any, made: Any, posted: Any) -> None:
    container = made()
    for operator in (
        LayersGenerateContentOperator(
            task_id="t",
            project_id=api.project_id,
            variant_count=5,
            brief={"value_propositions": MANY[:20]},
            references={"source_post_ids": MANY[:20], "asset_ids": MANY[:20]},
        ),
        LayersGenerateContentOperator(
            task_id="u", project_id=api.project_id, format="slideshow-builder", hook="x" * 2000
        ),
        LayersApproveContentOperator(task_id="v", container_id=container, note=LONG[:1024]),
        LayersScheduleContentOperator(
            task_id="w",
            container_id=container,
            scheduled_for="2040-07-01T09:00:00Z",
            targets=[TARGET | {"social_account_id": api.social_account_ids[0]}] * 50,
        ),
    ):
        assert airflow.run(operator, task_id=operator.task_id).error is None
    assert {one.status // 100 for one in posted()} == {2}


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
    generated, cloned = (one.body for one in posted())
    assert generated == {
        "variantCount": 3,
        "brief": {"topic": "tiktok", "targetPlatforms": ["tiktok"]},
        "metadata": {"made_by": "make"},
    }
    assert cloned["variations"] == 3


def test_a_template_that_renders_to_a_wrong_value_is_told_as_rendered(
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


def test_one_wrong_id_of_several_stops_them_all(airflow: Any, api: Any, made: Any, posted: Any) -> None:
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
    "no patience": ({"timeout": 0}, "timeout"),
}


@pytest.mark.parametrize(("fields", "said"), CONNECTIONS.values(), ids=CONNECTIONS)
@pytest.mark.parametrize(
    "operator",
    [
        LayersGenerateContentOperator(task_id="t", **BRIEF),
        LayersApproveContentOperator(task_id="t", container_id="cnt_1"),
        LayersJobSensor(task_id="t", job_id="job_1"),
    ],
    ids=["generate", "approve", "sensor"],
)
def test_a_connection_that_cannot_be_used_fails_the_task_for_good(
    operator: Any, fields: dict[str, Any], said: str, airflow: Any, api: Any, connect: Any, failure: Any
) -> None:
    connect(**fields)
    error = failure(airflow.run(operator), LayersConnectionError)
    assert said in str(error)
    assert "lp_live" not in str(error)
    assert api.requests() == []
