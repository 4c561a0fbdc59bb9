"""Sending once, over all tries of a task."""

from __future__ import annotations

import json

import pytest

from airflow_provider_layers.api.endpoint import Answer, Endpoint, NoAnswer, Pause, Send, json_of
from airflow_provider_layers.api.once import REPLAY_WINDOW, Record, fingerprint, once
from airflow_provider_layers.exceptions import (
    LayersAPIError,
    LayersError,
    LayersParameterError,
    LayersReplayWindowError,
    LayersRequestChangedError,
    LayersTransportError,
)
from tests.unit.memories import Notebook

NOW = 1_800_000_000.0


def endpoint(**body: object) -> Endpoint[dict[str, object]]:
    return Endpoint(
        asked="start something", method="POST", path="/v1/x", body=body, read=json_of, idempotency_key="k"
    )


def drive(flow, *answers):
    """Answer the steps of a flow in turn; give its result and what it sent."""
    given = list(answers)
    sent = []
    try:
        step = next(flow)
        while True:
            if isinstance(step, Send):
                sent.append(step.endpoint)
                step = flow.send(given.pop(0))
            else:
                assert isinstance(step, Pause)
                step = flow.send(None)
    except StopIteration as end:
        return end.value, sent


def accepted(**body: object) -> Answer:
    return Answer(202, {}, json.dumps(body).encode())


def at(moment: float):
    return lambda: moment


def test_a_first_request_is_noted_before_it_is_sent_and_its_answer_after():
    memory = Notebook()
    flow = once(endpoint(a=1), memory, clock=at(NOW))
    next(flow)
    assert memory.records["k"].answer is None, "the intent is kept while the request is under way"
    with pytest.raises(StopIteration) as end:
        flow.send(accepted(jobId="job_1"))
    assert end.value.value.result == {"jobId": "job_1"}
    assert end.value.value.fresh
    assert memory.records["k"].answer == {"jobId": "job_1"}


def test_a_remembered_answer_is_given_without_sending():
    memory = Notebook()
    first, _ = drive(once(endpoint(a=1), memory, clock=at(NOW)), accepted(jobId="job_1"))
    again, sent = drive(once(endpoint(a=1), memory, clock=at(NOW + 10 * REPLAY_WINDOW)))
    assert (again.result, sent) == (first.result, [])
    assert not again.fresh


def test_an_answer_that_was_lost_is_asked_for_under_the_same_key():
    memory = Notebook()
    with pytest.raises(LayersTransportError):
        drive(once(endpoint(a=1), memory, clock=at(NOW)), *[NoAnswer("lost")] * 5)
    again, sent = drive(once(endpoint(a=1), memory, clock=at(NOW + 60)), accepted(jobId="job_1"))
    assert [one.idempotency_key for one in sent] == ["k"]
    assert not again.fresh, "the first try may have been carried out"


@pytest.mark.parametrize("remembers", [True, False])
@pytest.mark.parametrize(("late", "refused"), [(0, False), (1, True)])
def test_what_the_api_may_have_forgotten_is_not_sent_again(remembers, late, refused):
    memory = Notebook(None if remembers else NOW)
    if remembers:
        memory.save("k", Record("start something", NOW, fingerprint(endpoint(a=1))))
    flow = once(endpoint(a=1), memory, clock=at(NOW + REPLAY_WINDOW + late))
    if not refused:
        assert len(drive(flow, accepted())[1]) == 1
        return
    with pytest.raises(LayersReplayWindowError, match=r"24 hours ago.*resubmit_after_window=True"):
        drive(flow)


def test_it_is_sent_after_the_window_where_that_was_asked_for():
    memory = Notebook(NOW)
    flow = once(endpoint(a=1), memory, send_after_window=True, clock=at(NOW + 2 * REPLAY_WINDOW))
    assert len(drive(flow, accepted())[1]) == 1


def test_a_changed_request_names_what_changed_and_sends_nothing():
    memory = Notebook()
    drive(once(endpoint(a=1, b=2, c=3), memory, clock=at(NOW)), accepted())
    with pytest.raises(LayersRequestChangedError, match="Changed: b, c, d") as refused:
        drive(once(endpoint(a=1, b=3, d=4), memory, clock=at(NOW)))
    assert "clear the task" in str(refused.value)


def refusal(status: int, code: str = "X") -> Answer:
    return Answer(status, {}, json.dumps({"error": {"code": code}}).encode())


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422])
def test_a_request_that_was_refused_for_good_is_forgotten(status):
    memory = Notebook()
    with pytest.raises(LayersAPIError):
        drive(once(endpoint(a=1), memory), refusal(status))
    assert memory.records == {}


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([refusal(409)], id="a conflict may tell of what the request did"),
        pytest.param([refusal(409, "IDEMPOTENCY_CONFLICT")], id="something else was sent under its key"),
        pytest.param([refusal(503, "KILL_SWITCH")], id="a gateway may have let it through"),
        pytest.param([NoAnswer("lost"), refusal(402)], id="what was lost before may have arrived"),
        pytest.param([refusal(429)] * 5, id="a rate limit is not for good"),
    ],
)
def test_a_request_that_may_have_arrived_is_remembered(answers):
    memory = Notebook()
    with pytest.raises(LayersError):
        drive(once(endpoint(a=1), memory), *answers)
    assert memory.records["k"].answer is None


def test_a_refusal_says_nothing_about_an_earlier_try():
    memory = Notebook()
    memory.save("k", Record("start something", NOW, fingerprint(endpoint(a=1))))
    with pytest.raises(LayersAPIError):
        drive(once(endpoint(a=1), memory, clock=at(NOW + 60)), refusal(402))
    assert memory.records["k"].sent_at == NOW


def test_the_memory_keeps_no_words_of_the_request():
    memory = Notebook()
    drive(once(endpoint(hook="our secret launch"), memory, clock=at(NOW)), accepted())
    assert "secret" not in json.dumps([record.as_json() for record in memory.saved])


def test_the_order_of_keys_is_no_change():
    assert fingerprint(endpoint(a={"x": 1, "y": 2})) == fingerprint(endpoint(a={"y": 2, "x": 1}))


def test_once_takes_a_key():
    unnamed = Endpoint(asked="start something", method="POST", path="/v1/x", read=json_of)
    with pytest.raises(LayersParameterError, match="idempotency key"):
        drive(once(unnamed, Notebook()))
