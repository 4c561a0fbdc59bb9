"""Reading the posts that performed best."""

from __future__ import annotations

import pytest

from airflow_provider_layers.exceptions import LayersParameterError
from airflow_provider_layers.operators.top_performers import LayersGetTopPerformersOperator
from tests.unit.scripted import ok
from tests.unit.tasks import connected, context


def execute(api, **fields):
    required = {"project_id": "prj_1", "metric": "views"}
    operator = LayersGetTopPerformersOperator(task_id="task", **(required | fields))
    return operator.execute(context(connected(operator, api)))


def test_the_rows_are_returned_ready_to_map_over(script):
    row = {"rank": 1, "sourceType": "platform_post", "sourceId": "pp_1"}
    api = script(ok({"items": [row]}))
    rows = execute(api, window="7d", source_type="platform_post", platform=["tiktok"], limit=3)
    assert rows == [row | {"platformPostId": "pp_1"}]
    query = "metric=views&window=7d&sourceType=platform_post&platform=tiktok&limit=3"
    assert api.paths == [f"GET /v1/projects/prj_1/top-performers?{query}"]


def test_what_is_not_given_is_left_to_the_api(script):
    api = script(ok({}))
    assert execute(api, metric="roas") == []
    assert api.paths == ["GET /v1/projects/prj_1/top-performers?metric=roas"]


@pytest.mark.parametrize(
    ("fields", "name"),
    [({"metric": "likes"}, "metric"), ({"limit": 101}, "limit"), ({"project_id": ""}, "project_id")],
)
def test_a_wrong_parameter_is_refused_before_anything_is_sent(script, fields, name):
    with pytest.raises(LayersParameterError, match=name):
        execute(script(), **fields)
