"""Sensors on the posts that performed best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import PokeReturnValue

from airflow_provider_layers.api.top_performers import rows_above
from airflow_provider_layers.exceptions import LayersParameterError
from airflow_provider_layers.sensors.base import LayersSensor
from airflow_provider_layers.triggers.top_performers import LayersTopPerformersTrigger

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class LayersTopPerformersSensor(LayersSensor):
    """
    Wait until posts of a project perform well enough (``reference/metrics/top-performers``).

    Returns the rows that have reached the threshold, in the API's order, ready to map over. The API syncs
    about every 30 minutes, so polling more often than every 10, the default, gains little.

    :param project_id: the project (templated)
    :param metric: ``views``, ``engagement_rate``, ``conversions``, ``roas`` or ``watch_time_ms`` (templated)
    :param threshold: the least value of the metric, in its own unit (templated)
    :param min_rows: how many rows must reach it
    :param window: ``7d``, ``30d`` (the API's default) or ``90d`` (templated)
    :param source_type: one or several of ``content_container``, ``platform_post``, ``manual`` (templated)
    :param platform: one or several of ``instagram``, ``tiktok``, ``youtube``, ``meta_ads``, ``tiktok_ads``,
        ``apple_ads`` (templated)
    :param limit: most rows to rank, 1 to 100; the API's default is 25 (templated)
    :param layers_conn_id: the Airflow connection, of type ``layers`` (templated)
    :param deferrable: wait in the triggerer instead of in a worker slot; the default is Airflow's
        ``[operators] default_deferrable``
    :param poke_interval: pause between two polls, in seconds
    :param kwargs: ``timeout`` (seconds), ``mode``, ``soft_fail`` and the other arguments of sensors
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    """

    ranking = ("metric", "window", "source_type", "platform", "limit")
    template_fields: Sequence[str] = (*LayersSensor.template_fields, "project_id", "threshold", *ranking)

    def __init__(
        self,
        *,
        project_id: str,
        metric: str,
        threshold: float | str,
        min_rows: int = 1,
        window: str | None = None,
        source_type: str | list[str] | None = None,
        platform: str | list[str] | None = None,
        limit: int | None = None,
        poke_interval: float = 600.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        if min_rows < 1:
            raise ValueError(f"min_rows = {min_rows!r}: should be 1 or more.")
        self.project_id = project_id
        self.metric = metric
        self.threshold = threshold
        self.min_rows = min_rows
        self.window = window
        self.source_type = source_type
        self.platform = platform
        self.limit = limit

    @property
    def subject(self) -> str:
        """The ranking."""
        return f"The ranking of project {self.project_id} by {self.metric}"

    def check(self, context: Context) -> PokeReturnValue:
        """Read the ranking."""
        threshold = self._threshold()
        rows = rows_above(self.layers_hook.get_top_performers(self.project_id, **self._ranking()), threshold)
        self.log.info("%s: %d rows of %s or more.", self.subject, len(rows), self.threshold)
        return PokeReturnValue(is_done=len(rows) >= self.min_rows, xcom_value=rows)

    def trigger(self, *, deadline: float, not_before: float) -> LayersTopPerformersTrigger:
        """Return the trigger."""
        return LayersTopPerformersTrigger(
            project_id=self.project_id,
            ranking=self._ranking(),
            threshold=self._threshold(),
            min_rows=self.min_rows,
            layers_conn_id=self.layers_conn_id,
            deadline=deadline,
            poll_interval=self.poke_interval,
            not_before=not_before,
        )

    def _ranking(self) -> dict[str, Any]:
        fields = {name: getattr(self, name) for name in self.ranking}
        # Tuples as lists, as the database returns them: the event's ranking is compared with this.
        return {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}

    def _threshold(self) -> float:
        # A template renders to text.
        try:
            return float(self.threshold)
        except (TypeError, ValueError):
            raise LayersParameterError(f"threshold = {self.threshold!r}: should be a number.") from None
