"""A retry policy for tasks that use Layers (Airflow 3.3+)."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowOptionalProviderFeatureException

from airflow_provider_layers.exceptions import LayersError, LayersPermanentError, LayersRateLimitError

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, RetryPolicy

FIRST_DELAY = timedelta(seconds=30)
MAX_DELAY = timedelta(minutes=10)


@cache
def layers_retry_policy() -> RetryPolicy:
    """
    Return the policy to pass as ``retry_policy`` to a task, or in ``default_args``.

    A rate limit is retried after the time that the API asked for, other transient errors after 30 s, doubled
    each time up to 10 minutes, and permanent errors not at all. Errors that are not of Layers keep Airflow's
    own rules, and ``retries`` stays the maximum.

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
            return RetryDecision.retry(delay_after(exception, try_number), str(exception))

    return LayersRetryPolicy()


def delay_after(error: LayersError, try_number: int) -> timedelta:
    """
    Return the delay before the next try after a transient error.

    :param try_number: the try that it ended, from 1
    """
    if isinstance(error, LayersRateLimitError) and error.retry_after is not None:
        return timedelta(seconds=max(1.0, error.retry_after))
    doublings = min(max(try_number - 1, 0), 10)
    return min(MAX_DELAY, FIRST_DELAY * (1 << doublings))
