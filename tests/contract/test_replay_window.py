"""The API forgets a request after 24 hours: a later retry pays for nothing and publishes nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_layers.exceptions import (
    LayersBillingError,
    LayersReplayWindowError,
    LayersTransportError,
)
from airflow_provider_layers.operators.content import (
    LayersApproveContentOperator,
    LayersPublishContentOperator,
    LayersScheduleContentOperator,
)
from tests.contract.bystander import post_ids_of
from tests.limits import REPLAY_WINDOW_SECONDS

pytestmark = pytest.mark.usefixtures("memory")
# A regeneration is sent in the same way as a generation.
kinds = pytest.mark.parametrize("kind", ["generate", "clone"], indirect=True)

HOUR = 3600.0
WINDOW = REPLAY_WINDOW_SECONDS
LATE = WINDOW + HOUR


@pytest.fixture
def lost(airflow: Any, api: Any, posted: Any) -> Callable[..., None]:
    """Run a first try whose every response is lost after the API carried out the request."""

    def run(operator: Any) -> None:
        api.fault("disconnect_after", method="POST", times=5)
        assert isinstance(airflow.run(operator).error, LayersTransportError)
        assert len(posted()) == 5

    return run


@kinds
def test_a_response_lost_before_the_window_stops_the_retry_before_it_sends(
    starter: Any, jobs: Any, lost: Any, airflow: Any, clock: Any, posted: Any, failure: Any
) -> None:
    lost(starter())
    clock.sleep(LATE)
    error = failure(airflow.run(starter(), try_number=2), LayersReplayWindowError)
    assert posted() == []
    assert len(jobs()) == 1
    for part in (
        "25 hours ago",
        "24 hours",
        "Check in Layers",
        "clear the task",
        "resubmit_after_window=True",
    ):
        assert part in str(error)


@kinds
@pytest.mark.parametrize("hours", [1, 23])
def test_a_response_lost_within_the_window_is_requested_again(
    hours: float, starter: Any, jobs: Any, lost: Any, airflow: Any, clock: Any, posted: Any
) -> None:
    lost(starter())
    clock.sleep(hours * HOUR)
    assert airflow.value(starter(), try_number=2) == jobs()[0].job_id
    assert [request.replayed for request in posted()] == [True]
    assert len(jobs()) == 1


@kinds
def test_the_last_minutes_of_the_window_are_not_used_because_clocks_differ(
    starter: Any, lost: Any, airflow: Any, clock: Any, posted: Any, failure: Any
) -> None:
    lost(starter())
    clock.sleep(WINDOW - 300)
    failure(airflow.run(starter(), try_number=2), LayersReplayWindowError)
    assert posted() == []


@kinds
def test_a_stored_response_needs_no_window(
    starter: Any, jobs: Any, airflow: Any, clock: Any, posted: Any, failure: Any
) -> None:
    first = airflow.value(starter())
    posted()
    clock.sleep(LATE)
    found = airflow.run(starter(), try_number=2)
    if airflow.with_store:
        assert found.value == first
    else:
        failure(found, LayersReplayWindowError)
    assert posted() == []
    assert len(jobs()) == 1


@kinds
def test_a_stored_failure_is_replaced_by_one_more_job_however_late(
    starter: Any, jobs: Any, airflow: Any, api: Any, clock: Any
) -> None:
    api.outcome("failed")
    airflow.value(starter())
    clock.sleep(LATE)
    late = airflow.run(starter(), try_number=2)
    assert (late.error is None) is airflow.with_store
    assert [job.status for job in jobs()] == ["failed", "running"][: 2 if airflow.with_store else 1]


@kinds
def test_a_first_try_is_never_too_late(starter: Any, jobs: Any, airflow: Any, clock: Any) -> None:
    """A task may wait for days in its run before it starts."""
    clock.sleep(72 * HOUR)
    airflow.value(starter())
    assert len(jobs()) == 1


@kinds
def test_a_cleared_task_starts_a_new_job_however_late(
    starter: Any, jobs: Any, lost: Any, airflow: Any, clock: Any
) -> None:
    lost(starter())
    clock.sleep(LATE)
    cleared = airflow.value(starter(), try_number=2, max_tries=3)
    assert cleared == jobs()[1].job_id


@kinds
def test_a_clear_that_reattaches_observes_the_window(
    starter: Any, jobs: Any, lost: Any, airflow: Any, clock: Any, posted: Any, failure: Any
) -> None:
    lost(starter(on_clear="reattach"))
    clock.sleep(LATE)
    cleared = airflow.run(starter(on_clear="reattach"), try_number=2, max_tries=3)
    failure(cleared, LayersReplayWindowError)
    assert posted() == []
    assert len(jobs()) == 1


@kinds
def test_a_refusal_leaves_nothing_that_could_have_been_paid_for(
    starter: Any, jobs: Any, airflow: Any, api: Any, clock: Any, failure: Any
) -> None:
    api.fault("fail_before", method="POST", status=402, code="BILLING_EXHAUSTED")
    failure(airflow.run(starter(on_clear="reattach")), LayersBillingError)
    clock.sleep(LATE)
    cleared = airflow.run(starter(on_clear="reattach"), try_number=2, max_tries=3)
    if airflow.with_store:
        assert cleared.value == jobs()[0].job_id
    else:
        failure(cleared, LayersReplayWindowError)


@kinds
def test_a_start_is_sent_after_the_window_where_that_is_requested(
    starter: Any, jobs: Any, kind: str, lost: Any, airflow: Any, clock: Any, posted: Any
) -> None:
    lost(starter(resubmit_after_window=True))
    clock.sleep(LATE)
    late = airflow.value(starter(resubmit_after_window=True), try_number=2)
    assert [request.status for request in posted()] == [202]
    assert late == jobs()[-1].job_id
    assert len(jobs()) == (1 if kind == "clone" else 2), (
        "the id of a clone's container is a key that does not expire"
    )


@kinds
def test_without_a_store_a_retry_counts_from_the_start_of_the_run(
    starter: Any, jobs: Any, airflow: Any, clock: Any, failure: Any
) -> None:
    airflow.with_store = False
    first = airflow.value(starter())
    clock.sleep(20 * HOUR)
    airflow.run_started = clock.time() - 25 * HOUR
    failure(airflow.run(starter(), try_number=2), LayersReplayWindowError)
    airflow.run_started = clock.time() - 20 * HOUR
    assert airflow.value(starter(), try_number=2) == first
    assert len(jobs()) == 1


@pytest.fixture(params=["schedule", "publish"])
def send(request: Any, api: Any, airflow: Any, made: Any, posted: Any) -> Any:
    container = made()
    airflow.value(LayersApproveContentOperator(task_id="approve", container_id=container))
    posted()
    targets = [{"social_account_id": api.social_account_ids[0], "mode": "publish"}]

    def make(**arguments: Any) -> Any:
        arguments = {
            "task_id": "make",
            "retries": 2,
            "container_id": container,
            "targets": targets,
            **arguments,
        }
        if request.param == "publish":
            return LayersPublishContentOperator(**arguments)
        return LayersScheduleContentOperator(scheduled_for="2040-07-01T09:00:00Z", **arguments)

    return make


def test_a_post_whose_response_was_lost_before_the_window_is_found_among_the_posts(
    send: Any, lost: Any, airflow: Any, api: Any, clock: Any, posted: Any
) -> None:
    lost(send())
    clock.sleep(LATE)
    assert airflow.value(send(), try_number=2)["scheduled_post_ids"] == post_ids_of(api)
    assert posted() == []
    assert len(post_ids_of(api)) == 1


def test_a_post_that_never_was_is_sent_however_late(
    send: Any, airflow: Any, api: Any, clock: Any, posted: Any
) -> None:
    api.fault("fail_before", method="POST", times=5)
    assert airflow.run(send()).error is not None
    posted()
    clock.sleep(LATE)
    assert airflow.value(send(), try_number=2)["scheduled_post_ids"] == post_ids_of(api)
    assert len(posted()) == 1


def unreadable(api: Any) -> None:
    """Let the key not read scheduled posts."""
    path = "/v1/projects/*/scheduled-posts"
    api.fault("fail_before", method="GET", path=path, status=403, code="FORBIDDEN_SCOPE", times=None)


@pytest.mark.parametrize("on_clear", ["reattach", "resubmit"])
def test_a_late_post_is_not_sent_where_the_posts_are_not_read(
    on_clear: str, send: Any, lost: Any, airflow: Any, api: Any, clock: Any, posted: Any, failure: Any
) -> None:
    operator = send(on_clear=on_clear)
    lost(operator)
    clock.sleep(LATE)
    unreadable(api)
    failure(airflow.run(operator, try_number=2), LayersReplayWindowError)
    assert posted() == []


def test_a_post_whose_response_was_lost_within_the_window_is_requested_again(
    send: Any, lost: Any, airflow: Any, api: Any, clock: Any, posted: Any
) -> None:
    lost(send())
    clock.sleep(23 * HOUR)
    unreadable(api)
    late = airflow.value(send(), try_number=2)
    assert [request.replayed for request in posted()] == [True]
    api.clear_faults()
    assert late["scheduled_post_ids"] == post_ids_of(api)


def test_a_post_is_sent_after_the_window_where_that_is_requested(
    send: Any, lost: Any, airflow: Any, api: Any, clock: Any
) -> None:
    operator = send(resubmit_after_window=True, on_clear="resubmit")
    lost(operator)
    clock.sleep(LATE)
    late = airflow.value(operator, try_number=2)
    assert late["scheduled_post_ids"][0] in post_ids_of(api)
    assert len(post_ids_of(api)) == 2
