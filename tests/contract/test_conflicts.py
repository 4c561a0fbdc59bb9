"""A 409 that may be the effect of an earlier request is settled, even if the read after it meets a fault."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_layers.api.content import approve_content, reject_content
from airflow_provider_layers.api.scheduled_posts import cancel_scheduled_post, reschedule_scheduled_post
from airflow_provider_layers.exceptions import (
    LayersConflictError,
    LayersIdempotencyError,
    LayersPermissionError,
    LayersServerError,
    LayersTransportError,
    LayersUnexpectedResponseError,
)
from airflow_provider_layers.hooks.layers import LayersHook
from airflow_provider_layers.operators.scheduled_posts import LayersCancelScheduledPostOperator
from tests.contract.bystander import read

SOON, LATER = "2040-07-01T09:00:00.000Z", "2040-07-02T09:00:00.000Z"
KEY = "01980a5e-7c1e-4c5a-9d0b-2f3a4b5c6d7e"


def reschedule(post_id: str) -> Any:
    return reschedule_scheduled_post(post_id, scheduled_for=LATER, idempotency_key=KEY)


def cancel(post_id: str) -> Any:
    return cancel_scheduled_post(post_id, reason=None)


def approve(container_id: str) -> Any:
    return approve_content(container_id, note=None, idempotency_key=KEY)


def reject(container_id: str) -> Any:
    return reject_content(container_id, reason="Off brand.", idempotency_key=KEY)


EFFECT = {
    reschedule: {"scheduledFor": LATER},
    cancel: {"status": "canceled"},
    approve: {"approvalStatus": "approved"},
    reject: {"approvalStatus": "rejected"},
}


@pytest.fixture(params=["worker", "triggerer"])
def send(request: Any, clock: Any, wire: Any) -> Callable[[Any], Any]:
    """Send a request with retries, with the sync or the async client."""
    hook = LayersHook(clock=clock, transport=wire)
    return hook.run if request.param == "worker" else lambda endpoint: asyncio.run(hook.arun(endpoint))


@pytest.fixture
def post_id(made: Any, api: Any, clock: Any, wire: Any) -> str:
    """Schedule a post and give its id."""
    container, hook = made(), LayersHook(clock=clock, transport=wire)
    hook.approve_content(container)
    target = {"social_account_id": api.social_account_ids[0], "mode": "publish"}
    return hook.schedule_content(container, scheduled_for=SOON, targets=[target]).scheduled_post_ids[0]


@pytest.fixture(params=EFFECT, ids=lambda change: change.__name__)
def change(request: Any) -> Any:
    return request.param


@pytest.fixture
def subject(change: Any, request: Any) -> str:
    """What is changed: a post or a container."""
    of_a_post = change in (reschedule, cancel)
    return request.getfixturevalue("post_id") if of_a_post else request.getfixturevalue("made")()


@pytest.fixture
def lost(change: Any, subject: str, api: Any) -> Callable[[], dict[str, Any]]:
    """Carry out the request, lose its response, and let the next attempt meet a 409 without details."""

    def lose() -> dict[str, Any]:
        before = read(api, path_of(subject))
        method = change(subject).method
        api.fault("fail_after", method=method)
        api.fault("fail_before", method=method, status=409, code="CONFLICT")
        return before

    return lose


def path_of(subject: str) -> str:
    return f"/v1/{'scheduled-posts' if subject.startswith('sp_') else 'content'}/{subject}"


def lag(api: Any, before: dict[str, Any], times: int | None) -> None:
    """Let reads return an earlier state, as a replica does that lags behind."""
    api.fault("garbage", method="GET", times=times, body=json.dumps(before))


def test_an_older_or_undocumented_state_is_read_again(
    change: Any, subject: str, send: Any, api: Any, lost: Any
) -> None:
    lag(api, lost(), times=2)
    if change in (cancel, reschedule):
        api.fault("unknown_status", method="GET", times=2)
    assert send(change(subject)).items() >= EFFECT[change].items()
    assert api.faults() == []


FAILED_READS: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "unavailable": ({"kind": "fail_before"}, LayersServerError),
    "no response": ({"kind": "disconnect_before"}, LayersTransportError),
    "not found": ({"kind": "fail_before", "status": 404, "code": "NOT_FOUND"}, LayersUnexpectedResponseError),
}


@pytest.mark.parametrize(("fault", "error"), FAILED_READS.values(), ids=FAILED_READS)
def test_a_state_that_cannot_be_read_leaves_retries_on(
    fault: dict[str, Any], error: type[Exception], change: Any, subject: str, send: Any, api: Any, lost: Any
) -> None:
    lost()
    api.fault(**fault, method="GET", times=None)
    with pytest.raises(error) as caught:
        send(change(subject))
    assert not isinstance(caught.value, AirflowFailException)
    api.clear_faults()
    assert send(change(subject)).items() >= EFFECT[change].items(), "the next try"


def test_a_replica_that_lags_for_long_leaves_retries_on(
    change: Any, subject: str, send: Any, api: Any, lost: Any
) -> None:
    lag(api, lost(), times=None)
    with pytest.raises(LayersUnexpectedResponseError, match="unknown whether an earlier attempt"):
        send(change(subject))


@pytest.mark.parametrize("fault", ["lag", "unknown_status", *FAILED_READS])
def test_the_details_of_a_conflict_settle_it_where_the_read_does_not(
    fault: str, post_id: str, airflow: Any, api: Any
) -> None:
    """As in the chaos run with seed 4711: the second DELETE met a 409, and the read after it a fault."""
    before = read(api, path_of(post_id))
    api.fault("disconnect_after", method="DELETE")
    if fault == "lag":
        lag(api, before, times=None)
    elif fault == "unknown_status":
        api.fault(fault, method="GET", times=None)
    else:
        api.fault(**FAILED_READS[fault][0], method="GET", times=None)
    operator = LayersCancelScheduledPostOperator(task_id="cancel", scheduled_post_id=post_id)
    assert airflow.value(operator) == {"id": post_id, "status": "canceled"}


def test_details_settle_an_approval_and_a_rejection_stands(made: Any, send: Any, api: Any) -> None:
    container = made()
    send(approve(container))
    api.advance(25 * 3600)
    api.fault("fail_before", method="GET", times=None)
    assert send(approve(container)) == {"id": container, "approvalStatus": "approved"}
    with pytest.raises(LayersConflictError) as caught:
        send(reject(container))
    assert caught.value.details["approvalStatus"] == "approved"


@pytest.mark.parametrize("change", [cancel, reschedule])
def test_a_conflict_that_the_state_explains_stands(change: Any, post_id: str, send: Any, api: Any) -> None:
    api.advance(20 * 365 * 24 * 3600)
    api.fault("unknown_status", method="GET")
    request = (
        change(post_id)
        if change is cancel
        else reschedule_scheduled_post(post_id, scheduled_for="2099-01-01T00:00:00Z", idempotency_key=KEY)
    )
    with pytest.raises(LayersConflictError) as caught:
        send(request)
    assert caught.value.details == {"status": "published"}


def test_a_key_without_the_scope_to_read_is_told_so(post_id: str, send: Any, api: Any) -> None:
    api.configure(scopes=["publish:write"])
    api.fault("fail_before", method="DELETE", status=409, code="CONFLICT")
    with pytest.raises(LayersPermissionError):
        send(cancel(post_id))


def test_another_body_under_the_same_key_is_no_matter_of_the_state(made: Any, send: Any, api: Any) -> None:
    container = made()
    api.fault("fail_before", method="POST", status=409, code="IDEMPOTENCY_CONFLICT")
    reads = len(api.requests(method="GET"))
    with pytest.raises(LayersIdempotencyError):
        send(approve(container))
    assert len(api.requests(method="GET")) == reads + 1
