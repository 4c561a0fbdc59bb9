"""What becomes of a take that could not be made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_layers import exceptions
from airflow_provider_layers.operators.review_takes import made_no_take

if TYPE_CHECKING:
    from airflow_provider_layers.exceptions import LayersError

API = {"asked": "regenerate content cnt_1", "status_code": 422}
ANOTHER_CAN_BE_ASKED_FOR = {
    "LayersBillingError": API,
    "LayersRequestError": API,
    "LayersModerationError": API,
    "LayersParameterError": {},
    "LayersJobFailedError": {"job_id": "job_1", "message": "failed"},
    "LayersJobCanceledError": {"job_id": "job_1", "message": "was canceled"},
}
# Their job may still be running, or be that of an earlier try.
NOT_KNOWN = {
    "LayersJobTimeoutError": {"job_id": "job_1", "message": "was running"},
    "LayersRequestChangedError": {},
    "LayersReplayWindowError": {},
    "LayersIdempotencyError": API,
    "LayersConflictError": API,
    "LayersServerError": API,
    "LayersTransportError": {},
    "LayersAuthenticationError": API,
}


def made(name: str, fields: dict) -> LayersError:
    return getattr(exceptions, name)(**fields) if fields else getattr(exceptions, name)("text")


@pytest.mark.parametrize("name", ANOTHER_CAN_BE_ASKED_FOR)
def test_the_person_can_ask_for_another(name):
    assert made_no_take(made(name, ANOTHER_CAN_BE_ASKED_FOR[name]))


@pytest.mark.parametrize("name", NOT_KNOWN)
def test_where_it_is_not_known_what_became_of_it_the_task_fails(name):
    assert not made_no_take(made(name, NOT_KNOWN[name]))
