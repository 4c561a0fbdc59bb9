"""A retry policy for tasks that use Layers (Airflow 3.3+)."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowOptionalProviderFeatureException

from airflow_provider_layers.api.endpoint import retry_after_of
from airflow_provider_layers.exceptions import LayersError, LayersPermanentError

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, RetryPolicy

FIRST_DELAY = timedelta(seconds=30)
MAX_DELAY = timedelta(minutes=10)


@cache
def layers_retry_policy(*, jitter: Callable[[], float] = random.random) -> RetryPolicy:
    """
    Return the policy to pass as ``retry_policy`` to a task, or in ``default_args``.

    Transient errors are retried after 30 s, doubled each time up to 10 minutes, each delay longer or shorter
    by up to half at random, so that many tasks do not return together. What the API asked to wait
    (``Retry-After``) is added. Permanent errors are not retried. Errors that are not of Layers keep Airflow's
    own rules, and ``retries`` stays the maximum.

    :param jitter: random numbers from 0 to 1
    :raises AirflowOptionalProviderFeatureException: below Airflow 3.3, where tasks have no retry policy
    """
    try:
        from airflow.providers.common.compat.sdk import RetryDecision, RetryPolicy
    except ImportError:
        raise AirflowOptionalProviderFeatureException(
            "layers_retry_policy() needs Airflow 3.3. Below, permanent errors stop retries all the same, and "
            "retry_delay with retry_exponential_backoff spaces the others."
        ) from None

    class LayersRetryPolicy(RetryPolicy):
        def evaluate(
            self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
        ) -> RetryDecision:
            if not isinstance(exception, LayersError):
                return RetryDecision()
            if isinstance(exception, LayersPermanentError):
                return RetryDecision.fail(str(exception))
            delay = delay_after(exception, try_number, jitter=jitter())
            return RetryDecision.retry(delay, str(exception))

    return LayersRetryPolicy()


def delay_after(error: LayersError, try_number: int, *, jitter: float) -> timedelta:
    """
    Return the delay before the next try after a transient error.

    :param try_number: the try that it ended, from 1
    :param jitter: a random number from 0 to 1
    """
    doublings = min(max(try_number - 1, 0), 10)
    growing = min(MAX_DELAY, FIRST_DELAY * (1 << doublings))
    return timedelta(seconds=retry_after_of(error)) + growing * (0.5 + jitter)
