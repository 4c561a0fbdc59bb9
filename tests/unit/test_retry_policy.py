"""The retry policy of Airflow 3.3."""

from __future__ import annotations

import heapq
import math
import random
from datetime import timedelta

import pytest
from airflow.providers.common.compat import sdk

from airflow_provider_layers.exceptions import (
    LayersNotFoundError,
    LayersRateLimitError,
    LayersServerError,
    LayersTransportError,
)
from airflow_provider_layers.retry_policy import delay_after, layers_retry_policy

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


@pytest.mark.parametrize(
    ("error", "try_number", "seconds"),
    [
        (api_error(LayersRateLimitError, retry_after=7.0), 1, (22, 37, 52)),
        (api_error(LayersRateLimitError, retry_after=3.0), 4, (123, 243, 363)),
        (api_error(LayersRateLimitError), 1, (15, 30, 45)),
        (api_error(LayersServerError, retry_after=60.0), 2, (90, 120, 150)),
        (LOST, 5, (240, 480, 720)),
        (LOST, 6, (300, 600, 900)),
        (LOST, 5000, (300, 600, 900)),
    ],
)
def test_a_delay_grows_and_spreads_above_what_the_api_asked_for(error, try_number, seconds):
    delays = [delay_after(error, try_number, jitter=jitter) for jitter in (0.0, 0.5, 1.0)]
    assert delays == [timedelta(seconds=number) for number in seconds]


@needs_policies
def test_a_transient_error_is_retried_after_a_delay():
    decision = layers_retry_policy(jitter=lambda: 0.25).evaluate(LOST, 2, max_tries=9)
    assert (decision.action, decision.retry_delay) == (RetryAction.RETRY, timedelta(seconds=45))
    assert decision.reason == str(LOST)


@needs_policies
def test_each_delay_is_drawn_separately():
    policy = layers_retry_policy()
    assert len({policy.evaluate(LOST, 1, max_tries=9).retry_delay for _ in range(5)}) == 5


STARTS_A_MINUTE = 20
"""The standard tier (``operational/rate-limits``): a bucket that fills evenly."""


def tries_of_starts(count, *, retries, seed):
    """
    Return when each try of a number of starts took place, and which starts were out of retries.

    All come at once and are refused while the bucket is empty, with the ``Retry-After`` of the next token.
    """
    jitter = random.Random(seed).random
    due = [(0.0, start, 1) for start in range(count)]
    moments, failed, tokens, filled_at = [], [], float(STARTS_A_MINUTE), 0.0
    while due:
        now, start, try_number = heapq.heappop(due)
        moments.append(now)
        tokens, filled_at = min(20.0, tokens + (now - filled_at) * STARTS_A_MINUTE / 60), now
        if tokens >= 1:
            tokens -= 1
            continue
        wait = math.ceil((1 - tokens) * 60 / STARTS_A_MINUTE)
        delay = delay_after(api_error(LayersRateLimitError, retry_after=wait), try_number, jitter=jitter())
        if try_number > retries:
            failed.append(start)
        else:
            heapq.heappush(due, (now + delay.total_seconds(), start, try_number + 1))
    return moments, failed


def most_within(moments, seconds):
    """Return the most moments within a period of that length."""
    return max(sum(begin <= moment < begin + seconds for moment in moments) for begin in moments)


@pytest.mark.parametrize("seed", range(5))
def test_starts_above_the_rate_limit_come_back_spread_and_all_succeed(seed):
    moments, failed = tries_of_starts(50, retries=8, seed=seed)
    assert failed == []
    again = [moment for moment in moments if moment > 0]
    # 30 are refused at first. Without jitter all of them would come back within the same second.
    assert most_within(again, 1) <= 8
    assert most_within(again, 60) <= 2 * STARTS_A_MINUTE
    assert len(again) <= 50
    assert max(again) < 150


@needs_policies
def test_a_permanent_error_fails_and_a_foreign_one_keeps_airflows_rules():
    policy = layers_retry_policy()
    assert policy.evaluate(api_error(LayersNotFoundError), 1, 9).action is RetryAction.FAIL
    assert policy.evaluate(KeyError("x"), 1, 9).action is RetryAction.DEFAULT
