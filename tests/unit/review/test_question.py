"""The question that a reviewer is asked, its form, and the answer."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from airflow_provider_layers.review.preview import Caption
from airflow_provider_layers.review.question import (
    ReviewAnswer,
    assignees,
    form_fields,
    is_answer_event,
    read_answer,
    render_body,
    render_subject,
)
from tests.limits import NOTE_LENGTH, REASON_LENGTH
from tests.unit.review.hostile_text import HOSTILE, PARSER, inline_tokens, text_of, visible
from tests.unit.review.previews import preview
from tests.unit.tasks import FOREIGN

APPROVE, REGENERATE = "Approve", "Regenerate"
ADA, BOB = {"id": "7", "name": "Ada"}, {"id": "bob", "name": "bob"}
AT = datetime(2026, 4, 18, 12, 30, tzinfo=timezone.utc)
SHOWN = {"cnt_1": "f1"}


def answer(option=APPROVE, *, user=ADA, at=AT, **form):
    event = {"chosen_options": [option], "params_input": form, "responded_by_user": user, "responded_at": at}
    return read_answer(event, SHOWN)


def body(*previews, version=1, costs=(), **options):
    return render_body(
        previews, version=version, live_url=lambda part: f"/live/{part}", costs=dict(costs), **options
    )


def text(markdown):
    tokens = [token for token in inline_tokens(PARSER.parse(markdown)) if token.type in ("text", "hardbreak")]
    return "".join(text_of(tokens))


@pytest.mark.parametrize(
    ("previews", "subject"),
    [
        ([preview(hook="Run.")], "Review: Run."),
        ([preview(hook=None)], "Review: cnt_1"),
        ([preview(hook="\u200b\x00")], "Review: cnt_1"),
        ([preview(hook="Thirty days,\none run.")], "Review: Thirty days, one run."),
        ([preview(), preview()], "Review: 2 containers"),
        ([preview(hook="x" * 72)], f"Review: {'x' * 72}"),
        ([preview(hook="x" * 73)], f"Review: {'x' * 71}\u2026"),
        ([preview(hook=f"{'x' * 70} yy")], f"Review: {'x' * 70}\u2026"),
    ],
)
def test_the_subject_names_the_content(previews, subject):
    assert render_subject(previews) == subject
    assert len(subject) <= 80


def test_the_card_and_the_pictures_are_live_urls():
    tokens = inline_tokens(PARSER.parse(body(preview())))
    images = [token.attrs["src"] for token in tokens if token.type == "image"]
    assert images == ["/live/card", *(f"/live/{number}" for number in range(1, 11))]
    assert [token.attrs["href"] for token in tokens if token.type == "link_open"] == ["/live/media"]
    assert "cdn.test" not in body(preview()), "a URL that is signed for an hour would expire in the body"


def test_the_body_has_room_for_every_picture():
    many = preview(pictures=tuple(f"https://cdn.test/{number}.png" for number in range(7)))
    tokens = inline_tokens(PARSER.parse(body(many, many)))
    assert [token.attrs["src"] for token in tokens if token.type == "image"][-1] == "/live/14"


def test_every_public_text_is_in_the_body():
    captions = (Caption(None, "A."), Caption("tiktok", "B."))
    shown = text(body(preview(hook="Run.", captions=captions, first_comment="Join."), version=3))
    for part in (
        "Captions of version 3",
        "Hook",
        "Run.",
        "Caption",
        "A.",
        "Caption for tiktok",
        "B.",
        "Join.",
    ):
        assert part in shown
    assert shown.index("Hook") < shown.index("A.") < shown.index("B.") < shown.index("Join.")


def test_the_facts_are_in_the_body():
    facts = preview(
        influencer="inf_1", source="pp_1", completed_at="2026-04-18T12:03:22Z", format="ugc-remix"
    )
    shown = text(body(facts, costs={"ugc_remix": 120}))
    for part in ("ugc-remix", "inf_1", "pp_1", "about 120 for each new", "cnt_1", "2026-04-18T12:03:22Z"):
        assert part in shown
    assert "Credits" not in text(body(facts, costs={"auto": 120}))
    assert "Credits" not in text(body(preview(format=None), costs={"auto": 120}))


@pytest.mark.parametrize(
    ("status", "note"),
    [
        ("not_required", "not required in Layers"),
        ("approved", "already approved in Layers"),
        ("pending", None),
    ],
)
def test_the_body_says_when_a_rejection_has_no_effect_in_layers(status, note):
    shown = text(body(preview(approval_status=status)))
    assert ("A rejection stops only this DAG run" in shown) == (note is not None)
    assert note is None or note in shown


def test_several_containers_are_numbered():
    shown = text(body(preview("A."), preview("B.", container_id="cnt_2")))
    assert shown.index("1 of 2") < shown.index("A.") < shown.index("2 of 2") < shown.index("B.")
    assert "1 of 1" not in text(body(preview("A.")))


def test_the_introduction_comes_first_and_stays_markdown():
    introduced = body(preview(), intro="**Mind** the [guide](https://guide.test).")
    assert introduced.startswith("**Mind** the [guide](https://guide.test).\n\n![")


def test_no_text_of_the_api_becomes_markup_in_the_body():
    names = ("hook", "first_comment", "format", "influencer", "source", "completed_at")

    def parsed(value):
        captions = (Caption(value.strip() or "x", value),)
        markdown = body(preview(captions=captions, **dict.fromkeys(names, value)))
        tokens = PARSER.parse(markdown)
        inline = [token.type for token in inline_tokens(tokens) if token.type != "text"]
        blocks = [token.type for token in tokens if token.type not in ("inline", "hardbreak")]
        return text(markdown), inline, sorted(blocks)

    _, calm_inline, calm_blocks = parsed("x")
    for value in filter(None, HOSTILE):
        shown, inline, blocks = parsed(value)
        assert visible(shown).count(visible(value)) >= 7, value
        assert [kind for kind in inline if kind not in ("hardbreak", "softbreak")] == calm_inline, value
        # A text of several paragraphs is quoted as several paragraphs.
        assert [kind for kind in blocks if not kind.startswith("paragraph")] == [
            kind for kind in calm_blocks if not kind.startswith("paragraph")
        ], value


def test_the_form_has_its_fields_in_order():
    every = ["reason", "topic", "angle", "cta", "value_propositions", "preserve_assets", "version"]
    assert list(form_fields(version=1, can_regenerate=True)) == every
    assert list(form_fields(version=1, can_regenerate=False)) == ["reason", "version"]


def test_the_form_is_valid_as_it_opens_and_changes_nothing():
    for version in (1, 2, 101):
        for can_regenerate in (True, False):
            fields = form_fields(version=version, can_regenerate=can_regenerate)
            read = answer(REGENERATE, **{name: field.resolve() for name, field in fields.items()})
            assert (read.version, read.text, read.brief, read.preserve_assets) == (version, None, {}, False)


def test_the_form_accepts_what_the_api_accepts():
    fields = form_fields(version=1, can_regenerate=True)
    for name, value in [
        ("reason", "x" * REASON_LENGTH.most),
        ("reason", ""),
        ("topic", "x" * 5000),
        ("value_propositions", ["a", "b"]),
        ("value_propositions", []),
        ("preserve_assets", True),
        ("version", 2),
    ]:
        assert fields[name].resolve(value) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reason", "x" * (REASON_LENGTH.most + 1)),
        ("reason", 7),
        ("topic", ["a"]),
        ("value_propositions", "a"),
        ("value_propositions", [7]),
        ("preserve_assets", None),
        ("version", 0),
        ("version", "2"),
        ("version", None),
    ],
)
def test_the_form_refuses_other_values(name, value):
    with pytest.raises(Exception, match="Failed validating"):
        form_fields(version=1, can_regenerate=True)[name].resolve(value)


def test_every_field_has_a_title_and_a_description_and_is_json():
    for field in form_fields(version=1, can_regenerate=True).values():
        serialized = json.loads(json.dumps(field.serialize()))
        assert serialized["schema"]["title"]
        assert serialized["description"].endswith(".")


def test_an_answer_has_what_was_chosen_for_what_by_whom_and_when():
    form = {"reason": "Off brand.", "topic": "Walk.", "angle": "Slow.", "cta": "Go.", "version": 2}
    read = answer(REGENERATE, **form, value_propositions=["Free.", "Calm."], preserve_assets=True)
    assert read == ReviewAnswer(
        option="Regenerate",
        shown=SHOWN,
        version=2,
        user="Ada",
        at="2026-04-18T12:30:00+00:00",
        text="Off brand.",
        brief={"topic": "Walk.", "angle": "Slow.", "cta": "Go.", "value_propositions": ["Free.", "Calm."]},
        preserve_assets=True,
    )
    assert ReviewAnswer(**json.loads(json.dumps(read.as_json()))) == read


@pytest.mark.parametrize(
    ("user", "reviewer"),
    [
        (ADA, "Ada"),
        ({"id": "7", "name": ""}, "7"),
        ({"id": "7"}, "7"),
        ({"id": "7", "name": "A\u202ed\x00a\t B"}, "Ada B"),
        (None, "on_timeout (no answer in time)"),
    ],
)
def test_the_reviewer_is_named_without_hidden_characters(user, reviewer):
    assert answer(user=user).reviewer == reviewer


def test_the_moment_is_text_whatever_type_airflow_passes():
    assert answer(at=AT).at == answer(at=AT.isoformat()).at == "2026-04-18T12:30:00+00:00"
    assert answer(at=None).at is None


def test_a_form_that_was_not_validated_is_read_without_an_error():
    names = ("reason", "topic", "angle", "cta", "value_propositions", "preserve_assets", "unknown")
    for value in (
        None,
        "",
        " \n",
        7,
        0,
        -1,
        1.5,
        True,
        False,
        [],
        {},
        [None],
        [7],
        {"a": 1},
        [[]],
        ["", " "],
    ):
        read = answer(**dict.fromkeys(names, value))
        assert (read.text, read.brief, read.preserve_assets) == (None, {}, value is True), value
        assert (read.reason, read.note) == ("Rejected in Airflow by Ada.", "Approved in Airflow by Ada.")
    for form in (None, [], "form", 7, True):
        event = {"chosen_options": [APPROVE], "params_input": form, "responded_by_user": ADA}
        read = read_answer(event, SHOWN)
        assert (read.option, read.version, read.text, read.brief) == (APPROVE, None, None, {}), form


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ("one\ntwo\n\n three", ["one", "two", " three"]),
        (["one", "", None, 7, "two"], ["one", "two"]),
        ("\n", None),
        ({"one": "two"}, None),
    ],
)
def test_value_propositions_are_lines_or_a_list(value, lines):
    assert answer(value_propositions=value).brief.get("value_propositions") == lines


def test_an_answer_is_for_the_version_it_names_and_without_one_for_the_first():
    def versions(value):
        return [version for version in (1, 2, 3) if answer(version=value).is_for(version)]

    assert [versions(value) for value in (1, 2, 7, -1)] == [[1], [2], [], []]
    assert [versions(value) for value in (None, "2", 2.0, [2], {"version": 2}, "")] == [[1]] * 6


def test_a_timeout_is_for_whatever_version_was_asked_about_last():
    assert all(answer(user=None, version=1).is_for(version) for version in (1, 2, 101))


def test_the_note_and_the_reason_name_the_reviewer():
    assert answer(reason="Nice.").note == "Approved in Airflow by Ada. Nice."
    assert answer(reason="\t").note == "Approved in Airflow by Ada."
    assert answer(reason="  Off brand.\n").reason == "Off brand."
    assert answer(reason="\t").reason == "Rejected in Airflow by Ada."


def test_the_note_and_the_reason_are_cut_to_what_the_api_accepts():
    long = answer(reason="x" * 5000, user={"name": "y" * 2000})
    assert (len(long.reason), len(long.note)) == (REASON_LENGTH.most, NOTE_LENGTH.most)
    assert len(answer(user={"name": "y" * 2000}).reason) == REASON_LENGTH.most


def test_events_of_a_question_are_answer_events():
    assert is_answer_event({"chosen_options": ["Approve"], "params_input": {}, "responded_by_user": None})
    assert is_answer_event({"error": "The response timeout has passed.", "error_type": "timeout"})
    assert is_answer_event({"error": "'2' is not of type 'integer'", "error_type": "validation"})


def test_other_events_are_not():
    others = [
        ["chosen_options", "error_type"],
        "error_type",
        {"chosen_options": []},
        {"chosen_options": None},
        {"job_id": "job_1", "status": "ended", "reason": ""},
    ]
    assert [event for event in (*FOREIGN, *others) if is_answer_event(event)] == []


@pytest.mark.parametrize(
    ("users", "known"),
    [
        (None, None),
        ("", None),
        ([], None),
        ("bob", [BOB]),
        (ADA, [ADA]),
        (["bob"], [BOB]),
        ((ADA, "bob"), [ADA, BOB]),
    ],
)
def test_assignees_are_named_as_airflow_names_them(users, known):
    assert assignees(users) == known
