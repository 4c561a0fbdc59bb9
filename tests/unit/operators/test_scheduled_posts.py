"""Moving and canceling scheduled posts."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from airflow_provider_layers.exceptions import LayersConflictError, LayersParameterError
from airflow_provider_layers.operators.scheduled_posts import (
    LayersCancelScheduledPostOperator,
    LayersRescheduleScheduledPostOperator,
)
from tests.unit.scripted import error, ok
from tests.unit.tasks import connected, context

UTC = "2026-07-01T07:00:00.000Z"
EARLIER = "2026-07-01T06:00:00.000Z"
POST = {"id": "sp_1", "status": "queued", "scheduledFor": UTC}


def reschedule(**fields):
    required = {"scheduled_post_id": "sp_1", "scheduled_for": UTC}
    return LayersRescheduleScheduledPostOperator(task_id="task", **(required | fields))


def cancel(**fields):
    return LayersCancelScheduledPostOperator(task_id="task", **({"scheduled_post_id": "sp_1"} | fields))


both = pytest.mark.parametrize("make", [reschedule, cancel])


def execute(operator, api, **of_ti):
    given = context(connected(operator, api), **of_ti)
    result = operator.execute(given)
    assert given["ti"].xcom["layers"]["scheduled_post_ids"] == ["sp_1"]
    return result


def test_a_post_is_moved_to_a_moment_of_any_timezone(script):
    for moment in (UTC, "2026-07-01T09:00:00+02:00", datetime(2026, 7, 1, 7, tzinfo=timezone.utc)):
        api = script(ok(POST))
        assert execute(reschedule(scheduled_for=moment), api) == POST
        assert api.paths == ["POST /v1/scheduled-posts/sp_1/reschedule"]
        assert api.bodies == [{"scheduledFor": UTC}]


def test_a_post_is_canceled_with_and_without_a_reason(script):
    api = script(ok(POST), ok(POST))
    assert [execute(cancel(reason=reason), api) for reason in (None, "Late.")] == [POST, POST]
    assert api.paths == ["DELETE /v1/scheduled-posts/sp_1"] * 2
    assert api.bodies == [None, {"reason": "Late."}]


@pytest.mark.parametrize(
    ("operator", "name"),
    [
        *(
            (make(scheduled_post_id=value), "scheduled_post_id = ")
            for make in (reschedule, cancel)
            for value in ("", None, ["sp_1"], "..")
        ),
        *(
            (reschedule(scheduled_for=value), "scheduled_for")
            for value in ("2026-07-01T09:00:00", "soon", None)
        ),
        *((cancel(reason=value), "reason") for value in ("", "x" * 1025, {"why": "Late."})),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_is_sent(script, operator, name):
    with pytest.raises(LayersParameterError, match=name):
        operator.execute(context(connected(operator, script())))


def test_a_retry_of_a_move_keeps_its_key_and_a_clear_changes_it(script):
    api = script(ok(POST), ok(POST), ok(POST))
    for try_number, max_tries in ((1, 0), (2, 0), (2, 1)):
        execute(reschedule(), api, try_number=try_number, max_tries=max_tries)
    first, retry, cleared = api.keys
    assert first == retry != cleared


@both
def test_a_conflict_is_a_success_only_where_the_post_is_as_requested(script, make):
    conflict = error(409, "CONFLICT", details={"status": "published"})
    settled = {**POST, "status": "canceled" if make is cancel else "publishing"}
    assert execute(make(), script(conflict, ok(settled))) == settled
    with pytest.raises(LayersConflictError, match=r"409 CONFLICT.*published"):
        execute(make(), script(conflict, ok({**POST, "status": "published", "scheduledFor": EARLIER})))
