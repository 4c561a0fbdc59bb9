"""What a person fills in beside the answer."""

from __future__ import annotations

import json

import pytest

from airflow_provider_layers.api.review import LONGEST_TEXT, read_answer
from airflow_provider_layers.operators.review_form import form, is_answer, users
from tests.unit.tasks import FOREIGN

EVERY = ["reason", "topic", "angle", "cta", "value_propositions", "preserve_assets", "take"]


def test_the_form_asks_for_a_reason_the_changes_and_the_take_in_this_order():
    assert list(form(take=1, regenerates=True)) == EVERY
    assert list(form(take=1, regenerates=False)) == ["reason", "take"]


@pytest.mark.parametrize("take", [1, 2, 101])
@pytest.mark.parametrize("regenerates", [True, False])
def test_the_form_is_sound_as_it_opens(take, regenerates):
    values = {name: field.resolve() for name, field in form(take=take, regenerates=regenerates).items()}
    assert values.pop("take") == take
    assert values.pop("preserve_assets", False) is False
    assert set(values.values()) == {None}


def test_an_answer_to_the_form_as_it_opens_changes_nothing():
    values = {name: field.value for name, field in form(take=2, regenerates=True).items()}
    event = {"chosen_options": ["Regenerate"], "params_input": values, "responded_by_user": None}
    answer = read_answer(event, {})
    assert (answer.take, answer.text, answer.brief, answer.preserve_assets) == (2, None, {}, False)


FITS = [
    ("reason", "x" * LONGEST_TEXT),
    ("reason", ""),
    ("topic", "x" * 5000),
    ("value_propositions", ["a", "b"]),
    ("value_propositions", []),
    ("preserve_assets", True),
    ("take", 2),
]
DOES_NOT_FIT = [
    ("reason", "x" * (LONGEST_TEXT + 1)),
    ("reason", 7),
    ("topic", ["a"]),
    ("value_propositions", "a"),
    ("value_propositions", [7]),
    ("preserve_assets", None),
    ("take", 0),
    ("take", "2"),
    ("take", None),
]


@pytest.mark.parametrize(("name", "value"), FITS)
def test_the_form_takes_what_layers_takes(name, value):
    assert form(take=1, regenerates=True)[name].resolve(value) == value


@pytest.mark.parametrize(("name", "value"), DOES_NOT_FIT)
def test_the_form_takes_nothing_else(name, value):
    with pytest.raises(Exception, match="Failed validating"):
        form(take=1, regenerates=True)[name].resolve(value)


def test_every_field_says_what_it_is_for_and_is_plain_json():
    for field in form(take=1, regenerates=True).values():
        kept = json.loads(json.dumps(field.serialize()))
        assert kept["schema"]["title"]
        assert kept["description"].endswith(".")


def test_two_forms_share_nothing():
    assert form(take=1, regenerates=True)["take"].value == 1
    form(take=2, regenerates=True)
    first, second = form(take=1, regenerates=True), form(take=2, regenerates=True)
    assert [one["take"].value for one in (first, second)] == [1, 2]


ANSWERS = [
    {"chosen_options": ["Approve"], "params_input": {}, "responded_at": None, "responded_by_user": None},
    {"error": "The response timeout has passed.", "error_type": "timeout"},
    {"error": "'2' is not of type 'integer'", "error_type": "validation"},
]


@pytest.mark.parametrize("event", ANSWERS)
def test_what_airflow_tells_of_a_question_is_an_answer(event):
    assert is_answer(event)


@pytest.mark.parametrize(
    "event",
    [
        *FOREIGN,
        ["chosen_options", "error_type"],
        "error_type",
        {"chosen_options": []},
        {"chosen_options": None},
        {"job_id": "job_1", "status": "ended", "reason": ""},
    ],
)
def test_nothing_else_is_an_answer(event):
    assert not is_answer(event)


ADA, BOB = {"id": "7", "name": "Ada"}, {"id": "bob", "name": "bob"}


@pytest.mark.parametrize(
    ("given", "known"),
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
def test_users_are_named_as_airflow_names_them(given, known):
    assert users(given) == known
