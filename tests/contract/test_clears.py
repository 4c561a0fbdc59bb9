"""A user's clear is not a retry: it starts a new job, or reattaches to the earlier one if requested."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_layers.exceptions import (
    LayersBillingError,
    LayersIdempotencyError,
    LayersReplayWindowError,
    LayersRequestChangedError,
)

pytestmark = [
    pytest.mark.usefixtures("memory"),
    # A regeneration is sent in the same way as a generation.
    pytest.mark.parametrize("kind", ["generate", "clone"], indirect=True),
]

DAY = 24 * 3600
# What Airflow counts, with two retries: the first try, the first after a clear, and a retry of that.
FIRST = {"try_number": 1, "max_tries": 2}
CLEARED = {"try_number": 2, "max_tries": 3}
RETRIED = {"try_number": 3, "max_tries": 3}
CLEARED_AGAIN = {"try_number": 4, "max_tries": 5}


def test_a_clear_starts_a_new_job_and_its_retry_does_not(
    starter: Any, jobs: Any, airflow: Any, api: Any
) -> None:
    first = airflow.value(starter(), **FIRST)
    api.advance(60)
    cleared = airflow.value(starter(), **CLEARED)
    retried = airflow.value(starter(), **RETRIED)
    assert first != cleared == retried
    api.advance(60)
    assert airflow.value(starter(), **CLEARED_AGAIN) not in (first, cleared)
    assert len(jobs()) == 3


@pytest.mark.parametrize("ended", ["running", "completed"])
def test_a_clear_reattaches_where_that_is_requested(
    ended: str, starter: Any, jobs: Any, airflow: Any, api: Any
) -> None:
    first = airflow.value(starter(on_clear="reattach"), **FIRST)
    api.advance(60 if ended == "completed" else 0)
    for later in (CLEARED, RETRIED, CLEARED_AGAIN):
        assert airflow.value(starter(on_clear="reattach"), **later) == first
    assert [job.status for job in jobs()] == [ended]


def test_a_reattached_task_waits_and_returns_the_result(
    starter: Any, jobs: Any, airflow: Any, api: Any
) -> None:
    waits = {"on_clear": "reattach", "wait_for_completion": True}
    first = airflow.value(starter(**waits), **FIRST)
    cleared = airflow.run(starter(**waits), **CLEARED)
    assert cleared.value == first == jobs()[0].container_ids
    assert cleared.xcoms["job"]["status"] == "completed"
    assert len(jobs()) == 1


def test_a_changed_request_starts_a_new_job_even_where_it_reattaches(
    starter: Any, jobs: Any, airflow: Any, api: Any
) -> None:
    first = airflow.value(starter("now", on_clear="reattach"), **FIRST)
    api.advance(60)
    cleared = airflow.value(starter("later", on_clear="reattach"), **CLEARED)
    assert cleared != first
    assert airflow.value(starter("later", on_clear="reattach"), **RETRIED) == cleared
    assert len(jobs()) == 2


@pytest.mark.parametrize("ended", ["failed", "canceled"])
@pytest.mark.parametrize("on_clear", ["resubmit", "reattach"])
def test_a_clear_after_a_job_that_ended_badly_starts_one_more(
    on_clear: str, ended: str, starter: Any, jobs: Any, airflow: Any, api: Any
) -> None:
    api.outcome(ended)
    first = airflow.value(starter(on_clear=on_clear), **FIRST)
    api.advance(60)
    cleared = airflow.value(starter(on_clear=on_clear), **CLEARED)
    assert cleared != first
    assert airflow.value(starter(on_clear=on_clear), **RETRIED) == cleared
    assert len(jobs()) == 2


@pytest.mark.parametrize("on_clear", ["resubmit", "reattach"])
def test_a_refused_task_succeeds_once_its_cause_is_removed_and_it_is_cleared(
    on_clear: str, starter: Any, jobs: Any, airflow: Any, api: Any, failure: Any
) -> None:
    api.configure(credits=0)
    failure(airflow.run(starter(on_clear=on_clear), **FIRST), LayersBillingError)
    api.configure(credits=10_000)
    airflow.value(starter(on_clear=on_clear), **CLEARED)
    assert len(jobs()) == 1


def test_a_clear_long_after_the_first_job_starts_a_new_one(
    starter: Any, jobs: Any, airflow: Any, clock: Any
) -> None:
    """Airflow moves the start of an ended run when its task is cleared, but not that of a running one."""
    first = airflow.value(starter(), **FIRST)
    clock.sleep(3 * DAY)
    assert airflow.value(starter(), **CLEARED) != first
    assert len(jobs()) == 2


def test_a_stored_job_is_found_again_long_after(
    starter: Any, jobs: Any, airflow: Any, clock: Any, failure: Any
) -> None:
    first = airflow.value(starter(on_clear="reattach"), **FIRST)
    clock.sleep(3 * DAY)
    found = airflow.run(starter(on_clear="reattach"), **CLEARED)
    if airflow.with_store:
        assert found.value == first
    else:
        failure(found, LayersReplayWindowError)
    assert len(jobs()) == 1


def test_a_request_that_changed_between_tries_is_an_error_and_no_second_job(
    starter: Any, jobs: Any, kind: str, airflow: Any, failure: Any, posted: Any
) -> None:
    airflow.value(starter("now"))
    changed = airflow.run(starter("later"), try_number=2)
    if airflow.with_store:
        error = failure(changed, LayersRequestChangedError)
        assert f"Changed: {'overrides' if kind == 'clone' else 'brief'}. Nothing was sent." in str(error)
        assert len(posted()) == 1
    else:
        error = failure(changed, LayersIdempotencyError)
        assert error.code == "IDEMPOTENCY_CONFLICT"
        assert "differ" in str(error)
        assert "Request id: req_" in str(error)
    assert len(jobs()) == 1


def test_a_request_that_changed_back_finds_its_job(starter: Any, jobs: Any, airflow: Any) -> None:
    first = airflow.value(starter("now"))
    assert airflow.run(starter("later"), try_number=2).error is not None
    assert airflow.value(starter("now"), try_number=3) == first
    assert len(jobs()) == 1


def test_tasks_runs_and_mapped_siblings_do_not_share_a_job(
    starter: Any, jobs: Any, airflow: Any, api: Any
) -> None:
    others = [{}, {"map_index": 0}, {"map_index": 1}, {"run_id": "b"}, {"task_id": "b"}, {"dag_id": "b"}]
    for other in others:
        airflow.value(starter(), **other)
        api.advance(60)
    assert len(jobs()) == len(others)
