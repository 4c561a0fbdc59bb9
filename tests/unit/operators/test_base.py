"""What operators share: the connection, what the UI shows, and one container or several."""

from __future__ import annotations

import pytest

from airflow_provider_layers.exceptions import LayersParameterError
from airflow_provider_layers.operators.base import LayersOperator
from airflow_provider_layers.operators.content import LayersGenerateContentOperator, LayersGetContentOperator
from tests.unit.scripted import BASE_URL, ok
from tests.unit.tasks import connected, context


@pytest.fixture
def operator(script):
    return connected(LayersOperator(task_id="task", layers_conn_id="layers_acme"), script())


def test_the_connection_can_be_templated_and_is_read_after_rendering():
    operator = LayersOperator(task_id="task", layers_conn_id="layers_{{ params.customer }}")
    operator.render_template_fields({"params": {"customer": "acme"}})
    assert operator.layers_hook.layers_conn_id == "layers_acme"
    assert operator.layers_hook is operator.layers_hook


def test_the_first_container_has_a_link_and_its_id_stays_one_segment(operator):
    given = context(operator)
    operator.publish_content_link(given, ["a/../b?c", "cnt_2"])
    url = f"{BASE_URL}/v1/content/a%2F..%2Fb%3Fc"
    assert given["ti"].xcom == {"content_url": url, "_link_LayersContentLink": url}


def test_without_content_there_is_no_link(operator):
    given = context(operator)
    operator.publish_content_link(given, [])
    assert given["ti"].xcom == {}


def test_what_the_ui_shows_names_the_connection(operator):
    given = context(operator)
    operator.publish_ui_data(given, job_id="job_1")
    assert given["ti"].xcom["layers"] == {
        "layers_conn_id": "layers_acme",
        "job_id": "job_1",
        "container_ids": [],
        "scheduled_post_ids": [],
    }


def datasets(operator):
    facets = operator.get_openlineage_facets_on_complete(None)
    return [item.name for item in facets.inputs], [item.name for item in facets.outputs]


def test_lineage_has_content_as_input_of_operators_that_use_it_and_as_output_of_those_that_make_it(
    operator, script
):
    pytest.importorskip("airflow.providers.openlineage.extractors")
    assert datasets(operator) == ([], [])
    operator.publish_ui_data(context(operator), container_ids=["cnt_1"], scheduled_post_ids=["sp_1"])
    assert datasets(operator) == (["content/cnt_1"], ["post/sp_1"])
    generate = LayersGenerateContentOperator(task_id="task", project_id="prj_1", brief={})
    connected(generate, script()).publish_ui_data(context(generate), container_ids=["cnt_1"])
    assert datasets(generate) == ([], ["content/cnt_1"])


# One container or several


def get_content(api, container_id):
    operator = connected(LayersGetContentOperator(task_id="task", container_id=container_id), api)
    given = context(operator)
    return operator.execute(given), given["ti"].xcom


def test_one_id_has_one_result_and_a_list_has_a_list_of_results(script):
    body = {"id": "cnt_1", "caption": None}
    assert get_content(script(ok(body)), "cnt_1")[0] == body
    assert get_content(script(ok(body)), ["cnt_1"])[0] == [body]
    assert get_content(script(), [])[0] == []
    nested, xcom = get_content(script(ok(body), ok({})), [["cnt_1"], "cnt_2", "cnt_1"])
    assert nested == [body, {}]
    assert xcom["content_url"] == f"{BASE_URL}/v1/content/cnt_1"
    assert xcom["layers"]["container_ids"] == ["cnt_1", "cnt_2"]


def test_a_wrong_id_stops_all_requests(script):
    with pytest.raises(LayersParameterError, match="container_id"):
        get_content(script(), ["cnt_1", ""])
