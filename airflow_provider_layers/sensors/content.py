"""Sensors on content."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import PokeReturnValue

from airflow_provider_layers.api.content import (
    ContentState,
    as_ids,
    common_project,
    earliest_creation,
    get_content_state,
    is_settled,
    raise_unless_approved,
)
from airflow_provider_layers.sensors.base import LayersSensor
from airflow_provider_layers.task_context import publish_ui_data
from airflow_provider_layers.triggers.content import LayersContentApprovalTrigger

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class LayersContentApprovalSensor(LayersSensor):
    """
    Wait until content is approved in Layers (``concepts/approval``).

    For teams that decide there and not in Airflow. Waits until all of the content is approved or rejected,
    and returns what may be published: for one id that id, for a list of ids the list of those that are
    approved or need no approval. Pushes ``approvals``, the ``approvalStatus`` of each. A rejection fails the
    sensor at once, and so does content that failed or was canceled before a decision. A new version that has
    to be approved again is waited for as well.

    :param container_id: a container or a list of them (templated)
    :param project_id: their project, if the API does not return it with the content; with it, the triggerer
        reads many containers at once (templated)
    :param fail_on_reject: whether a rejection fails the sensor; otherwise rejected content is left out of the
        return value, and a single id that is rejected returns an empty list
    :param layers_conn_id: the Airflow connection, of type ``layers`` (templated)
    :param deferrable: wait in the triggerer instead of in a worker slot; the default is Airflow's
        ``[operators] default_deferrable``
    :param poke_interval: pause between two polls, in seconds; while deferred the longest pause
    :param kwargs: ``timeout`` (seconds; Airflow's default is 7 days), ``mode``, ``soft_fail`` and the other
        arguments of sensors
    :raises LayersReviewRejectedError: content was rejected
    :raises LayersContentError: content failed or was canceled before a decision
    :raises LayersNotFoundError: content is unknown to the key, or was deleted
    """

    template_fields: Sequence[str] = (*LayersSensor.template_fields, "container_id", "project_id")

    def __init__(
        self,
        *,
        container_id: str | list[str],
        project_id: str | None = None,
        fail_on_reject: bool = True,
        poke_interval: float = 60.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.container_id = container_id
        self.project_id = project_id
        self.fail_on_reject = fail_on_reject
        # As last read in this process.
        self._states: list[ContentState] = []

    @property
    def subject(self) -> str:
        """The decision that it waits for."""
        return f"A decision on content {', '.join(as_ids(self.container_id))}"

    def announce(self, context: Context) -> None:
        """Publish what the Layers page shows."""
        container_ids = as_ids(self.container_id)
        publish_ui_data(context, layers_conn_id=self.layers_conn_id, container_ids=container_ids)

    def check(self, context: Context) -> PokeReturnValue:
        """Read all of the content."""
        container_ids = as_ids(self.container_id)
        self._states = states = [self.layers_hook.run(get_content_state(item)) for item in container_ids]
        if not is_settled(states, fail_on_reject=self.fail_on_reject):
            return PokeReturnValue(is_done=False)
        approvals = {state.container_id: state.approval_status for state in states}
        context["ti"].xcom_push(key="approvals", value=approvals)
        approved = raise_unless_approved(states, fail_on_reject=self.fail_on_reject)
        self.log.info("Content: %s.", ", ".join(f"{item} {status}" for item, status in approvals.items()))
        is_single = isinstance(self.container_id, str) and bool(approved)
        return PokeReturnValue(is_done=True, xcom_value=approved[0] if is_single else approved)

    def trigger(self, *, deadline: float, not_before: float) -> LayersContentApprovalTrigger:
        """Return the trigger, with what is known of the content, so that it shares list reads with others."""
        return LayersContentApprovalTrigger(
            container_ids=as_ids(self.container_id),
            layers_conn_id=self.layers_conn_id,
            deadline=deadline,
            poll_interval=self.poke_interval,
            not_before=not_before,
            project_id=common_project(self._states, self.project_id),
            created_at=earliest_creation(self._states),
            fail_on_reject=self.fail_on_reject,
        )
