"""Putting content on a date or out at once."""

from __future__ import annotations

import json
import logging

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_layers.operators import content, publishing
from airflow_provider_layers.operators.publishing import (
    LayersPublishContentOperator,
    LayersScheduleContentOperator,
)
from tests.unit.serving import Reply
from tests.unit.tasks import context

TARGET = {"social_account_id": "sa_1", "mode": "publish"}
SENT = {"socialAccountId": "sa_1", "mode": "publish"}
AT = "2026-07-01T09:00:00+02:00"
BOTH = [
    (LayersPublishContentOperator, {"targets": [TARGET]}),
    (LayersScheduleContentOperator, {"targets": [TARGET], "scheduled_for": AT}),
]
both = pytest.mark.parametrize(("operator", "given"), BOTH, ids=["publish", "schedule"])


@pytest.fixture(autouse=True)
def _connected(connect, server):
    connect(host=server.url)


def execute(operator, *, of_ti=None, **given):
    task = operator(task_id="task", **{"container_id": "cnt_1", **given})
    return task.execute(context(task, **(of_ti or {})))


def test_publishing_is_imported_from_the_module_of_content():
    for name in ("LayersPublishContentOperator", "LayersScheduleContentOperator"):
        assert getattr(content, name) is getattr(publishing, name)


def test_a_publication_has_targets_and_no_moment(server):
    server.replies = [Reply({"scheduledPostIds": ["sp_1"]}, 202)]
    assert execute(LayersPublishContentOperator, targets=[TARGET]) == {
        "container_id": "cnt_1",
        "scheduled_for": None,
        "gate_status": None,
        "scheduled_post_ids": ["sp_1"],
    }
    (received,) = server.received
    assert (received.method, received.path) == ("POST", "/v1/content/cnt_1/publish")
    assert json.loads(received.body) == {"targets": [SENT]}


@both
def test_what_is_asked_for_can_be_templated(operator, given):
    assert set(operator.template_fields) >= {"container_id", "layers_conn_id", *given}


@both
@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"targets": []}, "targets"),
        ({"targets": [TARGET] * 51}, "targets"),
        ({"targets": [{"mode": "publish"}]}, "social_account_id"),
        ({"targets": [TARGET | {"when": "now"}]}, "when"),
        ({"container_id": ""}, "container_id"),
        ({"container_id": ["cnt_1", None]}, "container_id"),
    ],
)
def test_a_wrong_parameter_stops_the_retries_before_anything_is_sent(server, operator, given, wrong, name):
    with pytest.raises(AirflowFailException, match=name):
        execute(operator, **given | wrong)
    assert server.received == []


@pytest.mark.parametrize("moment", ["2026-07-01T09:00:00", "tomorrow", None, 1_800_000_000])
def test_a_schedule_needs_a_moment_with_a_timezone(server, moment):
    with pytest.raises(AirflowFailException, match="scheduled_for"):
        execute(LayersScheduleContentOperator, targets=[TARGET], scheduled_for=moment)
    assert server.received == []


def test_publishing_and_scheduling_the_same_content_do_not_share_a_key(server):
    for operator, given in BOTH:
        execute(operator, **given)
    assert len({one.headers["idempotency-key"] for one in server.received}) == 2


@both
@pytest.mark.parametrize(("counts", "same"), [({"try_number": 2}, True), ({"max_tries": 1}, False)])
def test_a_retry_keeps_the_key_and_a_clear_changes_it(server, operator, given, counts, same):
    execute(operator, **given)
    execute(operator, **given, of_ti=counts)
    first, second = (one.headers["idempotency-key"] for one in server.received)
    assert (first == second) is same


@both
def test_the_log_says_which_posts_go_out(server, operator, given, caplog, capfd):
    caplog.set_level(logging.INFO)
    server.replies = [Reply({"scheduledPostIds": ["sp_1", "sp_2"]})]
    execute(operator, **given)
    moment = "2026-07-01T07:00:00.000Z" if "scheduled_for" in given else "now"
    # Airflow 3 writes to the standard output, Airflow 2 to the logging of Python.
    assert f"Content cnt_1 goes out at {moment}: sp_1, sp_2." in caplog.text + "".join(capfd.readouterr())


@both
@pytest.mark.parametrize(
    ("status", "code"), [(403, "APPROVAL_REQUIRED"), (409, "CONTENT_REJECTED"), (404, "NOT_FOUND")]
)
def test_a_refusal_stops_the_retries(server, operator, given, status, code):
    server.replies = [Reply({"error": {"code": code, "requestId": "req_1"}}, status)]
    with pytest.raises(AirflowFailException, match=f"{status} {code}.*req_1"):
        execute(operator, **given)
