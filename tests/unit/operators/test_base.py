"""What all operators share."""

from __future__ import annotations

import pytest

from airflow_provider_layers.operators.base import LayersOperator
from airflow_provider_layers.operators.content import LayersGenerateContentOperator
from tests.unit.tasks import context


@pytest.fixture
def operator():
    return LayersOperator(task_id="task", layers_conn_id="layers_{{ params.customer }}")


def test_the_connection_can_be_templated(operator):
    assert "layers_conn_id" in operator.template_fields
    operator.layers_conn_id = "layers_acme"
    assert operator.layers_hook.layers_conn_id == "layers_acme"
    assert operator.layers_hook is operator.layers_hook


def test_the_first_container_has_a_link_while_the_task_runs(operator, connect):
    operator.layers_conn_id = "layers_acme"
    connect("layers_acme", host="http://localhost:8765")
    given = context(operator)
    operator.show_content(given, ["cnt_1", "cnt_2"])
    url = "http://localhost:8765/v1/content/cnt_1"
    assert given["ti"].xcom == {"content_url": url, "_link_LayersContentLink": url}


def test_without_content_there_is_no_link(operator):
    given = context(operator)
    operator.show_content(given, [])
    assert given["ti"].xcom == {}


def test_an_id_in_a_link_stays_one_segment(operator, connect):
    operator.layers_conn_id = "layers_acme"
    connect("layers_acme", host="http://localhost:8765")
    given = context(operator)
    operator.show_content(given, ["a/../b?c"])
    assert given["ti"].xcom["content_url"] == "http://localhost:8765/v1/content/a%2F..%2Fb%3Fc"


def told_to_lineage(operator):
    told = operator.get_openlineage_facets_on_complete(None)
    return [one.name for one in told.inputs], [one.name for one in told.outputs]


def test_who_uses_content_tells_lineage_that_it_read_it(operator, connect):
    operator.layers_conn_id = "layers_acme"
    connect("layers_acme")
    assert told_to_lineage(operator) == ([], [])
    operator.show(context(operator), container_ids=["cnt_1"], scheduled_post_ids=["sp_1"])
    assert told_to_lineage(operator) == (["content/cnt_1"], ["post/sp_1"])


def test_who_makes_content_tells_lineage_that_it_made_it(connect):
    connect()
    operator = LayersGenerateContentOperator(task_id="task", project_id="prj_1", brief={"topic": "x"})
    operator.show(context(operator), job_id="job_1", container_ids=["cnt_1"])
    assert told_to_lineage(operator) == ([], ["content/cnt_1"])
