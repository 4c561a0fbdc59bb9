"""Waiting until posts perform well enough, in each way of waiting."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowSensorTimeout,
    AirflowSkipException,
)

from airflow_provider_layers.exceptions import LayersParameterError, LayersPermissionError
from airflow_provider_layers.operators.content import LayersCloneFromPostOperator
from airflow_provider_layers.operators.top_performers import LayersGetTopPerformersOperator
from airflow_provider_layers.sensors.top_performers import LayersTopPerformersSensor
from airflow_provider_layers.triggers.top_performers import LayersTopPerformersTrigger
from tests.contract.bystander import read

WAYS: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True},
}
PATH = "/v1/projects/*/top-performers"


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def way(request: Any) -> dict[str, Any]:
    return request.param


@pytest.fixture
def sense(sensing: Any, api: Any, way: dict[str, Any]) -> Any:
    def run(**arguments: Any) -> Any:
        arguments = {"project_id": api.project_id, "metric": "views", "timeout": 7200, **way, **arguments}
        params = arguments.pop("params", None)
        return sensing(LayersTopPerformersSensor(task_id="wait", **arguments), params)

    return run


@pytest.fixture
def rows(api: Any) -> list[dict[str, Any]]:
    """Return the ranking by views."""
    return list(read(api, f"/v1/projects/{api.project_id}/top-performers?metric=views")["items"])


def grow(api: Any, rows: list[dict[str, Any]], polls: int) -> None:
    """Let the ranking be poor for so many polls; the emulator's own does not change."""
    poor = [{**row, "metricValue": 1} for row in rows]
    api.fault("garbage", method="GET", path=PATH, times=polls, body=json.dumps({"items": poor}))


def test_rows_that_reach_the_threshold_are_returned_at_once(
    sense: Any, rows: Any, clock: Any, api: Any
) -> None:
    threshold = rows[1]["metricValue"]
    result = sense(threshold=threshold)
    assert result.error is None
    assert [row["sourceId"] for row in result.value] == [row["sourceId"] for row in rows[:2]]
    assert (result.triggers, result.reschedules, clock.slept) == ([], 0, [])
    (request,) = api.requests(method="GET", path=PATH)[1:]
    assert request.query == {"metric": ["views"]}


def test_it_waits_until_there_are_some(sense: Any, rows: Any, clock: Any, api: Any, way: Any) -> None:
    grow(api, rows, 4)
    result = sense(threshold=rows[0]["metricValue"])
    assert [row["sourceId"] for row in result.value] == [rows[0]["sourceId"]]
    assert bool(result.triggers) is bool(way.get("deferrable"))
    assert (result.reschedules > 0) is (way.get("mode") == "reschedule")
    assert clock.elapsed <= 4 * 601


def test_it_waits_until_there_are_enough(sense: Any, rows: Any, clock: Any, api: Any) -> None:
    two = [{**row, "metricValue": 1} if n > 1 else row for n, row in enumerate(rows)]
    api.fault("garbage", method="GET", path=PATH, times=2, body=json.dumps({"items": two}))
    result = sense(threshold=rows[2]["metricValue"], min_rows=3)
    assert len(result.value) == 3
    assert len(api.requests(method="GET", path=PATH)) >= 4


def test_every_field_of_the_ranking_is_sent_also_while_deferred(sense: Any, api: Any, rows: Any) -> None:
    grow(api, rows, 3)
    sense(
        threshold="{{ params.least }}",
        params={"least": 0.0001},
        metric="engagement_rate",
        window="90d",
        source_type="platform_post",
        platform=["tiktok", "instagram"],
        limit=5,
    )
    queries = [request.query for request in api.requests(method="GET", path=PATH)[1:]]
    assert queries
    for query in queries:
        assert query == {
            "metric": ["engagement_rate"],
            "window": ["90d"],
            "sourceType": ["platform_post"],
            "platform": ["tiktok", "instagram"],
            "limit": ["5"],
        }


@pytest.mark.parametrize("soft", [False, True], ids=["fails", "soft_fail"])
def test_its_timeout_is_airflows_own(soft: bool, sense: Any, clock: Any) -> None:
    result = sense(threshold=10**15, timeout=3600, soft_fail=soft)
    assert type(result.error) is (AirflowSkipException if soft else AirflowSensorTimeout)
    assert 3599 <= clock.elapsed <= 3600 + 601


def test_it_polls_no_more_often_than_every_ten_minutes(sense: Any, api: Any, clock: Any, rows: Any) -> None:
    sense(threshold=10**15, timeout=24 * 3600)
    # While deferred the first polls come sooner, by the vendor's guidance.
    assert len(api.requests(method="GET", path=PATH)) <= 24 * 6 + 30


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "metric": ({"metric": "likes"}, "metric"),
    "window": ({"window": "8d"}, "window"),
    "platform": ({"platform": "myspace"}, "platform"),
    "source type": ({"source_type": "film"}, "source"),
    "limit": ({"limit": 101}, "limit"),
    "threshold": ({"threshold": "many"}, "threshold"),
    "project": ({"project_id": ""}, "project_id"),
}


@pytest.mark.parametrize(("wrong", "name"), WRONG.values(), ids=WRONG)
def test_wrong_parameters_are_refused_before_anything_is_sent(
    wrong: dict[str, Any], name: str, sense: Any, api: Any, failure: Any
) -> None:
    before = len(api.requests())
    result = sense(**{"threshold": 1, **wrong})
    assert name in str(failure(result, LayersParameterError))
    assert len(api.requests()) == before


def test_no_rows_are_never_enough(api: Any) -> None:
    with pytest.raises(ValueError, match="min_rows = 0"):
        LayersTopPerformersSensor(task_id="w", project_id="p", metric="views", threshold=1, min_rows=0)


def test_a_key_that_may_not_read_metrics_fails_it_for_good(sense: Any, api: Any, failure: Any) -> None:
    api.configure(scopes=["content:read"])
    failure(sense(threshold=1), LayersPermissionError)


@pytest.mark.parametrize("kind", ["fail_before", "disconnect_before", "rate_limit"])
def test_transient_errors_do_not_end_it(kind: str, sense: Any, api: Any, rows: Any) -> None:
    api.fault(kind, method="GET", path=PATH, times=7)
    assert sense(threshold=rows[0]["metricValue"]).value


def test_its_rows_can_be_mapped_over(sense: Any, airflow: Any, api: Any, rows: Any) -> None:
    found = sense(threshold=rows[1]["metricValue"]).value
    operator = LayersGetTopPerformersOperator(task_id="g", project_id=api.project_id, metric="views")
    assert found == airflow.value(operator)[:2], "the same rows as the operator returns"
    for number, row in enumerate(found):
        clone = LayersCloneFromPostOperator(
            task_id="c", project_id=api.project_id, source_platform_post_id=row["platformPostId"]
        )
        airflow.value(clone, map_index=number)
    assert len(api.jobs()) == 2


def test_the_trigger_is_stored_and_restored(airflow: Any, api: Any, clock: Any) -> None:
    trigger = LayersTopPerformersTrigger(
        project_id=api.project_id, ranking={"metric": "views"}, threshold=1.0, deadline=clock.time() + 60
    )
    event = airflow.fire(trigger.serialize())
    assert (event["status"], event["project_id"], event["reason"]) == ("found", api.project_id, "")
    assert airflow.trigger(trigger.serialize()).serialize() == trigger.serialize()
    assert len(json.dumps(event)) < 300
