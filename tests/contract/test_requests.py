"""Each operator sends the vendor's documented request, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import pendulum
import pytest

from airflow_provider_layers.hooks.layers import LayersHook
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

UUID_4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
HTTP_OWN = {"host", "accept", "accept-encoding", "connection", "user-agent"}
HTTP_BODY = {"content-length", "content-type"}

# Bodies as the vendor prints them. `reference/content/generate-content`, page 002.
BRIEF_CURL = {
    "format": "video_remix",
    "variantCount": 2,
    "brief": {
        "hook": "Your first 30 days of running, one clip at a time.",
        "targetPlatforms": ["instagram", "tiktok"],
        "influencerId": "INFLUENCER",
        "themeTags": ["beginner-friendly", "consistency"],
        "language": "en",
    },
}
BRIEF_TYPESCRIPT = {
    "variantCount": 3,
    "brief": {
        "targetPlatforms": ["instagram"],
        "influencerId": "INFLUENCER",
        "themeTags": ["habit-tracking"],
    },
}
BRIEF_EVERYTHING = {
    "projectLayerId": "LAYER",
    "format": "auto",
    "variantCount": 5,
    "brief": {
        "topic": "Running",
        "angle": "For people who hate it",
        "cta": "Start today",
        "valuePropositions": ["No gym"],
        "hook": "Day one.",
        "targetPlatforms": ["youtube"],
        "influencerId": "INFLUENCER",
        "themeTags": ["fitness"],
        "referenceMediaIds": ["med_1"],
        "language": "en-US",
    },
    "references": {"sourcePostIds": ["pp_1"], "assetIds": ["ast_1"]},
    "targetPlatforms": ["tiktok"],
    "budget": {"maxCredits": 5000},
    "metadata": {"campaign_id": 7, "camelKey": {"snake_key": None}, "": []},
}
# `concepts/content-items`, page 003.
HOOK = {
    "format": "slideshow-builder",
    "variantCount": 1,
    "hook": "wait for it...\nthis simple habit changed everything about my mindset 🧠",
    "references": {"mediaIds": ["med_01HX9Y6K7EJ4T2ABCDEF"]},
}
# `reference/content/regenerate`, page 004.
REGENERATE_EVERYTHING = {
    "brief": {"topic": "t", "angle": "a", "cta": "c", "valuePropositions": ["v"]},
    "references": {"sourcePostIds": ["pp_1"], "assetIds": ["ast_1"]},
    "preserveAssets": True,
}


def snake(value: Any, keep: tuple[str, ...] = ("metadata",)) -> Any:
    """Spell a body as a DAG author does, except the author's own metadata."""
    if isinstance(value, list):
        return [snake(item) for item in value]
    if not isinstance(value, dict):
        return value
    respelled = {name: re.sub("([A-Z])", lambda letter: f"_{letter[1].lower()}", name) for name in value}
    return {respelled[name]: item if name in keep else snake(item) for name, item in value.items()}


def camel_inside(body: dict[str, Any]) -> dict[str, Any]:
    """Spell the arguments as Python does, and their fields as the API does."""
    return {next(iter(snake({name: None}))): value for name, value in body.items()}


def filled(value: Any, ids: dict[str, str]) -> Any:
    """Replace each placeholder by a seeded id."""
    text = json.dumps(value)
    for placeholder, identifier in ids.items():
        text = text.replace(placeholder, identifier)
    return json.loads(text)


@pytest.fixture
def ids(api: Any) -> dict[str, str]:
    from httpx import post

    # The API does not return the one layer of the project; the error of a project with two names layers.
    response = post(
        f"{api.url}/v1/projects/{api.project_ids[1]}/content",
        json={"brief": {}},
        headers={"Authorization": f"Bearer {api.api_key}"},
        trust_env=False,
    )
    return {
        "INFLUENCER": api.influencer_ids[0],
        "PROJECT": api.project_id,
        "TWO_LAYERS": api.project_ids[1],
        "LAYER": response.json()["error"]["details"]["candidates"][0],
        "POST": api.top_post_ids[0],
        "ACCOUNT": api.social_account_ids[0],
        "INSTAGRAM": api.social_account_ids[1],
    }


def only_post(posted: Callable[[], list[Any]], path: str) -> Any:
    """Return the only request that was sent, which was carried out, on this path."""
    sent = posted()
    assert [(request.method, request.path, request.query) for request in sent] == [("POST", path, {})]
    assert sent[0].executed
    assert 200 <= sent[0].status < 300
    return sent[0]


@dataclass
class Sample:
    """A body of the vendor's, and the operator's arguments for it."""

    body: dict[str, Any]
    arguments: dict[str, Any] = field(default_factory=dict)


BRIEF_SAMPLES = {
    "curl": BRIEF_CURL,
    "typescript": BRIEF_TYPESCRIPT,
    "python": {
        "format": "auto",
        "variantCount": 2,
        "brief": {"targetPlatforms": ["tiktok"], "influencerId": "INFLUENCER", "themeTags": ["fitness"]},
    },
    "empty-brief": {"brief": {}},
}


@pytest.mark.parametrize("spelling", [snake, camel_inside], ids=["snake", "camel"])
@pytest.mark.parametrize("body", [*BRIEF_SAMPLES.values(), HOOK], ids=[*BRIEF_SAMPLES, "hook"])
def test_generate_on_the_shared_route(
    spelling: Callable[[Any], Any],
    body: dict[str, Any],
    airflow: Any,
    api: Any,
    ids: dict[str, str],
    posted: Any,
) -> None:
    posted()
    body = filled(body, ids)
    operator = LayersGenerateContentOperator(task_id="t", project_id=api.project_id, **spelling(body))
    assert airflow.run(operator).error is None
    assert only_post(posted, f"/v1/projects/{api.project_id}/content").body == body


def test_generate_with_every_parameter_of_the_brief_form(
    airflow: Any, api: Any, ids: dict[str, str], posted: Any
) -> None:
    two_layers = api.project_ids[1]
    posted()
    # Influencers belong to one project each; the API does not return this project's.
    body = filled(BRIEF_EVERYTHING, ids)
    operator = LayersGenerateContentOperator(task_id="t", project_id=two_layers, **snake(body))
    result = airflow.run(operator)
    sent = posted()
    assert [(request.method, request.path) for request in sent] == [
        ("POST", f"/v1/projects/{two_layers}/content")
    ]
    assert sent[0].body == body
    assert "Influencer" in str(result.error), "everything but the influencer belongs to this project"


PER_FORMAT = {
    "slideshow-builder": {"hook": "Stop.", "socialAccountId": "ACCOUNT", "influencerId": "INFLUENCER"},
    "ugc-remix": {"hook": "Stop.", "influencerId": "INFLUENCER", "mediaId": "med_1"},
    "video-remix": {"tiktokVideoId": "7301", "socialAccountId": "ACCOUNT"},
    "slideshow-remix": {"tiktokVideoId": "7302", "influencerId": "INFLUENCER"},
}


@pytest.mark.parametrize(("name", "body"), PER_FORMAT.items(), ids=PER_FORMAT)
def test_generate_on_the_route_of_the_format(
    name: str,
    body: dict[str, str],
    airflow: Any,
    api: Any,
    connect: Any,
    ids: dict[str, str],
    posted: Any,
) -> None:
    connect(content_routes="per-format")
    posted()
    body = filled(body, ids)
    operator = LayersGenerateContentOperator(
        task_id="t", project_id=api.project_id, format=name, **snake(body)
    )
    result = airflow.run(operator)
    assert result.error is None
    assert only_post(posted, f"/v1/projects/{api.project_id}/content/{name}").body == body
    assert len(result.xcoms["container_ids"]) == 1


CLONES = {
    "reference-curl": Sample(
        {"projectId": "PROJECT", "sourcePlatformPostId": "POST", "mode": "reimagine", "variations": 3}
    ),
    "guide-curl": Sample(
        {"projectId": "PROJECT", "sourcePlatformPostId": "POST", "mode": "fork", "variations": 2}
    ),
    # The documented defaults are sent explicitly.
    "defaults": Sample(
        {"projectId": "PROJECT", "sourcePlatformPostId": "POST", "mode": "fork", "variations": 1},
        {"project_id": "PROJECT", "source_platform_post_id": "POST"},
    ),
    "overrides": Sample(
        {
            "projectId": "PROJECT",
            "sourcePlatformPostId": "POST",
            "mode": "fork",
            "variations": 10,
            "overrides": {"caption": "c", "cta": "t", "voiceOverScript": "v"},
        }
    ),
}


@pytest.mark.parametrize("sample", CLONES.values(), ids=CLONES)
def test_clone(sample: Sample, airflow: Any, ids: dict[str, str], posted: Any) -> None:
    posted()
    body = filled(sample.body, ids)
    arguments = filled(sample.arguments or snake(sample.body), ids)
    assert airflow.run(LayersCloneFromPostOperator(task_id="t", **arguments)).error is None
    (sent,) = posted()
    container = sent.path.removeprefix("/v1/content/").removesuffix("/clone-from-post")
    assert UUID_4.fullmatch(container)
    assert sent.idempotency_key != container
    assert (sent.method, sent.query, sent.body, sent.status) == ("POST", {}, body, 202)


def test_clone_into_a_container_and_a_layer_that_were_chosen(
    airflow: Any, api: Any, ids: dict[str, str], posted: Any
) -> None:
    chosen = "7d18b9a1-8b2c-4f3e-a4d5-6e7f8a9b0c1d"
    posted()
    operator = LayersCloneFromPostOperator(
        task_id="t",
        project_id=api.project_id,
        source_platform_post_id=api.top_post_ids[0],
        project_layer_id=ids["LAYER"],
        container_id=chosen,
    )
    airflow.run(operator)
    (sent,) = posted()
    assert sent.path == f"/v1/content/{chosen}/clone-from-post"
    assert sent.body["projectLayerId"] == ids["LAYER"]


REGENERATIONS = {
    "curl": {"brief": {"topic": "Thirty days, one run at a time."}},
    "python": {"brief": {"cta": "Start today — link in bio."}},
    "everything": REGENERATE_EVERYTHING,
    "nothing": {},
}


@pytest.mark.parametrize("body", REGENERATIONS.values(), ids=REGENERATIONS)
def test_regenerate(body: dict[str, Any], airflow: Any, made: Any, posted: Any) -> None:
    container = made()
    posted()
    assert (
        airflow.run(LayersRegenerateContentOperator(task_id="t", container_id=container, **snake(body))).error
        is None
    )
    assert only_post(posted, f"/v1/content/{container}/regenerate").body == body


def test_approve_with_and_without_a_note(airflow: Any, made: Any, posted: Any) -> None:
    first, second = made(), made()
    posted()
    airflow.value(LayersApproveContentOperator(task_id="t", container_id=first))
    assert only_post(posted, f"/v1/content/{first}/approve").body == {}
    airflow.value(LayersApproveContentOperator(task_id="t", container_id=second, note="Fine."))
    assert only_post(posted, f"/v1/content/{second}/approve").body == {"note": "Fine."}


def test_reject(airflow: Any, made: Any, posted: Any) -> None:
    container = made()
    posted()
    airflow.value(LayersRejectContentOperator(task_id="t", container_id=container, reason="Off brand."))
    assert only_post(posted, f"/v1/content/{container}/reject").body == {"reason": "Off brand."}


NINE_IN_NEW_YORK = "2040-07-01T13:00:00.000Z"
MOMENTS = {
    "string with an offset": "2040-07-01T09:00:00-04:00",
    "string in UTC": "2040-07-01T13:00:00Z",
    "as Airflow renders a date": "2040-07-01 13:00:00+00:00",
    "datetime": datetime(2040, 7, 1, 9, tzinfo=timezone(timedelta(hours=-4))),
    "pendulum": pendulum.datetime(2040, 7, 1, 9, tz="America/New_York"),
    "template": "{{ params.when }}",
}


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
def test_schedule_sends_every_moment_as_utc(
    moment: Any, airflow: Any, api: Any, made: Any, posted: Any
) -> None:
    container = made()
    airflow.value(LayersApproveContentOperator(task_id="a", container_id=container))
    posted()
    operator = LayersScheduleContentOperator(
        task_id="t",
        container_id=container,
        scheduled_for=moment,
        targets=[{"social_account_id": api.social_account_ids[0], "mode": "publish"}],
    )
    airflow.value(operator, {"when": "2040-07-01T09:00:00-04:00"})
    assert only_post(posted, f"/v1/content/{container}/schedule").body == {
        "scheduledFor": NINE_IN_NEW_YORK,
        "targets": [{"socialAccountId": api.social_account_ids[0], "mode": "publish"}],
    }


@pytest.mark.parametrize("spelling", [snake, lambda body: body], ids=["snake", "camel"])
def test_schedule_sends_every_field_of_a_target(
    spelling: Callable[[Any], Any], airflow: Any, made: Any, ids: dict[str, str], posted: Any
) -> None:
    targets = filled(
        [
            {
                "socialAccountId": "ACCOUNT",
                "mode": "direct_publish",
                "captionOverride": "c",
                "firstCommentOverride": "f",
                "scheduledPostId": "sp_7d18b9a1-8b2c-4f3e-a4d5-6e7f8a9b0c1d",
                "tiktokPostSettings": {
                    "privacyLevel": "SELF_ONLY",
                    "disableComment": True,
                    "disableDuet": False,
                    "disableStitch": True,
                    "isBrandOrganic": False,
                    "isBrandedContent": True,
                },
                "tiktokMusic": {"mode": "manual", "trackId": "t"},
            },
            {"socialAccountId": "INSTAGRAM", "mode": "reels", "shareReelToFeed": True},
        ],
        ids,
    )
    container = made()
    posted()
    operator = LayersScheduleContentOperator(
        task_id="t", container_id=container, scheduled_for=NINE_IN_NEW_YORK, targets=spelling(targets)
    )
    airflow.value(operator)
    assert only_post(posted, f"/v1/content/{container}/schedule").body["targets"] == targets


def test_cancel_sends_neither_body_nor_key(airflow: Any, api: Any, posted: Any) -> None:
    job = airflow.value(
        LayersGenerateContentOperator(task_id="g", project_id=api.project_id, brief={"topic": "x"})
    )
    posted()
    airflow.value(LayersCancelJobOperator(task_id="t", job_id=job))
    sent = only_post(posted, f"/v1/jobs/{job}/cancel")
    # A replayed response would describe an earlier state of the job.
    assert (sent.body, sent.idempotency_key) == (None, None)


def test_get_content(airflow: Any, api: Any, made: Any) -> None:
    container = made()
    assert airflow.value(LayersGetContentOperator(task_id="t", container_id=container))["id"] == container
    sent = api.requests()[-1]
    assert (sent.method, sent.path, sent.query, sent.body) == ("GET", f"/v1/content/{container}", {}, None)


def test_a_hook_of_the_list_generates_content(airflow: Any, api: Any) -> None:
    hook = LayersHook().list_content_hooks(api.project_id)[0]
    operator = LayersGenerateContentOperator(
        task_id="t", project_id=api.project_id, format="slideshow-builder", hook=hook
    )
    assert airflow.run(operator).error is None
    listed, started = api.requests()[:2]
    assert (listed.method, listed.path) == ("GET", f"/v1/projects/{api.project_id}/content/hooks")
    assert (listed.query, listed.body, listed.idempotency_key) == ({}, None, None)
    assert started.body["hook"] == hook


def test_list_content_sends_all_filters(airflow: Any, api: Any) -> None:
    operator = LayersListContentOperator(
        task_id="t",
        project_id=api.project_id,
        status=["completed", "processing"],
        format="slideshow-builder",
        creative_type="generated",
        since="{{ params.since }}",
        until=datetime(2040, 7, 1, 9, tzinfo=timezone(timedelta(hours=2))),
        limit=25,
    )
    assert airflow.value(operator, {"since": "2026-04-18T00:00:00-04:00"}) == []
    (sent,) = api.requests()
    assert (sent.method, sent.path, sent.status) == ("GET", f"/v1/projects/{api.project_id}/content", 200)
    assert sent.query == {
        "status": ["completed", "processing"],
        "format": ["slideshow-builder"],
        "creativeType": ["generated"],
        "since": ["2026-04-18T04:00:00.000Z"],
        "until": ["2040-07-01T07:00:00.000Z"],
        "limit": ["25"],
    }


def scripted_pages(api: Any, *pages: tuple[int, str | None]) -> None:
    """Let the list of content have these pages: how many rows, and the cursor to the next."""
    for number, (rows, cursor) in enumerate(pages):
        items = [{"id": f"cnt_{number}_{row}"} for row in range(rows)]
        body = json.dumps({"items": items, "nextCursor": cursor})
        api.fault("garbage", path=f"/v1/projects/{api.project_id}/content", body=body)


LISTS = {
    # limit: the limit and cursor of each request, and how many rows are returned
    "all": (None, [("200", None), ("200", "c1"), ("200", "c2")], 401),
    "one more than a page": (201, [("200", None), ("1", "c1")], 201),
    "a page": (200, [("200", None)], 200),
    "few": (3, [("3", None)], 3),
}


@pytest.mark.parametrize(("limit", "requests", "rows"), LISTS.values(), ids=LISTS)
def test_list_content_follows_the_cursors_up_to_the_limit(
    limit: int | None, requests: list[tuple[str, str | None]], rows: int, airflow: Any, api: Any
) -> None:
    scripted_pages(api, (200, "c1"), (200, "c2"), (1, None))
    found = airflow.value(LayersListContentOperator(task_id="t", project_id=api.project_id, limit=limit))
    sent = [(request.query["limit"][0], request.query.get("cursor", [None])[0]) for request in api.requests()]
    assert sent == requests
    assert len({row["id"] for row in found}) == len(found) == rows


def test_list_content_follows_real_cursors(airflow: Any, api: Any, made: Any) -> None:
    containers = [made() for _ in range(3)]
    found = airflow.value(LayersListContentOperator(task_id="t", project_id=api.project_id, limit=2))
    assert [row["id"] for row in found] == containers[:0:-1]


def test_top_performers_sends_all_parameters(airflow: Any, api: Any) -> None:
    operator = LayersGetTopPerformersOperator(
        task_id="t",
        project_id=api.project_id,
        metric="engagement_rate",
        window="90d",
        source_type=["platform_post", "content_container"],
        platform="instagram",
        limit="{{ params.most }}",
    )
    rows = airflow.value(operator, {"most": 2})
    (sent,) = api.requests()
    assert (sent.method, sent.path) == ("GET", f"/v1/projects/{api.project_id}/top-performers")
    assert sent.query == {
        "metric": ["engagement_rate"],
        "window": ["90d"],
        "sourceType": ["platform_post", "content_container"],
        "platform": ["instagram"],
        "limit": ["2"],
    }
    assert [row["rank"] for row in rows] == [1, 2]


def test_top_performers_name_the_post_to_clone_under_the_name_of_either_page(airflow: Any, api: Any) -> None:
    rows = [
        {"rank": 1, "sourceType": "platform_post", "platformPostId": "pp_guide"},
        {"rank": 2, "sourceType": "platform_post", "sourceId": "pp_reference"},
        {"rank": 3, "sourceType": "content_container", "sourceId": "cnt_1"},
    ]
    api.fault("garbage", body=json.dumps({"items": rows}))
    operator = LayersGetTopPerformersOperator(task_id="t", project_id=api.project_id, metric="views")
    found = [row.get("platformPostId") for row in airflow.value(operator)]
    assert found == ["pp_guide", "pp_reference", None]


def test_whoami_is_requested_once_and_without_anything_else(api: Any) -> None:
    ok, _ = LayersHook().test_connection()
    (sent,) = api.requests()
    assert ok
    assert (sent.method, sent.path, sent.query, sent.body) == ("GET", "/v1/whoami", {}, None)


SCHEMES = {
    "bearer": ({}, {"authorization"}, "Bearer ***"),
    "x-api-key": ({"auth_scheme": "x-api-key"}, {"x-api-key"}, "***"),
    "child organization": (
        {"organization": "org_1"},
        {"authorization", "x-layers-organization"},
        "Bearer ***",
    ),
    "untouched form": ({"auth_scheme": None, "organization": ""}, {"authorization"}, "Bearer ***"),
}


@pytest.mark.parametrize(("extra", "names", "shown"), SCHEMES.values(), ids=SCHEMES)
def test_headers_are_the_documented_ones_and_no_others(
    extra: dict[str, Any], names: set[str], shown: str, airflow: Any, api: Any, connect: Any
) -> None:
    connect(**extra)
    job = airflow.value(
        LayersGenerateContentOperator(task_id="t", project_id=api.project_id, brief={"topic": "x"})
    )
    LayersHook().get_job(job)
    airflow.value(LayersCancelJobOperator(task_id="t", job_id=job))
    LayersHook().test_connection()
    start, poll, cancel, whoami = api.requests()
    assert set(start.headers) == HTTP_OWN | HTTP_BODY | names | {"idempotency-key"}
    assert set(cancel.headers) == HTTP_OWN | names | {"content-length"}
    assert set(whoami.headers) == set(poll.headers) == HTTP_OWN | names
    assert start.headers["content-type"] == "application/json"
    assert start.headers["accept"] == "application/json"
    assert start.headers["user-agent"].startswith("airflow-provider-layers/")
    assert start.headers[(names & {"authorization", "x-api-key"}).pop()] == shown
    assert start.headers.get("x-layers-organization") == extra.get("organization") or not extra.get(
        "organization"
    )
    assert (start.status, cancel.status, whoami.status) == (202, 202, 200)


def test_idempotency_keys_are_uuids_of_version_4_and_one_for_each_request(
    airflow: Any, api: Any, made: Any, posted: Any
) -> None:
    container = made()
    posted()
    for index in range(2):
        generate = LayersGenerateContentOperator(task_id="t", project_id=api.project_id, brief={"topic": "x"})
        airflow.value(generate, map_index=index)
    airflow.value(generate, task_id="other")
    airflow.value(generate, run_id="other")
    airflow.value(generate, dag_id="other")
    airflow.value(LayersRegenerateContentOperator(task_id="t", container_id=container))
    approve = LayersApproveContentOperator(task_id="t", container_id=api.jobs()[0].container_ids)
    api.advance(60)
    airflow.value(approve)
    keys = [request.idempotency_key for request in posted()]
    assert len(keys) == 7
    assert all(UUID_4.fullmatch(key) for key in keys)
    assert len(set(keys)) == 7


def test_an_id_with_marks_of_a_path_stays_one_segment(airflow: Any, api: Any) -> None:
    airflow.run(LayersGetContentOperator(task_id="t", container_id="../jobs/x?y=1#z"))
    (sent,) = api.requests()
    assert sent.query == {}
    assert sent.status == 404
