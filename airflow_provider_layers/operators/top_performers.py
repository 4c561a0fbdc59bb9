"""Operators on the posts that performed best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.operators.base import LayersOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class LayersGetTopPerformersOperator(LayersOperator):
    """
    Rank the posts of a project (``reference/metrics/top-performers``).

    Returns the rows in the API's order, ready to map over. A row that can be cloned names its post in
    ``platformPostId``. There are none until an account is connected and synced, about every 30 minutes.

    :param project_id: the project (templated)
    :param metric: ``views``, ``engagement_rate``, ``conversions``, ``roas`` or ``watch_time_ms``;
        ``conversions`` and ``roas`` rank promoted posts only (templated)
    :param window: ``7d``, ``30d`` (the API's default) or ``90d`` (templated)
    :param source_type: one or several of ``content_container``, ``platform_post``, ``manual`` (templated)
    :param platform: one or several of ``instagram``, ``tiktok``, ``youtube``, ``meta_ads``, ``tiktok_ads``,
        ``apple_ads`` (templated)
    :param limit: most rows, 1 to 100; the API's default is 25 (templated)
    :param layers_conn_id: the Airflow connection (templated)
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    """

    ranking = ("metric", "window", "source_type", "platform", "limit")
    template_fields: Sequence[str] = (*LayersOperator.template_fields, "project_id", *ranking)

    def __init__(
        self,
        *,
        project_id: str,
        metric: str,
        window: str | None = None,
        source_type: str | list[str] | None = None,
        platform: str | list[str] | None = None,
        limit: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.project_id = project_id
        self.metric = metric
        self.window = window
        self.source_type = source_type
        self.platform = platform
        self.limit = limit

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Return the rows."""
        ranking = {name: getattr(self, name) for name in self.ranking}
        rows = self.layers_hook.get_top_performers(self.project_id, **ranking)
        self.log.info("Project %s: %d top performers by %s.", self.project_id, len(rows), self.metric)
        return rows
