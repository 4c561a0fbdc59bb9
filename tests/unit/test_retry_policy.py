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
from airflow_provider_layers.hooks.retry_policy import layers_retry_policy

try:
    from airflow.providers.common.compat.sdk import RetryAction
except ImportError:
    RetryAction = None
needs_policies = pytest.mark.skipif(
    RetryAction is None, reason="tasks have no retry policy below Airflow 3.3"
)


def error(kind, **fields):
    return kind("read job job_1", status_code=500, **fields)


@pytest.mark.skipif(RetryAction is not None, reason="there are retry policies from Airflow 3.3 on")
def test_below_3_3_it_says_what_to_use_instead():
    with pytest.raises(sdk.AirflowOptionalProviderFeatureException, match="retry_exponential_backoff"):
        layers_retry_policy()


@needs_policies
@pytest.mark.parametrize(
    ("raised", "try_number", "delay"),
    [
        (error(LayersRateLimitError, retry_after=7.0), 1, 7),
        (error(LayersRateLimitError, retry_after=0.0), 1, 1),
        (error(LayersRateLimitError), 1, 30),
        (error(LayersServerError), 1, 30),
        (LayersTransportError("no answer"), 2, 60),
        (LayersTransportError("no answer"), 5, 480),
        (LayersTransportError("no answer"), 6, 600),
        (LayersTransportError("no answer"), 5000, 600),
    ],
)
def test_what_passes_is_retried_after_a_while(raised, try_number, delay):
    decision = layers_retry_policy().evaluate(raised, try_number, max_tries=9)
    assert (decision.action, decision.retry_delay) == (RetryAction.RETRY, timedelta(seconds=delay))
    assert decision.reason == str(raised)


@needs_policies
def test_what_lasts_is_not_retried():
    assert layers_retry_policy().evaluate(error(LayersNotFoundError), 1, 9).action is RetryAction.FAIL


@needs_policies
def test_what_is_not_of_layers_keeps_airflows_rules():
    assert layers_retry_policy().evaluate(KeyError("x"), 1, 9).action is RetryAction.DEFAULT
