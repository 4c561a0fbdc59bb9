"""What errors say, what they carry, and which of them stop Airflow's retries."""

from __future__ import annotations

import copy
import pickle

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_layers import exceptions
from airflow_provider_layers.exceptions import (
    LayersAPIError,
    LayersBillingError,
    LayersConflictError,
    LayersError,
    LayersIdempotencyError,
    LayersJobError,
    LayersJobFailedError,
    LayersJobTimeoutError,
    LayersPermanentError,
    LayersServerError,
)

CLASSES = [
    item for item in vars(exceptions).values() if isinstance(item, type) and issubclass(item, LayersError)
]
TRANSIENT = {
    "LayersError",
    "LayersAPIError",
    "LayersContentUnfinishedError",
    "LayersPartialError",
    "LayersRateLimitError",
    "LayersServerError",
    "LayersTransportError",
    "LayersUnexpectedResponseError",
}


def make(error_type: type[LayersError]) -> LayersError:
    if issubclass(error_type, LayersAPIError):
        return error_type(
            "approve content cnt_1",
            status_code=409,
            code="CONFLICT",
            message="Already rejected.",
            request_id="req_1",
            details={"approvalStatus": "rejected"},
            retry_after=1.5,
        )
    if issubclass(error_type, LayersJobError):
        return error_type("job_1", "failed: no reason.", {"code": "SCRAPE_FAILED"})
    return error_type("what happened")


def test_permanent_errors_are_airflows_own_and_transient_ones_are_not():
    permanent = {item.__name__ for item in CLASSES if issubclass(item, LayersPermanentError)}
    assert permanent == {item.__name__ for item in CLASSES} - TRANSIENT
    assert permanent == {item.__name__ for item in CLASSES if issubclass(item, AirflowFailException)}


@pytest.mark.parametrize("error_type", CLASSES, ids=lambda error_type: error_type.__name__)
def test_an_error_survives_the_way_to_another_process(error_type):
    error = make(error_type)
    # As `add_note` does, from Python 3.11.
    error.__notes__ = ["while the task was deferred"]
    for copied in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(copied) is error_type
        assert str(copied) == str(error)
        assert vars(copied) == vars(error)


def test_the_text_names_request_response_remedy_and_request_id():
    error = LayersBillingError(
        "clone post pp_1",
        status_code=402,
        code="BILLING_EXHAUSTED",
        message="Insufficient credits.",
        request_id="req_1",
        details={"required": 40},
    )
    assert str(error) == (
        "Could not clone post pp_1: the API returned 402 BILLING_EXHAUSTED: Insufficient credits "
        "(details: {'required': 40}). Top up the credits, then clear the task. Request id: req_1."
    )
    without_envelope = LayersServerError("read job job_1", status_code=502)
    assert str(without_envelope) == (
        "Could not read job job_1: the API returned 502. Request id: none was given."
    )


def test_an_api_error_carries_what_the_api_returned():
    error = make(LayersConflictError)
    assert vars(error) == {
        "description": "approve content cnt_1",
        "status_code": 409,
        "code": "CONFLICT",
        "message": "Already rejected.",
        "request_id": "req_1",
        "details": {"approvalStatus": "rejected"},
        "retry_after": 1.5,
    }
    assert LayersServerError("read it", status_code=500).details == {}


def test_a_permanent_api_error_says_what_to_do():
    permanent = [
        item for item in CLASSES if issubclass(item, LayersAPIError) and item.__name__ not in TRANSIENT
    ]
    assert len(permanent) > 10
    assert [
        item.__name__ for item in permanent if not item.advice or item.advice not in str(make(item))
    ] == []
    assert "earlier try" in LayersIdempotencyError.advice
    assert "Nothing was started or billed" in LayersIdempotencyError.advice


def test_a_job_error_names_the_job():
    error = LayersJobFailedError("job_1", "failed: no reason.")
    assert str(error) == "Layers job job_1 failed: no reason."
    assert (error.job_id, error.message, error.error) == ("job_1", "failed: no reason.", {})


def test_what_users_may_catch_by_another_class():
    """Beside the drawn tree, which a house rule checks."""
    assert issubclass(exceptions.LayersParameterError, ValueError)
    assert issubclass(LayersJobTimeoutError, exceptions.LayersTimeoutError)
    assert not issubclass(exceptions.LayersContentUnfinishedError, exceptions.LayersContentError)
