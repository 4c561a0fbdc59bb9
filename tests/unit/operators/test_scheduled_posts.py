"""Moving and canceling scheduled posts."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_layers.operators.scheduled_posts import (
    LayersCancelScheduledPostOperator,
    LayersRescheduleScheduledPostOperator,
)
from tests.unit.serving import Reply
from tests.unit.tasks import context

AT = "2026-07-01T07:00:00.000Z"
BOTH = [
    (LayersRescheduleScheduledPostOperator, {"scheduled_for": AT}),
    (LayersCancelScheduledPostOperator, {"reason": "Late."}),
]
both = pytest.mark.parametrize(("operator", "given"), BOTH, ids=["reschedule", "cancel"])


@pytest.fixture(autouse=True)
def _connected(connect, server):
    connect(host=server.url)


def execute(operator, *, of_ti=None, **given):
    task = operator(task_id="task", **{"scheduled_post_id": "sp_1", **given})
    return task.execute(context(task, **(of_ti or {})))


def conflict(**details):
    return Reply({"error": {"code": "CONFLICT", "details": details}}, 409)


@pytest.mark.parametrize(
    "moment", [AT, "2026-07-01T09:00:00+02:00", datetime(2026, 7, 1, 7, tzinfo=timezone.utc)]
)
def test_a_post_is_moved(server, moment):
    server.replies = [Reply({"id": "sp_1", "status": "queued", "scheduledFor": AT})]
    post = execute(LayersRescheduleScheduledPostOperator, scheduled_for=moment)
    assert post == {"id": "sp_1", "status": "queued", "scheduledFor": AT}
    (received,) = server.received
    assert (received.method, received.path) == ("POST", "/v1/scheduled-posts/sp_1/reschedule")
    assert json.loads(received.body) == {"scheduledFor": AT}


@pytest.mark.parametrize(("reason", "body"), [(None, b""), ("Late.", b'{"reason":"Late."}')])
def test_a_post_is_canceled_with_and_without_a_reason(server, reason, body):
    server.replies = [Reply({"id": "sp_1", "status": "canceled"})]
    assert execute(LayersCancelScheduledPostOperator, reason=reason) == {"id": "sp_1", "status": "canceled"}
    (received,) = server.received
    assert (received.method, received.path) == ("DELETE", "/v1/scheduled-posts/sp_1")
    assert received.body.replace(b'": "', b'":"') == body


@both
def test_what_is_asked_for_can_be_templated(operator, given):
    assert set(operator.template_fields) == {"layers_conn_id", "scheduled_post_id", *given}


@both
@pytest.mark.parametrize("scheduled_post_id", ["", None, ["sp_1"], ".."])
def test_a_wrong_id_stops_the_retries_before_anything_is_sent(server, operator, given, scheduled_post_id):
    with pytest.raises(AirflowFailException, match="scheduled_post_id = "):
        execute(operator, **given, scheduled_post_id=scheduled_post_id)
    assert server.received == []


@pytest.mark.parametrize("moment", ["2026-07-01T09:00:00", "tomorrow", None])
def test_a_move_needs_a_moment_with_a_timezone(server, moment):
    with pytest.raises(AirflowFailException, match="scheduled_for"):
        execute(LayersRescheduleScheduledPostOperator, scheduled_for=moment)
    assert server.received == []


@pytest.mark.parametrize("reason", ["", "x" * 1025, {"why": "Late."}])
def test_a_reason_has_1_to_1024_characters(server, reason):
    with pytest.raises(AirflowFailException, match="reason"):
        execute(LayersCancelScheduledPostOperator, reason=reason)
    assert server.received == []


@pytest.mark.parametrize(("counts", "same"), [({"try_number": 2}, True), ({"max_tries": 1}, False)])
def test_a_retry_of_a_move_keeps_its_key_and_a_clear_changes_it(server, counts, same):
    for of_ti in ({}, counts):
        execute(LayersRescheduleScheduledPostOperator, scheduled_for=AT, of_ti=of_ti)
    first, second = (one.headers["idempotency-key"] for one in server.received)
    assert (first == second) is same


@both
def test_a_conflict_stops_the_retries_where_the_post_is_not_as_asked(server, operator, given):
    server.replies = [conflict(status="published"), Reply({"id": "sp_1", "status": "published"})]
    with pytest.raises(AirflowFailException, match=r"409 CONFLICT.*published"):
        execute(operator, **given)
    assert [one.method for one in server.received][1:] == ["GET"]


@both
def test_a_conflict_is_a_success_where_the_post_is_as_asked(server, operator, given):
    status = "canceled" if operator is LayersCancelScheduledPostOperator else "publishing"
    post = {"id": "sp_1", "status": status, "scheduledFor": AT}
    server.replies = [conflict(status=status), Reply(post)]
    assert execute(operator, **given) == post
