"""The posts that did best: ``reference/metrics/top-performers``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from airflow_provider_layers.api.cadence import Cadence
from airflow_provider_layers.api.endpoint import Answer, Endpoint, segment
from airflow_provider_layers.api.request import Request, one_or_many, query
from airflow_provider_layers.api.watching import Sight, Watch
from airflow_provider_layers.exceptions import LayersTimeoutError

Source = Literal["content_container", "platform_post", "manual"]
Platform = Literal["instagram", "tiktok", "youtube", "meta_ads", "tiktok_ads", "apple_ads"]


class Ranking(Request):
    """What to rank, by what."""

    metric: Literal["views", "engagement_rate", "conversions", "roas", "watch_time_ms"]
    window: Literal["7d", "30d", "90d"] | None = None
    source_type: Annotated[list[Source], BeforeValidator(one_or_many)] | None = None
    platform: Annotated[list[Platform], BeforeValidator(one_or_many)] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] | None = None


def get_top_performers(project_id: str, **ranking: Any) -> Endpoint[list[dict[str, Any]]]:
    """
    ``GET /v1/projects/:projectId/top-performers`` (scope ``metrics:read``).

    :param project_id: the project
    :param ranking: see :class:`Ranking`
    :return: the rows as the API ranks them, each that is a platform post with its ``platformPostId``
    :raises LayersParameterError: a parameter is wrong
    """
    return Endpoint(
        asked=f"read the top performers of project {project_id}",
        method="GET",
        path=f"/v1/projects/{segment('project_id', project_id)}/top-performers",
        query=query(Ranking, **ranking),
        read=_rows,
    )


def _rows(answer: Answer) -> list[dict[str, Any]]:
    return [_with_post_id(row) for row in answer.json().get("items") or []]


def _with_post_id(row: dict[str, Any]) -> dict[str, Any]:
    """
    Name the post that a row can be cloned from.

    The guide reads ``platformPostId``; the reference's rows have ``sourceType`` and ``sourceId``. A row of
    type ``platform_post`` is assumed to carry the same id under the second name.
    """
    if "platformPostId" not in row and row.get("sourceType") == "platform_post":
        return {**row, "platformPostId": row.get("sourceId")}
    return row


def above(rows: Sequence[Mapping[str, Any]], threshold: float) -> list[Mapping[str, Any]]:
    """
    Give the rows whose metric is at least a threshold; rows without a number are none of them.

    :param rows: as :func:`get_top_performers` gives them
    :param threshold: in the unit of the metric
    """
    values = [(row, row.get("metricValue")) for row in rows]
    return [row for row, value in values if isinstance(value, (int, float)) and value >= threshold]


def watch_top_performers(
    project_id: str,
    *,
    threshold: float,
    min_rows: int,
    deadline: float,
    longest: float,
    **ranking: Any,
) -> Watch[list[dict[str, Any]]]:
    """
    Watch a ranking until enough of its rows have reached a threshold.

    :param project_id: the project
    :param threshold: what the metric has to reach
    :param min_rows: how many rows have to reach it
    :param deadline: seconds since the epoch; one last look is taken after it
    :param longest: pause between two looks, in seconds
    :param ranking: see :class:`Ranking`
    :raises LayersParameterError: a parameter is wrong
    """
    endpoint = get_top_performers(project_id, **ranking)

    def expired(rows: list[dict[str, Any]] | None) -> LayersTimeoutError:
        found = "could not be read" if rows is None else f"had {len(above(rows, threshold))} such rows"
        return LayersTimeoutError(
            f"Project {project_id} {found} at the deadline; {min_rows} were wanted with "
            f"{ranking['metric']} of {threshold} or more."
        )

    return Watch(
        name=f"top performers of project {project_id}",
        look=lambda _: endpoint,
        sight=lambda rows: Sight(ended=len(above(rows, threshold)) >= min_rows),
        expired=expired,
        deadline=deadline,
        cadence=Cadence(longest=longest),
    )
