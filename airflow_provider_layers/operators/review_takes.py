"""The takes that are asked for in a review: each is a job, as any other that makes content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_layers.exceptions import (
    LayersBillingError,
    LayersError,
    LayersJobCanceledError,
    LayersJobFailedError,
    LayersModerationError,
    LayersParameterError,
    LayersRequestError,
)
from airflow_provider_layers.operators.job_start import LayersJobOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.api.endpoint import Endpoint
    from airflow_provider_layers.api.keys import Origin
    from airflow_provider_layers.api.review import Answer
    from airflow_provider_layers.api.submission import Submission
    from airflow_provider_layers.hooks.takes import Standing

NO_TAKE = {
    LayersBillingError,
    LayersJobCanceledError,
    LayersJobFailedError,
    LayersModerationError,
    LayersParameterError,
    LayersRequestError,
}


def made_no_take(error: LayersError) -> bool:
    """
    Say whether there is no new take, and the person who asked for it can ask for another, or decide.

    :param error: what became of it. Of wrong parameters only the plain kind: others tell of an earlier try
    """
    return type(error) in NO_TAKE


class LayersReviewTakes(LayersJobOperator):
    """Make the takes that are asked for."""

    _wanted: tuple[Standing, Answer] | None = None

    def make(self, context: Context, standing: Standing, answer: Answer) -> None:
        """
        Start the job of a new take, or find it, and wait.

        :param context: of the task
        :param standing: how far the review has come
        :param answer: what the new take is to change
        """
        self._wanted = standing, answer
        self.log.info("%s asked for a new take: %s", answer.who, dict(answer.brief) or "the same once more")
        self.wait_for(context, self._start(context), retried=True)

    def request(self, source: Origin, turn: int) -> Endpoint[Submission]:
        """Make the request; see :func:`airflow_provider_layers.api.generation.regenerate`."""
        from airflow_provider_layers.api.generation import regenerate

        assert self._wanted is not None  # noqa: S101 - a new take is made for an answer only
        standing, answer = self._wanted
        ((container_id, shown),) = answer.shown.items()
        changes = {"brief": dict(answer.brief) or None, "preserve_assets": answer.preserve_assets or None}
        key = source.key("review-regenerate", container_id, shown, standing.take, standing.made, turn)
        return regenerate(container_id, changes, idempotency_key=key)

    def on_kill(self) -> None:
        """Cancel the job of a new take when a person ended the task; a question needs no end."""
        if self._asked_under or self._job_id:
            super().on_kill()
