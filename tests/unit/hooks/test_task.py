"""What a task instance tells about itself, and how it fails."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_layers.exceptions import LayersNotFoundError, LayersTransportError
from airflow_provider_layers.hooks.task import earliest_event, generation, origin, stops_retries, tries
from tests.unit.tasks import context

# How Airflow counts: (try_number, max_tries, retries) over a life with two retries and two clears.
LIFE = [
    ((1, 2, 2), 0, 1),
    ((2, 2, 2), 0, 2),
    ((3, 2, 2), 0, 3),
    ((4, 5, 2), 3, 1),
    ((5, 5, 2), 3, 2),
    ((6, 7, 2), 5, 1),
]


def of(counts, **fields):
    number, most, retries = counts
    return context(SimpleNamespace(retries=retries), try_number=number, max_tries=most, **fields)


@pytest.mark.parametrize(("counts", "cleared", "since"), LIFE)
def test_a_clear_is_told_from_a_retry(counts, cleared, since):
    assert generation(of(counts)) == cleared
    assert tries(of(counts), since_clear=True) == since
    assert tries(of(counts), since_clear=False) == counts[0]


def test_a_task_without_retries_is_cleared_too():
    assert generation(of((1, 0, 0))) == 0
    assert generation(of((2, 1, 0))) == 1
    assert generation(of((2, 1, None))) == 1
    assert tries(of((2, 1, 0)), since_clear=True) == 1


@pytest.mark.parametrize("counts", [(0, 0, 0), (1, 5, 0)])
def test_there_is_always_one_try(counts):
    assert tries(of(counts), since_clear=True) == 1


def test_all_tries_between_two_clears_are_one_origin():
    origins = [origin(of(counts)) for counts, _, _ in LIFE]
    assert [origins.index(one) for one in origins] == [0, 0, 0, 3, 3, 5]


def test_another_number_of_retries_is_no_other_origin():
    assert origin(of((2, 2, 2))) == origin(of((2, 2, 5)))


def test_a_clear_can_be_left_out_of_the_origin():
    assert {origin(of(counts), of_clear=False) for counts, _, _ in LIFE} == {origin(of(LIFE[0][0]))}


def test_the_origin_is_the_task_instance():
    found = origin(of((1, 2, 2), dag_id="d", run_id="r", task_id="t", map_index=3))
    assert (found.dag_id, found.run_id, found.task_id, found.map_index) == ("d", "r", "t", 3)


def test_a_task_that_is_not_mapped_has_one_origin_on_every_release():
    assert origin(of((1, 0, 0), map_index=None)) == origin(of((1, 0, 0), map_index=-1))


@pytest.mark.parametrize(("heartbeat", "seconds"), [("5", 6.0), ("1", 2.0), ("0", 0.0)])
def test_no_event_comes_before_the_deferring_process_is_seen_to_end(monkeypatch, heartbeat, seconds):
    monkeypatch.setenv("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", heartbeat)
    assert earliest_event() == seconds


class Task:
    @stops_retries
    def execute(self, context, error=None, *, result=None):
        """Do it."""
        if error:
            raise error
        return result


def test_a_permanent_error_stops_airflows_retries():
    error = LayersNotFoundError("read it", status_code=404, request_id="req_1")
    with pytest.raises(AirflowFailException) as caught:
        Task().execute({}, error)
    assert str(caught.value) == str(error)
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [LayersTransportError("lost"), KeyError("a bug")])
def test_every_other_error_stays_what_it_is(error):
    with pytest.raises(type(error)) as caught:
        Task().execute({}, error)
    assert caught.value is error


def test_a_result_passes():
    assert Task().execute({}, result=["cnt_1"]) == ["cnt_1"]
    assert Task.execute.__name__ == "execute"
