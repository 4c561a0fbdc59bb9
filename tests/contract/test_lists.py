"""A list is carried through: all containers are tried, failures are named, the next try does the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_layers.exceptions import (
    LayersAuthenticationError,
    LayersConflictError,
    LayersNotFoundError,
    LayersPartialError,
    LayersPartialPermanentError,
    LayersPermanentError,
    LayersServerError,
)
from airflow_provider_layers.operators.content import (
    LayersApproveContentOperator,
    LayersGetContentOperator,
    LayersPublishContentOperator,
    LayersRejectContentOperator,
    LayersScheduleContentOperator,
)

VERBS = ["approve", "reject", "schedule", "publish", "get"]
WRITES = VERBS[:-1]
FIRST = {"try_number": 1, "max_tries": 2}
RETRIED = {"try_number": 2, "max_tries": 2}
CLEARED = {"try_number": 2, "max_tries": 3}


@pytest.fixture
def containers(verb: str, made: Any, airflow: Any, posted: Any) -> list[str]:
    """Three containers, ready for the operator."""
    found = [made() for _ in range(3)]
    if verb in ("schedule", "publish"):
        airflow.value(LayersApproveContentOperator(task_id="approve", container_id=found), run_id="earlier")
    posted()
    return found


@pytest.fixture
def operate(verb: str, api: Any) -> Callable[..., Any]:
    """Make the operator of a list."""

    def make(container_id: Any) -> Any:
        common = {"task_id": "make", "retries": 2, "container_id": container_id}
        if verb == "get":
            return LayersGetContentOperator(**common)
        if verb == "approve":
            return LayersApproveContentOperator(**common)
        if verb == "reject":
            return LayersRejectContentOperator(**common, reason="Off brand.")
        common["targets"] = [{"social_account_id": api.social_account_ids[0], "mode": "publish"}]
        if verb == "publish":
            return LayersPublishContentOperator(**common)
        return LayersScheduleContentOperator(**common, scheduled_for="2040-07-01T09:00:00Z")

    return make


@pytest.fixture
def sent(verb: str, api: Any) -> Callable[[], list[str]]:
    """Return the containers of the operator's requests since the last call, in order."""
    seen = 0

    def since() -> list[str]:
        nonlocal seen
        path = "/v1/content/*" if verb == "get" else f"/v1/content/*/{verb}"
        found = api.requests(method="GET" if verb == "get" else "POST", path=path)
        new, seen = found[seen:], len(found)
        return [request.path.split("/")[3] for request in new]

    return since


def statuses(result: Any) -> list[str]:
    return [row["status"] for row in result.xcoms["results"]]


def container_of(value: dict[str, Any]) -> str:
    return str(value.get("container_id") or value.get("id"))


@pytest.mark.parametrize("verb", VERBS)
def test_a_bad_item_in_the_middle_fails_alone_and_is_named_at_the_end(
    containers: list[str], operate: Any, sent: Any, airflow: Any, failure: Any
) -> None:
    first, _, last = containers
    given = [first, "cnt_unknown", last]
    sent()
    result = airflow.run(operate(given), **FIRST)
    error = failure(result, LayersPartialPermanentError)
    assert sent() == given
    assert {name: type(item) for name, item in error.errors.items()} == {"cnt_unknown": LayersNotFoundError}
    assert "1 of 3 containers failed." in str(error)
    assert f"cnt_unknown: {error.errors['cnt_unknown']}" in str(error)
    rows = result.xcoms["results"]
    assert rows == error.results
    assert [row["container_id"] for row in rows] == given
    assert statuses(result) == ["succeeded", "failed", "succeeded"]
    assert [container_of(row["result"]) for row in (rows[0], rows[2])] == [first, last]
    assert (rows[0]["error"], rows[1]["result"], rows[1]["error"]) == (
        None,
        None,
        str(error.errors["cnt_unknown"]),
    )


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("verb", WRITES)
def test_a_retry_sends_only_what_is_missing(
    verb: str, containers: list[str], operate: Any, sent: Any, airflow: Any, api: Any
) -> None:
    middle = containers[1]
    api.fault("fail_before", method="POST", path=f"/v1/content/{middle}/*", times=5)
    result = airflow.run(operate(containers), **FIRST)
    assert type(result.error) is LayersPartialError, "the retry of Airflow stays on"
    assert isinstance(result.error.errors[middle], LayersServerError)
    assert sent() == [containers[0], *[middle] * 5, containers[2]]
    retried = airflow.run(operate(containers), **RETRIED)
    assert [container_of(value) for value in retried.value] == containers
    assert statuses(retried) == ["succeeded"] * 3
    # Without a store, what was decided is decided once more, which the API replays.
    keeps = airflow.with_store or verb in ("schedule", "publish")
    assert sent() == ([middle] if keeps else containers)


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("deferrable", [False, True], ids=["worker", "triggerer"])
@pytest.mark.parametrize("verb", WRITES)
def test_a_rate_limit_is_waited_for_where_the_list_has_come_to(
    verb: str, deferrable: bool, containers: list[str], operate: Any, sent: Any, airflow: Any, api: Any
) -> None:
    api.fault("rate_limit", method="POST", path=f"/v1/content/{containers[1]}/*", retry_after=30)
    operator = operate(containers)
    operator.deferrable = deferrable
    result = airflow.run(operator, **FIRST)
    assert [container_of(value) for value in result.value] == containers
    assert sent() == [containers[0], containers[1], *containers[1:]]
    assert len(result.triggers) == deferrable
    assert statuses(result) == ["succeeded"] * 3
    if verb in ("schedule", "publish"):
        shown = result.xcoms["layers"]["scheduled_post_ids"]
        assert shown == [post for value in result.value for post in value["scheduled_post_ids"]]


@pytest.mark.parametrize("verb", ["get"])
def test_reads_that_are_refused_are_repeated_in_the_worker(
    containers: list[str], operate: Any, airflow: Any, api: Any
) -> None:
    api.fault("rate_limit", method="GET", path=f"/v1/content/{containers[1]}", retry_after=120, times=2)
    operator = operate(containers)
    operator.deferrable = True
    result = airflow.run(operator, **FIRST)
    assert ([container_of(value) for value in result.value], result.triggers) == (containers, [])


@pytest.mark.parametrize("verb", ["approve"])
def test_a_clear_looks_at_everything_again(
    containers: list[str], operate: Any, sent: Any, airflow: Any, api: Any
) -> None:
    api.fault("fail_before", method="POST", path=f"/v1/content/{containers[1]}/*", times=5)
    assert airflow.run(operate(containers), **FIRST).error is not None
    sent()
    cleared = airflow.value(operate(containers), **CLEARED)
    assert {value["approvalStatus"] for value in cleared} == {"approved"}
    assert sent() == containers


@pytest.mark.parametrize("verb", ["approve"])
def test_another_request_is_sent_although_an_earlier_one_succeeded(
    containers: list[str], operate: Any, sent: Any, airflow: Any, api: Any
) -> None:
    airflow.with_store = True
    api.fault("fail_before", method="POST", path=f"/v1/content/{containers[1]}/*", times=5)
    assert airflow.run(operate(containers), **FIRST).error is not None
    sent()
    operator = operate(containers)
    operator.note = "Fine."
    airflow.value(operator, **RETRIED)
    assert sent() == containers


@pytest.mark.parametrize("verb", ["publish"])
def test_a_wrong_key_ends_the_list_with_its_own_error(
    containers: list[str], operate: Any, sent: Any, airflow: Any, api: Any, failure: Any
) -> None:
    api.fault("fail_before", method="POST", skip=1, status=401, code="UNAUTHENTICATED", times=None)
    result = airflow.run(operate(containers), **FIRST)
    failure(result, LayersAuthenticationError)
    assert sent() == containers[:2]
    assert statuses(result) == ["succeeded", "failed", "not_tried"]


@pytest.mark.parametrize("verb", ["approve"])
def test_an_api_that_is_down_is_not_tried_for_every_container(
    containers: list[str], operate: Any, sent: Any, airflow: Any, api: Any
) -> None:
    api.fault("fail_before", method="POST", times=None)
    result = airflow.run(operate([*containers, "cnt_4", "cnt_5"]), **FIRST)
    assert type(result.error) is LayersPartialError
    assert statuses(result) == ["failed"] * 3 + ["not_tried"] * 2
    assert "Not tried, because several in a row had no response: cnt_4, cnt_5." in str(result.error)
    assert len(sent()) == 3 * 5


@pytest.mark.parametrize("verb", ["approve"])
@pytest.mark.parametrize("as_list", [True, False])
def test_a_single_container_raises_its_own_error(
    as_list: bool, containers: list[str], operate: Any, airflow: Any, failure: Any
) -> None:
    container = containers[0]
    reject = LayersRejectContentOperator(task_id="reject", container_id=container, reason="Off brand.")
    airflow.value(reject)
    failure(airflow.run(operate([container] if as_list else container)), LayersConflictError)


def test_both_errors_of_a_list_are_caught_alike() -> None:
    assert issubclass(LayersPartialPermanentError, LayersPartialError)
    assert not issubclass(LayersPartialError, LayersPermanentError)
