"""What all operators share."""

from __future__ import annotations

import pytest

from airflow_provider_layers.operators.base import LayersOperator
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
