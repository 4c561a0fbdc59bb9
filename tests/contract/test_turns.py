"""A request that the API refuses for its rate limit waits its turn: it fails nothing and uses up no try."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowTaskTimeout, TaskDeferred

from airflow_provider_layers.exceptions import LayersTimeoutError
from airflow_provider_layers.operators.content import LayersGenerateContentOperator
from airflow_provider_layers.operators.jobs import FLEET_SIZE
from airflow_provider_layers.polling.rate_limits import START, WRITE
from airflow_provider_layers.triggers.turns import LayersTurnTrigger
from tests.limits import STARTS_PER_MINUTE

POST = {"method": "POST", "path": "/v1/projects/*/content"}
STANDARD = STARTS_PER_MINUTE["standard"]


@pytest.fixture
def generate(api: Any) -> Any:
    def make(**arguments: Any) -> LayersGenerateContentOperator:
        arguments = {"task_id": "make", "project_id": api.project_id, "brief": {"topic": "x"}, **arguments}
        return LayersGenerateContentOperator(**arguments)

    return make


def test_a_worker_waits_with_growing_pauses(generate: Any, airflow: Any, api: Any, clock: Any) -> None:
    api.fault("rate_limit", retry_after=3, times=8, **POST)
    assert airflow.value(generate()) == api.jobs()[0].job_id
    assert len(api.requests(**POST)) == 9
    pauses = [pause - 3 for pause in clock.slept]
    for number, pause in enumerate(pauses):
        grown = min(60, 2 * 2**number)
        assert 0.5 * grown <= pause <= 1.5 * grown, "on top of what the API asked for"


def test_the_cap_on_running_jobs_is_waited_for(generate: Any, airflow: Any, api: Any) -> None:
    api.configure(concurrent_jobs=1, job_seconds=600)
    airflow.value(generate(), run_id="first")
    airflow.value(generate(), run_id="second")
    assert [job.status for job in api.jobs()] == ["completed", "running"]


def test_a_task_that_may_defer_gives_its_worker_back(
    generate: Any, airflow: Any, api: Any, clock: Any
) -> None:
    api.fault("rate_limit", retry_after=30, times=2, **POST)
    result = airflow.run(generate(deferrable=True))
    assert result.value == api.jobs()[0].job_id
    (first, _), (second, again) = result.triggers
    assert first == second == f"{LayersTurnTrigger.__module__}.{LayersTurnTrigger.__qualname__}"
    assert again["after_turn"], "the second refusal came although it was its turn"
    assert result.events[0]["arrived_at"] == result.events[1]["arrived_at"], "it keeps its place"
    assert clock.elapsed >= 60
    assert len(api.requests(**POST)) == 3


def test_a_fleet_waits_before_its_first_request(generate: Any, airflow: Any, api: Any) -> None:
    within = airflow.run(generate(deferrable=True), map_index=FLEET_SIZE - 1)
    assert (within.triggers, len(api.requests(**POST))) == ([], 1)
    beyond = airflow.run(generate(deferrable=True), map_index=FLEET_SIZE)
    assert (len(beyond.triggers), len(api.requests(**POST))) == (1, 2)
    assert beyond.triggers[0][1]["refused_at"] == 0.0


@pytest.mark.parametrize("deferrable", [False, True], ids=["worker", "triggerer"])
def test_the_start_timeout_ends_the_wait(
    deferrable: bool, generate: Any, airflow: Any, api: Any, clock: Any, failure: Any
) -> None:
    api.fault("rate_limit", retry_after=5, times=None, **POST)
    result = airflow.run(generate(deferrable=deferrable, start_timeout=timedelta(minutes=10)))
    error = failure(result, LayersTimeoutError)
    assert "start_timeout" in str(error)
    assert "not carried out" in str(error)
    assert 500 <= clock.elapsed <= 601
    assert api.jobs() == []


@pytest.mark.parametrize("deferrable", [False, True], ids=["worker", "triggerer"])
def test_the_execution_timeout_ends_the_wait_as_airflow_does(
    deferrable: bool, generate: Any, airflow: Any, api: Any, clock: Any
) -> None:
    api.fault("rate_limit", retry_after=5, times=None, **POST)
    operator = generate(deferrable=deferrable, execution_timeout=timedelta(minutes=5))
    context = airflow.context(operator, start_date=datetime.fromtimestamp(clock.start, timezone.utc))
    with pytest.raises(AirflowTaskTimeout, match="execution_timeout"):
        run_in_context(airflow, operator, context)
    assert 200 <= clock.elapsed <= 301


def run_in_context(airflow: Any, operator: Any, context: Any) -> Any:
    method, event = "execute", {}
    while True:
        task = airflow.prepared(operator, context)
        try:
            return task.execute(context) if method == "execute" else getattr(task, method)(context, event)
        except TaskDeferred as deferred:
            method, event = deferred.method_name, airflow.fire(deferred.trigger.serialize())


@pytest.mark.usefixtures("memory")
def test_a_retry_of_a_task_that_waited_starts_one_job(generate: Any, airflow: Any, api: Any) -> None:
    api.fault("rate_limit", retry_after=5, **POST)
    operator = generate(deferrable=True, retries=1)
    with pytest.raises(TaskDeferred):
        airflow.execute(operator)
    assert airflow.value(operator, try_number=2) == api.jobs()[0].job_id
    assert airflow.value(operator, try_number=3) == api.jobs()[0].job_id
    assert len(api.jobs()) == 1


def test_the_event_of_another_task_is_no_harm(generate: Any, airflow: Any, api: Any) -> None:
    context = airflow.context(generate())
    task = airflow.prepared(generate(), context)
    assert task.resume_turn(context, {"job_id": "job_1", "status": "completed"}) == api.jobs()[0].job_id


@pytest.mark.parametrize(("tier", "share"), [("standard", 0.95), ("pilot", 0.95)])
def test_turns_come_in_order_of_arrival_at_the_tier_s_rate(
    tier: str, share: float, crowd: Any, api: Any, clock: Any
) -> None:
    api.configure(tier=tier)
    now, per_minute = clock.time(), STARTS_PER_MINUTE[tier]
    count = 2 * per_minute
    triggers = [LayersTurnTrigger(deadline=now + 3600, arrived_at=now - number) for number in range(count)]
    events = sorted(crowd.wait(triggers), key=lambda event: event["after"])
    assert [event["arrived_at"] for event in events] == [now - number for number in reversed(range(count))]
    moments = [event["after"] for event in events]
    for number, moment in enumerate(moments):
        in_a_minute = sum(1 for other in moments[number:] if other < moment + 60)
        assert in_a_minute <= share * per_minute + 1
    assert moments[-1] <= 1.1 * count / per_minute * 60
    assert len(api.requests(method="GET", path="/v1/whoami")) == 1


def test_a_refusal_in_its_turn_slows_the_queue_down_and_another_does_not(crowd: Any, clock: Any) -> None:
    def last(**refusal: Any) -> float:
        now = clock.time()
        triggers = [LayersTurnTrigger(deadline=now + 3600, arrived_at=now) for _ in range(10)]
        triggers.append(LayersTurnTrigger(deadline=now + 3600, arrived_at=now, refused_at=now, **refusal))
        return max(event["after"] for event in crowd.wait(triggers)) - (now - clock.start)

    plain = last()
    assert last(after_turn=True) > 1.2 * plain
    assert plain <= last(retry_after=20.0) <= plain + 21


def test_classes_of_routes_do_not_wait_for_each_other(crowd: Any, clock: Any) -> None:
    now = clock.time()
    starts = [LayersTurnTrigger(deadline=now + 3600, route_class=START) for _ in range(400)]
    writes = [LayersTurnTrigger(deadline=now + 3600, route_class=WRITE) for _ in range(2)]
    events = crowd.wait([*starts, *writes])
    assert max(event["after"] for event in events[-2:]) < 5 < max(event["after"] for event in events)


def test_a_mapped_fleet_starts_at_the_tier_s_rate_with_few_refusals(
    generate: Any, airflow: Any, api: Any, clock: Any
) -> None:
    api.configure(tier="standard")
    count = 3 * STANDARD

    async def run(map_index: int) -> str:
        operator = generate(deferrable=True)
        context = airflow.context(operator, map_index=map_index)
        method, event = "execute", None
        while True:
            task = airflow.prepared(operator, context)
            try:
                return task.execute(context) if event is None else getattr(task, method)(context, event)
            except TaskDeferred as deferred:
                method, event = deferred.method_name, await airflow.event_of(deferred.trigger)

    async def run_all() -> list[str]:
        return await asyncio.gather(*[run(map_index) for map_index in range(count)])

    job_ids = asyncio.run(clock.run_until_death(run_all()))
    assert sorted(job_ids) == sorted(job.job_id for job in api.jobs())
    assert len(set(job_ids)) == count
    assert len(api.requests(**POST)) <= 1.1 * count
    assert count / clock.elapsed * 60 >= 0.9 * STANDARD
