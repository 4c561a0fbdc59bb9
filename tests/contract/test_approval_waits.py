"""Waiting until content is approved or rejected in Layers, in each way of waiting."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from airflow.providers.common.compat.sdk import (
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)

from airflow_provider_layers.exceptions import (
    LayersAuthenticationError,
    LayersContentError,
    LayersNotFoundError,
    LayersReviewRejectedError,
    LayersUnexpectedResponseError,
)
from airflow_provider_layers.operators.content import LayersScheduleContentOperator
from airflow_provider_layers.sensors.content import LayersContentApprovalSensor
from airflow_provider_layers.sensors.jobs import LayersJobSensor
from airflow_provider_layers.triggers.content import LayersContentApprovalTrigger
from tests.contract.bystander import read

if TYPE_CHECKING:
    from collections.abc import Callable

HOUR = 3600.0
DAY = 24 * HOUR
LIST = "/v1/projects/*/content"
WAYS: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True},
}


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def way(request: Any) -> dict[str, Any]:
    return request.param


@pytest.fixture
def sense(sensing: Any, way: dict[str, Any]) -> Any:
    def run(container_id: Any, **arguments: Any) -> Any:
        arguments = {"timeout": 2 * HOUR, **way, **arguments}
        return sensing(LayersContentApprovalSensor(task_id="wait", container_id=container_id, **arguments))

    return run


@pytest.fixture
def decide(api: Any) -> Callable[..., None]:
    """Decide on content as a user does, without the package under test."""

    def send(verb: str, *container_ids: str) -> None:
        headers = {"Authorization": f"Bearer {api.api_key}"}
        for container_id in container_ids:
            body = {"reason": "No."} if verb == "reject" else {}
            url = f"{api.url}/v1/content/{container_id}/{verb}"
            assert httpx.post(url, headers=headers, json=body, trust_env=False).status_code in (200, 202)

    return send


@pytest.fixture
def at(clock: Any) -> Callable[..., None]:
    """Do something so many seconds from now, during a wait."""
    plan: list[tuple[float, Callable[[], None]]] = []

    def watch() -> None:
        for entry in [item for item in plan if item[0] <= clock.elapsed]:
            plan.remove(entry)
            entry[1]()

    def put(seconds: float, act: Callable[[], None]) -> None:
        plan.append((clock.elapsed + seconds, act))
        clock.on_sleep = watch

    return put


def list_reads(api: Any) -> list[Any]:
    return api.requests(method="GET", path=LIST)


def content_reads(api: Any) -> list[Any]:
    return api.requests(method="GET", path="/v1/content/*")


def finished(crowd: Any, clock: Any, count: int) -> list[str]:
    """Make content that waits for a decision, without the package under test."""
    jobs = crowd.start(count)
    clock.sleep(61)
    return [container_id for job in jobs for container_id in job.container_ids]


def triggers(api: Any, clock: Any, container_ids: list[str], **changes: Any) -> list[Any]:
    """Return the triggers of many sensors, each of which has read its content."""
    contents = [read(api, f"/v1/content/{container_id}") for container_id in container_ids]
    return [
        LayersContentApprovalTrigger(
            **{
                "container_ids": [container_id],
                "deadline": clock.time() + DAY,
                "project_id": content["projectId"],
                "created_at": content["createdAt"],
                **changes,
            }
        )
        for container_id, content in zip(container_ids, contents, strict=True)
    ]


def test_it_waits_until_the_content_is_approved_and_returns_its_id(
    made: Any, sense: Any, at: Any, decide: Any, clock: Any, way: dict[str, Any]
) -> None:
    container = made()
    at(1800, lambda: decide("approve", container))
    result = sense(container)
    assert result.error is None
    assert result.value == container
    assert result.xcoms["approvals"] == {container: "approved"}
    assert result.xcoms["layers"]["container_ids"] == [container]
    assert 1800 <= clock.elapsed <= 1800 + 62
    assert bool(result.triggers) is bool(way.get("deferrable"))
    assert (result.reschedules > 0) is (way.get("mode") == "reschedule")


def test_all_of_a_list_have_to_be_decided(made: Any, sense: Any, at: Any, decide: Any, clock: Any) -> None:
    containers = [made() for _ in range(3)]
    for number, container in enumerate(containers):
        at(600 * (number + 1), lambda container=container: decide("approve", container))
    result = sense(containers)
    assert result.value == containers
    assert 1800 <= clock.elapsed <= 1800 + 62


@pytest.mark.parametrize("approval", ["approved", "not_required"])
def test_it_does_not_wait_for_what_is_decided(
    approval: str, made: Any, sense: Any, decide: Any, api: Any, clock: Any
) -> None:
    api.configure(review_policy="review_all" if approval == "approved" else "auto_approve")
    container = made()
    if approval == "approved":
        decide("approve", container)
    result = sense(container)
    assert (result.value, result.xcoms["approvals"]) == (container, {container: approval})
    assert (result.triggers, result.reschedules, clock.slept) == ([], 0, [])


@pytest.mark.parametrize("when", [0, 900], ids=["before", "meanwhile"])
def test_a_rejection_fails_it_for_good_and_at_once(
    when: float, made: Any, sense: Any, at: Any, decide: Any, clock: Any, failure: Any
) -> None:
    pending, rejected = made(), made()
    if when:
        at(when, lambda: decide("reject", rejected))
    else:
        decide("reject", rejected)
    result = sense([pending, rejected])
    assert str(failure(result, LayersReviewRejectedError)) == f"Rejected in Layers: content {rejected}."
    assert result.xcoms["approvals"] == {pending: "pending", rejected: "rejected"}
    assert when <= clock.elapsed <= when + 62


def test_a_rejection_that_fails_nothing_leaves_the_others(
    made: Any, sense: Any, at: Any, decide: Any, clock: Any
) -> None:
    approved, rejected = made(), made()
    at(300, lambda: decide("reject", rejected))
    at(900, lambda: decide("approve", approved))
    result = sense([approved, rejected], fail_on_reject=False)
    assert result.error is None
    assert result.value == [approved]
    assert result.xcoms["approvals"] == {approved: "approved", rejected: "rejected"}
    assert 900 <= clock.elapsed <= 900 + 62


@pytest.mark.parametrize("flag", ["soft_fail", "never_fail"])
def test_it_skips_instead_of_failing(flag: str, made: Any, sense: Any, at: Any, decide: Any) -> None:
    container = made()
    at(300, lambda: decide("reject", container))
    assert type(sense(container, **{flag: True}).error) is AirflowSkipException


@pytest.mark.parametrize("fail_on_reject", [True, False])
@pytest.mark.parametrize(("ended", "text"), [("failed", "failed"), ("canceled", "was canceled")])
def test_content_that_is_lost_before_a_decision_fails_it_at_once(
    ended: str, text: str, fail_on_reject: bool, crowd: Any, api: Any, sense: Any, clock: Any, failure: Any
) -> None:
    api.outcome(ended, code="NO_MEDIA", message="There was none.")
    (job,) = crowd.start(1)
    result = sense(job.container_ids, fail_on_reject=fail_on_reject)
    message = str(failure(result, LayersContentError))
    assert message.startswith(f"Content {job.container_ids[0]} {text} before it was approved or rejected")
    assert ("NO_MEDIA There was none" in message) is (ended == "failed")
    assert 60 <= clock.elapsed <= 60 + 62


def test_a_new_version_has_to_be_approved_as_well(
    made: Any, airflow: Any, sense: Any, at: Any, decide: Any, clock: Any, way: dict[str, Any]
) -> None:
    first, second = made(), made()
    at(300, lambda: decide("approve", first))
    at(400, lambda: decide("regenerate", first))
    at(900, lambda: decide("approve", second))
    at(1500, lambda: decide("approve", first))
    if way.get("deferrable"):
        assert twice_deferred(airflow, [first, second], timeout=2 * HOUR) == [first, second]
    else:
        assert sense([first, second]).value == [first, second]
    assert 1500 <= clock.elapsed <= 1500 + 62


def twice_deferred(airflow: Any, container_id: Any, **arguments: Any) -> Any:
    """Run a sensor that defers again when it resumes, until the same deadline."""
    sensor = LayersContentApprovalSensor(
        task_id="wait", container_id=container_id, deferrable=True, **arguments
    )
    context = airflow.context(sensor)
    first = deferral_of(lambda: airflow.prepared(sensor, context).execute(context))

    def resume(stored: Any) -> Any:
        resumed = airflow.prepared(sensor, context)
        return resumed.resume_execution("execute_complete", {"event": airflow.fire(stored)}, context)

    second = deferral_of(lambda: resume(first))
    assert second[1]["deadline"] == first[1]["deadline"]
    return resume(second)


def deferral_of(run: Callable[[], Any]) -> tuple[str, dict[str, Any]]:
    """Run a task until it defers, and return what the database keeps of its trigger."""
    with pytest.raises(TaskDeferred) as caught:
        run()
    return caught.value.trigger.serialize()


@pytest.mark.parametrize("soft", [False, True], ids=["fails", "soft_fail"])
def test_its_timeout_is_airflows_own(soft: bool, made: Any, sense: Any, clock: Any) -> None:
    result = sense(made(), timeout=HOUR, soft_fail=soft)
    assert type(result.error) is (AirflowSkipException if soft else AirflowSensorTimeout)
    assert HOUR - 1 <= clock.elapsed <= HOUR + 61


def test_an_unknown_id_and_a_wrong_key_fail_it_for_good(
    sense: Any, failure: Any, connect: Any, api: Any, clock: Any
) -> None:
    failure(sense("cnt_00000000-0000-4000-8000-000000000000"), LayersNotFoundError)
    connect(password=api.keys["revoked"])
    failure(sense("cnt_1"), LayersAuthenticationError)
    assert clock.elapsed < 60


def test_content_that_is_deleted_meanwhile_fails_it_for_good(
    made: Any, sense: Any, at: Any, api: Any, clock: Any, failure: Any
) -> None:
    def delete() -> None:
        api.fault("fail_before", method="GET", path="/v1/content/*", times=None, status=404, code="NOT_FOUND")
        api.fault("garbage", method="GET", path=LIST, times=None, body='{"items": []}')

    container = made()
    at(900, delete)
    failure(sense([container, made()]), LayersNotFoundError)
    assert 900 <= clock.elapsed <= 900 + 62


@pytest.mark.parametrize("kind", ["fail_before", "disconnect_before", "rate_limit", "garbage"])
def test_transient_errors_do_not_end_it(
    kind: str, made: Any, sense: Any, at: Any, decide: Any, api: Any
) -> None:
    container = made()
    at(900, lambda: decide("approve", container))
    api.fault(kind, method="GET", path="/v1/content/*", times=1 if kind == "garbage" else 6, skip=1)
    assert sense(container).value == container


def test_an_undocumented_status_fails_it_long_before_its_timeout(
    made: Any, sense: Any, api: Any, clock: Any
) -> None:
    odd = {**read(api, f"/v1/content/{made()}"), "approvalStatus": "escalated"}
    api.fault("garbage", method="GET", path="/v1/content/*", times=None, body=json.dumps(odd), skip=1)
    result = sense(odd["id"], timeout=DAY)
    assert isinstance(result.error, LayersUnexpectedResponseError)
    assert "approvalStatus 'escalated'" in str(result.error)
    assert clock.elapsed < 20 * 60


def test_the_event_of_a_trigger_says_what_happened(
    made: Any, airflow: Any, at: Any, decide: Any, clock: Any
) -> None:
    containers = [made(), made()]
    trigger = LayersContentApprovalTrigger(containers, deadline=clock.time() + HOUR)
    at(900, lambda: decide("approve", *containers))
    assert airflow.fire(trigger.serialize()) == {
        "container_ids": containers,
        "status": "approved",
        "reason": "",
        "deadline": trigger.deadline,
    }
    assert airflow.trigger(trigger.serialize()).serialize() == trigger.serialize()


def test_another_triggerer_continues_and_the_first_leaves_nothing_running(
    made: Any, airflow: Any, at: Any, decide: Any, clock: Any
) -> None:
    containers = [made(), made(), made()]
    trigger = LayersContentApprovalTrigger(containers, deadline=clock.time() + DAY)

    async def killed_after_ten_minutes() -> None:
        waiting = asyncio.ensure_future(airflow.event_of(trigger))
        at(600, waiting.cancel)
        with pytest.raises(asyncio.CancelledError):
            await waiting
        # The pushed clock has a separate task while something sleeps.
        await clock.asleep(1)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() <= {asyncio.current_task(), clock._loop_time()._driver}

    asyncio.run(killed_after_ten_minutes())
    at(600, lambda: decide("approve", *containers))
    assert airflow.fire(trigger.serialize())["status"] == "approved"


def test_a_first_read_that_fails_costs_the_sharing_of_reads_and_no_more(
    made: Any, sensing: Any, at: Any, decide: Any, api: Any
) -> None:
    container = made()
    at(900, lambda: decide("approve", container))
    api.fault("fail_before", method="GET", path="/v1/content/*", times=5)
    sensor = LayersContentApprovalSensor(
        task_id="wait", container_id=container, project_id=api.project_id, deferrable=True
    )
    result = sensing(sensor)
    assert result.value == container
    assert result.triggers[0][1]["created_at"] is None


def test_decisions_of_one_project_share_reads(crowd: Any, api: Any, at: Any, decide: Any, clock: Any) -> None:
    containers = finished(crowd, clock, 60)
    waiting = triggers(api, clock, containers)
    for number, container in enumerate(containers):
        at(
            HOUR + 60 * number,
            lambda container=container: decide(
                "approve" if int(container[-1], 16) % 2 else "reject", container
            ),
        )
    began, before = clock.elapsed, len(content_reads(api))
    events = crowd.wait(waiting)
    wanted = ["approved" if int(container[-1], 16) % 2 else "rejected" for container in containers]
    assert [event["status"] for event in events] == wanted
    late = [event["after"] - began - HOUR - 60 * number for number, event in enumerate(events)]
    assert min(late) >= 0
    assert max(late) <= 62
    # Each is confirmed once, and checked twice an hour while the list shows it as pending.
    assert len(content_reads(api)) - before <= 60 * (1 + 2 * 2)
    assert len(list_reads(api)) <= 2 * HOUR / 48 + 10
    assert all("status" not in read.query and read.query["limit"] == ["200"] for read in list_reads(api))
    assert all(read.query["since"] for read in list_reads(api))


def test_several_of_one_task_share_reads_as_well(
    crowd: Any, api: Any, at: Any, decide: Any, clock: Any, sensing: Any
) -> None:
    containers = finished(crowd, clock, 20)
    at(HOUR, lambda: decide("approve", *containers))
    result = sensing(
        LayersContentApprovalSensor(task_id="wait", container_id=containers, deferrable=True, timeout=DAY)
    )
    assert result.value == containers
    assert result.triggers[0][1]["project_id"] == api.project_id
    # Twice by the task itself, once to confirm, and twice an hour.
    assert len(content_reads(api)) <= 20 * (2 + 1 + 2)
    assert len(list_reads(api)) <= HOUR / 48 + 10


def test_waits_for_jobs_and_for_decisions_do_not_mix_up_their_lists(
    crowd: Any, api: Any, at: Any, decide: Any, clock: Any
) -> None:
    containers = finished(crowd, clock, 6)
    jobs = crowd.start(6, seconds=300)
    waiting = [*triggers(api, clock, containers), *map(crowd.trigger, jobs)]
    at(200, lambda: decide("approve", *containers))
    began = clock.elapsed
    events = crowd.wait(waiting)
    assert Counter(event["status"] for event in events) == {"approved": 6, "completed": 6}
    assert max(event["after"] for event in events[:6]) <= began + 200 + 62
    assert min(event["after"] for event in events[6:]) >= began + 299
    assert {"status" in read.query for read in list_reads(api)} == {True, False}


def test_a_few_that_are_far_down_in_a_long_list_are_polled_one_by_one(
    crowd: Any, api: Any, at: Any, decide: Any, clock: Any
) -> None:
    containers = finished(crowd, clock, 3)
    clock.sleep(DAY)
    finished(crowd, clock, 850)
    waiting = triggers(api, clock, containers)
    at(2 * HOUR, lambda: decide("approve", *containers))
    began, before = clock.elapsed, len(content_reads(api))
    events = crowd.wait(waiting)
    assert [event["status"] for event in events] == ["approved"] * 3
    assert max(event["after"] for event in events) <= began + 2 * HOUR + 62
    assert len(content_reads(api)) - before <= 3 * (2 * 60 + 25)
    # It is tried again twice an hour, and no further than three polls would cost.
    assert len(list_reads(api)) <= 3 * 5


def test_a_row_that_disappears_ends_nothing_while_the_content_is_there(
    crowd: Any, api: Any, at: Any, decide: Any, clock: Any
) -> None:
    containers = finished(crowd, clock, 12)
    waiting = triggers(api, clock, containers)
    api.fault("garbage", method="GET", path=LIST, times=None, body='{"items": [], "nextCursor": null}')
    at(HOUR, lambda: decide("approve", *containers))
    began = clock.elapsed
    events = crowd.wait(waiting)
    assert [event["status"] for event in events] == ["approved"] * 12
    assert began + HOUR <= min(event["after"] for event in events)
    assert max(event["after"] for event in events) <= began + HOUR + 62


@pytest.mark.parametrize("approval", ["approved", "rejected"])
def test_a_list_that_lies_decides_nothing(
    approval: str, crowd: Any, api: Any, at: Any, decide: Any, clock: Any
) -> None:
    containers = finished(crowd, clock, 6)
    waiting = triggers(api, clock, containers)
    rows = [{"id": container, "status": "completed", "approvalStatus": approval} for container in containers]
    api.fault("garbage", method="GET", path=LIST, times=None, body=json.dumps({"items": rows}))
    at(HOUR, lambda: decide("approve", *containers))
    began = clock.elapsed
    events = crowd.wait(waiting)
    assert [event["status"] for event in events] == ["approved"] * 6
    assert min(event["after"] for event in events) >= began + HOUR


def test_a_list_that_never_shows_a_decision_delays_it_by_half_an_hour_at_most(
    crowd: Any, api: Any, at: Any, decide: Any, clock: Any
) -> None:
    containers = finished(crowd, clock, 6)
    waiting = triggers(api, clock, containers)
    rows = [{"id": container, "status": "completed", "approvalStatus": "pending"} for container in containers]
    api.fault("garbage", method="GET", path=LIST, times=None, body=json.dumps({"items": rows}))
    at(600, lambda: decide("approve", *containers))
    began = clock.elapsed
    events = crowd.wait(waiting)
    assert [event["status"] for event in events] == ["approved"] * 6
    assert max(event["after"] for event in events) <= began + 1800 + 120


def test_what_is_approved_can_be_scheduled(
    made: Any, sense: Any, decide: Any, airflow: Any, api: Any
) -> None:
    approved, rejected = made(), made()
    decide("approve", approved)
    decide("reject", rejected)
    targets = [{"social_account_id": api.social_account_ids[0], "mode": "publish"}]
    for given, posts in ([approved, rejected], 1), (rejected, 0):
        schedule = LayersScheduleContentOperator(
            task_id=f"schedule{posts}",
            container_id=sense(given, fail_on_reject=False).value,
            scheduled_for="2026-12-01T09:00:00+01:00",
            targets=targets,
        )
        assert len(airflow.value(schedule)) == posts


@pytest.mark.parametrize("known", [True, False], ids=["given", "not given"])
def test_job_sensors_that_are_given_the_containers_share_reads(
    known: bool, crowd: Any, airflow: Any, api: Any, clock: Any
) -> None:
    jobs = crowd.start(30, seconds=600)

    def serialized(job: Any) -> Any:
        given = {"container_ids": job.container_ids, "project_id": job.project_id} if known else {}
        sensor = LayersJobSensor(task_id="s", job_id=job.job_id, deferrable=True, **given)
        return airflow.trigger(deferral_of(lambda: airflow.execute(sensor)))

    waiting = [serialized(job) for job in jobs]
    before = len(crowd.job_reads())
    events = crowd.wait(waiting)
    assert [event["status"] for event in events] == ["ended" if known else "completed"] * 30
    reads = len(crowd.job_reads()) - before
    if known:
        assert reads <= 3, "each task reads its job when it resumes"
        assert crowd.list_reads()
    else:
        assert reads > 30 * 20
        assert not crowd.list_reads()
