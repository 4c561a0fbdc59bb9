"""The retry policy of Airflow 3.3."""

from __future__ import annotations

from datetime import timedelta

import pytest
from airflow.providers.common.compat import sdk

from airflow_provider_layers.exceptions import (
    LayersNotFoundError,
    LayersRateLimitError,
    LayersServerError,
    LayersTransportError,
)
from airflow_provider_layers.retry_policy import layers_retry_policy

try:
    from airflow.providers.common.compat.sdk import RetryAction
except ImportError:
    RetryAction = None
needs_policies = pytest.mark.skipif(
    RetryAction is None, reason="tasks have no retry policy below Airflow 3.3"
)

LOST = LayersTransportError("no response")


def api_error(error_type, **fields):
    return error_type("read job job_1", status_code=500, **fields)


@pytest.mark.skipif(RetryAction is not None, reason="there are retry policies from Airflow 3.3 on")
def test_below_3_3_it_says_what_to_use_instead():
    with pytest.raises(sdk.AirflowOptionalProviderFeatureException, match="retry_exponential_backoff"):
        layers_retry_policy()


@needs_policies
@pytest.mark.parametrize(
    ("error", "try_number", "delay"),
    [
        (api_error(LayersRateLimitError, retry_after=7.0), 1, 7),
        (api_error(LayersRateLimitError, retry_after=0.0), 1, 1),
        (api_error(LayersRateLimitError), 1, 30),
        (api_error(LayersServerError), 1, 30),
        (LOST, 2, 60),
        (LOST, 5, 480),
        (LOST, 6, 600),
        (LOST, 5000, 600),
    ],
)
def test_a_transient_error_is_retried_after_a_delay(error, try_number, delay):
    decision = layers_retry_policy().evaluate(error, try_number, max_tries=9)
    assert (decision.action, decision.retry_delay) == (RetryAction.RETRY, timedelta(seconds=delay))
    assert decision.reason == str(error)


@needs_policies
def test_a_permanent_error_fails_and_a_foreign_one_keeps_airflows_rules():
    policy = layers_retry_policy()
    assert policy.evaluate(api_error(LayersNotFoundError), 1, 9).action is RetryAction.FAIL
    assert policy.evaluate(KeyError("x"), 1, 9).action is RetryAction.DEFAULT
