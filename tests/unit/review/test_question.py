"""What a person is asked, and what is made of the answer."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from airflow_provider_layers.api.exhibit import Caption
from airflow_provider_layers.api.review import Answer, body_of, read_answer, subject_of
from tests.unit.exhibits import shown
from tests.unit.nasty import ALL, READ, inlines, seen, text_of

APPROVE, REGENERATE = "Approve", "Regenerate"
LONGEST_TEXT = 1024
"""Letters of a note or a reason that the API takes."""

ADA = {"id": "7", "name": "Ada"}
AT = datetime(2026, 4, 18, 12, 30, tzinfo=timezone.utc)
SHOWN = {"cnt_1": "f1"}


def read(option=APPROVE, *, user=ADA, at=AT, shown=SHOWN, **form):
    event = {"chosen_options": [option], "params_input": form, "responded_by_user": user, "responded_at": at}
    return read_answer(event, shown)


def test_an_answer_says_what_was_answered_to_what_by_whom_and_when():
    form = {"reason": "Off brand.", "topic": "Walk.", "angle": "Slow.", "cta": "Go.", "take": 2}
    answer = read(REGENERATE, **form, value_propositions=["Free.", "Calm."], preserve_assets=True)
    assert answer == Answer(
        option="Regenerate",
        shown=SHOWN,
        take=2,
        user="Ada",
        at="2026-04-18T12:30:00+00:00",
        text="Off brand.",
        brief={"topic": "Walk.", "angle": "Slow.", "cta": "Go.", "value_propositions": ["Free.", "Calm."]},
        preserve_assets=True,
    )
    assert Answer(**json.loads(json.dumps(answer.as_json()))) == answer


@pytest.mark.parametrize(
    ("user", "who"),
    [
        (ADA, "Ada"),
        ({"id": "7", "name": ""}, "7"),
        ({"id": "7", "name": None}, "7"),
        ({"id": "7"}, "7"),
        ({"id": "7", "name": "A\u202ed\x00a\t B"}, "Ada B"),
        (None, "nobody (the time was over)"),
    ],
)
def test_who_answered_is_named(user, who):
    assert read(user=user).who == who


@pytest.mark.parametrize("at", [AT, AT.isoformat(), "2026-04-18T12:30:00+00:00"])
def test_the_moment_is_text_however_it_is_given(at):
    assert read(at=at).at == "2026-04-18T12:30:00+00:00"
    assert read(at=None).at is None


GARBAGE = [None, "", " \n", 7, 0, -1, 1.5, True, False, [], {}, [None], [7], {"a": 1}, [[]], ["", " "]]


@pytest.mark.parametrize("given", GARBAGE)
def test_a_form_that_nobody_checked_breaks_nothing(given):
    names = ("reason", "topic", "angle", "cta", "value_propositions", "preserve_assets", "unknown")
    answer = read(**dict.fromkeys(names, given))
    assert answer.text is None
    assert answer.brief == {}
    assert answer.preserve_assets is (given is True)
    assert (answer.reason, answer.note) == ("Rejected in Airflow by Ada.", "Approved in Airflow by Ada.")


@pytest.mark.parametrize("form", [None, [], "form", 7, True])
def test_a_form_that_is_none_is_an_empty_one(form):
    event = {"chosen_options": [APPROVE], "params_input": form, "responded_by_user": ADA, "responded_at": AT}
    answer = read_answer(event, SHOWN)
    assert (answer.option, answer.take, answer.text, answer.brief) == (APPROVE, None, None, {})


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("one\ntwo\n\n three", ["one", "two", " three"]),
        (["one", "", None, 7, "two"], ["one", "two"]),
        ("\n", None),
        ({"one": "two"}, None),
    ],
)
def test_value_propositions_are_lines_or_a_list(given, value):
    assert read(value_propositions=given).brief.get("value_propositions") == value


@pytest.mark.parametrize("given", [None, "2", 2.0, [2], {"take": 2}, ""])
def test_an_answer_that_names_no_take_is_for_the_first(given):
    answer = read(take=given)
    assert [answer.names(take) for take in (1, 2, 3)] == [True, False, False]


@pytest.mark.parametrize(("given", "fits"), [(1, [1]), (2, [2]), (7, []), (-1, [])])
def test_an_answer_is_for_the_take_that_it_names(given, fits):
    assert [take for take in (1, 2, 3) if read(take=given).names(take)] == fits


def test_nobodys_answer_is_for_whatever_was_asked_last():
    assert all(read(user=None, take=1).names(take) for take in (1, 2, 101))


@pytest.mark.parametrize(
    ("text", "reason", "note"),
    [
        ("Nice.", "Nice.", "Approved in Airflow by Ada. Nice."),
        ("\t", "Rejected in Airflow by Ada.", "Approved in Airflow by Ada."),
    ],
)
def test_layers_is_told_who_and_why(text, reason, note):
    assert (read(reason=text).reason, read(reason=text).note) == (reason, note)


def test_the_space_around_a_reason_is_no_part_of_it():
    assert read(reason="  Off brand.\n").reason == "Off brand."


def test_no_text_is_longer_than_layers_takes():
    answer = read(reason="x" * 5000, user={"name": "y" * 2000})
    assert (len(answer.reason), len(answer.note)) == (LONGEST_TEXT, LONGEST_TEXT)
    assert len(read(user={"name": "y" * 2000}).reason) == LONGEST_TEXT


@pytest.mark.parametrize(
    ("exhibits", "subject"),
    [
        ([shown(hook="Run.")], "Review: Run."),
        ([shown(hook=None)], "Review: cnt_1"),
        ([shown(hook="\u200b\x00")], "Review: cnt_1"),
        ([shown(hook="Thirty days,\none run.")], "Review: Thirty days, one run."),
        ([shown(), shown()], "Review: 2 containers"),
        ([shown(hook="x" * 72)], f"Review: {'x' * 72}"),
        ([shown(hook="x" * 73)], f"Review: {'x' * 71}\u2026"),
        ([shown(hook=f"{'x' * 70} yy")], f"Review: {'x' * 70}\u2026"),
    ],
)
def test_the_headline_names_the_content(exhibits, subject):
    assert subject_of(exhibits) == subject
    assert len(subject) <= 80


def body(*exhibits, take=1, costs=(), **given):
    return body_of(exhibits, take=take, live=lambda part: f"/live/{part}", costs=dict(costs), **given)


def words(text):
    return "".join(text_of([one for one in inlines(READ.parse(text)) if one.type in ("text", "hardbreak")]))


def test_the_pictures_and_the_card_are_addresses_that_are_always_up_to_date():
    inside = inlines(READ.parse(body(shown())))
    pictures = [one.attrs["src"] for one in inside if one.type == "image"]
    assert pictures == ["/live/card", *(f"/live/{number}" for number in range(1, 11))]
    assert [one.attrs["href"] for one in inside if one.type == "link_open"] == ["/live/media"]
    assert "cdn.test" not in body(shown()), "an address that is signed for an hour would outlive itself"


def test_a_question_about_many_pictures_has_room_for_all():
    many = shown(pictures=tuple(f"https://cdn.test/{number}.png" for number in range(7)))
    inside = inlines(READ.parse(body(many, many)))
    assert [one.attrs["src"] for one in inside if one.type == "image"][-1] == "/live/14"


def test_every_text_that_goes_public_is_in_the_words():
    one = shown(hook="Run.", captions=(Caption(None, "A."), Caption("tiktok", "B.")), first_comment="Join.")
    text = words(body(one, take=3))
    for part in ("Take 3 in words", "Hook", "Run.", "Caption", "A.", "Caption for tiktok", "B.", "Join."):
        assert part in text
    assert text.index("Hook") < text.index("A.") < text.index("B.") < text.index("Join.")


def test_the_facts_are_in_a_table():
    one = shown(influencer="inf_1", source="pp_1", completed_at="2026-04-18T12:03:22Z", format="ugc-remix")
    text = words(body(one, costs={"ugc_remix": 120}))
    for part in ("ugc-remix", "inf_1", "pp_1", "about 120 for each take", "cnt_1", "2026-04-18T12:03:22Z"):
        assert part in text
    assert "Credits" not in words(body(one, costs={"auto": 120}))
    assert "Credits" not in words(body(shown(format=None), costs={"auto": 120}))


def test_several_containers_are_told_apart():
    text = words(body(shown("A."), shown("B.", container_id="cnt_2")))
    assert text.index("1 of 2") < text.index("A.") < text.index("2 of 2") < text.index("B.")
    assert "1 of 1" not in words(body(shown("A.")))


def test_the_authors_own_markdown_goes_first_and_stays_markdown():
    own = body(shown(), given="**Mind** the [guide](https://guide.test).")
    assert own.startswith("**Mind** the [guide](https://guide.test).\n\n![")


@pytest.mark.parametrize("text", [one for one in ALL if one])
def test_no_text_of_the_api_is_more_than_text(text):
    names = ("hook", "first_comment", "format", "influencer", "source", "completed_at")
    hostile = shown(captions=(Caption(text.strip() or "x", text),), **dict.fromkeys(names, text))
    calm = shown(captions=(Caption("x", "x"),), **dict.fromkeys(names, "x"))
    kinds = [[one.type for one in inlines(READ.parse(body(one)))] for one in (hostile, calm)]
    kinds = [[one for one in several if one not in ("text", "hardbreak", "softbreak")] for several in kinds]
    assert kinds[0] == kinds[1]
    blocks = [[one.type for one in READ.parse(body(one))] for one in (hostile, calm)]
    for kind in {*blocks[0], *blocks[1]} - {"inline", "paragraph_open", "paragraph_close"}:
        assert blocks[0].count(kind) == blocks[1].count(kind)
    assert seen(words(body(hostile))).count(seen(text)) >= 7
