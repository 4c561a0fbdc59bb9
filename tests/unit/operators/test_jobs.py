"""Canceling jobs."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_layers.operators.jobs import LayersCancelJobOperator
from tests.unit.serving import Reply
from tests.unit.tasks import context


@pytest.fixture
def cancel(connect, server):
    """Cancel a job; the API gives this answer."""
    connect(host=server.url)

    def run(reply, job_id="job_1"):
        server.replies = [reply]
        task = LayersCancelJobOperator(task_id="task", job_id=job_id)
        return task.execute(context(task))

    return run


def conflict(**details):
    return Reply({"error": {"code": "CONFLICT", "details": details}}, 409)


@pytest.mark.parametrize(
    ("reply", "accepted", "reason"),
    [
        (Reply({"jobId": "job_1", "accepted": True}, 202), True, None),
        (Reply({"accepted": False, "reason": "ALREADY_COMPLETED"}), False, "ALREADY_COMPLETED"),
        (conflict(subcode="JOB_CANCEL_UNAVAILABLE"), False, "JOB_CANCEL_UNAVAILABLE"),
    ],
)
def test_every_answer_of_the_api_is_a_result(cancel, server, reply, accepted, reason):
    assert cancel(reply) == {"job_id": "job_1", "accepted": accepted, "reason": reason}
    assert [(one.method, one.path) for one in server.received] == [("POST", "/v1/jobs/job_1/cancel")]


@pytest.mark.parametrize("reply", [Reply({"error": {"code": "NOT_FOUND"}}, 404), conflict()])
def test_a_job_that_cannot_be_canceled_stops_the_retries(cancel, reply):
    with pytest.raises(AirflowFailException, match="Could not cancel job job_1"):
        cancel(reply)


@pytest.mark.parametrize("job_id", ["", None, ["job_1"]])
def test_a_wrong_job_id_stops_the_retries_before_anything_is_sent(cancel, server, job_id):
    with pytest.raises(AirflowFailException, match="job_id = "):
        cancel(Reply({}), job_id)
    assert server.received == []
