"""Where a post goes, and with which settings."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.scheduled_posts import schedule_content
from airflow_provider_layers.exceptions import LayersParameterError

TARGET = {"social_account_id": "sa_1", "mode": "publish"}


def schedule(*, targets):
    return schedule_content(
        "cnt_1", scheduled_for="2026-07-01T09:00Z", targets=targets, idempotency_key="key"
    )


@pytest.mark.parametrize(
    "mode", ["publish", "draft", "managed", "direct_publish", "draft_to_device", "reels", "feed"]
)
def test_the_modes_of_both_revisions_are_taken(mode):
    assert schedule(targets=[{**TARGET, "mode": mode}]).body["targets"][0]["mode"] == mode


@pytest.mark.parametrize("count", [1, 50])
def test_1_to_50_targets_are_taken(count):
    assert len(schedule(targets=[TARGET] * count).body["targets"]) == count


@pytest.mark.parametrize("text", ["", "x" * 4000])
def test_captions_and_comments_may_have_4000_characters(text):
    assert schedule(targets=[{**TARGET, "caption_override": text, "first_comment_override": text}])


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        ({"mode": "post"}, ["targets.0.mode = 'post'", "'publish'", "'managed'"]),
        ({"mode": None}, ["targets.0.mode = None"]),
        ({"caption_override": "x" * 4001}, ["targets.0.caption_override", "at most 4000"]),
        ({"first_comment_override": "x" * 4001}, ["targets.0.first_comment_override", "at most 4000"]),
        ({"tiktok_music": {"mode": "loud"}}, ["targets.0.tiktok_music.mode = 'loud'", "'manual'"]),
        ({"tiktok_music": {}}, ["targets.0.tiktok_music.mode: is required"]),
        (
            {"tiktok_post_settings": {"privacy_level": "ALL"}},
            ["targets.0.tiktok_post_settings.privacy_level = 'ALL'", "'SELF_ONLY'"],
        ),
        ({"account": "sa_1"}, ["targets.0", "does not know account"]),
    ],
)
def test_a_wrong_target_is_named_by_its_place(target, parts):
    with pytest.raises(LayersParameterError) as caught:
        schedule(targets=[{**TARGET, **target}])
    assert [part for part in parts if part not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("targets", "allowed"), [([], "at least 1 item"), ([TARGET] * 51, "at most 50 items")]
)
def test_none_and_too_many_targets_are_refused(targets, allowed):
    with pytest.raises(LayersParameterError, match="targets = ") as caught:
        schedule(targets=targets)
    assert allowed in str(caught.value)


@pytest.mark.parametrize("missing", ["social_account_id", "mode"])
def test_a_target_needs_an_account_and_a_mode(missing):
    target = {name: value for name, value in TARGET.items() if name != missing}
    with pytest.raises(LayersParameterError, match=rf"targets\.0\.{missing}: is required"):
        schedule(targets=[target])
