"""Which XComs are references; tests/contract/plugins/test_queries.py reads them from a database."""

from __future__ import annotations

import pytest

from airflow_provider_layers.plugins.queries import (
    MAX_IDS,
    ReviewReference,
    TaskReference,
    parse_review_reference,
    parse_task_reference,
)
from airflow_provider_layers.task_context import publish_ui_data

VALUE = {
    "layers_conn_id": "layers_default",
    "job_id": "job_1",
    "container_ids": ["cnt_1", "cnt_2"],
    "scheduled_post_ids": ["sp_1"],
}


def parse(value):
    return parse_task_reference("make", 3, value)


def test_a_task_reference():
    assert parse(VALUE) == TaskReference("make", 3, "layers_default", "job_1", ("cnt_1", "cnt_2"), ("sp_1",))


def test_it_reads_what_operators_publish():
    class TaskInstance:
        def xcom_push(self, key, value):
            self.value = value

    ti = TaskInstance()
    publish_ui_data({"ti": ti}, layers_conn_id="layers_eu", container_ids=("cnt_1",))
    assert parse(ti.value) == TaskReference("make", 3, "layers_eu", None, ("cnt_1",), ())


@pytest.mark.parametrize("value", [None, 1, "text", [], ["cnt_1"], {}, {"container_ids": ["cnt_1"]}])
def test_a_value_of_another_shape_is_no_reference(value):
    assert parse(value) is None


@pytest.mark.parametrize(
    ("conn_id", "accepted"),
    [(name, True) for name in ("layers_default", "team-a/layers.eu", "LAYERS#1", "a:b(c)!", "x" * 200)]
    + [(name, False) for name in (None, 1, "", "a b", "a\n", "x" * 201, ["layers_default"], "a'b", "a\x00")],
)
def test_only_names_that_airflow_allows_are_connections(conn_id, accepted):
    assert bool(parse({**VALUE, "layers_conn_id": conn_id})) == accepted


@pytest.mark.parametrize("wrong", [None, 1, "", "a b", "é", "a\n", "x" * 201, ["cnt_1"], {"a": 1}, True])
def test_only_what_can_be_an_id_is_one(wrong):
    reference = parse({**VALUE, "job_id": wrong, "container_ids": [wrong, "cnt_1"]})
    assert (reference.job_id, reference.container_ids) == (None, ("cnt_1",))


@pytest.mark.parametrize("wrong", [None, 1, "sp_1", {"sp_1": 1}, True])
def test_several_ids_are_a_list(wrong):
    assert parse({**VALUE, "scheduled_post_ids": wrong}).scheduled_post_ids == ()


def test_each_id_counts_once_and_their_number_is_limited():
    many = [f"cnt_{number}" for number in range(MAX_IDS + 50)]
    assert parse({**VALUE, "container_ids": ["cnt_1", "cnt_1"]}).container_ids == ("cnt_1",)
    assert parse({**VALUE, "container_ids": many}).container_ids == tuple(many[:MAX_IDS])


def test_a_review_reference():
    value = {"version": 2, "shown": {"cnt_1": "ff"}, "notice": "Too late.", "regeneration_count": 1}
    expected = ReviewReference("layers_default", 2, {"cnt_1": "ff"}, "Too late.")
    assert parse_review_reference("layers_default", value) == expected


@pytest.mark.parametrize(
    "value",
    [
        None,
        "x",
        1,
        [],
        {},
        {"version": 2},
        {"version": "2", "shown": {}},
        {"version": 2, "shown": ["cnt_1"]},
        {"version": 2, "shown": {"a": 1}},
    ],
)
def test_a_value_of_another_shape_is_no_review_reference(value):
    assert parse_review_reference("layers_default", value) is None
