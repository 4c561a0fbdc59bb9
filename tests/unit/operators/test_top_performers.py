"""Reading the posts that did best."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_layers.operators.top_performers import LayersGetTopPerformersOperator
from tests.unit.serving import Reply
from tests.unit.tasks import context


def execute(**given):
    task = LayersGetTopPerformersOperator(task_id="task", **given)
    return task.execute(context(task))


@pytest.fixture(autouse=True)
def _connected(connect, server):
    connect(host=server.url)


def test_the_rows_are_returned_ready_to_map_over(server):
    server.replies = [Reply({"items": [{"rank": 1, "sourceType": "platform_post", "sourceId": "pp_1"}]})]
    rows = execute(
        project_id="prj_1",
        metric="views",
        window="7d",
        source_type="platform_post",
        platform=["tiktok"],
        limit=3,
    )
    assert rows == [{"rank": 1, "sourceType": "platform_post", "sourceId": "pp_1", "platformPostId": "pp_1"}]
    assert server.received[0].path == (
        "/v1/projects/prj_1/top-performers?metric=views&window=7d&sourceType=platform_post&platform=tiktok&limit=3"
    )


def test_what_was_not_given_is_left_to_the_api(server):
    assert execute(project_id="prj_1", metric="roas") == []
    assert server.received[0].path == "/v1/projects/prj_1/top-performers?metric=roas"


@pytest.mark.parametrize(
    ("given", "name"),
    [({"metric": "likes"}, "metric"), ({"limit": 101}, "limit"), ({"project_id": ""}, "project_id")],
)
def test_a_wrong_parameter_stops_the_retries_before_anything_is_sent(server, given, name):
    with pytest.raises(AirflowFailException, match=name):
        execute(**({"project_id": "prj_1", "metric": "views"} | given))
    assert server.received == []
