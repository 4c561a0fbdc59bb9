from __future__ import annotations

import pytest

from airflow_provider_layers.hooks.view import show
from airflow_provider_layers.plugins.mention import MOST_IDS, Mention, read_mention

WHOLE = {
    "layers_conn_id": "layers_default",
    "job_id": "job_1",
    "container_ids": ["cnt_1", "cnt_2"],
    "scheduled_post_ids": ["sp_1"],
}


def read(value):
    return read_mention("make", 3, value)


def test_all_that_it_says():
    assert read(WHOLE) == Mention("make", 3, "layers_default", "job_1", ("cnt_1", "cnt_2"), ("sp_1",))


def test_what_operators_push_is_read():
    class TaskInstance:
        def xcom_push(self, key, value):
            self.value = value

    ti = TaskInstance()
    show({"ti": ti}, layers_conn_id="layers_eu", container_ids=("cnt_1",))
    assert read(ti.value) == Mention("make", 3, "layers_eu", None, ("cnt_1",), ())


@pytest.mark.parametrize("value", [None, 1, "text", [], ["cnt_1"], {}, {"container_ids": ["cnt_1"]}])
def test_anything_else_is_nothing(value):
    assert read(value) is None


@pytest.mark.parametrize(
    "conn_id", [None, 1, "", "a b", "a\n", "x" * 201, ["layers_default"], "a'b", "a\x00"]
)
def test_a_connection_has_a_name(conn_id):
    assert read({**WHOLE, "layers_conn_id": conn_id}) is None


@pytest.mark.parametrize("conn_id", ["layers_default", "team-a/layers.eu", "LAYERS#1", "a:b(c)!"])
def test_names_that_airflow_allows_are_taken(conn_id):
    assert read({**WHOLE, "layers_conn_id": conn_id}).conn_id == conn_id


@pytest.mark.parametrize("wrong", [None, 1, "", "a b", "é", "a\n", "x" * 201, ["cnt_1"], {"a": 1}, True])
def test_only_what_can_be_an_id_is_one(wrong):
    found = read({**WHOLE, "job_id": wrong, "container_ids": [wrong, "cnt_1"]})
    assert (found.job_id, found.container_ids) == (None, ("cnt_1",))


@pytest.mark.parametrize("wrong", [None, 1, "sp_1", {"sp_1": 1}, True])
def test_several_are_a_list(wrong):
    assert read({**WHOLE, "scheduled_post_ids": wrong}).scheduled_post_ids == ()


def test_each_id_counts_once_and_their_number_has_an_end():
    many = [f"cnt_{number}" for number in range(MOST_IDS + 50)]
    assert read({**WHOLE, "container_ids": ["cnt_1", "cnt_1"]}).container_ids == ("cnt_1",)
    assert read({**WHOLE, "container_ids": many}).container_ids == tuple(many[:MOST_IDS])
