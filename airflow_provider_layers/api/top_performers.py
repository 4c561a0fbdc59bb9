"""The posts that performed best: ``reference/metrics/top-performers``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from airflow_provider_layers.api.endpoint import Endpoint, Response, quote_path_segment
from airflow_provider_layers.api.schemas import RequestModel, as_list, query_params

Source = Literal["content_container", "platform_post", "manual"]
RankedPlatform = Literal["instagram", "tiktok", "youtube", "meta_ads", "tiktok_ads", "apple_ads"]


class Ranking(RequestModel):
    """Query of the ranking."""

    metric: Literal["views", "engagement_rate", "conversions", "roas", "watch_time_ms"]
    window: Literal["7d", "30d", "90d"] | None = None
    source_type: Annotated[list[Source], BeforeValidator(as_list)] | None = None
    platform: Annotated[list[RankedPlatform], BeforeValidator(as_list)] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] | None = None


def get_top_performers(project_id: str, **ranking: Any) -> Endpoint[list[dict[str, Any]]]:
    """
    ``GET /v1/projects/:projectId/top-performers`` (scope ``metrics:read``).

    :param ranking: see :class:`Ranking`
    :return: the rows in the API's order; those that are platform posts with their ``platformPostId``
    :raises LayersParameterError: a parameter is wrong
    """
    return Endpoint(
        description=f"read the top performers of project {project_id}",
        method="GET",
        path=f"/v1/projects/{quote_path_segment('project_id', project_id)}/top-performers",
        query=query_params(Ranking, **ranking),
        read=_read_rows,
    )


def _read_rows(response: Response) -> list[dict[str, Any]]:
    return [_with_post_id(row) for row in response.json().get("items") or []]


def _with_post_id(row: dict[str, Any]) -> dict[str, Any]:
    # The guide reads `platformPostId`; the reference's rows have `sourceType` and `sourceId`. A row of type
    # `platform_post` is assumed to carry the same id under the second name.
    if "platformPostId" not in row and row.get("sourceType") == "platform_post":
        return {**row, "platformPostId": row.get("sourceId")}
    return row


def rows_above(rows: Sequence[Mapping[str, Any]], threshold: float) -> list[Mapping[str, Any]]:
    """
    Return the rows whose metric is at least a threshold; rows without a number are left out.

    :param rows: of :func:`get_top_performers`
    :param threshold: in the unit of the metric
    """
    values = [(row, row.get("metricValue")) for row in rows]
    return [row for row, value in values if isinstance(value, (int, float)) and value >= threshold]
