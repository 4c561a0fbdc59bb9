"""Operators on jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.hooks.task import stops_retries
from airflow_provider_layers.operators.base import LayersOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class LayersCancelJobOperator(LayersOperator):
    """
    Cancel a job (``reference/jobs/cancel-job``).

    A job that ended already, or is in a stage that cannot be canceled, is no failure of this task. Canceling
    is cooperative: an accepted job may still complete, so wait for it with a sensor where that matters.

    Returns ``{"job_id", "accepted", "reason"}``; ``reason`` is ``None``, ``ALREADY_COMPLETED`` or
    ``JOB_CANCEL_UNAVAILABLE``.

    :param job_id: the job (templated)
    :param layers_conn_id: the Airflow connection (templated)
    :raises LayersNotFoundError: the job is unknown to the key
    """

    template_fields: Sequence[str] = (*LayersOperator.template_fields, "job_id")

    def __init__(self, *, job_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job_id = job_id

    @stops_retries
    def execute(self, context: Context) -> dict[str, Any]:
        """Ask the API to cancel, and say what it answered."""
        from airflow_provider_layers.api.jobs import cancel

        self.show(context, job_id=self.job_id)
        answer = self.layers_hook.run(cancel(self.job_id))
        self.log.info(
            "Layers job %s: cancel accepted=%s %s", self.job_id, answer.accepted, answer.reason or ""
        )
        return {"job_id": answer.job_id, "accepted": answer.accepted, "reason": answer.reason}
