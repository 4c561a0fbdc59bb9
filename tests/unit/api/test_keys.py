"""Ids that are the same on every try of a task, and on no other."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from airflow_provider_layers.api.keys import Origin

ORIGIN = Origin(dag_id="dag", run_id="run", task_id="task", map_index=-1, generation=0)


def test_the_same_origin_and_purpose_give_the_same_key():
    assert ORIGIN.key("clone", 0) == replace(ORIGIN).key("clone", 0)


def test_a_key_survives_releases():
    """A change here makes tasks that are running during an upgrade pay twice."""
    assert ORIGIN.key("clone", 0) == "9227587a-097b-4946-bbb3-7e7fd3257cc9"


@pytest.mark.parametrize(
    "changed",
    [{"dag_id": "x"}, {"run_id": "x"}, {"task_id": "x"}, {"map_index": 0}, {"generation": 1}],
)
def test_every_field_of_the_origin_changes_the_key(changed):
    assert replace(ORIGIN, **changed).key("clone", 0) != ORIGIN.key("clone", 0)


@pytest.mark.parametrize("other", [("container", 0), ("clone", 1), ("clone",), ("clone", 0, 0)])
def test_purpose_and_place_change_the_key(other):
    assert ORIGIN.key(*other) != ORIGIN.key("clone", 0)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"dag_id": "a", "run_id": "bc"}, {"dag_id": "ab", "run_id": "c"}),
        ({"dag_id": 'a", "b', "run_id": "c"}, {"dag_id": "a", "run_id": 'b", "c'}),
        ({"map_index": 1, "generation": 11}, {"map_index": 11, "generation": 1}),
    ],
)
def test_fields_do_not_run_into_each_other(one, other):
    assert replace(ORIGIN, **one).key("clone") != replace(ORIGIN, **other).key("clone")


def test_a_key_is_a_uuid_of_version_4():
    key = ORIGIN.key("clone", 0)
    assert uuid.UUID(key).version == 4
    assert uuid.UUID(key).variant == uuid.RFC_4122
    assert str(uuid.UUID(key)) == key
