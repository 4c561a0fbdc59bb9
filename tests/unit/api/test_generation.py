"""The requests that start jobs, held against the vendor's pages."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.generation import clone_from_post, generate, regenerate
from airflow_provider_layers.exceptions import LayersParameterError
from tests.unit.driving import good

UUID = "8d2f1a3e-0b4c-4a11-9f7e-33c0a2c1bd55"
BRIEF = {"topic": "Running"}


def shared(**given):
    return generate("prj_1", given, content_routes="shared", idempotency_key="key")


def per_format(**given):
    return generate("prj_1", given, content_routes="per-format", idempotency_key="key")


def clone(container_id=UUID, **given):
    least = {"project_id": "prj_1", "source_platform_post_id": "pp_1", "mode": "fork", "variations": 1}
    return clone_from_post(container_id, least | given, idempotency_key="key")


def again(**given):
    return regenerate("cnt_1", given, idempotency_key="key")


def refusal(make, **given) -> str:
    with pytest.raises(LayersParameterError) as caught:
        make(**given)
    return str(caught.value)


@pytest.mark.parametrize(
    ("endpoint", "path"),
    [
        (shared(brief=BRIEF), "/v1/projects/prj_1/content"),
        (shared(hook="x", format="ugc-remix"), "/v1/projects/prj_1/content"),
        (per_format(hook="x", format="slideshow-builder"), "/v1/projects/prj_1/content/slideshow-builder"),
        (per_format(format="ugc-remix", influencer_id="inf_1"), "/v1/projects/prj_1/content/ugc-remix"),
        (clone(), f"/v1/content/{UUID}/clone-from-post"),
        (again(), "/v1/content/cnt_1/regenerate"),
    ],
)
def test_a_job_is_started_by_a_post_under_its_key(endpoint, path):
    assert (endpoint.method, endpoint.path, endpoint.idempotency_key) == ("POST", path, "key")
    submission = endpoint.read(good({"jobId": "job_1", "locationUrl": "/v1/jobs/job_1"}, status=202))
    assert (submission.job.job_id, submission.location) == ("job_1", "/v1/jobs/job_1")


def test_the_brief_form_is_that_of_the_vendors_page():
    endpoint = shared(
        project_layer_id="lyr_1",
        format="auto",
        variant_count=2,
        brief={
            "topic": "t",
            "angle": "a",
            "cta": "c",
            "value_propositions": ["v"],
            "hook": "h",
            "target_platforms": ["instagram", "tiktok", "youtube"],
            "influencer_id": "inf_1",
            "theme_tags": ["fitness"],
            "reference_media_ids": ["med_1"],
            "language": "pt-BR",
        },
        references={"source_post_ids": ["pp_1"], "assetIds": ["ast_1"]},
        target_platforms=["tiktok"],
        budget={"max_credits": 100},
        metadata={"my_own": {"key_1": None}},
        hook=None,
        media_id=None,
    )
    assert endpoint.body == {
        "projectLayerId": "lyr_1",
        "format": "auto",
        "variantCount": 2,
        "brief": {
            "topic": "t",
            "angle": "a",
            "cta": "c",
            "valuePropositions": ["v"],
            "hook": "h",
            "targetPlatforms": ["instagram", "tiktok", "youtube"],
            "influencerId": "inf_1",
            "themeTags": ["fitness"],
            "referenceMediaIds": ["med_1"],
            "language": "pt-BR",
        },
        "references": {"sourcePostIds": ["pp_1"], "assetIds": ["ast_1"]},
        "targetPlatforms": ["tiktok"],
        "budget": {"maxCredits": 100},
        "metadata": {"my_own": {"key_1": None}},
    }


def test_the_hook_form_is_that_of_the_vendors_page():
    endpoint = shared(
        format="slideshow-builder", variant_count=1, hook="wait\nfor it", references={"media_ids": ["med_1"]}
    )
    assert endpoint.body == {
        "format": "slideshow-builder",
        "variantCount": 1,
        "hook": "wait\nfor it",
        "references": {"mediaIds": ["med_1"]},
    }


@pytest.mark.parametrize(
    ("given", "body"),
    [
        (
            {"format": "slideshow-builder", "hook": "x", "social_account_id": "sa_1"},
            {"hook": "x", "socialAccountId": "sa_1"},
        ),
        (
            {"format": "ugc-remix", "influencer_id": "inf_1", "media_id": "med_1"},
            {"influencerId": "inf_1", "mediaId": "med_1"},
        ),
        (
            {"format": "video-remix", "tiktok_video_id": "7", "social_account_id": "sa_1"},
            {"tiktokVideoId": "7", "socialAccountId": "sa_1"},
        ),
        (
            {"format": "slideshow-remix", "tiktok_video_id": 7, "influencer_id": "inf_1"},
            {"tiktokVideoId": "7", "influencerId": "inf_1"},
        ),
    ],
)
def test_a_per_format_route_takes_the_format_in_its_path(given, body):
    endpoint = per_format(**given)
    assert endpoint.path.endswith(f"/{given['format']}")
    assert endpoint.body == body


@pytest.mark.parametrize("count", [1, "1"])
def test_a_per_format_route_makes_one_container(count):
    endpoint = per_format(format="slideshow-builder", hook="x", variant_count=count)
    assert endpoint.body == {"hook": "x"}


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ({}, ["neither brief nor hook"]),
        ({"brief": BRIEF, "hook": "x"}, ["brief and hook are two forms"]),
        ({"hook": "x"}, ["format: is required"]),
        ({"hook": "x", "format": "auto"}, ["format = 'auto'", "'slideshow-builder'", "'ugc-remix'"]),
        ({"brief": BRIEF, "format": "ugc-remix"}, ["format = 'ugc-remix'", "'ugc_remix'", "'auto'"]),
        ({"hook": "x", "format": "ugc-remix", "budget": {}}, ["does not know budget"]),
        ({"brief": BRIEF, "media_id": "med_1"}, ["does not know media_id"]),
        ({"brief": BRIEF, "references": {"media_ids": ["m"]}}, ["references", "source_post_ids"]),
        ({"hook": "x", "format": "ugc-remix", "references": {"asset_ids": ["a"]}}, ["it knows media_ids"]),
    ],
)
def test_what_does_not_belong_to_a_form_is_refused(given, parts):
    text = refusal(shared, **given)
    assert [part for part in parts if part not in text] == []


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ({"hook": "x"}, ["format = None", "slideshow-builder, ugc-remix, video-remix, slideshow-remix"]),
        ({"hook": "x", "format": "auto"}, ["format = 'auto'"]),
        ({"hook": "x", "format": ["ugc-remix"]}, ["format = ['ugc-remix']"]),
        (
            {"format": "slideshow-builder", "hook": "x", "variant_count": 2},
            ["variant_count"],
        ),
        ({"format": "slideshow-builder"}, ["hook: is required"]),
        ({"format": "slideshow-builder", "brief": BRIEF}, ["does not know brief"]),
        ({"format": "ugc-remix"}, ["needs social_account_id or influencer_id"]),
        ({"format": "video-remix", "influencer_id": "i"}, ["tiktok_video_id: is required"]),
        ({"format": "slideshow-remix", "tiktok_video_id": "7"}, ["needs social_account_id or influencer_id"]),
        ({"format": "video-remix", "influencer_id": "i", "tiktok_video_id": "7", "hook": "x"}, ["know hook"]),
    ],
)
def test_what_does_not_belong_to_a_route_is_refused(given, parts):
    text = refusal(per_format, **given)
    assert [part for part in parts if part not in text] == []


TWENTY = [f"item {number}" for number in range(20)]


@pytest.mark.parametrize("make", [shared, again])
@pytest.mark.parametrize(
    "given",
    [
        {"brief": {"value_propositions": TWENTY}},
        {"brief": BRIEF, "references": {"source_post_ids": TWENTY}},
        {"brief": BRIEF, "references": {"asset_ids": TWENTY}},
    ],
)
def test_20_of_each_are_taken(make, given):
    assert make(**given).body


@pytest.mark.parametrize("make", [shared, again])
@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"brief": {"value_propositions": [*TWENTY, "x"]}}, "brief.value_propositions"),
        ({"brief": BRIEF, "references": {"source_post_ids": [*TWENTY, "x"]}}, "references.source_post_ids"),
        ({"brief": BRIEF, "references": {"asset_ids": [*TWENTY, "x"]}}, "references.asset_ids"),
    ],
)
def test_21_are_refused(make, given, name):
    text = refusal(make, **given)
    assert text.startswith(f"{name} = ['item 0'")
    assert "at most 20" in text


@pytest.mark.parametrize("count", [1, 5, "5"])
@pytest.mark.parametrize("form", [{"brief": BRIEF}, {"hook": "x", "format": "ugc-remix"}])
def test_1_to_5_variants_are_taken(form, count):
    assert shared(**form, variant_count=count).body["variantCount"] == int(count)


@pytest.mark.parametrize("form", [{"brief": BRIEF}, {"hook": "x", "format": "ugc-remix"}])
@pytest.mark.parametrize(("count", "allowed"), [(0, "than or equal to 1"), (6, "than or equal to 5")])
def test_other_numbers_of_variants_are_refused(form, count, allowed):
    text = refusal(shared, **form, variant_count=count)
    assert text.startswith(f"variant_count = {count}: ")
    assert allowed in text


@pytest.mark.parametrize("length", [1, 2000])
def test_a_hook_of_1_to_2000_characters_is_taken(length):
    assert len(shared(hook="x" * length, format="ugc-remix").body["hook"]) == length


@pytest.mark.parametrize(("length", "allowed"), [(0, "at least 1 "), (2001, "at most 2000 ")])
@pytest.mark.parametrize("make", [shared, per_format])
def test_other_hooks_are_refused(make, length, allowed):
    text = refusal(make, hook="x" * length, format="slideshow-builder")
    assert text.startswith("hook = ")
    assert allowed in text


@pytest.mark.parametrize("format_", ["auto", "video_remix", "slideshow_remix", "ugc_remix"])
def test_the_formats_of_a_brief(format_):
    assert shared(brief=BRIEF, format=format_).body["format"] == format_


@pytest.mark.parametrize("format_", ["slideshow-builder", "ugc-remix", "video-remix", "slideshow-remix"])
def test_the_formats_of_a_hook(format_):
    assert shared(hook="x", format=format_).body["format"] == format_


@pytest.mark.parametrize("language", ["en", "pt-BR", "zh-Hant-TW", "es-419"])
def test_a_language_is_a_bcp_47_tag(language):
    assert shared(brief={"language": language}).body == {"brief": {"language": language}}


@pytest.mark.parametrize("language", ["en_US", "e", "English please", "", "en-"])
def test_what_is_no_such_tag_is_refused(language):
    assert refusal(shared, brief={"language": language}).startswith(f"brief.language = {language!r}: ")


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ({"target_platforms": ["myspace"]}, ["target_platforms.0 = 'myspace'", "'youtube'"]),
        ({"target_platforms": "tiktok"}, ["target_platforms = 'tiktok'", "list"]),
        ({"brief": {"target_platforms": ["x"]}}, ["brief.target_platforms.0 = 'x'", "'tiktok'"]),
        ({"budget": {"max_credits": -1}}, ["budget.max_credits = -1", "than or equal to 0"]),
        ({"budget": {}}, ["budget.max_credits: is required"]),
        ({"metadata": "text"}, ["metadata = 'text'", "dictionary"]),
        ({"brief": {"title": "x"}}, ["brief", "does not know title", "topic"]),
        ({"brief": "text"}, ["brief = 'text'"]),
    ],
)
def test_other_wrong_parameters_of_a_brief_are_named(given, parts):
    text = refusal(shared, **({"brief": BRIEF} | given))
    assert [part for part in parts if part not in text] == []


def test_a_clone_is_spelled_as_on_the_vendors_page():
    endpoint = clone(
        mode="reimagine",
        variations=3,
        project_layer_id="lyr_1",
        overrides={"caption": "c", "cta": "d", "voice_over_script": "e"},
    )
    assert endpoint.body == {
        "projectId": "prj_1",
        "projectLayerId": "lyr_1",
        "sourcePlatformPostId": "pp_1",
        "mode": "reimagine",
        "variations": 3,
        "overrides": {"caption": "c", "cta": "d", "voiceOverScript": "e"},
    }


@pytest.mark.parametrize("variations", [1, 10])
def test_1_to_10_variations_are_taken(variations):
    assert clone(variations=variations).body["variations"] == variations


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ({"variations": 0}, ["variations = 0", "than or equal to 1"]),
        ({"variations": 11}, ["variations = 11", "than or equal to 10"]),
        ({"mode": "copy"}, ["mode = 'copy'", "'fork' or 'reimagine'"]),
        ({"mode": None}, ["mode: is required"]),
        ({"source_platform_post_id": ""}, ["source_platform_post_id = ''", "at least 1 "]),
        ({"source_platform_post_id": None}, ["source_platform_post_id: is required"]),
        ({"project_id": None}, ["project_id: is required"]),
        ({"overrides": {"hook": "x"}}, ["overrides", "does not know hook", "voice_over_script"]),
    ],
)
def test_a_wrong_clone_is_refused(given, parts):
    text = refusal(clone, **given)
    assert [part for part in parts if part not in text] == []


@pytest.mark.parametrize(
    "container_id", ["cnt_1", "", f"{UUID}0", f"urn:uuid:{UUID}", UUID.replace("-", ""), None]
)
def test_the_container_of_a_clone_is_a_plain_uuid(container_id):
    text = refusal(clone, container_id=container_id)
    assert text.startswith(f"container_id = {container_id!r}: ")
    assert "UUID" in text


def test_a_new_take_is_spelled_as_on_the_vendors_page():
    endpoint = again(
        brief={"topic": "t", "angle": "a", "cta": "c", "value_propositions": ["v"]},
        references={"source_post_ids": ["pp_1"], "asset_ids": ["ast_1"]},
        preserve_assets=True,
    )
    assert endpoint.body == {
        "brief": {"topic": "t", "angle": "a", "cta": "c", "valuePropositions": ["v"]},
        "references": {"sourcePostIds": ["pp_1"], "assetIds": ["ast_1"]},
        "preserveAssets": True,
    }


def test_a_new_take_may_change_nothing():
    assert again(brief=None, references=None).body == {}


def test_a_new_take_takes_only_what_it_can_change():
    assert "does not know hook; it knows topic, angle, cta, value_propositions" in refusal(
        again, brief={"hook": "x"}
    )


def test_a_project_is_needed():
    with pytest.raises(LayersParameterError, match="project_id = ''"):
        generate("", {"brief": BRIEF}, content_routes="shared", idempotency_key="key")
