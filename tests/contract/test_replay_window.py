"""The API forgets a request after 24 hours: a retry that comes later pays and publishes nothing twice."""

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

pytestmark = pytest.mark.usefixtures("memory")
# What regenerates is sent as what generates is.
kinds = pytest.mark.parametrize("kind", ["generate", "clone"], indirect=True)

HOUR = 3600.0


@pytest.fixture
def lost(airflow: Any, api: Any, posted: Any) -> Callable[..., None]:
    """Run a first try whose every answer is lost after the API did what was asked."""

    def run(operator: Any) -> None:
        api.fault("disconnect_after", method="POST", times=5)
        assert isinstance(airflow.run(operator).error, LayersTransportError)
        assert len(posted()) == 5

    return run


@kinds
def test_an_answer_that_was_lost_too_long_ago_stops_the_retry_before_it_sends(
    starter: Any, jobs: Any, lost: Any, airflow: Any, clock: Any, posted: Any, failure: Any
) -> None:
    lost(starter())
    clock.sleep(25 * HOUR)
    error = failure(airflow.run(starter(), try_number=2), LayersReplayWindowError)
    assert posted() == []
    assert len(jobs()) == 1
    for said in (
        "25 hours ago",
        "24 hours",
        "Look in Layers",
        "clear the task",
        "resubmit_after_window=True",
    ):
        assert said in str(error)


@kinds
@pytest.mark.parametrize("hours", [1, 23])
def test_an_answer_that_was_lost_within_the_window_is_asked_for_again(
    hours: float, starter: Any, jobs: Any, lost: Any, airflow: Any, clock: Any, posted: Any
) -> None:
    lost(starter())
    clock.sleep(hours * HOUR)
    assert airflow.value(starter(), try_number=2) == jobs()[0].job_id
    assert [one.replayed for one in posted()] == [True]
    assert len(jobs()) == 1


@kinds
def test_just_before_the_end_of_the_window_it_does_not_trust_two_clocks_to_agree(
    starter: Any, lost: Any, airflow: Any, clock: Any, posted: Any, failure: Any
) -> None:
    lost(starter())
    clock.sleep(24 * HOUR - 300)
    failure(airflow.run(starter(), try_number=2), LayersReplayWindowError)
    assert posted() == []


@kinds
def test_a_remembered_answer_needs_no_window(
    starter: Any, jobs: Any, airflow: Any, clock: Any, posted: Any, failure: Any
) -> None:
    first = airflow.value(starter())
    posted()
    clock.sleep(25 * HOUR)
    found = airflow.run(starter(), try_number=2)
    if airflow.with_store:
        assert found.value == first
    else:
        failure(found, LayersReplayWindowError)
    assert posted() == []
    assert len(jobs()) == 1


@kinds
def test_a_remembered_failure_makes_way_for_one_more_job_however_late(
    starter: Any, jobs: Any, airflow: Any, api: Any, clock: Any
) -> None:
    api.outcome("failed")
    airflow.value(starter())
    clock.sleep(25 * HOUR)
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
def test_a_cleared_task_starts_anew_however_late(
    starter: Any, jobs: Any, lost: Any, airflow: Any, clock: Any
) -> None:
    lost(starter())
    clock.sleep(25 * HOUR)
    cleared = airflow.value(starter(), try_number=2, max_tries=3)
    assert cleared == jobs()[1].job_id


@kinds
def test_a_clear_that_reattaches_is_as_careful(
    starter: Any, jobs: Any, lost: Any, airflow: Any, clock: Any, posted: Any, failure: Any
) -> None:
    lost(starter(on_clear="reattach"))
    clock.sleep(25 * HOUR)
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
    clock.sleep(25 * HOUR)
    cleared = airflow.run(starter(on_clear="reattach"), try_number=2, max_tries=3)
    if airflow.with_store:
        assert cleared.value == jobs()[0].job_id
    else:
        failure(cleared, LayersReplayWindowError)


@kinds
def test_it_is_sent_all_the_same_where_that_was_asked_for(
    starter: Any, jobs: Any, kind: str, lost: Any, airflow: Any, clock: Any, posted: Any
) -> None:
    lost(starter(resubmit_after_window=True))
    clock.sleep(25 * HOUR)
    late = airflow.value(starter(resubmit_after_window=True), try_number=2)
    assert [one.status for one in posted()] == [202]
    assert late == jobs()[-1].job_id
    assert len(jobs()) == (1 if kind == "clone" else 2), (
        "the id of a clone's container is a key without an end"
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


def test_a_post_whose_answer_was_lost_too_long_ago_is_not_sent_again(
    send: Any, lost: Any, airflow: Any, api: Any, clock: Any, posted: Any, failure: Any
) -> None:
    lost(send())
    clock.sleep(25 * HOUR)
    failure(airflow.run(send(), try_number=2), LayersReplayWindowError)
    assert posted() == []
    assert len(post_ids_of(api)) == 1


def test_a_post_whose_answer_was_lost_within_the_window_is_asked_for_again(
    send: Any, lost: Any, airflow: Any, api: Any, clock: Any
) -> None:
    lost(send())
    clock.sleep(23 * HOUR)
    assert airflow.value(send(), try_number=2)["scheduled_post_ids"] == post_ids_of(api)
    assert len(post_ids_of(api)) == 1


def test_a_post_is_sent_again_where_that_was_asked_for(
    send: Any, lost: Any, airflow: Any, api: Any, clock: Any
) -> None:
    lost(send(resubmit_after_window=True))
    clock.sleep(25 * HOUR)
    late = airflow.value(send(resubmit_after_window=True), try_number=2)
    assert late["scheduled_post_ids"][0] in post_ids_of(api)
    assert len(post_ids_of(api)) == 2
