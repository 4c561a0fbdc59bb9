"""Operators on content."""

from __future__ import annotations

import json
import logging

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_layers.operators import content
from airflow_provider_layers.operators.content import (
    LayersApproveContentOperator,
    LayersGetContentOperator,
    LayersListContentOperator,
    LayersRejectContentOperator,
    LayersScheduleContentOperator,
)
from tests.unit.serving import Reply
from tests.unit.tasks import context

TARGET = {"social_account_id": "sa_1", "mode": "publish"}
SCHEDULE = {"scheduled_for": "2026-07-01T09:00:00+02:00", "targets": [TARGET]}
DECISIONS = [
    (LayersApproveContentOperator, {"note": "Fine."}, "approve", {"note": "Fine."}),
    (LayersRejectContentOperator, {"reason": "No."}, "reject", {"reason": "No."}),
    (
        LayersScheduleContentOperator,
        SCHEDULE,
        "schedule",
        {
            "scheduledFor": "2026-07-01T07:00:00.000Z",
            "targets": [{"socialAccountId": "sa_1", "mode": "publish"}],
        },
    ),
]


@pytest.fixture(autouse=True)
def _connected(connect, server):
    connect(host=server.url)


def execute(operator, **given):
    task = operator(task_id="task", **given)
    return task.execute(context(task))


def test_all_operators_on_content_are_in_one_module():
    assert sorted(content.__all__) == [
        "LayersApproveContentOperator",
        "LayersCloneFromPostOperator",
        "LayersGenerateContentOperator",
        "LayersGetContentOperator",
        "LayersListContentOperator",
        "LayersPublishContentOperator",
        "LayersRegenerateContentOperator",
        "LayersRejectContentOperator",
        "LayersReviewContentOperator",
        "LayersScheduleContentOperator",
    ]
    assert [name for name in content.__all__ if not hasattr(content, name)] == []


def test_the_review_is_imported_when_it_is_asked_for():
    """It costs more than all the rest, and most Dags do without."""
    assert "LayersReviewContentOperator" not in vars(content)
    assert content.LayersReviewContentOperator.__name__ == "LayersReviewContentOperator"
    assert content.LayersReviewContentOperator is content.LayersReviewContentOperator
    assert "LayersReviewContentOperator" not in vars(content)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"operators\.content' has no attribute 'LayersReviewOperator'"):
        content.LayersReviewOperator  # noqa: B018 - looking is the test
    assert not hasattr(content, "review")


def test_a_review_that_is_broken_is_not_taken_for_one_that_airflow_is_too_old_for(monkeypatch):
    def broken(name):
        raise ImportError(name)

    monkeypatch.setattr(content, "import_module", broken)
    with pytest.raises(ImportError, match=r"operators\.review$"):
        content.LayersReviewContentOperator  # noqa: B018 - looking is the test


@pytest.mark.parametrize(("operator", "given", "verb", "body"), DECISIONS)
def test_a_decision_on_one_container(server, operator, given, verb, body):
    execute(operator, container_id="cnt_1", **given)
    (received,) = server.received
    assert (received.method, received.path) == ("POST", f"/v1/content/cnt_1/{verb}")
    assert json.loads(received.body) == body


@pytest.mark.parametrize(("operator", "given", "verb", "body"), DECISIONS)
def test_each_container_of_a_list_has_a_request_and_a_key(server, operator, given, verb, body):
    results = execute(operator, container_id=[["cnt_1"], "cnt_2", "cnt_1"], **given)
    assert len(results) == 2
    assert [one.path for one in server.received] == [f"/v1/content/cnt_{number}/{verb}" for number in (1, 2)]
    assert len({one.headers["idempotency-key"] for one in server.received}) == 2


def test_decisions_on_one_container_do_not_share_a_key(server):
    for operator, given, _, _ in DECISIONS:
        execute(operator, container_id="cnt_1", **given)
    assert len({one.headers["idempotency-key"] for one in server.received}) == 3


@pytest.mark.parametrize(("operator", "given", "verb", "body"), DECISIONS)
def test_an_empty_list_is_nothing_to_do(server, operator, given, verb, body):
    assert execute(operator, container_id=[], **given) == []
    assert server.received == []


@pytest.mark.parametrize(
    ("operator", "given", "name"),
    [
        (LayersGetContentOperator, {"container_id": ["cnt_1", ""]}, "container_id"),
        (LayersApproveContentOperator, {"container_id": "cnt_1", "note": ""}, "note"),
        (LayersRejectContentOperator, {"container_id": "cnt_1", "reason": "x" * 1025}, "reason"),
        (LayersScheduleContentOperator, {"container_id": "cnt_1", **SCHEDULE, "targets": []}, "targets"),
        (LayersListContentOperator, {"project_id": "prj_1", "status": "done"}, "status"),
        (LayersListContentOperator, {"project_id": "", "limit": 1}, "project_id"),
    ],
)
def test_a_wrong_parameter_stops_the_retries_before_anything_is_sent(server, operator, given, name):
    with pytest.raises(AirflowFailException, match=name):
        execute(operator, **given)
    assert server.received == []


def test_content_is_returned_as_the_api_gives_it(server):
    server.replies = [Reply({"id": "cnt_1", "caption": None})]
    assert execute(LayersGetContentOperator, container_id="cnt_1") == {"id": "cnt_1", "caption": None}


def test_a_list_of_one_is_a_list_of_one(server):
    server.replies = [Reply({"id": "cnt_1"})]
    assert execute(LayersGetContentOperator, container_id=["cnt_1"]) == [{"id": "cnt_1"}]


def test_the_first_container_is_linked_and_all_are_told_of(server):
    task = LayersGetContentOperator(task_id="task", container_id=["cnt_1", "cnt_2"])
    given = context(task)
    task.execute(given)
    assert given["ti"].xcom["content_url"] == f"{server.url}/v1/content/cnt_1"
    assert given["ti"].xcom["layers"]["container_ids"] == ["cnt_1", "cnt_2"]


def test_a_schedule_tells_of_its_posts(server):
    server.replies = [Reply({"scheduledPostIds": ["sp_1"]}), Reply({"scheduledPostIds": ["sp_2", "sp_3"]})]
    task = LayersScheduleContentOperator(task_id="task", container_id=["cnt_1", "cnt_2"], **SCHEDULE)
    given = context(task)
    task.execute(given)
    told = given["ti"].xcom["layers"]
    assert (told["container_ids"], told["scheduled_post_ids"]) == (
        ["cnt_1", "cnt_2"],
        ["sp_1", "sp_2", "sp_3"],
    )


def test_a_list_is_asked_for_with_its_filters(server):
    server.replies = [Reply({"items": [{"id": "cnt_1"}]})]
    rows = execute(
        LayersListContentOperator,
        project_id="prj_1",
        status=["completed"],
        format="ugc-remix",
        creative_type="generated",
        since="2026-01-01T00:00:00Z",
        until="2026-02-01T00:00:00Z",
        limit=5,
    )
    assert rows == [{"id": "cnt_1"}]
    assert server.received[0].path == (
        "/v1/projects/prj_1/content?status=completed&format=ugc-remix&creativeType=generated"
        "&since=2026-01-01T00%3A00%3A00.000Z&until=2026-02-01T00%3A00%3A00.000Z&limit=5"
    )


@pytest.mark.parametrize("limit", ["5", 5])
def test_the_limit_of_a_list_may_be_templated(server, limit):
    server.replies = [Reply({"items": [{"id": f"cnt_{number}"} for number in range(9)]})]
    assert len(execute(LayersListContentOperator, project_id="prj_1", limit=limit)) == 5


@pytest.mark.parametrize(
    ("reply", "result"),
    [
        (
            Reply({"scheduledPostIds": ["sp_1"]}),
            {"gate_status": None, "scheduled_post_ids": ["sp_1"]},
        ),
        (
            Reply({"gateStatus": "blocked_on_approval"}, 202),
            {"gate_status": "blocked_on_approval", "scheduled_post_ids": []},
        ),
    ],
)
def test_a_schedule_returns_what_became_of_it(server, reply, result):
    server.replies = [reply]
    assert execute(LayersScheduleContentOperator, container_id="cnt_1", **SCHEDULE) == {
        "container_id": "cnt_1",
        "scheduled_for": "2026-07-01T07:00:00.000Z",
        **result,
    }


def test_a_schedule_that_waits_for_an_approval_is_a_warning(server, caplog, capfd):
    caplog.set_level(logging.INFO)
    server.replies = [Reply({"gateStatus": "blocked_on_approval"}, 202)]
    execute(LayersScheduleContentOperator, container_id="cnt_1", **SCHEDULE)
    # Airflow 3 writes to the standard output, Airflow 2 to the logging of Python.
    assert "Content cnt_1 is not approved" in caplog.text + "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("status", "code"), [(403, "APPROVAL_REQUIRED"), (409, "CONTENT_REJECTED"), (404, "NOT_FOUND")]
)
def test_a_schedule_that_is_refused_stops_the_retries(server, status, code):
    server.replies = [Reply({"error": {"code": code, "requestId": "req_1"}}, status)]
    with pytest.raises(AirflowFailException, match=f"{status} {code}.*req_1"):
        execute(LayersScheduleContentOperator, container_id="cnt_1", **SCHEDULE)
