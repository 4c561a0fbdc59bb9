"""Sensors on content."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import PokeReturnValue

from airflow_provider_layers.hooks.task import stops_retries
from airflow_provider_layers.hooks.view import show
from airflow_provider_layers.sensors.base import LayersSensor

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.api.approval import Standing
    from airflow_provider_layers.triggers.content import LayersContentApprovalTrigger


class LayersContentApprovalSensor(LayersSensor):
    """
    Wait until somebody has approved content in Layers (``concepts/approval``).

    For teams that decide there and not in Airflow. Waits until all of the content is decided on, and returns
    what may go out: for one id that id, for a list of ids the list of those that are approved or need no
    approval. Pushes ``approvals``, the ``approvalStatus`` of each. One that is rejected fails the sensor at
    once, and so does one that failed or was canceled before anybody decided on it. A new take of content that
    has to be approved again is waited for, too.

    :param container_id: a container or a list of them (templated)
    :param project_id: their project, where the API does not tell it with the content; with it, the triggerer
        reads about many containers at once (templated)
    :param fail_on_reject: without it, content that is rejected is left out of what is returned, and fails
        nothing; where a single id was given, an empty list is returned then
    :param layers_conn_id: the Airflow connection, of type ``layers`` (templated)
    :param deferrable: wait in the triggerer instead of in a worker slot; the default is Airflow's
        ``[operators] default_deferrable``
    :param poke_interval: pause between two looks, in seconds; while deferred the longest one
    :param kwargs: ``timeout`` (seconds, 7 days unless Airflow is told otherwise), ``mode``, ``soft_fail`` and
        the other arguments of sensors
    :raises LayersReviewRejectedError: one was rejected
    :raises LayersContentError: one failed or was canceled before anybody decided on it
    :raises LayersNotFoundError: one is unknown to the key, or was deleted meanwhile
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
        self._seen: list[Standing] = []

    @property
    def subject(self) -> str:
        """The decision that it waits for."""
        return f"A decision on content {', '.join(self._container_ids)}"

    @property
    def _container_ids(self) -> list[str]:
        from airflow_provider_layers.api.content import each

        return each(self.container_id)

    def execute(self, context: Context) -> Any:
        """Show which content it is about, then wait for it."""
        with self.softly():
            self._announce(context)
        return super().execute(context)

    @stops_retries
    def _announce(self, context: Context) -> None:
        show(context, layers_conn_id=self.layers_conn_id, container_ids=self._container_ids)

    def look(self, context: Context) -> PokeReturnValue:
        """Look at all of the content."""
        from airflow_provider_layers.api.approval import demand_approval, look_at_approval, settled

        ids = self._container_ids
        self._seen = seen = [self.layers_hook.run(look_at_approval(one)) for one in ids]
        if not settled(seen, fail_on_reject=self.fail_on_reject):
            return PokeReturnValue(is_done=False)
        found = {one.container_id: one.approval for one in seen}
        context["ti"].xcom_push(key="approvals", value=found)
        approved = demand_approval(seen, fail_on_reject=self.fail_on_reject)
        self.log.info("Content: %s.", ", ".join(f"{one} {approval}" for one, approval in found.items()))
        single = isinstance(self.container_id, str) and approved
        return PokeReturnValue(is_done=True, xcom_value=approved[0] if single else approved)

    def trigger(self, *, deadline: float, not_before: float) -> LayersContentApprovalTrigger:
        """Make the trigger; what the content told of itself lets it share the reads of others."""
        from airflow_provider_layers.api.approval import earliest, project_of
        from airflow_provider_layers.triggers.content import LayersContentApprovalTrigger

        return LayersContentApprovalTrigger(
            container_ids=self._container_ids,
            layers_conn_id=self.layers_conn_id,
            deadline=deadline,
            poll_interval=self.poke_interval,
            not_before=not_before,
            project_id=project_of(self._seen, self.project_id),
            created_at=earliest(self._seen),
            fail_on_reject=self.fail_on_reject,
        )
