"""What errors say, carry and survive."""

from __future__ import annotations

import copy
import pickle

import pytest

from airflow_provider_layers import exceptions
from airflow_provider_layers.exceptions import (
    LayersAPIError,
    LayersError,
    LayersJobError,
    LayersJobFailedError,
)

CLASSES = [one for one in vars(exceptions).values() if isinstance(one, type) and issubclass(one, LayersError)]
PASSING = {
    "LayersContentUnfinishedError",
    "LayersRateLimitError",
    "LayersServerError",
    "LayersTransportError",
    "LayersUnexpectedAnswerError",
}


def make(kind: type[LayersError]) -> LayersError:
    if issubclass(kind, LayersAPIError):
        return kind(
            "approve content cnt_1",
            status_code=409,
            code="CONFLICT",
            message="Already rejected.",
            request_id="req_1",
            details={"approvalStatus": "rejected"},
            retry_after=1.5,
        )
    if issubclass(kind, LayersJobError):
        return kind("job_1", "failed: no reason.", {"code": "SCRAPE_FAILED"})
    return kind("what happened")


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_permanent_says_whether_asking_again_can_help(kind):
    assert kind.permanent is (kind.__name__ not in PASSING)


@pytest.mark.parametrize("again", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])
@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_an_error_survives_the_way_to_another_process(kind, again):
    error = make(kind)
    arrived = again(error)
    assert type(arrived) is kind
    assert str(arrived) == str(error)
    assert vars(arrived) == vars(error)


@pytest.mark.parametrize("kind", [exceptions.LayersServerError, LayersJobFailedError, LayersError])
def test_what_others_note_on_an_error_survives_too(kind):
    """As ``add_note`` does, from Python 3.11."""
    error = make(kind)
    error.__notes__ = ["while the task was deferred"]
    assert pickle.loads(pickle.dumps(error)).__notes__ == ["while the task was deferred"]


def test_the_text_names_what_was_asked_what_came_back_what_to_do_and_the_request_id():
    error = exceptions.LayersBillingError(
        "clone post pp_1",
        status_code=402,
        code="BILLING_EXHAUSTED",
        message="Insufficient credits.",
        request_id="req_1",
        details={"required": 40},
    )
    assert str(error) == (
        "Could not clone post pp_1: the API answered 402 BILLING_EXHAUSTED: Insufficient credits "
        "(details: {'required': 40}). Top up the credits, then clear the task. Request id: req_1."
    )


def test_the_text_is_whole_without_an_envelope():
    error = exceptions.LayersServerError("read job job_1", status_code=502)
    assert str(error) == "Could not read job job_1: the API answered 502. Request id: none was given."


def test_an_api_error_carries_what_the_api_said():
    error = make(exceptions.LayersConflictError)
    assert error.asked == "approve content cnt_1"
    assert error.status_code == 409
    assert error.code == "CONFLICT"
    assert error.message == "Already rejected."
    assert error.request_id == "req_1"
    assert error.details == {"approvalStatus": "rejected"}
    assert error.retry_after == 1.5


@pytest.mark.parametrize(
    "kind",
    [
        one
        for one in CLASSES
        if issubclass(one, LayersAPIError) and one is not LayersAPIError and one.permanent
    ],
    ids=lambda kind: kind.__name__,
)
def test_a_permanent_api_error_says_what_to_do(kind):
    assert kind.advice
    assert kind.advice in str(make(kind))


def test_a_changed_request_is_explained():
    advice = exceptions.LayersIdempotencyError.advice
    assert "earlier try" in advice
    assert "Nothing was started or billed" in advice


def test_a_job_error_names_the_job():
    error = LayersJobFailedError("job_1", "failed: no reason.")
    assert str(error) == "Layers job job_1 failed: no reason."
    assert (error.job_id, error.error) == ("job_1", {})


def test_a_wrong_parameter_is_a_value_error():
    assert issubclass(exceptions.LayersParameterError, ValueError)


def test_content_that_is_still_being_made_is_told_from_content_that_came_to_nothing():
    assert issubclass(exceptions.LayersContentUnfinishedError, exceptions.LayersContentError)
    assert exceptions.LayersContentError.permanent
    assert not exceptions.LayersContentUnfinishedError.permanent


def test_a_job_that_ran_out_of_time_is_a_timeout_as_everything_else_that_did():
    assert issubclass(exceptions.LayersJobTimeoutError, exceptions.LayersTimeoutError)
    error = exceptions.LayersJobTimeoutError("job_1", "was still running.")
    assert str(error) == "Layers job job_1 was still running.", "an event tells the whole of it"
