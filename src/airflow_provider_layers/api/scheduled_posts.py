"""Putting content on a date: ``reference/publishing/*``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from airflow_provider_layers.api.endpoint import Answer, Endpoint, segment
from airflow_provider_layers.api.request import Moment, Request, body
from airflow_provider_layers.api.targets import Targets

BLOCKED_ON_APPROVAL = "blocked_on_approval"


class ScheduleForm(Request):
    """The body of schedule."""

    scheduled_for: Moment
    targets: Targets


@dataclass(frozen=True)
class Scheduling:
    """
    What became of a schedule.

    :param gate_status: ``blocked_on_approval`` when the API keeps the schedule until somebody approves the
        content; ``None`` when it is on its way
    :param scheduled_post_ids: one for each target; none while the gate is closed
    """

    container_id: str
    scheduled_for: str
    gate_status: str | None
    scheduled_post_ids: tuple[str, ...]

    @property
    def blocked(self) -> bool:
        """Whether it waits for an approval."""
        return self.gate_status == BLOCKED_ON_APPROVAL

    def as_xcom(self) -> dict[str, Any]:
        """Give it as plain JSON."""
        return asdict(self) | {"scheduled_post_ids": list(self.scheduled_post_ids)}


def post_ids(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """
    Collect the scheduled posts that an answer names.

    The success body is not documented beyond the names ``scheduledPostId`` and ``scheduledPostIds``, so
    they are taken from the top or, where the answer has a row for each target, from its rows.
    """
    ids: list[str] = list(answer.get("scheduledPostIds") or [])
    rows = [answer, *(row for value in answer.values() if isinstance(value, list) for row in value)]
    ids += [row["scheduledPostId"] for row in rows if isinstance(row, Mapping) and row.get("scheduledPostId")]
    return tuple(dict.fromkeys(ids))


def schedule_content(
    container_id: str, *, scheduled_for: Any, targets: Any, idempotency_key: str
) -> Endpoint[Scheduling]:
    """
    ``POST /v1/content/:containerId/schedule`` (scope ``publish:write``).

    :param container_id: the container
    :param scheduled_for: a moment with a timezone
    :param targets: 1 to 50 social accounts, all or nothing
    :param idempotency_key: the same on every try
    :raises LayersParameterError: a parameter is wrong
    """
    sent = body(ScheduleForm, scheduled_for=scheduled_for, targets=targets)
    return Endpoint(
        asked=f"schedule content {container_id} for {sent['scheduledFor']}",
        method="POST",
        path=f"/v1/content/{segment('container_id', container_id)}/schedule",
        body=sent,
        read=partial(_read_scheduling, container_id=container_id, scheduled_for=sent["scheduledFor"]),
        idempotency_key=idempotency_key,
    )


def _read_scheduling(answer: Answer, *, container_id: str, scheduled_for: str) -> Scheduling:
    found = answer.json()
    return Scheduling(container_id, scheduled_for, found.get("gateStatus"), post_ids(found))
