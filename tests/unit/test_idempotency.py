"""Keys, the store, sending once over all tries of a task, and one job per task instance."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_layers.api.endpoint import MAX_ATTEMPTS, Endpoint, read_json
from airflow_provider_layers.api.jobs import read_submission
from airflow_provider_layers.exceptions import (
    LayersAPIError,
    LayersConflictError,
    LayersError,
    LayersIdempotencyError,
    LayersJobTimeoutError,
    LayersParameterError,
    LayersRateLimitError,
    LayersReplayWindowError,
    LayersRequestChangedError,
    LayersTransportError,
    LayersUnexpectedResponseError,
)
from airflow_provider_layers.idempotency import (
    CONFLICT_WAIT,
    REPLAY_WINDOW,
    IdempotencyScope,
    JobSubmitter,
    NullStore,
    StoredRequest,
    discard_response,
    fingerprint,
    idempotency_scope,
    idempotency_store,
    load_response,
    send_once,
)
from tests.limits import REPLAY_WINDOW_SECONDS
from tests.unit.scripted import LOST, NOW, FakeClock, error, ok
from tests.unit.stores import AirflowStore, memory
from tests.unit.tasks import context

# Keys

SCOPE = IdempotencyScope(dag_id="dag", run_id="run", task_id="task", map_index=-1, clear_count=0)
SCOPES = st.builds(IdempotencyScope, st.text(), st.text(), st.text(), st.integers(-1), st.integers(0))
# Few different texts and numbers, so that many of the pairs differ in one place only.
NEAR = st.text("a,\"[]'1", max_size=3)
NEAR_SCOPES = st.builds(IdempotencyScope, NEAR, NEAR, NEAR, st.integers(-1, 2), st.integers(0, 2))
PARTS = st.lists(NEAR | st.integers(-1, 12), max_size=3)


@given(st.tuples(SCOPES | NEAR_SCOPES, NEAR, PARTS), st.tuples(SCOPES | NEAR_SCOPES, NEAR, PARTS))
def test_two_requests_share_a_key_only_if_they_are_the_same(one, other):
    keys = [scope.key(purpose, *parts) for scope, purpose, parts in (one, other)]
    assert (keys[0] == keys[1]) is (one == other)


@given(SCOPES, st.text(), PARTS)
def test_a_key_is_a_uuid_of_version_4_and_stays_the_same(scope, purpose, parts):
    key = scope.key(purpose, *parts)
    assert replace(scope).key(purpose, *parts) == key == str(uuid.UUID(key))
    assert (uuid.UUID(key).version, uuid.UUID(key).variant) == (4, uuid.RFC_4122)


def test_keys_stay_the_same_over_releases():
    """A change here makes tasks that are running during an upgrade pay twice."""
    assert SCOPE.key("clone", 0) == "9227587a-097b-4946-bbb3-7e7fd3257cc9"


# How Airflow counts over two retries and two clears of a task with two retries.
TRIES = [(1, 2), (2, 2), (3, 2), (4, 5), (5, 5), (6, 7)]


def scope_of(try_number, max_tries, retries=2, *, per_clear=True, **fields):
    task = SimpleNamespace(retries=retries)
    given_context = context(task, try_number=try_number, max_tries=max_tries, **fields)
    return idempotency_scope(given_context, per_clear=per_clear)


def test_all_tries_between_two_clears_share_a_scope():
    scopes = [scope_of(*counts) for counts in TRIES]
    assert [scopes.index(scope) for scope in scopes] == [0, 0, 0, 3, 3, 5]
    assert scope_of(2, 2, retries=2) == scope_of(2, 2, retries=5), "another number of retries is no clear"
    assert len({scope_of(*counts, per_clear=False) for counts in TRIES}) == 1


def test_the_scope_is_that_of_the_task_instance():
    scope = scope_of(1, 2, dag_id="d", run_id="r", task_id="t", map_index=0)
    assert (scope.dag_id, scope.run_id, scope.task_id, scope.map_index) == ("d", "r", "t", 0)
    assert scope_of(1, 0, map_index=None) == scope_of(1, 0, map_index=-1), "one scope on every release"


# The store

STORED = [
    StoredRequest("start it", NOW, {"path": "a"}),
    StoredRequest("start it", NOW, {"path": "a", "b": "c"}, {"jobId": "job_1", "deep": [None, 1.5]}),
]


@pytest.mark.parametrize("request_", STORED, ids=["sent", "responded"])
def test_the_task_state_store_returns_what_was_saved_until_it_is_deleted(request_):
    airflow_store = AirflowStore()
    given_context = context(None) | {"task_state_store": airflow_store}
    first = idempotency_store(given_context, attempt_count=1)
    first.save("k", request_)
    first.save("other", STORED[0])
    later = idempotency_store(given_context, attempt_count=2)
    assert later.load("k") == request_
    assert later.load("unknown") is None
    assert later.earliest_unrecorded_attempt is None
    assert airflow_store.retention > timedelta(days=30), "longer than Airflow's default"
    later.delete("k")
    assert (later.load("k"), later.load("other")) == (None, STORED[0])


def test_without_a_store_a_retry_may_have_sent_anything_since_its_run_started():
    given_context = context(None)
    assert idempotency_store(given_context, attempt_count=1).earliest_unrecorded_attempt is None
    store = idempotency_store(given_context, attempt_count=2)
    assert store.earliest_unrecorded_attempt == given_context["dag_run"].start_date.timestamp()
    store.save("k", STORED[1])
    store.delete("k")
    assert store.load("k") is None


# Sending once


def endpoint(path="/v1/x", **body):
    return Endpoint(
        description="start something",
        method="POST",
        path=path,
        body=body,
        read=read_json,
        idempotency_key="k",
    )


def send(api, store, *, request=None, now=NOW, **options):
    return send_once(api.client(FakeClock(now)), request or endpoint(a=1), store, **options)


class Died(BaseException):
    """The end of a process in the middle of a request."""


def test_a_request_is_stored_before_it_is_sent_and_its_response_after(script):
    store = memory()
    with pytest.raises(Died):
        send(script(Died()), store)
    assert store.load("k") == StoredRequest("start something", NOW, fingerprint(endpoint(a=1)))
    store = memory()
    sent = send(script(ok({"jobId": "job_1"}, 202)), store)
    assert (sent.result, sent.is_first_send) == ({"jobId": "job_1"}, True)
    assert store.load("k").response == {"jobId": "job_1"}


def test_a_stored_response_is_returned_without_sending(script):
    store = memory()
    first = send(script(ok({"jobId": "job_1"})), store)
    again = send(script(), store, now=NOW + 10 * REPLAY_WINDOW)
    assert (again.result, again.is_first_send) == (first.result, False)
    assert load_response(endpoint(a=1), store) == {"jobId": "job_1"}


def test_a_lost_response_is_requested_again_under_the_same_key(script):
    store, lost, again = memory(), script(*[LOST] * MAX_ATTEMPTS), script(ok({"jobId": "job_1"}))
    with pytest.raises(LayersTransportError):
        send(lost, store)
    sent = send(again, store, now=NOW + 60)
    assert {*lost.keys, *again.keys} == {"k"}
    assert not sent.is_first_send, "the first try may have been carried out"
    assert store.load("k").sent_at == NOW, "the window counts from the first try"


@pytest.mark.parametrize("remembers", [True, False])
def test_what_the_api_may_no_longer_know_is_not_sent_again(script, remembers):
    store = NullStore(NOW)
    if remembers:
        store = memory()
        store.save("k", StoredRequest("start something", NOW, fingerprint(endpoint(a=1))))
    with pytest.raises(LayersReplayWindowError, match=r"24 hours ago.*resubmit_after_window=True"):
        send(script(), store, now=NOW + REPLAY_WINDOW + 1)
    send(script(ok({})), store, now=NOW + REPLAY_WINDOW)
    assert REPLAY_WINDOW < REPLAY_WINDOW_SECONDS


def test_it_is_sent_after_the_window_where_that_was_requested(script):
    send(script(ok({})), NullStore(NOW), now=NOW + 2 * REPLAY_WINDOW, send_after_window=True)


class Suspended(FakeClock):
    """The clock of a machine that is suspended for a day while the process sleeps."""

    def sleep(self, seconds):
        super().sleep(seconds + REPLAY_WINDOW_SECONDS)


def test_a_process_that_was_suspended_between_two_attempts_does_not_send_again(script):
    with pytest.raises(LayersReplayWindowError):
        send_once(script(LOST).client(Suspended()), endpoint(a=1), memory())
    client = script(LOST, ok({})).client(Suspended())
    send_once(client, endpoint(a=1), memory(), send_after_window=True)


def test_a_changed_request_names_what_changed_and_sends_nothing(script):
    store = memory()
    send(script(ok({})), store, request=endpoint(a=1, b=2, c=3))
    with pytest.raises(LayersRequestChangedError, match="Changed: b, c, d") as refused:
        send(script(), store, request=endpoint(a=1, b=3, d=4))
    assert "clear the task" in str(refused.value)
    with pytest.raises(LayersRequestChangedError, match=r"Changed: path\."):
        send(script(), store, request=endpoint(path="/v1/y", a=1, b=2, c=3))


def test_the_order_of_keys_is_no_change():
    assert fingerprint(endpoint(a={"x": 1, "y": 2})) == fingerprint(endpoint(a={"y": 2, "x": 1}))


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422])
def test_a_first_request_that_was_refused_for_good_is_not_kept(script, status):
    store = memory()
    with pytest.raises(LayersAPIError):
        send(script(error(status)), store)
    assert store.load("k") is None


@pytest.mark.parametrize(
    "replies",
    [
        pytest.param([error(409)], id="a conflict may be the effect of the request itself"),
        pytest.param([error(409, "IDEMPOTENCY_CONFLICT")], id="another request was sent under its key"),
        pytest.param([error(503, "KILL_SWITCH")], id="a gateway may have let it through"),
        pytest.param([LOST, error(402)], id="the lost one may have arrived"),
    ],
)
def test_a_request_that_may_have_arrived_is_kept(script, replies):
    store = memory()
    with pytest.raises(LayersError):
        send(script(*replies), store)
    assert store.load("k").response is None


def test_a_refusal_says_nothing_about_an_earlier_try(script):
    store = memory()
    store.save("k", StoredRequest("start something", NOW, fingerprint(endpoint(a=1))))
    with pytest.raises(LayersAPIError):
        send(script(error(402)), store, now=NOW + 60)
    assert store.load("k").sent_at == NOW


def test_a_discarded_response_leaves_that_the_request_was_sent(script):
    store = memory()
    send(script(ok({"jobId": "job_1"})), store)
    discard_response(endpoint(a=1), store)
    assert load_response(endpoint(a=1), store) is None
    with pytest.raises(LayersReplayWindowError):
        send(script(), store, now=NOW + REPLAY_WINDOW + 1)
    assert not send(script(ok({"jobId": "job_2"})), store, now=NOW + 60).is_first_send


def test_the_store_holds_no_text_of_the_request(script):
    airflow_store = AirflowStore()
    given_context = context(None) | {"task_state_store": airflow_store}
    store = idempotency_store(given_context, attempt_count=1)
    send(script(ok({})), store, request=endpoint(hook="our secret launch"))
    assert "secret" not in json.dumps(airflow_store.values)


def test_sending_once_requires_a_key(script):
    with pytest.raises(LayersParameterError, match="idempotency key"):
        send(script(), memory(), request=replace(endpoint(a=1), idempotency_key=None))


# One job


def request(sequence):
    return Endpoint(
        description="start it",
        method="POST",
        path="/v1/start",
        read=read_submission,
        idempotency_key=f"key-{sequence}",
    )


def started(number):
    return ok({"jobId": f"job_{number}", "kind": "k", "locationUrl": f"/v1/jobs/job_{number}"}, 202)


def state(number, status):
    return ok({"jobId": f"job_{number}", "kind": "k", "status": status})


UNKNOWN = error(404, "NOT_FOUND")
# As many as fit into the grace of a job that is new.
STILL_UNKNOWN = [UNKNOWN] * 6


class Try:
    """
    One try of a task, and the jobs that it announced.

    :param store: that of all tries; ``None`` for what there is below Airflow 3.3
    """

    def __init__(self, api, *, attempt_count=1, store=None, build=request, clock=None):
        self.api, self.clock = api, clock or FakeClock()
        self.announced, self.starts = [], []
        self.submitter = JobSubmitter(
            client=api.client(self.clock),
            request=build,
            store=store or NullStore(self.clock.time() if attempt_count > 1 else None),
            attempt_count=attempt_count,
            announce=lambda submission: self.announced.append(submission.job.job_id),
            before_start=lambda endpoint: self.starts.append(endpoint.idempotency_key),
            send_in_turn=lambda send: send(),
        )

    def job_id(self):
        return self.submitter.submit().job.job_id


def test_a_first_try_sends_one_request_and_believes_its_response(script):
    first = Try(script(started(1)))
    submission = first.submitter.submit()
    assert (submission.job.job_id, submission.current) == ("job_1", None)
    assert (first.api.keys, first.announced, first.starts) == (["key-0"], ["job_1"], ["key-0"])


def test_a_request_that_was_refused_for_its_rate_limit_was_not_sent(script):
    store = memory()
    with pytest.raises(LayersRateLimitError):
        send(script(error(429)), store)
    assert store.load("k") is None


@pytest.mark.parametrize("status", ["running", "completed"])
@pytest.mark.parametrize("attempt_count", [2, 7])
def test_a_retry_finds_the_job_of_an_earlier_try(script, status, attempt_count):
    retry = Try(script(started(1), state(1, status)), attempt_count=attempt_count)
    assert (retry.job_id(), retry.api.keys, retry.announced) == ("job_1", ["key-0"], ["job_1"])


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_job_that_did_not_succeed_is_replaced_under_the_next_key(script, status):
    retry = Try(script(started(1), state(1, status), started(2), state(2, "running")), attempt_count=2)
    assert (retry.job_id(), retry.api.keys) == ("job_2", ["key-0", "key-1"])
    assert retry.announced == ["job_1", "job_2"]


def test_a_try_uses_no_more_keys_than_there_were_tries(script):
    replies = [
        started(1),
        state(1, "failed"),
        started(2),
        state(2, "canceled"),
        started(3),
        state(3, "failed"),
    ]
    third = Try(script(*replies), attempt_count=3)
    assert (third.job_id(), third.api.keys) == ("job_3", ["key-0", "key-1", "key-2"])


def test_tries_that_sent_nothing_leave_the_first_key_to_the_next(script):
    late = Try(script(started(1)), attempt_count=7, store=memory())
    late.job_id()
    assert late.api.keys == ["key-0"], "no earlier try had sent it"


def test_a_lost_response_is_requested_again_under_the_same_key_and_announced_once(script):
    first = Try(script(LOST, error(503), started(1)))
    assert (first.job_id(), first.api.keys, first.announced) == ("job_1", ["key-0"] * 3, ["job_1"])


@pytest.mark.parametrize(
    ("replies", "attempt_count", "error_type", "announced"),
    [
        ([LOST] * MAX_ATTEMPTS, 1, LayersTransportError, []),
        ([started(1), *[LOST] * MAX_ATTEMPTS], 2, LayersTransportError, ["job_1"]),
        ([started(1), *[state(1, "paused")] * MAX_ATTEMPTS], 2, LayersUnexpectedResponseError, ["job_1"]),
        ([error(409, "IDEMPOTENCY_CONFLICT")], 1, LayersIdempotencyError, []),
        ([error(409, "IDEMPOTENCY_CONFLICT")], 2, LayersIdempotencyError, []),
        ([started(1), error(401)], 2, LayersError, ["job_1"]),
    ],
    ids=[
        "the start was lost",
        "the earlier job cannot be read",
        "the status is unknown",
        "changed",
        "changed on a retry",
        "refused",
    ],
)
def test_unknown_is_not_absent(script, replies, attempt_count, error_type, announced):
    failing = Try(script(*replies), attempt_count=attempt_count)
    with pytest.raises(error_type):
        failing.job_id()
    assert set(failing.api.keys) == {"key-0"}, "no other job was started"
    assert failing.announced == announced


@pytest.mark.parametrize("status", ["running", "completed"])
def test_a_stored_job_is_read_and_not_requested_again(script, status):
    store = memory()
    Try(script(started(1)), store=store).job_id()
    retry = Try(script(state(1, status)), attempt_count=2, store=store)
    assert (retry.job_id(), retry.api.keys, retry.announced) == ("job_1", [], ["job_1"])


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_stored_job_that_ended_badly_is_replaced_once(script, status):
    store = memory()
    Try(script(started(1)), store=store).job_id()
    second = Try(script(state(1, status), started(2)), attempt_count=2, store=store)
    assert (second.job_id(), second.api.keys) == ("job_2", ["key-1"])
    third = Try(script(state(1, status), state(2, "running")), attempt_count=3, store=store)
    assert (third.job_id(), third.api.keys) == ("job_2", [])


def test_a_changed_request_is_no_change_once_its_job_was_canceled(script):
    store = memory()
    Try(script(started(1)), store=store).job_id()
    replies = [state(1, "canceled"), started(2)]
    retry = Try(
        script(*replies),
        attempt_count=2,
        store=store,
        build=lambda sequence: replace(request(sequence), path="/v1/other"),
    )
    assert (retry.job_id(), retry.announced) == ("job_2", ["job_1", "job_2"])


def test_a_job_id_that_the_api_does_not_know_is_requested_once_more_by_a_retry(script):
    replies = [started(7), *STILL_UNKNOWN, started(1), state(1, "running")]
    retry = Try(script(*replies), attempt_count=2)
    assert (retry.job_id(), retry.api.keys, retry.announced) == ("job_1", ["key-0"] * 2, ["job_7", "job_1"])


def test_a_job_id_that_the_api_returns_again_without_knowing_it_is_an_error_that_names_the_key(script):
    denied = Try(script(started(1), *STILL_UNKNOWN, started(1)), attempt_count=2)
    with pytest.raises(LayersUnexpectedResponseError, match=r"job job_1, and does not know it.*key-0"):
        denied.job_id()


def test_a_stored_job_that_the_api_does_not_know_is_requested_under_its_key(script):
    store = memory()
    Try(script(started(7)), store=store).job_id()
    retry = Try(script(UNKNOWN, started(1), state(1, "running")), attempt_count=2, store=store)
    assert (retry.job_id(), retry.api.keys) == ("job_1", ["key-0"])
    third = Try(script(state(1, "running")), attempt_count=3, store=store)
    assert (third.job_id(), third.announced) == ("job_1", ["job_1"]), "the wrong response is forgotten"


def test_a_stored_job_that_the_api_forgot_is_not_requested_after_the_window(script):
    store = memory()
    Try(script(started(1)), store=store).job_id()
    late = FakeClock(NOW + REPLAY_WINDOW + 1)
    with pytest.raises(LayersReplayWindowError):
        Try(script(UNKNOWN), attempt_count=2, store=store, clock=late).job_id()


BUSY = error(409, "CONFLICT", details={"jobId": "job_0"})


def test_another_job_on_the_container_is_waited_for(script):
    """Canceling it takes the API some seconds."""
    first = Try(script(BUSY, *[state(0, "running")] * 9, state(0, "canceled"), started(1)))
    assert (first.job_id(), first.api.keys) == ("job_1", ["key-0"] * 2)
    assert CONFLICT_WAIT / 2 < sum(first.clock.slept) < CONFLICT_WAIT


def test_another_job_on_the_container_that_does_not_end_is_an_error(script):
    first = Try(script(BUSY, then=state(0, "running")))
    with pytest.raises(LayersJobTimeoutError, match="job_0 was still running"):
        first.job_id()
    assert sum(first.clock.slept) >= CONFLICT_WAIT
    assert first.api.keys == ["key-0"]


def test_a_conflict_that_names_no_job_is_final(script):
    with pytest.raises(LayersConflictError):
        Try(script(error(409, "CONFLICT", details={"layerCount": 2}))).job_id()
